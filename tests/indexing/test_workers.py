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

from scrapdb.indexing.loop import index
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.stores import check
from tests.stores import contents
from tests.stores import query

NOTEBOOKS = 700  # more than are written at once


def indexing(store: Path, root: Path, workers: int = 1) -> list[str]:
    imports = "from pathlib import Path\nfrom scrapdb.indexing.loop import index\n"
    code = f"{imports}index(Path({str(store)!r}), [{str(root)!r}], "
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
from scrapdb.indexing import loop, reading

def read(*_):
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)

reading.Reader._read = read
loop.index(Path({store!r}), [{root!r}], workers=2)
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


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_workers_that_are_killed_lose_nothing(root: Path) -> None:
    undisturbed, shot = store_in(root, "whole"), store_in(root, "shot")
    index(undisturbed, [str(root)], workers=1)
    killed = 0
    with subprocess.Popen(indexing(shot, root, workers=2)) as process:
        while process.poll() is None and killed < 3:
            for child in children(process.pid)[:1]:
                os.kill(child, signal.SIGKILL)
                killed += 1
            time.sleep(0.05)
    assert process.returncode == 0
    check(shot)
    every_path = "SELECT path FROM notebooks ORDER BY path"
    assert query(shot, every_path) == query(undisturbed, every_path)
    assert killed >= query(shot, "SELECT count(*) FROM problems WHERE kind = 'crash'")[0][0]  # those killed when apart
    index(shot, [str(root)], workers=1, force=True)
    assert contents(shot) == contents(undisturbed)


DEADLY = """
import os, signal, sys
from pathlib import Path
from scrapdb.indexing import loop, reading

real = reading.notebooks.read
DEADLY = {{"{root}/1/1.ipynb": signal.SIGSEGV, "{root}/1/11.ipynb": signal.SIGKILL, "{root}/9/699.ipynb": 0}}

def read(file, *more):
    if (how := DEADLY.get(file)) is not None:
        os.kill(os.getpid(), how) if how else os._exit(3)
    return real(file, *more)

reading.notebooks.read = read
print(loop.index(Path({store!r}), ["{root}"], {how}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs workers that are forked")
@pytest.mark.parametrize("how", ["workers=2", "workers=1, apart=True"])
def test_only_the_file_that_kills_its_process_is_left_out(root: Path, how: str) -> None:
    undisturbed, store = store_in(root, "unharmed"), store_in(root, "deadly")
    index(undisturbed, [str(root)], workers=1)
    deadly = root.parent / "deadly.py"
    deadly.write_text(DEADLY.format(root=root, store=str(store), how=how))
    ran = subprocess.run([sys.executable, str(deadly)], capture_output=True, text=True, check=True, timeout=60)
    assert " 17 failed in" in ran.stdout, ran  # fourteen are no notebooks
    assert ran.stderr == ""
    crashed = query(
        store, "SELECT path, message FROM problems JOIN notebooks n ON n.id = notebook_id WHERE kind = 'crash'"
    )
    said = {path: message.partition(",")[0] for path, message in crashed}
    assert said == {
        "tree/1/1.ipynb": "The process that read it was killed by signal 11 (SIGSEGV)",
        "tree/1/11.ipynb": "The process that read it was killed by signal 9 (SIGKILL)",
        "tree/9/699.ipynb": "The process that read it ended with code 3",
    }
    again = index(store, [str(root)])  # in this process: it must not be read again
    assert (again.failed, again.changed, again.unchanged) == (17, 0, NOTEBOOKS + 12 - 17)
    index(store, [str(root)], workers=1, force=True)
    assert contents(store) == contents(undisturbed)


@pytest.mark.skipif(sys.platform != "linux", reason="needs workers that are forked")
@pytest.mark.parametrize(("how", "killed"), [("workers=2", 0), ("workers=1", 1), ("", 1)])
def test_a_file_that_kills_an_index_of_few_does_so_once_at_most(tmp_path: Path, how: str, killed: int) -> None:
    root, store = tmp_path / "tree", tmp_path / "scraps.db"
    for name in ("1/1", "1/11", "9/699", "harmless"):
        write(root / f"{name}.ipynb", gluing(x=name))
    deadly = tmp_path / "deadly.py"
    deadly.write_text(DEADLY.format(root=root, store=str(store), how=how))
    command = [sys.executable, str(deadly)]
    for _ in range(killed):
        assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == -signal.SIGSEGV
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert " 3 failed in" in ran.stdout, ran
    assert query(store, "SELECT x FROM runs WHERE nb_status <> 'unreadable'") == [("harmless",)]
    assert query(store, "SELECT DISTINCT kind FROM problems") == [("crash",)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["deadly.py", "scraps.db", "tree"]


UNGUARDED = """
import threading
from pathlib import Path
from scrapdb.errors import ScrapdbError
from scrapdb.indexing.loop import index

threading.Thread(target=threading.Event().wait, daemon=True).start()  # with which no process is forked
try:
    index(Path({store!r}), [{root!r}], workers=2)
except ScrapdbError as error:
    print(error)
"""


def test_no_file_is_blamed_for_a_process_that_cannot_be_started(root: Path) -> None:
    store = store_in(root, "unguarded")
    script = root.parent / "unguarded.py"
    script.write_text(UNGUARDED.format(store=str(store), root=str(root)))
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, timeout=60)
    assert "cannot be started" in ran.stdout
    assert "`if __name__ ==" in ran.stdout
    assert query(store, "SELECT count(*) FROM problems WHERE kind = 'crash'") == [(0,)]


SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
from scrapdb.indexing.loop import index

pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 140 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print(index(Path(sys.argv[1]), [sys.argv[2]], workers=1))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process")
def test_a_notebook_too_large_for_the_memory_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "tree" / "small.ipynb", gluing(x=1))
    write(tmp_path / "tree" / "large.ipynb", gluing(x=["y" * 1_000_000] * 60))
    command = [sys.executable, "-c", SHORT_OF_MEMORY, str(tmp_path / "scraps.db"), str(tmp_path / "tree")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran
    assert query(tmp_path / "scraps.db", "SELECT kind FROM problems") == [("memory",)]
    assert query(tmp_path / "scraps.db", "SELECT notebook, x FROM runs WHERE x IS NOT NULL") == [
        ("tree/small.ipynb", 1)
    ]
