"""Runs whose runner is gone: killed, or switched off with its machine. The next one finds them out, and says so."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.files.paths import located
from scrapdb.files.remote import is_url
from scrapdb.files.replace import replace
from scrapdb.running.batches.attempts import now
from scrapdb.running.batches.lock import is_held
from scrapdb.running.kernels import objects
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt

_BEGUN = "its runner was gone before it ended"
_WAITING = "its runner was gone before it began"


def sweep(executions: Executions, own: str) -> tuple[list[str], set[str]]:
    """Find what gone runners have left, and write how it ended: in the table, and in half-made outputs.

    Args:
        executions: the table.
        own: the lock that this process holds, and another one held before.

    Returns:
        Their outputs, to be indexed; and the notebooks, by their paths in the store, at which other runners are.
    """
    left, busy = [], set()
    for attempt in executions.unfinished():
        if attempt.runner and attempt.runner != own and is_held(attempt.runner):
            busy.add(attempt.notebook)
            continue
        reason = _WAITING if attempt.started_at is None else _BEGUN
        ending: dict[str, Any] = {"state": "lost", "reason": reason, "ended_at": now()}
        output = _output(attempt, executions.path)
        # What left a record in its output has begun, even if its runner was killed before it said so in the table.
        record = settled(output, attempt.id, ending | {"reason": _BEGUN}) if output else None
        if output and record:
            left.append(output)
            ending = {key: record.get(key) for key in ending}
        executions.change(attempt.id, ending.pop("state"), **ending)
    return left, busy


def _output(attempt: Attempt, store: Path) -> str | None:
    if is_url(attempt.notebook):
        return attempt.notebook
    return located(attempt.notebook, None, os.path.realpath(store.parent))


def settled(file: str, id_: str, ending: dict[str, Any]) -> dict[str, Any] | None:
    """Return the record in the output of an attempt, at a path or URL; this ending now stands in it if it had none.

    So it does in the record of its report, of which the pages may not have been made when the run was over; what is
    returned is how that ended. None if there is no such output, or only half of it.
    """
    with suppress(OSError, ValueError, RecursionError, ScrapdbError):
        before = objects.got(file) if is_url(file) else Path(file).read_bytes()
        notebook = json.loads(before)
        record, report = _record(notebook, "run"), _record(notebook, "report")
        if record.get("id") == id_ and "running" in (record.get("state"), report.get("state")):
            made = {key: ending[key] for key in ("state", "reason")} if report.get("state") == "running" else {}
            report |= made
            if record.get("state") == "running":
                record |= ending
            after = json.dumps(notebook, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
            if is_url(file):
                objects.put(file, after)
            else:
                replace(file, before, after)
            record = record | made
        return record if record.get("id") == id_ else None
    return None


def _record(notebook: Any, of: str) -> dict[str, Any]:
    """Return the record of a run or report in a notebook; an empty one if it has none."""
    part = notebook
    for key in ("metadata", "scrapdb", of):
        part = part.get(key) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}
