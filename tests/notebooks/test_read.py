from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scrapdb.notebooks import read
from scrapdb.notebooks.read import Read
from tests import nobody
from tests.notebook_builder import LONG_AGO
from tests.notebook_builder import content
from tests.notebook_builder import gluing
from tests.notebook_builder import write

WHOLE = content(gluing(x=1))


def problem(found: Read) -> str:
    assert found.facts is not None
    assert found.facts.status == "unreadable"
    (only,) = found.facts.problems
    return only.kind


def test_a_file_is_read_with_its_state(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", WHOLE)
    found = read.read(str(path))
    assert found[:3] == (len(WHOLE), LONG_AGO * 10**9, hashlib.sha256(WHOLE).hexdigest())
    assert found.facts is not None
    assert found.facts.scraps[0].value == 1


def test_a_known_content_is_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", WHOLE)
    digest = hashlib.sha256(WHOLE).hexdigest()
    assert read.read(str(path), digest).facts is None
    assert read.read(str(path), "0" * 64).facts is not None


def test_a_file_that_is_missing_or_no_file(tmp_path: Path) -> None:
    (tmp_path / "directory.ipynb").mkdir()
    os.mkfifo(tmp_path / "fifo.ipynb")
    (tmp_path / "loop.ipynb").symlink_to("loop.ipynb")
    assert problem(read.read(str(tmp_path / "none.ipynb"))) == "missing"
    assert problem(read.read(str(tmp_path / "directory.ipynb"))) == "not a file"
    assert problem(read.read(str(tmp_path / "fifo.ipynb"))) == "not a file"
    assert problem(read.read(str(tmp_path / "loop.ipynb"))) == "permission"
    assert problem(read.read("/dev/null")) == "not a file"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", WHOLE)
    path.chmod(0)
    nobody.let_in(tmp_path)
    printed = nobody.run("from scrapdb.notebooks import read", f"print(read.read({str(path)!r}))")
    assert "kind='permission', message='The file cannot be opened: Permission denied.'" in printed
    assert printed.startswith("Read(size=None, mtime_ns=None")


def test_a_file_that_is_too_large_is_tried_again_at_the_next_index(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", WHOLE)
    found = read.read(str(path), max_bytes=len(WHOLE) - 1)
    assert problem(found) == "too large"
    assert found[:3] == (len(WHOLE), None, None)
    assert found.facts is not None
    assert f"{len(WHOLE):,} bytes" in found.facts.problems[0].message
    assert read.read(str(path), max_bytes=len(WHOLE)).facts is not None


@pytest.mark.parametrize("unfinished", [b"", WHOLE[:100]])
def test_a_fresh_unfinished_file_is_waited_for(tmp_path: Path, unfinished: bytes) -> None:
    """papermill empties its output and writes it again at every cell."""
    path = write(tmp_path / "a.ipynb", unfinished, mtime=int(time.time()))
    writer = threading.Timer(0.05, lambda: path.write_bytes(WHOLE))
    writer.start()
    found = read.read(str(path))
    writer.join()
    assert found.facts is not None
    assert found.facts.status == "completed"
    assert found.size == len(WHOLE)


@pytest.mark.parametrize(("unfinished", "kind"), [(b"", "empty"), (WHOLE[:100], "truncated")])
def test_an_old_unfinished_file_is_not_waited_for(tmp_path: Path, unfinished: bytes, kind: str) -> None:
    path = write(tmp_path / "a.ipynb", unfinished)
    began = time.monotonic()
    found = read.read(str(path))
    assert time.monotonic() - began < sum(read._PAUSES)
    assert problem(found) == kind
    assert found.mtime_ns == LONG_AGO * 10**9


def test_a_file_that_was_changed_just_now_is_waited_for(tmp_path: Path) -> None:
    """Another change within the same tick of the clock would have the same time, and never be seen."""
    path = write(tmp_path / "a.ipynb", WHOLE)
    os.utime(path)
    found = read.read(str(path))
    assert found.mtime_ns is not None
    assert time.time_ns() - found.mtime_ns >= 10_000_000


def test_a_file_that_never_stops_changing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", WHOLE + b" " * 30_000_000)
    code = f"import os, sys; print(flush=True)\nwhile True: os.utime({str(path)!r})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as changing:
        assert changing.stdout is not None
        changing.stdout.readline()
        for _ in range(20):  # the other process may have had to wait for the processor
            found = read.read(str(path))
            if found.mtime_ns is None:
                break
        changing.kill()
    assert problem(found) == "changing"
    assert found[:3] == (None, None, None)
