"""How long the runs of the example take: by `scrapdb run`, and by shells that call papermill for each; and reports.

Ours are behind a wall and in a store when they end; theirs are neither.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.racing import Command
from benchmarks.racing import Row
from benchmarks.racing import race
from benchmarks.racing import scrapdb
from tests.executed import EXAMPLE
from tests.executed import TICKERS

SOURCE = EXAMPLE / "source.ipynb"
ROUNDS = 3
BATCH = 200
BUNDLE = EXAMPLE.parent / "voltage"
REPORTS = 50


def measure(directory: Path) -> Iterator[Row]:
    """Run the notebooks in a directory and yield the lines of the table."""

    def empty() -> None:
        for path in directory.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    symbols = TICKERS.split(",")
    papermill = f"{shlex.quote(sys.executable)} -W ignore -m papermill {shlex.quote(str(SOURCE))}"
    one = f"{papermill} {shlex.quote(str(directory))}/$0.ipynb -p symbol $0 --no-progress-bar >/dev/null 2>&1"
    contenders: dict[str, Command] = {
        "scrapdb": _ours(directory, TICKERS),
        "a loop of papermill": ["/bin/sh", "-c", f"for s in {' '.join(symbols)}; do sh -c '{one}' $s || exit; done"],
        "two papermills at a time": [
            "/bin/sh",
            "-c",
            f"printf '%s\\n' {' '.join(symbols)} | xargs -P 2 -n 1 sh -c '{one}'",
        ],
    }
    measured = race(contenders, ROUNDS, empty)
    ours = measured.pop("scrapdb")
    for name, theirs in measured.items():
        bar = "≥ 8" if name == "a loop of papermill" else ""
        yield Row("run 12 tickers", name, f"{ours.seconds:.1f} s", f"{theirs.seconds:.1f} s", theirs.times(ours), bar)
    many = race({"scrapdb": _ours(directory, ",".join(f"S{number}" for number in range(BATCH)))}, 1, empty)["scrapdb"]
    yield Row(
        f"run {BATCH} tickers", "a run a second", f"{many.seconds:.1f} s", f"{BATCH} s", BATCH / many.seconds, "≥ 3"
    )

    many = race({"scrapdb": _reports(directory)}, 1, empty)["scrapdb"]
    limit, times = f"{REPORTS} s", REPORTS / many.seconds
    yield Row(f"make {REPORTS} reports", "a report a second", f"{many.seconds:.1f} s", limit, times, "≥ 1")


def _reports(directory: Path) -> Command:
    """Make reports of the example's week, with a threshold of their own each."""
    thresholds = ",".join(f"{95 + number / 100:g}" for number in range(REPORTS))
    store = ("--db", str(directory / "scraps.db"))
    where = ("-o", str(directory / "reports"), "-p", f"threshold={thresholds}", "-p", "site=north")
    return scrapdb("report", "build", str(BUNDLE), *where, "-q", *store)


def _ours(directory: Path, symbols: str) -> Command:
    store = ("--db", str(directory / "scraps.db"))
    return scrapdb("run", str(SOURCE), "-o", str(directory / "runs"), "-p", f"symbol={symbols}", "-q", *store)
