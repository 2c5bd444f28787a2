"""Commands run in turn, several times each, so that a busy moment hits all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

Command = Sequence[str]


class Measured(NamedTuple):
    """Medians of some runs of one command: wall clock and processor in seconds, the largest process in bytes."""

    seconds: float
    processor: float
    peak: int


class Row(NamedTuple):
    """A line of the table: what was done, by whom against whom, how many times the other's time, and the bar."""

    work: str
    against: str
    ours: str
    theirs: str
    ratio: float
    bar: str


def race(contenders: Mapping[str, Command], rounds: int, before: Callable[[], None]) -> dict[str, Measured]:
    """Run commands in turn, after a call of `before` each.

    Raises:
        SystemExit: a command failed.
    """
    runs: dict[str, list[Measured]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, command in contenders.items():
            before()
            runs[name].append(_run(command))
    return {
        name: Measured(
            statistics.median(run.seconds for run in found),
            statistics.median(run.processor for run in found),
            max(run.peak for run in found),
        )
        for name, found in runs.items()
    }


def python(*arguments: str) -> Command:
    """Name a command of this environment's Python."""
    return [sys.executable, "-W", "ignore", *arguments]


def scrapdb(*arguments: str) -> Command:
    """Name a command of this environment's scrapdb, as it is installed."""
    return [os.path.join(os.path.dirname(sys.executable), "scrapdb"), *arguments]  # noqa: PTH118, PTH120 (as a shell)


def show(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table."""
    head = "| work | against | scrapdb | the other | ratio | bar |\n|---|---|---:|---:|---:|---:|"
    lines = (
        f"| {row.work} | {row.against} | {row.ours} | {row.theirs} | {row.ratio:,.2f} | {row.bar} |" for row in rows
    )
    return "\n".join([head, *lines])


def _run(command: Command) -> Measured:
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 (our own commands)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}.")
    seconds = time.perf_counter() - began
    # Linux counts the peak in kilobytes, macOS in bytes; both give that of the largest process.
    unit = 1 if sys.platform == "darwin" else 1024
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)
