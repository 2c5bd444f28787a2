"""Measure everything, and print one table.

python -m benchmarks [indexing|querying|browsing|reading|running]... [--save docs/performance.md]
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
from benchmarks import indexing
from benchmarks import querying
from benchmarks import reading
from benchmarks import running
from benchmarks.racing import Row
from benchmarks.racing import show
from scrapdb import __file__ as package
from scrapdb import __version__

_BENCHMARKS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "indexing": indexing.measure,
    "reading": reading.measure,
    "running": running.measure,
    "browsing": browsing.measure,
    "querying": querying.measure,
    "querying a million": lambda directory: querying.measure(directory, 1_000_000),
}
_BEGIN, _END = "<!-- table -->\n", "<!-- end of the table -->"


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", choices=[*_BENCHMARKS, []], help="by default all")
    parser.add_argument("--save", type=Path, help="a Markdown file that has a place for the table")
    arguments = parser.parse_args()
    # As pip does when it installs; an editable install may never keep what each start compiles anew.
    compileall.compile_dir(Path(package).parent, quiet=1)
    rows: list[Row] = []
    for name in arguments.names or _BENCHMARKS:
        print(f"{name} ...", flush=True)
        with tempfile.TemporaryDirectory() as directory:
            for row in _BENCHMARKS[name](Path(directory)):
                print(f"  {row.work}, against {row.against}: {row.ratio:.2f} {row.bar}", flush=True)
                rows.append(row)
    report = f"{_machine()}\n\n{show(rows)}\n"
    print(report)
    if arguments.save:
        before, _, rest = arguments.save.read_text().partition(_BEGIN)
        arguments.save.write_text(f"{before}{_BEGIN}\n{report}\n{_END}{rest.partition(_END)[2]}")


def _machine() -> str:
    where = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, scrapdb {__version__}, {where}, SQLite {sqlite3.sqlite_version}."


if __name__ == "__main__":
    main()
