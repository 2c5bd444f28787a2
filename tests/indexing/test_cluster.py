"""Reading on a real cluster of this machine: a scheduler and two worker processes, some of which are killed."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.indexing.cluster import connected
from scrapdb.indexing.loop import index
from tests.clusters import running_scheduler
from tests.clusters import worker
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.stores import check
from tests.stores import contents
from tests.stores import query

NOTEBOOKS = 300
WAITING = 60  # seconds until something that never happens is given up
WITHOUT = "import sys; sys.modules['scrapdb'] = None\n"
OTHER = "import scrapdb.indexing.cluster; scrapdb.indexing.cluster.installed = lambda: '0.0.1'\n"
# A worker that ends when it reads a certain notebook for the first time on this machine, or each time.
DYING = """
import os, pathlib
from scrapdb.notebooks import read
whole = read.read_facts
def facts(content):
    mark = pathlib.Path({mark!r})
    if b"deadly" in content and ({always} or not mark.exists()):
        mark.touch()
        os._exit(1)
    return whole(content)
read.read_facts = facts
"""


# A worker that reads slowly enough to be killed in the middle.
SLOW = """
import time
from scrapdb.notebooks import read
whole = read.read_facts
def facts(content):
    time.sleep(0.01)
    return whole(content)
read.read_facts = facts
"""
INDEX = """
import sys
from pathlib import Path
from scrapdb import errors
from scrapdb.indexing import cluster, loop, workers

cluster._SECONDS = cluster._DESERTED_SECONDS = workers._LOOK_SECONDS = 1
loop._BATCH_SECONDS = 0.1
if __name__ == "__main__":
    try:
        loop.index(Path(sys.argv[1]), [sys.argv[2]], scheduler=sys.argv[3])
    except errors.ScrapdbError as error:
        print(error)
"""


@pytest.fixture
def scheduler() -> Iterator[str]:
    with running_scheduler() as address:
        yield address


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cluster").resolve() / "tree"
    for number in range(NOTEBOOKS):
        write(root / f"{number}.ipynb", gluing(x=number, text="deadly" if number == 7 else "harmless"))
    return root


@pytest.fixture
def store(root: Path, tmp_path: Path) -> Path:
    return root.parent / f"{tmp_path.name}.db"


def test_two_workers_read_what_one_process_reads(root: Path, scheduler: str, store: Path) -> None:
    index(root.parent / "alone.db", [str(root)], workers=1)
    with worker(scheduler), worker(scheduler):
        found = index(store, [str(root)], scheduler=scheduler)
        assert (found.added, found.failed) == (NOTEBOOKS, 0)
        assert index(store, [str(root)], scheduler=scheduler).unchanged == NOTEBOOKS
    check(store)
    assert contents(store) == contents(root.parent / "alone.db")


def test_what_a_lost_worker_had_is_read_by_another(root: Path, scheduler: str, store: Path, tmp_path: Path) -> None:
    dying = DYING.format(mark=str(tmp_path / "died"), always=False)
    with worker(scheduler, dying), worker(scheduler, dying):
        assert index(store, [str(root)], scheduler=scheduler).added == NOTEBOOKS
    assert (tmp_path / "died").exists()
    check(store)
    assert query(store, "SELECT sum(x) FROM runs") == [(sum(range(NOTEBOOKS)),)]


def test_a_result_that_is_spoilt_while_it_is_handed_on_is_a_lost_one(scheduler: str) -> None:
    with worker(scheduler), connected(scheduler, None) as cluster:
        spoilt = cluster.submit(int, "what distributed makes of the result of a worker that is lost just then")
        with pytest.raises(BrokenExecutor, match="invalid literal"):
            spoilt.result(timeout=WAITING)
        assert cluster.submit(int, "7").result(timeout=WAITING) == 7


def count(store: Path) -> int:
    """How many notebooks are in a store that may not have been made yet."""
    try:
        return int(query(store, "SELECT count(*) FROM notebooks")[0][0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.parametrize("gone", ["workers", "scheduler"])
def test_a_cluster_that_is_gone_ends_the_index_and_keeps_what_was_read(
    root: Path, store: Path, tmp_path: Path, gone: str
) -> None:
    script = tmp_path / "index.py"
    script.write_text(INDEX)
    with ExitStack() as workers, ExitStack() as scheduler:
        address = scheduler.enter_context(running_scheduler())
        for _ in range(2):
            workers.enter_context(worker(address, SLOW))
        command = [sys.executable, str(script), str(store), str(root), address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as indexing:
            deadline = time.monotonic() + WAITING
            while not (before := count(store)) and time.monotonic() < deadline:
                time.sleep(0.02)
            (workers if gone == "workers" else scheduler).close()
            said, complaints = indexing.communicate(timeout=WAITING)
    reason = "has no workers" if gone == "workers" else r"cannot be reached: .*"
    assert re.fullmatch(rf"The scheduler {address} {reason}\. Start .*\n", said)
    assert complaints == ""
    assert 0 < before < count(store)
    check(store)
    assert index(store, [str(root)], workers=1).notebooks == NOTEBOOKS


def test_errors_are_sentences(root: Path, scheduler: str, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrapdb.indexing.cluster._SECONDS", 1)
    with pytest.raises(ScrapdbError, match=r"tcp://127\.0\.0\.1:9 cannot be reached: Timed out"):
        index(store, [str(root)], scheduler="tcp://127.0.0.1:9")
    with pytest.raises(ScrapdbError, match="The scheduler nonsense://x cannot be reached: unknown address scheme"):
        index(store, [str(root)], scheduler="nonsense://x")
    with pytest.raises(ScrapdbError, match="has no workers"):
        index(store, [str(root)], scheduler=scheduler)
    with worker(scheduler, WITHOUT), pytest.raises(ScrapdbError, match=r"cannot read notebooks: .* Install scrapdb"):
        index(store, [str(root)], scheduler=scheduler)
    with worker(scheduler, OTHER), pytest.raises(ScrapdbError, match=r"has scrapdb 0\.0\.1; install"):
        index(store, [str(root)], scheduler=scheduler)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        UsageError, match=r"distributed, which is not installed: `pip install 'scrapdb\[distributed\]'`"
    ):
        index(store, [str(root)], scheduler=scheduler)
    assert query(store, "SELECT count(*) FROM notebooks") == [(0,)]
