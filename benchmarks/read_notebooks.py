"""How long `read_notebooks` takes, beside scrapbook's on the same files: clones of one really executed notebook.

Both are asked in turn, and the least processor time of each counts. With nothing asked for, scrapdb reads the files and
finds out whether they are notebooks; the last column says how long that takes with no more than `readall` and msgspec.

    python -m benchmarks.read_notebooks [NOTEBOOKS]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

import scrapdb
from benchmarks import corpora
from tests import executed

with warnings.catch_warnings(action="ignore"):  # it is of 2021
    import scrapbook

NOTEBOOKS = 100
ROUNDS = 5
ASKED: dict[str, Callable[[Any], object]] = {
    "nothing": lambda notebook: None,  # noqa: ARG005
    "one value": lambda notebook: notebook.scraps["distance"].data,
    "every value": lambda notebook: [scrap.data for scrap in notebook.scraps.values()],
    "parameters": lambda notebook: notebook.parameters,
}


def main() -> None:
    """Copy, read, print the table."""
    count = int(sys.argv[1]) if sys.argv[1:] else NOTEBOOKS
    print(f"{count} notebooks, microseconds of processor time for each; load {os.getloadavg()[0]:.1f}")
    print(f"{'size':>6}  {'asked for':<11}  {'scrapbook':>9}  {'scrapdb':>7}  {'ratio':>5}  {'floor':>5}")
    for write in (corpora.small, copies, corpora.large):
        with tempfile.TemporaryDirectory() as temporary, warnings.catch_warnings(action="ignore"):
            directory = Path(temporary, "notebooks")
            write(directory, count)
            size = sum(path.stat().st_size for path in directory.iterdir()) / count
            for asked, ask in ASKED.items():
                theirs, ours, least = measured(str(directory), ask)
                numbers = f"{theirs / count:9.0f}  {ours / count:7.0f}  {theirs / ours:4.0f}×  {least / count:5.0f}"
                print(f"{size / 1000:3.0f} kB  {asked:<11}  {numbers}", flush=True)


def copies(directory: Path, count: int) -> None:
    """Write a ticker as it was executed, with a picture and a frame of 1,000 rows, many times."""
    directory.mkdir()
    for number in range(count):
        shutil.copy(executed.tickers() / "BCD.ipynb", directory / f"{number:05}.ipynb")


def measured(directory: str, ask: Callable[[Any], object]) -> list[float]:
    """Give the least times of scrapbook, scrapdb and the floor, in microseconds for all notebooks."""

    def read(read_notebooks: Callable[[str], Any]) -> None:
        asked = [ask(notebook) for notebook in read_notebooks(directory).notebooks]
        del asked

    ways: list[Callable[[], object]] = [
        lambda: read(scrapbook.read_notebooks),
        lambda: read(scrapdb.read_notebooks),
        lambda: checked(directory),
    ]
    rounds = [[timed(way) for way in ways] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def checked(directory: str) -> list[bytes]:
    """Read files and see that each is JSON, as fast as Python can."""
    decoder = msgspec.json.Decoder(msgspec.Raw)
    found = []
    for path in Path(directory).iterdir():
        with path.open("rb", buffering=0) as file:
            found.append(file.readall())
        decoder.decode(found[-1])
    return found


def timed(way: Callable[[], object]) -> float:
    """Give the microseconds of processor time that something takes."""
    began = time.process_time()
    result = way()
    took = time.process_time() - began
    del result
    return took * 1e6


if __name__ == "__main__":
    main()
