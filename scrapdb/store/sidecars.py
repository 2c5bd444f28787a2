"""Large frames, as parquet files beside the database.

A file is named by the SHA-256 of its bytes, so equal frames are kept once and no name ever comes from a notebook. It is
complete before its name appears, and on the disk before the row that names it is committed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Container
from pathlib import Path

_TEMPORARY = ".writing-"
_SUFFIX = ".parquet"
KEPT_SECONDS = 3600


def directory(store: Path) -> Path:
    """Name the directory of a store's sidecars: `scraps.db-frames` beside `scraps.db`."""
    return store.with_name(f"{store.name}-frames")


def location(store: Path, digest: str) -> Path:
    """Name the file of a frame."""
    return directory(store) / digest[:2] / f"{digest}{_SUFFIX}"


def write(store: Path, digest: str, content: bytes) -> None:
    """Write a frame's file, or mark a sound one that is there as wanted now. Call it under the store's write lock.

    Raises:
        OSError: the disk is full or may not be written.
    """
    target = location(store, digest)
    try:
        if target.stat().st_size == len(content) and target.read_bytes() == content:
            os.utime(target)
            return
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
    import tempfile  # loads `random`, which no reader needs

    handle, temporary = tempfile.mkstemp(prefix=_TEMPORARY, dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync(target.parent)


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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
