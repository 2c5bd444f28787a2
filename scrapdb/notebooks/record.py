"""The record that a runner leaves in a notebook's metadata, as `scrapdb.run`; and notebooks that skip themselves.

A record tells what cells cannot: that a kernel was killed, and why. It may have been written by anybody, and counts
until cells are run again by hand. `scrapdb.skip` shows its reason under a MIME type of its own, and ends the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import fields
from msgspec.structs import replace

from scrapdb.facts import Execution
from scrapdb.facts import Problem
from scrapdb.facts import Status
from scrapdb.notebooks import ipynb
from scrapdb.notebooks import reruns
from scrapdb.notebooks import times
from scrapdb.notebooks.ipynb import Cell
from scrapdb.notebooks.skip import MIME
from scrapdb.notebooks.skip import reason_of
from scrapdb.notebooks.status import exits

VERSION = 1
_TIMES = ("started_at", "ended_at")
_WRONG = (msgspec.ValidationError, UnicodeError)  # the latter of lone surrogates
_FIELDS = {field.name: field.type for field in fields(Execution)}


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
    found = metadata.get("scrapdb")
    if not isinstance(found, dict) or "run" not in found:
        return None, []
    problems: list[Problem] = []
    try:
        record = _typed(found["run"], problems)
    except _NoRecordError as error:
        return None, [*problems, Problem("record", f"The record of the run is left out: {error}.")]
    ended = times.parsed(record.ended_at)
    if reruns.are_after(code, ended) if ended else outdated:
        when = f"{times.iso(ended)}, when the recorded run ended" if ended else "the run that was recorded"
        return None, [*problems, Problem("record", f"Cells were run again after {when}; its record does not count.")]
    return record, problems


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


def _typed(run: Any, problems: list[Problem]) -> Execution:
    """Read what there is of a record, and tell what is left out.

    Raises:
        _NoRecordError: it is none.
    """
    if not isinstance(run, dict):
        raise _NoRecordError("it is no object")
    if run.get("version", VERSION) != VERSION:
        raise _NoRecordError(f"this scrapdb knows its version {VERSION} only")
    parts = {name: run[name] for name in _FIELDS if run.get(name) is not None}
    try:
        record = msgspec.convert(parts, Execution)
    except _WRONG:
        kept = {name: part for name, part in parts.items() if _is_sound(name, part, problems)}
        if "state" not in kept:
            raise _NoRecordError("no state is given that a run can have") from None
        record = msgspec.convert(kept, Execution)
    return replace(record, **{name: _time(record, name, problems) for name in _TIMES})


def _is_sound(name: str, part: Any, problems: list[Problem]) -> bool:
    try:
        msgspec.convert(part, _FIELDS[name])
    except _WRONG as error:
        problems.append(Problem("record", f"The record of the run: {error} ({name}); it is left out."))
        return False
    return True


def _time(record: Execution, name: str, problems: list[Problem]) -> str | None:
    written = getattr(record, name)
    moment = times.parsed(written)
    if written is not None and moment is None:
        problems.append(Problem("record", f"The record of the run: {name} is no time; it is left out."))
    return times.iso(moment)
