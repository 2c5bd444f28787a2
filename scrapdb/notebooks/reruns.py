"""Cells that were run again after papermill's run, by hand or by another runner, which leave its record as it was.

Jupyter and nbclient write when a cell began: papermill's run had ended by then. What papermill recorded of such a cell
is of an earlier run, and where all cells are such, so is its record of the notebook.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from scrapdb.facts import Problem
from scrapdb.notebooks import times
from scrapdb.notebooks.ipynb import Cell
from scrapdb.notebooks.ipynb import CellMetadata
from scrapdb.notebooks.status import error
from scrapdb.notebooks.status import has_ended
from scrapdb.notebooks.status import has_run
from scrapdb.notebooks.status import is_marked
from scrapdb.notebooks.status import is_run

_OF_THE_RUN = frozenset({"start_time", "end_time", "duration", "exception"})


def current(
    code: list[tuple[int, Cell]], papermill: dict[str, Any]
) -> tuple[list[tuple[int, Cell]], dict[str, Any], list[Problem]]:
    """Leave out what papermill recorded of an earlier run.

    Args:
        code: the code cells with their indexes.
        papermill: `metadata.papermill` of the notebook.

    Returns:
        The same without what is outdated, and a problem that says so. If only some cells were run again, the times of
        the run are still papermill's.
    """
    ended = times.parsed(papermill.get("end_time")) or _last_word(code, papermill)
    new = _run_after(code, ended) if ended else {}
    if not new:
        return code, papermill, []
    ran = {index for index, cell in code if is_run(cell) and has_run(cell)}
    if is_whole := ran <= new.keys():
        papermill = {key: part for key, part in papermill.items() if key not in _OF_THE_RUN}
    else:
        is_mended = any(is_marked(cell, "failed") for index, cell in code if index in new)
        papermill = {**papermill, "end_time": times.iso(ended)} | ({"exception": None} if is_mended else {})
    which = "all" if is_whole else f"{len(new)} of {len(ran)}"
    message = (
        f"Cells were run again after {times.iso(ended)}, when the run ended that papermill recorded: {which} of those"
        " that ran. What they say counts, and not its record."
    )
    left = [(index, new.get(index) or (_without(cell, ("papermill",)) if is_whole else cell)) for index, cell in code]
    return left, papermill, [Problem("record", message)]


def are_after(code: Sequence[tuple[int, Cell]], ended: datetime) -> bool:
    """Return whether cells were run again after a run had ended."""
    return bool(_run_after(code, ended))


def _last_word(code: Sequence[tuple[int, Cell]], papermill: dict[str, Any]) -> datetime | None:
    """Find the last moment in the record of a run that has no end; None if papermill may still be at it.

    It is not if somebody has run a cell that it had not come to, or if all cells have ended.
    """
    cells = [cell for _, cell in code] if papermill else []
    if not any(map(_is_ahead, cells)) and not all(has_ended(cell) for cell in cells if is_run(cell)):
        return None
    marks = [papermill, *(cell.metadata.papermill for cell in cells)]
    moments = (times.parsed(mark.get(key)) for mark in marks for key in ("start_time", "end_time"))
    return max(filter(None, moments), default=None)


def _run_after(code: Sequence[tuple[int, Cell]], ended: datetime) -> dict[int, Cell]:
    """Find the cells that began later, by their indexes, without the records of what was before.

    Where no times were recorded, it is those that papermill had not come to, and with them one that has no error now,
    though papermill saw it fail.
    """
    before = str(times.iso(ended))
    new, mended = {}, {}
    for index, cell in code:
        if not _is_surely_before(cell.metadata, before):
            starts = times.starts(cell)
            older = [runner for runner, start in starts.items() if start <= ended]
            if len(starts) > len(older) or _is_ahead(cell):
                new[index] = _without(cell, ["papermill", *older])
            elif not starts and is_marked(cell, "failed") and has_run(cell) and not error(cell):
                mended[index] = _without(cell, ["papermill"])
    return new | mended if any(_is_ahead(cell) for index, cell in code if index in new) else new


def _is_ahead(cell: Cell) -> bool:
    """Return whether a cell has run to which papermill had not come."""
    return is_marked(cell, "pending") and has_run(cell)


def _is_surely_before(metadata: CellMetadata, ended: str) -> bool:
    """Compare as texts what is written in UTC, as most is: parsing all took a tenth of the time of reading."""
    start = metadata.execution.get("iopub.execute_input")
    is_before = isinstance(start, str) and start <= ended and start.endswith("Z")
    return is_before and not metadata.execute_time and not metadata.colab


def _without(cell: Cell, records: Iterable[str]) -> Cell:
    nothing: dict[str, Any] = {record: {} for record in records}
    return replace(cell, metadata=replace(cell.metadata, **nothing))
