"""When a run began and ended, from whatever its runner left behind."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from typing import Any
from typing import TypeGuard

from scrapdb.facts import Execution
from scrapdb.notebooks.ipynb import Cell
from scrapdb.notebooks.ipynb import CellMetadata

_LONGEST_SECONDS = 1e12  # thirty thousand years; infinities and NaN are no durations either


def times(
    cells: Sequence[Cell], papermill: dict[str, Any], run: Execution | None = None
) -> tuple[datetime | None, datetime | None, float | None]:
    """Find start, end and duration in seconds of a run.

    papermill's own record of the notebook comes first, then that of our runner, then the first start and the last end
    of its cells as nbclient, JupyterLab, papermill, ExecuteTime or Colab recorded them.
    """
    recorded = (parsed(run.started_at), parsed(run.ended_at)) if run else (None, None)
    started = parsed(papermill.get("start_time")) or recorded[0] or min(_moments(cells, 0), default=None)
    ended = parsed(papermill.get("end_time")) or recorded[1] or max(_moments(cells, 1), default=None)
    seconds = _seconds(papermill.get("duration"))
    if seconds is None and started and ended:
        seconds = (ended - started).total_seconds()
    return started, ended, seconds


def cell_seconds(cell: Cell) -> float | None:
    """Find how long a cell ran, in seconds."""
    seconds = _seconds(cell.metadata.papermill.get("duration"))
    if seconds is not None:
        return seconds
    for _, start, end in _recorded(cell):
        started, ended = parsed(start), parsed(end)
        if started and ended:
            return (ended - started).total_seconds()
    return None


def starts(cell: Cell) -> dict[str, datetime]:
    """Find when a cell began, by runner as `CellMetadata` calls its record; papermill's own is left out."""
    return {runner: moment for runner, start, _ in _recorded_by_others(cell.metadata) if (moment := parsed(start))}


def iso(moment: datetime | None) -> str | None:
    """Write a time in UTC as the store keeps it: of fixed width, so that texts sort as times do."""
    return None if moment is None else f"{moment.isoformat('T', 'microseconds').removesuffix('+00:00')}Z"


def parsed(moment: Any) -> datetime | None:
    """Read an ISO 8601 text, or milliseconds since 1970; times without a zone are UTC, as old papermill wrote them."""
    try:
        if _is_integer(moment):
            return datetime.fromtimestamp(moment / 1000, UTC)
        if not isinstance(moment, str):
            return None
        parsed = datetime.fromisoformat(moment)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _moments(cells: Iterable[Cell], end: int) -> Iterator[datetime]:
    """Return the starts (0) or ends (1) that were recorded in cells."""
    return (moment for cell in cells for _, *pair in _recorded(cell) if (moment := parsed(pair[end])))


def _recorded(cell: Cell) -> Iterator[tuple[str, Any, Any]]:
    papermill = cell.metadata.papermill
    yield "papermill", papermill.get("start_time"), papermill.get("end_time")
    yield from _recorded_by_others(cell.metadata)


def _recorded_by_others(metadata: CellMetadata) -> Iterator[tuple[str, Any, Any]]:
    execution, execute_time = metadata.execution, metadata.execute_time
    yield "execution", execution.get("iopub.execute_input"), execution.get("shell.execute_reply")
    yield "execute_time", execute_time.get("start_time"), execute_time.get("end_time")
    ended, elapsed = metadata.colab.get("timestamp"), metadata.colab.get("elapsed")
    if _is_integer(ended) and _is_integer(elapsed):  # milliseconds; the time stamp is that of the end
        yield "colab", ended - elapsed, ended


def _seconds(duration: Any) -> float | None:
    possible = isinstance(duration, int | float) and not isinstance(duration, bool) and abs(duration) < _LONGEST_SECONDS
    return float(duration) if possible else None


def _is_integer(part: Any) -> TypeGuard[int]:
    return isinstance(part, int) and not isinstance(part, bool)
