"""Indexing with processes: in parallel, at the same time, killed in the middle, and read meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.index import Task
from scrapdb.index import _pool
from scrapdb.index import index
from scrapdb.notebooks.scan import Candidate
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.store_contents import check
from tests.store_contents import contents
from tests.store_contents import query

NOTEBOOKS = 700  # more than are written at once


def indexing(store: Path, root: Path, workers: int = 1) -> list[str]:
    code = f"from pathlib import Path\nfrom scrapdb.index import index\nindex(Path({str(store)!r}), [{str(root)!r}], "
    return [sys.executable, "-c", f"{code}workers={workers})"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tickers: Path) -> Path:
    """A directory of notebooks, small ones and some with pictures and frames, some that cannot be read."""
    root = tmp_path_factory.mktemp("processes") / "tree"
    for number in range(NOTEBOOKS):
        values = {"x": number, "y": str(number), f"only{number % 7}": [number], "z": number if number % 2 else "text"}
        write(root / f"{number % 10}" / f"{number}.ipynb", gluing(**values) if number % 50 else b"{}")
    for ticker in tickers.iterdir():
        shutil.copy2(ticker, root)
    return root


def store_in(root: Path, name: str) -> Path:
    store = root.parent / f"{name}.db"
    shutil.rmtree(f"{store}-frames", ignore_errors=True)
    for path in root.parent.glob(f"{store.name}*"):
        path.unlink()
    return store


def count(store: Path) -> int:
    """How many notebooks are in a store that may not have been made yet."""
    try:
        return int(query(store, "SELECT count(*) FROM notebooks")[0][0])
    except sqlite3.OperationalError:
        return 0


def test_parallel_is_serial(root: Path) -> None:
    serial, parallel = store_in(root, "serial"), store_in(root, "parallel")
    one = index(serial, [str(root)], workers=1)
    two = index(parallel, [str(root)], workers=2)
    assert (one.added, one.failed) == (two.added, two.failed) == (NOTEBOOKS + 12 - 14, 14)
    assert contents(serial) == contents(parallel)
    check(parallel)


def test_killed_indexers_leave_a_whole_store_and_the_next_completes_it(root: Path) -> None:
    undisturbed, killed = store_in(root, "undisturbed"), store_in(root, "killed")
    index(undisturbed, [str(root)], workers=1)
    left = []
    for enough in (1, 600):
        with subprocess.Popen(indexing(killed, root)) as process:
            while process.poll() is None and count(killed) < enough:
                time.sleep(0.002)
            process.kill()
        check(killed)
        left.append(count(killed))
    assert left[0] > 0  # how many more, and whether the kill came before the end, is up to the machine
    index(killed, [str(root)], workers=1)
    assert contents(killed) == contents(undisturbed)
    check(killed)


ENDLESS = """
import os, time
from pathlib import Path
from scrapdb import index

def read(*_):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)

index._read = read
index.index(Path({store!r}), [{root!r}], workers=2)
"""


def test_the_workers_of_a_killed_indexer_end(root: Path) -> None:
    store = store_in(root, "orphans")
    endless = root.parent / "endless.py"
    endless.write_text(ENDLESS.format(store=str(store), root=str(root)))
    with subprocess.Popen([sys.executable, str(endless)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            workers = [int(process.stdout.readline()) for _ in range(2)]
            assert all(alive(worker) for worker in workers)
        finally:
            process.kill()
    deadline = time.monotonic() + 10
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < deadline, workers
        time.sleep(0.05)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_indexers_at_once_from_nothing(root: Path) -> None:
    alone, shared = store_in(root, "alone"), store_in(root, "shared")
    index(alone, [str(root)], workers=1)
    processes = [subprocess.Popen(indexing(shared, root)) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert contents(shared) == contents(alone)
    check(shared)


def test_a_reader_sees_whole_notebooks_only(root: Path) -> None:
    store = store_in(root, "read")
    index(store, [str(root / "0")], workers=1)
    with subprocess.Popen(indexing(store, root)) as process, closing(sqlite3.connect(store)) as connection:
        seen = set()
        while process.poll() is None:
            connection.execute("BEGIN")
            (notebooks,) = connection.execute("SELECT count(*) FROM notebooks").fetchone()
            (shown,) = connection.execute("SELECT count(*) FROM runs").fetchone()
            (bare,) = connection.execute(
                """SELECT count(*) FROM notebooks WHERE status <> 'unreadable'
                    AND NOT EXISTS (SELECT 1 FROM scraps WHERE notebook_id = notebooks.id)"""
            ).fetchone()
            (counted,) = connection.execute("SELECT total(scraps) FROM names").fetchone()
            (scraps,) = connection.execute("SELECT count(*) FROM scraps").fetchone()
            connection.rollback()
            assert (shown, bare, counted) == (notebooks, 0, scraps)
            seen.add(notebooks)
    assert process.returncode == 0
    assert query(store, "SELECT count(*) FROM notebooks") == [(NOTEBOOKS + 12,)]
    assert len(seen) >= 2


def test_an_interrupted_index_can_go_on(root: Path) -> None:
    store = store_in(root, "interrupted")
    with subprocess.Popen(indexing(store, root, workers=2), stderr=subprocess.DEVNULL) as process:
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
    index(store, [str(root)], workers=1)
    check(store)
    assert query(store, "SELECT count(*) FROM notebooks") == [(NOTEBOOKS + 12,)]


def kill_a_worker() -> None:
    task = Task(Candidate("a.ipynb", "a.ipynb", 1, 1), None)
    with _pool([task] * NOTEBOOKS, 2) as pool:
        assert pool is not None
        pool.submit(os._exit, 1).result()


def test_a_killed_worker_is_told() -> None:
    with pytest.raises(ScrapdbError, match="was killed"):
        kill_a_worker()
