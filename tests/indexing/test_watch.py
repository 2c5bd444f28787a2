"""Following directories with a real process: runs, bursts, moves, half-written files, and Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.indexing.changes import Summary
from scrapdb.indexing.watch import _matters
from scrapdb.indexing.watch import _Passes
from scrapdb.indexing.watch import check as check_roots
from scrapdb.indexing.watch import watch
from tests.notebook_builder import content
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.stores import check
from tests.stores import query

SCRAPDB = [sys.executable, "-m", "scrapdb"]
PATIENCE_OF_TESTS = 30  # seconds until something that never happens is given up


class Watched:
    """A directory, and a process that keeps a store of it."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "runs"
        self.store = directory / "scraps.db"
        self.said = directory / "said.txt"
        self.root.mkdir()
        self.add("first", x=0)

    def start(self) -> None:
        command = [*SCRAPDB, "index", "--watch", str(self.root), "--db", str(self.store)]
        with self.said.open("w") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said)
        self.wait_for(lambda: "Watching" in self.said.read_text())

    def add(self, name: str, **values: Any) -> Path:
        return write(self.root / f"{name}.ipynb", gluing(**values), mtime=int(time.time()))

    @property
    def notebooks(self) -> dict[str, Any]:
        """The value of x by notebook, or its status if it is not complete."""
        rows = query(self.store, "SELECT notebook, nb_status, x FROM runs")
        return {
            path.removeprefix("runs/").removesuffix(".ipynb"): x if status == "completed" else status
            for path, status, x in rows
        }

    def wait_for(self, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_OF_TESTS
        while not happened():
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline, (self.notebooks, self.said.read_text())
            time.sleep(0.02)

    def wait_for_notebooks(self, expected: dict[str, Any]) -> None:
        self.wait_for(lambda: self.notebooks == expected)

    def interrupt(self) -> str:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(PATIENCE_OF_TESTS) == 130
        return self.said.read_text()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path.resolve())
    made.start()
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.wait()


RUN = [
    ("x = 1", ["parameters"]),
    ("import time; time.sleep(2.5)", []),
    ("y = x + 1", []),
]


def test_a_run_is_seen_running_and_then_complete(watched: Watched, tmp_path: Path) -> None:
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {"tags": tags}, "source": text, "outputs": []}
        | {"execution_count": None}
        for n, (text, tags) in enumerate(RUN)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    document = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    source = tmp_path / "source.ipynb"
    source.write_text(json.dumps(document))
    papermill = [sys.executable, "-W", "ignore", "-m", "papermill", str(source), str(watched.root / "run.ipynb")]
    with subprocess.Popen([*papermill, "-p", "x", "5"], stderr=subprocess.DEVNULL) as run:
        watched.wait_for(lambda: watched.notebooks.get("run") == "running")
    assert run.returncode == 0
    watched.wait_for(lambda: watched.notebooks.get("run") == 5)
    assert query(watched.store, "SELECT * FROM problems") == []
    assert "1 added, 0 changed" in watched.interrupt()


def test_bursts_moves_and_deletions_are_followed(watched: Watched) -> None:
    for number in range(1000):
        watched.add(f"{number % 7}/{number}", x=number)
    everything = {f"{number % 7}/{number}": number for number in range(1000)} | {"first": 0}
    watched.wait_for_notebooks(everything)

    (watched.root / "3").rename(watched.root / "three")
    shutil.rmtree(watched.root / "4")
    (watched.root / "first.ipynb").rename(watched.root / "5" / "moved.ipynb")
    expected = {path.replace("3/", "three/", 1) if path[:2] == "3/" else path: x for path, x in everything.items()}
    expected = {path: x for path, x in expected.items() if not path.startswith("4/")}
    expected["5/moved"] = expected.pop("first")
    watched.wait_for_notebooks(expected)

    watched.add("three/3", x=-3)  # in a directory that has another name than when its watch began
    watched.wait_for(lambda: watched.notebooks["three/3"] == -3)
    said = watched.interrupt()
    check(watched.store)
    assert "Watched: " in said.strip().splitlines()[-1]
    assert "Traceback" not in said


def test_a_root_that_disappears_is_kept_until_it_is_back(watched: Watched) -> None:
    away = watched.root.with_name("away")
    watched.root.rename(away)
    watched.wait_for(lambda: "is gone" in watched.said.read_text())
    assert watched.notebooks == {"first": 0}
    away.rename(watched.root)
    watched.wait_for(lambda: "is back" in watched.said.read_text())
    watched.add("second", x=2)
    watched.wait_for_notebooks({"first": 0, "second": 2})
    shutil.rmtree(watched.root)
    watched.root.mkdir()  # many file systems give it the inode that has become free
    watched.add("third", x=3)
    watched.wait_for_notebooks({"third": 3})
    watched.add("fourth", x=4)
    watched.wait_for_notebooks({"third": 3, "fourth": 4})


@pytest.mark.skipif(sys.platform != "linux", reason="fills inotify's queue")
def test_more_changes_than_the_system_can_queue_are_followed(watched: Watched) -> None:
    watched.add("seen", x=0)
    everything = {"first": 0, "seen": 0}
    watched.wait_for_notebooks(everything)  # the watch has begun
    watched.process.send_signal(signal.SIGSTOP)
    for number in range(int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())):
        (watched.root / f"{number}.log").touch()
    watched.add("unseen/1", x=1)
    watched.process.send_signal(signal.SIGCONT)
    watched.wait_for_notebooks(everything := everything | {"unseen/1": 1})
    time.sleep(2)  # nothing that was told of is left
    watched.add("unseen/2", x=2)
    watched.wait_for_notebooks(everything | {"unseen/2": 2})


def test_a_file_that_is_being_written_is_waited_for(watched: Watched) -> None:
    whole = content(gluing(x=7))
    slow, cut = watched.root / "slow.ipynb", watched.root / "cut.ipynb"
    slow.write_bytes(whole[:100])
    cut.write_bytes(whole[:100])
    os.utime(cut, (0, 0))  # nobody has written to it for long
    watched.wait_for_notebooks({"first": 0, "cut": "unreadable"})
    watched.add("later", x=1)
    watched.wait_for_notebooks({"first": 0, "cut": "unreadable", "later": 1})
    slow.write_bytes(whole)
    watched.wait_for_notebooks({"first": 0, "cut": "unreadable", "later": 1, "slow": 7})


def test_only_what_can_concern_a_notebook_matters(tmp_path: Path) -> None:
    store = str(tmp_path / "scraps.db")
    (tmp_path / "log.txt").touch()
    (tmp_path / "runs").mkdir()
    paths = ("a.ipynb", "runs", "gone", "log.txt", "scraps.db-wal", ".git/index.lock", ".ipynb_checkpoints/a.ipynb")
    assert [path for path in paths if _matters(str(tmp_path / path), store)] == ["a.ipynb", "runs", "gone"]


@pytest.mark.parametrize("root", ["*.ipynb", "-", "gone"])
def test_what_cannot_be_watched_is_refused(tmp_path: Path, root: str) -> None:
    command = [*SCRAPDB, "index", "--watch", root]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 2
    assert ran.stderr.startswith(f"Error: There is no file or directory {root} to watch.")
    assert list(tmp_path.iterdir()) == []


WITHOUT_NOTIFICATIONS = """
import os, resource, sys
import watchfiles
from pathlib import Path
from scrapdb.indexing import watch

watch._POLL_SECONDS = 0.01
free = os.open("/", os.O_RDONLY)
os.close(free)
resource.setrlimit(resource.RLIMIT_NOFILE, (free, free))  # none for inotify
wakes = watch._wakes([sys.argv[1]], Path("scraps.db"))
print(next(wakes), next(wakes), next(wakes))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="takes inotify away")
def test_without_notifications_it_looks_from_time_to_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_NOTIFICATIONS, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.startswith("The system does not tell of changes (")
    assert ran.stdout.endswith("True True\n")


def test_a_pass_that_finds_what_it_was_not_told_of_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    passes = _Passes(lambda _: Summary(added=1), Summary())
    passes.take([], changed=True)
    assert not passes.surprised
    passes._rest = 0.0
    assert passes.take([], changed=False) is None
    monkeypatch.setattr("scrapdb.indexing.watch._SAFETY_SECONDS", 0.0)
    assert passes.take([], changed=False) == Summary(added=1)
    assert passes.surprised


def test_a_pass_that_fails_is_told_and_tried_again() -> None:
    answers: list[Summary | StoreError] = [StoreError("The store is locked."), Summary(added=1), Summary(added=0)]

    def index(_: list[str]) -> Summary:
        answer = answers.pop(0)
        if isinstance(answer, StoreError):
            raise answer
        return answer

    passes = _Passes(index, Summary())
    assert str(passes.take([], changed=True)).startswith("The store is locked. It is tried again")
    assert passes.take([], changed=False) is None  # not at once
    passes._rest = 0.0
    assert passes.take([], changed=False) == Summary(added=1)
    passes._rest = 0.0
    assert passes.take([], changed=False) is None
    assert len(answers) == 1  # since there was no reason to
    assert passes.take([], changed=True) is None
    assert not answers  # it was done, and found nothing


class _Interrupting:
    """As a temporary file of Python 3.13 that is closed while Ctrl-C is hit."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)
        self.is_closed = True


def test_ctrl_c_that_comes_while_python_would_drop_it_ends_it_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped: list[type[BaseException]] = []

    def index(_: list[str]) -> Summary:
        assert not dropped, "It was not heard."
        _Interrupting()
        return Summary(added=1)

    monkeypatch.setattr("scrapdb.indexing.watch._WAKE_MS", 10)
    monkeypatch.setattr("scrapdb.indexing.watch._SAFETY_SECONDS", 0.0)
    monkeypatch.setattr(sys, "unraisablehook", lambda told: dropped.append(told.exc_type))
    news = watch(tmp_path / "scraps.db", [str(tmp_path)], index, Summary())
    assert next(news) == Summary(added=1)
    with pytest.raises(KeyboardInterrupt):
        next(news)
    assert dropped == [KeyboardInterrupt]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_watchfiles_a_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_roots([str(tmp_path)])
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(UsageError, match=r"^--watch needs watchfiles, .* `pip install 'scrapdb\[watch\]'`\.$"):
        check_roots([str(tmp_path)])
