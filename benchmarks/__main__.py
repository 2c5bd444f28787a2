"""Measure everything, and print a table of each benchmark.

python -m benchmarks [indexing|keeping|committed|reading|running|browsing|querying|million]... [--save FILE.md]
"""

from __future__ import annotations

import argparse
import compileall
import platform
import sqlite3
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from datetime import UTC
from datetime import datetime
from pathlib import Path

from benchmarks import browsing
from benchmarks import committed
from benchmarks import indexing
from benchmarks import keeping
from benchmarks import querying
from benchmarks import reading
from benchmarks import running
from benchmarks.racing import Row
from benchmarks.racing import show
from scrapdb import __file__ as package
from scrapdb import __version__

_BENCHMARKS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "indexing": indexing.measure,
    "keeping": keeping.measure,
    "reading": reading.measure,
    "running": running.measure,
    "browsing": browsing.measure,
    "querying": querying.measure,
    "committed": committed.measure,
    "million": lambda directory: querying.measure(directory, 1_000_000),
}
_ALONE = "million"  # is run only when it is named


def main() -> None:
    """Run the benchmarks that are named, or all but the longest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", choices=[*_BENCHMARKS, []], help=f"by default all but {_ALONE}")
    parser.add_argument("--save", type=Path, help="a Markdown file that has places for the tables")
    arguments = parser.parse_args()
    # As pip does when it installs; an editable install may never keep what each start compiles anew.
    compileall.compile_dir(Path(package).parent, quiet=1)
    for name in arguments.names or [name for name in _BENCHMARKS if name != _ALONE]:
        print(f"{name} ...", flush=True)
        rows: list[Row] = []
        with tempfile.TemporaryDirectory() as directory:
            for row in _BENCHMARKS[name](Path(directory)):
                print(f"  {row.work}, against {row.against}: {row.ratio:.2f} {row.bar}", flush=True)
                rows.append(row)
        report = f"{_machine()}\n\n{show(rows)}\n"
        print(report)
        if arguments.save:
            _save(arguments.save, name, report)


def _save(file: Path, name: str, report: str) -> None:
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = file.read_text().partition(begin)
    file.write_text(f"{before}{begin}\n{report}\n{end}{rest.partition(end)[2]}")


def _machine() -> str:
    where = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, scrapdb {__version__}, {where}, SQLite {sqlite3.sqlite_version}."


if __name__ == "__main__":
    main()
