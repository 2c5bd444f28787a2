"""Large frames, as parquet files beside the database.

A file is named by the SHA-256 of its bytes, so equal frames are kept once and no name ever comes from a notebook. It is
complete before its name appears, and on the disk before the row that names it is committed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Container
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path

_TEMPORARY = ".writing-"
_SUFFIX = ".parquet"
KEPT_SECONDS = 3600
_SYNCED_TOGETHER = 8


def directory(store: Path) -> Path:
    """Name the directory of a store's sidecars: `scraps.db-frames` beside `scraps.db`."""
    return store.with_name(f"{store.name}-frames")


def location(store: Path, digest: str) -> Path:
    """Name the file of a frame."""
    return directory(store) / digest[:2] / f"{digest}{_SUFFIX}"


def write(store: Path, frames: Mapping[str, bytes]) -> None:
    """Write the files of frames, bytes by SHA-256, or mark sound ones that are there as wanted now.

    Call it under the store's write lock.

    Raises:
        OSError: the disk is full or may not be written.
    """
    wanted = {location(store, digest): content for digest, content in frames.items()}
    missing = {path: content for path, content in wanted.items() if not _marked(path, content)}
    if not missing:
        return
    temporary = {path: path.with_name(f"{_TEMPORARY}{path.stem}") for path in missing}
    directories = {path.parent for path in missing}
    for path in directories:
        path.mkdir(parents=True, exist_ok=True)
    try:
        for path, content in missing.items():
            temporary[path].write_bytes(content)
        _sync(temporary.values())
        for path in missing:
            temporary[path].replace(path)
    except BaseException:
        for path in temporary.values():
            path.unlink(missing_ok=True)
        raise
    _sync([*directories, directory(store), store.parent])


def remove_unnamed(store: Path, named: Container[str], now: float | None = None) -> tuple[int, int]:
    """Remove the files that no row names and that nobody has wanted for an hour. Call it under the store's write lock.

    Returns:
        How many files, and their bytes.
    """
    limit = (time.time() if now is None else now) - KEPT_SECONDS
    files = size = 0
    for path in sorted(directory(store).glob("??/*")):
        unnamed = path.name.startswith(_TEMPORARY) or (path.suffix == _SUFFIX and path.stem not in named)
        state = path.stat()
        if unnamed and state.st_mtime < limit:
            path.unlink()
            files, size = files + 1, size + state.st_size
    return files, size


def _marked(path: Path, content: bytes) -> bool:
    """Return whether a file is there and whole; if so, it is wanted from now."""
    try:
        if path.stat().st_size != len(content) or path.read_bytes() != content:
            return False
    except FileNotFoundError:
        return False
    os.utime(path)
    return True


def _sync(paths: Iterable[Path]) -> None:
    """Wait until files and directories are on the disk: at the same time, which takes a tenth of one after another."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_SYNCED_TOGETHER) as threads:
        list(threads.map(_sync_one, paths))


def _sync_one(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
