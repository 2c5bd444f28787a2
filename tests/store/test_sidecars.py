from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from scrapdb.store import sidecars

DIGEST = "ab" + "0" * 62
HOUR = 3600


def test_a_frame_is_written_beside_the_store_under_its_hash(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    sidecars.write(store, {DIGEST: b"content"})
    written = tmp_path / "scraps.db-frames" / "ab" / f"{DIGEST}.parquet"
    assert written == sidecars.location(store, DIGEST)
    assert written.read_bytes() == b"content"
    assert stat.S_IMODE(written.stat().st_mode) == 0o644
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_a_frame_that_is_there_is_marked_as_wanted(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    sidecars.write(store, {DIGEST: b"content"})
    written = sidecars.location(store, DIGEST)
    inode = written.stat().st_ino
    os.utime(written, (0, 0))
    sidecars.write(store, {DIGEST: b"content"})
    assert written.stat().st_ino == inode
    assert time.time() - written.stat().st_mtime < 60


@pytest.mark.parametrize("damaged", [b"con", b"cOntent"])
def test_a_damaged_frame_is_written_again(tmp_path: Path, damaged: bytes) -> None:
    store = tmp_path / "scraps.db"
    sidecars.write(store, {DIGEST: b"content"})
    sidecars.location(store, DIGEST).write_bytes(damaged)
    sidecars.write(store, {DIGEST: b"content"})
    assert sidecars.location(store, DIGEST).read_bytes() == b"content"


@pytest.mark.parametrize(
    ("name", "age", "removed"),
    [
        (f"{DIGEST}.parquet", HOUR + 1, False),  # a row names it
        (f"{'c' * 64}.parquet", HOUR + 1, True),
        (f"{'c' * 64}.parquet", HOUR - 60, False),  # a writer may be about to name it
        (".writing-abc", HOUR + 1, True),
        (".writing-abc", 0, False),
        ("notes.txt", HOUR + 1, False),  # not ours
    ],
)
def test_only_old_files_that_nothing_names_are_removed(tmp_path: Path, name: str, age: int, removed: bool) -> None:
    store = tmp_path / "scraps.db"
    path = sidecars.location(store, DIGEST).with_name(name)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"content")
    now = 10_000_000.0
    os.utime(path, (now - age, now - age))
    assert sidecars.remove_unnamed(store, {DIGEST}, now) == ((1, 7) if removed else (0, 0))
    assert path.exists() is not removed


def test_nothing_is_removed_where_nothing_is(tmp_path: Path) -> None:
    assert sidecars.remove_unnamed(tmp_path / "scraps.db", set()) == (0, 0)
