"""Commands run in turn, several times each, so that a busy moment hits all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

Command = Sequence[str]


class Measured(NamedTuple):
    """Some runs of one command: wall clock and processor time of each in seconds, and the largest process in bytes."""

    each: tuple[float, ...]
    processor: tuple[float, ...]
    peak: int

    def of_processor(self) -> Measured:
        """Take the processor's time for the time, since others on the machine do not lengthen it."""
        return Measured(self.processor, self.processor, self.peak)

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(self.each)

    def times(self, other: Measured) -> float:
        """Return how many times the other's seconds it took: the median of rounds, as machines change their speed."""
        return statistics.median(own / its for own, its in zip(self.each, other.each, strict=True))


class Row(NamedTuple):
    """A line of the table: what was done, by whom against whom, how many times the other's time, and the bar.

    Besides it tells how long others took.
    """

    work: str
    against: str
    ours: str
    theirs: str
    ratio: float
    bar: str
    beside: str = ""


def race(contenders: Mapping[str, Command], rounds: int, before: Callable[[], None]) -> dict[str, Measured]:
    """Run commands in turn, after a call of `before` each.

    Raises:
        SystemExit: a command failed.
    """
    runs: dict[str, list[tuple[float, float, int]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, command in contenders.items():
            before()
            runs[name].append(_run(command))
    columns = {name: list(zip(*of_one, strict=True)) for name, of_one in runs.items()}
    return {name: Measured(seconds, processor, max(peaks)) for name, (seconds, processor, peaks) in columns.items()}


def python(*arguments: str) -> Command:
    """Return a command of this environment's Python."""
    return [sys.executable, "-W", "ignore", *arguments]


def scrapdb(*arguments: str) -> Command:
    """Return a command of this environment's scrapdb, as it is installed."""
    return [os.path.join(os.path.dirname(sys.executable), "scrapdb"), *arguments]  # noqa: PTH118, PTH120 (as a shell)


def show(rows: Sequence[Row]) -> str:
    """Write rows as a Markdown table."""
    head = "| work | against | scrapdb | the other | ratio | bar |"
    lines = [
        f"| {row.work} | {row.against} | {row.ours} | {row.theirs} | {row.ratio:,.2f} | {row.bar} |" for row in rows
    ]
    table = [head, "|---|---|---:|---:|---:|---:|", *lines]
    if any(row.beside for row in rows):
        beside = ["beside", "---", *(row.beside for row in rows)]
        table = [f"{line} {text} |" for line, text in zip(table, beside, strict=True)]
    return "\n".join(table)


def _run(command: Command) -> tuple[float, float, int]:
    between = [sys.executable, "-I", "-S", str(Path(__file__).with_name("measured.py"))]
    run = subprocess.run([*between, *command], stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603 (our own)
    if run.returncode:
        sys.exit(run.returncode)
    seconds, processor, peak = run.stdout.split()
    return float(seconds), float(processor), int(peak)
