"""How long pages take in Datasette: the wide table and the gallery of 200,000 runs, a frame of 1,000,000 rows.

The runs are the facts of one really executed ticker with other values, written as an index writes them. Every page is
asked in turn, after one request that does not count. Of the time that passed the median is compared with 100 ms; beside
it stands that of the processor time, which other programs on the machine do not lengthen.
"""

from __future__ import annotations

import asyncio
import io
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pybase64
from datasette.app import Datasette
from datasette.version import __version__

from benchmarks.racing import Row
from scrapdb.cli.hosting import SETTINGS
from scrapdb.facts import Decoded
from scrapdb.facts import Facts
from scrapdb.facts import Found
from scrapdb.facts import Glued
from scrapdb.facts import Place
from scrapdb.notebooks import read
from scrapdb.notebooks.decode import decoded
from scrapdb.store.rows import File
from scrapdb.store.rows import Rows
from scrapdb.store.rows import rows
from scrapdb.store.upkeep import optimize
from scrapdb.store.write import Writer
from tests import executed

RUNS = 200_000
FRAME_ROWS = 1_000_000
BAR = 100  # milliseconds
ROUNDS = 9
# They look at every run.
WITHOUT_BAR = ("plot", "query: latest completed", "query: largest scraps", "query: slowest cells")
BATCH = 2_000
EXTRA = 3  # more numbers a run, for a table of twenty columns


def pages(digest: str) -> dict[str, str]:
    """Return the address of each page by its name."""
    frame = f"/-/scrapdb/scraps/frame?hash={digest}"
    return {
        "overview": "/-/scrapdb/scraps/overview",
        "runs, plain": "/scraps/runs",
        "runs, filtered: distance < 0.1": "/scraps/runs?distance__lt=0.1",
        "runs, by expression: distance < 0.001": "/scraps/runs?_scrap=distance+<+0.001",
        "runs, sorted by start (indexed)": "/scraps/runs?_sort=nb_started_at",
        "runs, sorted by distance (indexed)": "/scraps/runs?_sort=distance",
        "runs, filtered and sorted": "/scraps/runs?distance__lt=0.1&_sort=distance",
        "gallery": "/-/scrapdb/scraps/gallery?scrap=chart",
        "gallery, distance < 0.1, sorted": "/-/scrapdb/scraps/gallery?scrap=chart&where=distance+<+0.1&sort=distance",
        "frame, first page": frame,
        "frame, row 500,000": f"{frame}&_offset=500000",
        "frame, row 999,900": f"{frame}&_offset=999900",
        "notebook": "/-/scrapdb/scraps/notebook?path=tickers/000100.ipynb",
        "compare": "/-/scrapdb/scraps/compare?path=tickers/000100.ipynb&path=tickers/000101.ipynb",
        "plot": "/-/scrapdb/scraps/plot?x=distance&y=s1",
        "query: latest completed": "/scraps/latest_completed",
        "query: largest scraps": "/scraps/largest_scraps",
        "query: slowest cells": "/scraps/slowest_cells",
    }


def measure(directory: Path) -> Iterator[Row]:
    """Make the store in a directory, ask for the pages, and yield the lines of the table."""
    store = directory / "scraps.db"
    digest = fill(store, RUNS)
    for name, (passed, used) in asyncio.run(ask(store, pages(digest))).items():
        bar = f"≤ 1 ({BAR} ms)" if name not in WITHOUT_BAR else ""
        ours = f"{passed:.0f} ms, processor {used:.0f} ms"
        yield Row(f"page of {RUNS:,} runs: {name}", f"Datasette {__version__}", ours, "", passed / BAR, bar)


async def ask(store: Path, addresses: dict[str, str]) -> dict[str, tuple[float, float]]:
    """Find how long each page takes, in milliseconds that pass and of the processor."""
    datasette = Datasette([str(store)], settings=dict(SETTINGS))
    milliseconds = {}
    for name, address in addresses.items():
        times, used = [], []
        for _ in range(ROUNDS + 1):
            began, used_before = time.perf_counter(), time.process_time()
            response = await datasette.client.get(address)
            times.append((time.perf_counter() - began) * 1000)
            used.append((time.process_time() - used_before) * 1000)
            if response.status_code != 200:
                sys.exit(f"{address}: status {response.status_code}")
        milliseconds[name] = (statistics.median(times[1:]), statistics.median(used[1:]))
    return milliseconds


def fill(store: Path, count: int) -> str:
    """Write the runs, and one with the large frame; return the hash of that."""
    ticker = read.read(str(executed.tickers() / "BCD.ipynb")).facts
    if ticker is None:
        raise ValueError("the ticker cannot be read")
    random.seed(1)
    with Writer(store) as writer:
        batch: list[Rows] = []
        for run in runs(ticker, count):
            batch.append(run)
            if len(batch) == BATCH:
                writer.write(batch)
                batch = []
        large = with_scraps(ticker, [glued("large", frame_payload(), "pandas")])
        last = rows(File("large.ipynb"), large)
        writer.write([*batch, last])
        optimize(writer)
    return str(last.frames[-1][4])


def runs(ticker: Facts, count: int) -> Iterator[Rows]:
    """Yield runs that differ in their numbers and their start."""
    for number in range(count):
        values: dict[str, Any] = {f"s{index}": random.random() for index in range(EXTRA)}  # noqa: S311
        values["distance"] = random.random()  # noqa: S311
        scraps = [glued(name, value, "json") for name, value in values.items()]
        started = f"2026-{1 + number % 12:02}-{1 + number % 28:02}T{number % 24:02}:00:{number % 60:02}.000000Z"
        facts = msgspec.structs.replace(with_scraps(ticker, scraps), started_at=started)
        yield rows(File(f"tickers/{number:06}.ipynb", size=1, mtime_ns=number), facts)


def with_scraps(found: Facts, scraps: list[Decoded]) -> Facts:
    """Put scraps in the place of those of the same names."""
    names = {scrap.name for scrap in scraps}
    kept = [scrap for scrap in found.scraps if scrap.name not in names]
    return msgspec.structs.replace(found, scraps=(*kept, *scraps))


def glued(name: str, data: Any, encoder: str) -> Decoded:
    """Make a scrap."""
    return decoded(Found(Glued(name, encoder, data), Place(0, 0)))


def frame_payload() -> str:
    """Make the payload of a DataFrame with a million rows."""
    random_numbers = np.random.default_rng(1)
    frame = pd.DataFrame({f"c{index}": random_numbers.random(FRAME_ROWS) for index in range(4)})
    frame["text"] = random_numbers.choice(["alpha", "beta", "gamma"], FRAME_ROWS)
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return pybase64.b64encode(buffer.getvalue()).decode()
