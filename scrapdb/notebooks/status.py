"""Whether a run came to its end, decided from its cells.

A runner's own word is not enough: papermill marks runs whose kernel died, or that timed out, as completed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scrapdb.facts import Status
from scrapdb.notebooks.ipynb import Cell
from scrapdb.notebooks.ipynb import Output

_MAY_FAIL = "raises-exception"
_SKIPPED = "skip-execution"
_ENDS = ("iopub.status.idle", "shell.execute_reply")  # what nbclient and JupyterLab record when a cell is done


def status(cells: Sequence[Cell], papermill: dict[str, Any]) -> Status:
    """Decide the status of a run by its code cells and its notebook's `metadata.papermill`."""
    states = [cell.metadata.papermill.get("status") for cell in cells]
    if "failed" in states or papermill.get("exception") is True or any(error(cell) for cell in cells):
        return "failed"
    if ("running" in states or "pending" in states) and papermill.get("end_time") is None:
        return "running"
    ran = [_ran(cell) for cell in cells if is_run(cell)]
    if all(ran):
        return "completed"
    return "partial" if any(ran) else "not run"


def error(cell: Cell) -> Output | None:
    """Find the error that a cell ended with, unless it is tagged as one that may fail."""
    for output in cell.outputs:
        if output.output_type == "error" and _MAY_FAIL not in cell.metadata.tags:
            return output
    return None


def _ran(cell: Cell) -> bool:
    """Return whether the cell came to its end: one whose kernel died has a count and a start, but nothing after it."""
    timing = cell.metadata.execution
    began = "iopub.execute_input" in timing
    return cell.execution_count is not None and (not began or not timing.keys().isdisjoint(_ENDS))


def is_run(cell: Cell) -> bool:
    """Return whether a runner would execute the cell: an empty one never gets an execution count."""
    return _SKIPPED not in cell.metadata.tags and any(map(str.strip, cell.source))
