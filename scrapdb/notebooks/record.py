"""The records in a notebook's metadata, `scrapdb.run` and `scrapdb.report`; and notebooks that skip themselves.

A record tells what cells cannot: that a kernel was killed, and why. It may have been written by anybody; that of a run
counts until cells are run again by hand, that of a report stays, as its page does. `scrapdb.skip` shows its reason
under a MIME type of its own, and ends the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import TypeVar

import msgspec
from msgspec.structs import fields
from msgspec.structs import replace

from scrapdb.facts import Execution
from scrapdb.facts import Problem
from scrapdb.facts import Report
from scrapdb.facts import Status
from scrapdb.notebooks import ipynb
from scrapdb.notebooks import reruns
from scrapdb.notebooks import times
from scrapdb.notebooks.ipynb import Cell
from scrapdb.notebooks.skip import MIME
from scrapdb.notebooks.skip import reason_of
from scrapdb.notebooks.status import exits

VERSION = 1
_TIMES = frozenset({"started_at", "ended_at", "made_at"})
_WRONG = (msgspec.ValidationError, UnicodeError)  # the latter of lone surrogates
_Record = TypeVar("_Record", Execution, Report)


class _NoRecordError(Exception):
    """What stands in the place of a record is none."""


def read(
    metadata: dict[str, Any], code: Sequence[tuple[int, Cell]], *, outdated: bool
) -> tuple[Execution | None, list[Problem]]:
    """Read the record of a notebook; None if it has none, or none that counts.

    Args:
        metadata: of the notebook.
        code: the code cells with their indexes.
        outdated: whether cells were run again after the run that papermill recorded.
    """
    record, problems = _recorded(metadata, "run", Execution)
    if record is None:
        return None, problems
    ended = times.parsed(record.ended_at)
    if reruns.are_after(code, ended) if ended else outdated:
        when = f"{times.iso(ended)}, when the recorded run ended" if ended else "the run that was recorded"
        return None, [*problems, Problem("record", f"Cells were run again after {when}; its record does not count.")]
    return record, problems


def read_report(metadata: dict[str, Any]) -> tuple[Report | None, list[Problem]]:
    """Read the record of the report that was made of a notebook; None if there is none."""
    return _recorded(metadata, "report", Report)


def skipped(code: Sequence[tuple[int, Cell]]) -> Execution | None:
    """Make the record of a notebook that skipped itself; None if it did not."""
    for index, cell in code:
        for output in cell.outputs:
            if MIME in output.data and exits(cell):
                return Execution(state="skipped", reason=reason_of(ipynb.value(output.data[MIME])), cell=index)
    return None


def agreed(record: Execution | None, skipping: Execution | None, status: Status) -> tuple[Execution | None, Status]:
    """Agree on the status of a run: the record knows best, but of one that says it was completed and skipped itself.

    Args:
        record: its record, if it counts.
        skipping: what `skipped` made.
        status: as its cells have it.
    """
    if skipping and (record.state == "completed" if record else status not in ("failed", "running")):
        record = replace(record, state="skipped", reason=skipping.reason, cell=skipping.cell) if record else skipping
    return record, record.state if record else status


def _recorded(metadata: dict[str, Any], what: str, kind: type[_Record]) -> tuple[_Record | None, list[Problem]]:
    found = metadata.get("scrapdb")
    if not isinstance(found, dict) or what not in found:
        return None, []
    problems: list[Problem] = []
    try:
        return _typed(found[what], what, kind, problems), problems
    except _NoRecordError as error:
        return None, [*problems, Problem("record", f"The record of the {what} is left out: {error}.")]


def _typed(written: Any, what: str, kind: type[_Record], problems: list[Problem]) -> _Record:
    """Read what there is of a record, and tell what is left out.

    Raises:
        _NoRecordError: it is none.
    """
    if not isinstance(written, dict):
        raise _NoRecordError("it is no object")
    if written.get("version", VERSION) != VERSION:
        raise _NoRecordError(f"this scrapdb knows its version {VERSION} only")
    types = {field.name: field.type for field in fields(kind)}
    parts = {name: written[name] for name in types if written.get(name) is not None}
    try:
        record = msgspec.convert(parts, kind)
    except _WRONG:
        kept = {name: part for name, part in parts.items() if _is_sound(what, name, part, types[name], problems)}
        if missing := next((field.name for field in fields(kind) if field.required and field.name not in kept), None):
            raise _NoRecordError(f"no {missing} is given that a {what} can have") from None
        record = msgspec.convert(kept, kind)
    return replace(record, **{name: _time(record, name, what, problems) for name in types if name in _TIMES})


def _is_sound(what: str, name: str, part: Any, type_: Any, problems: list[Problem]) -> bool:
    try:
        msgspec.convert(part, type_)
    except _WRONG as error:
        problems.append(Problem("record", f"The record of the {what}: {error} ({name}); it is left out."))
        return False
    return True


def _time(record: Execution | Report, name: str, what: str, problems: list[Problem]) -> str | None:
    written = getattr(record, name)
    moment = times.parsed(written)
    if written is not None and moment is None:
        problems.append(Problem("record", f"The record of the {what}: {name} is no time; it is left out."))
    return times.iso(moment)
