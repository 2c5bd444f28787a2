"""Whether a run came to its end, decided from its cells.

A runner's own word is not enough: papermill marks runs whose kernel died, or that timed out, as completed. Which
`SystemExit` ends a run well is papermill's word: `raise_for_execution_errors` in its `execute.py`.
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
_SUCCESS = ("", "0")  # of `sys.exit()` and `sys.exit(0)`; that of `raise SystemExit(None)` is `None`, and an error


def status(cells: Sequence[Cell], papermill: dict[str, Any]) -> Status:
    """Decide the status of a run by its code cells and its notebook's `metadata.papermill`."""
    states = [cell.metadata.papermill.get("status") for cell in cells]
    errors = [
        (index, output)
        for index, cell in enumerate(cells)
        for output in cell.outputs
        if output.output_type == "error" and _MAY_FAIL not in cell.metadata.tags
    ]
    ends = [index for index, output in errors if _is_success(output)]
    if len(errors) > len(ends) or _is_marked_failed(states, ends, papermill):
        return "failed"
    if ("running" in states or "pending" in states) and papermill.get("end_time") is None:
        return "running"
    is_counted = any(cell.execution_count is not None for cell in cells) or not any(cell.outputs for cell in cells)
    needed = cells[: ends[0] + 1] if ends else cells  # a runner stops at an exit
    ran = [_ran(cell, is_counted=is_counted) for cell in needed if is_run(cell)]
    if all(ran):
        return "completed"
    return "partial" if any(ran) else "not run"


def error(cell: Cell) -> Output | None:
    """Find the error that a cell ended with, unless it ended the run well or is tagged as one that may fail."""
    for output in cell.outputs:
        if output.output_type == "error" and _MAY_FAIL not in cell.metadata.tags and not _is_success(output):
            return output
    return None


def exits(cell: Cell) -> bool:
    """Return whether a cell ended the run well, by `SystemExit`."""
    return _MAY_FAIL not in cell.metadata.tags and any(map(_is_success, cell.outputs))


def is_run(cell: Cell) -> bool:
    """Return whether a runner would execute the cell: an empty one never gets an execution count."""
    return _SKIPPED not in cell.metadata.tags and any(map(str.strip, cell.source))


def is_marked(cell: Cell, state: str) -> bool:
    """Return whether papermill left a cell in a state: `pending`, `running`, `completed` or `failed`."""
    return bool(cell.metadata.papermill.get("status") == state)


def has_ended(cell: Cell) -> bool:
    """Return whether it was recorded that the cell came to its end."""
    return not cell.metadata.execution.keys().isdisjoint(_ENDS)


def has_run(cell: Cell) -> bool:
    """Return whether the cell shows that it was executed; its output does, where somebody took the count away."""
    return cell.execution_count is not None or bool(cell.outputs)


def _is_success(output: Output) -> bool:
    return output.ename == "SystemExit" and output.evalue in _SUCCESS


def _is_marked_failed(states: Sequence[Any], exits: Sequence[int], papermill: dict[str, Any]) -> bool:
    """Return whether papermill has seen a failure: it marks a cell that ended the run well in the same way."""
    if exits:
        return "failed" in (state for index, state in enumerate(states) if index not in exits)
    return papermill.get("exception") is True or "failed" in states


def _ran(cell: Cell, *, is_counted: bool) -> bool:
    """Return whether the cell came to its end: one whose kernel died has a count and a start, but nothing after it.

    In a notebook of which somebody has taken away the counts, but not the outputs, a cell without outputs ran as well,
    unless papermill left a mark there that has no start.
    """
    mark = cell.metadata.papermill
    if "iopub.execute_input" in cell.metadata.execution and not has_ended(cell):
        return False
    return has_run(cell) or (not is_counted and not (mark and mark.get("start_time") is None))
