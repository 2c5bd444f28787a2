"""The record of a run for people: how it ended, which wall held, what it used, and what was kept."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from scrapdb.formats.values import short
from scrapdb.formats.values import size
from scrapdb.store.readers.executions import Attempt

_KILO = 1024  # of memory and disk, as who sets a limit means it
_OF_BYTES = frozenset({"memory", "disk", "cell_output", "output"})
_OF_SECONDS = frozenset({"cpu", "timeout", "cell_timeout", "start_timeout", "grace"})


def lines(record: Mapping[str, Any], error: str | None) -> Iterator[tuple[str, str]]:
    """Yield what a record tells beside its state, and the `error` that ended a failed run, as labels and texts."""
    if record["reason"] and not (error and record["state"] == "failed"):
        yield "reason", short(record["reason"])
    if record["wall"]:
        yield "wall", f"{short(record['wall'])}{', warm' if record['warm'] else ''}"
    if record["limits"]:
        yield "limits", ", ".join(_limit(name, limit) for name, limit in record["limits"].items())
    if record["peak_memory"] is not None:
        yield "memory", f"{size(record['peak_memory'], _KILO)} at most"
    if record["cpu_seconds"] is not None:
        yield "processor", f"{short(record['cpu_seconds'])} seconds"
    if record["signal"] or record["exit_code"] is not None:
        yield "kernel end", short(record["signal"] or f"exit code {record['exit_code']}")
    if record["attempt"] is not None or record["host"]:
        number = f"{record['attempt']}" if record["attempt"] is not None else "one"
        yield "attempt", f"{number} on {short(record['host'])}" if record["host"] else number
    for file in record["files"]:
        yield "kept file", f"{short(file['path'])} ({size(file['bytes'])})"
    for warning in record["warnings"]:
        yield "warning", short(warning)


def progress(attempt: Attempt) -> str:
    """Say how far an attempt has come: `cell 3 of 8, 12 seconds expected`."""
    parts = []
    if attempt.state == "running" and attempt.cell and attempt.cells:
        parts.append(f"cell {attempt.cell} of {attempt.cells}")
    if attempt.attempt > 1:
        parts.append(f"attempt {attempt.attempt}")
    if attempt.expected_seconds is not None:
        parts.append(f"{short(attempt.expected_seconds)} seconds expected")
    return ", ".join(parts)


def _limit(name: str, limit: Any) -> str:
    words = short(name).replace("_", " ")
    if isinstance(limit, bool) or not isinstance(limit, int | float):
        return f"{words} {short(limit)}"
    if name in _OF_BYTES:
        return f"{words} {size(limit, _KILO)}"
    return f"{words} {short(limit)} seconds" if name in _OF_SECONDS else f"{words} {short(limit)}"
