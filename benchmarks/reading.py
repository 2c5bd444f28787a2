"""How long `read_notebooks` takes, beside scrapbook's on the same files: clones of one really executed notebook.

Both are asked in turn, and the least processor time of each counts. scrapbook reads every file at once, whatever is
asked, and all of that counts; scrapdb lists the directory, and reads a notebook when it is come to. With nothing asked
for, that is the list alone. With its name asked for, scrapdb reads each file and finds out whether it is a notebook,
which is compared with `readall` and msgspec's look at the JSON, too.
"""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

import scrapdb
from benchmarks import corpora
from benchmarks.racing import Row
from tests import executed

with warnings.catch_warnings(action="ignore"):  # it is of 2021
    import scrapbook

NOTEBOOKS = 100
ROUNDS = 5
NAMES = "each one's name"
QUESTIONS: dict[str, Callable[[Any], object]] = {
    "nothing": lambda book: None,  # noqa: ARG005
    NAMES: lambda book: [notebook.filename for notebook in book.notebooks],
    "one value": lambda book: [notebook.scraps["distance"].data for notebook in book.notebooks],
    "every value": lambda book: [scrap.data for notebook in book.notebooks for scrap in notebook.scraps.values()],
    "parameters": lambda book: [notebook.parameters for notebook in book.notebooks],
}


def measure(directory: Path) -> Iterator[Row]:
    """Make the notebooks in a directory and yield the lines of the table."""
    for name, write in (("small", corpora.small), ("executed", copies), ("large", corpora.large)):
        files = directory / name
        write(files, NOTEBOOKS)
        for question, ask in QUESTIONS.items():
            theirs, ours, floor = (time / NOTEBOOKS for time in measured(str(files), ask))
            work = f"read_notebooks, {name}, asked for {question}"
            bar = "≥ 30" if question in {"nothing", NAMES, "one value"} else ""
            yield Row(work, "scrapbook (processor)", f"{ours:.1f} µs", f"{theirs:.0f} µs", theirs / ours, bar)
            if question == NAMES:
                yield Row(work, "reading and syntax", f"{ours:.0f} µs", f"{floor:.0f} µs", ours / floor, "")


def copies(directory: Path, count: int) -> None:
    """Write a ticker as it was executed, with a picture and a frame of 1,000 rows, many times."""
    directory.mkdir()
    for number in range(count):
        shutil.copy(executed.tickers() / "BCD.ipynb", directory / f"{number:05}.ipynb")


def measured(directory: str, ask: Callable[[Any], object]) -> list[float]:
    """Return the least times of scrapbook, scrapdb and the floor, in microseconds for all notebooks."""

    def read(read_notebooks: Callable[[str], Any]) -> None:
        book = read_notebooks(directory)
        answer = ask(book)  # and the book is there until all have been asked
        del answer, book

    ways: list[Callable[[], object]] = [
        lambda: read(scrapbook.read_notebooks),
        lambda: read(scrapdb.read_notebooks),
        lambda: checked(directory),
    ]
    rounds = [[timed(way) for way in ways] for _ in range(ROUNDS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def checked(directory: str) -> None:
    """Read files and see that each is JSON, as fast as Python can."""
    decoder = msgspec.json.Decoder(msgspec.Raw)
    for path in Path(directory).iterdir():
        with path.open("rb", buffering=0) as file:
            decoder.decode(file.readall())


def timed(way: Callable[[], object]) -> float:
    """Return the microseconds of processor time that something takes."""
    began = time.process_time()
    result = way()
    took = time.process_time() - began
    del result
    return took * 1e6
