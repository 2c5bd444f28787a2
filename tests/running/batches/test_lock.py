"""One runner at a time writes to a directory, and whether it lives is told by its lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.running.batches.lock import NAME
from scrapdb.running.batches.lock import is_held
from scrapdb.running.batches.lock import locked
from tests import sessions

HOLDS = """
import sys
from pathlib import Path
from scrapdb.running.batches.lock import locked
with locked(sys.argv[1], Path(sys.argv[1], "scraps.db")):
    print("held", flush=True)
    sys.stdin.read()
"""


def holding(directory: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock on a directory."""
    environment = os.environ | {"PYTHONPATH": str(sessions.ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_runner_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    out, lock = tmp_path / "out", str(tmp_path / "out" / NAME)
    with holding(out) as first:
        assert is_held(lock)
        with pytest.raises(ScrapdbError, match=r"Another `scrapdb run` is writing to .*out; wait"):
            locked(str(out), tmp_path / "scraps.db").__enter__()
        first.send_signal(signal.SIGKILL)
    assert not is_held(lock)
    with locked(str(out / "."), tmp_path / "scraps.db") as path:
        assert path == lock
        assert is_held(lock)
    assert not is_held(lock)
    assert not any(out.iterdir())


def test_of_two_names_of_a_directory_one_is_locked(tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to("out")
    with locked(str(tmp_path / "out"), tmp_path / "scraps.db"), pytest.raises(ScrapdbError):
        locked(str(tmp_path / "other"), tmp_path / "scraps.db").__enter__()


def test_a_directory_at_a_url_is_locked_beside_the_store(tmp_path: Path) -> None:
    with locked("s3://bucket/runs", tmp_path / "scraps.db") as path, locked("s3://bucket/b", tmp_path / "scraps.db"):
        assert Path(path).parent == tmp_path
        with pytest.raises(ScrapdbError):
            locked("s3://bucket/runs/", tmp_path / "scraps.db").__enter__()


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ScrapdbError, match="file cannot be written to: File exists"):
        locked(str(tmp_path / "file"), tmp_path / "scraps.db").__enter__()
