"""A notebook file as a store knows it: its path, its marks, and when it changed."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import NamedTuple

import msgspec


class File(NamedTuple):
    """A notebook file as it was when it was read. No `mtime_ns` and no `etag`: it could not be, and is read again."""

    path: str
    os_path: bytes | None = None
    size: int | None = None
    mtime_ns: int | None = None
    content_hash: str | None = None
    etag: str | None = None


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a store knows of a notebook file, to tell whether it changed."""

    id: int
    size: int | None
    mtime_ns: int | None
    etag: str | None
    content_hash: str | None
    status: str


def mtime(mtime_ns: int | None) -> str | None:
    """Write a file's time as the store keeps times."""
    if mtime_ns is None:
        return None
    try:
        moment = datetime.fromtimestamp(mtime_ns // 1_000_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    microseconds = mtime_ns % 1_000_000_000 // 1000
    return f"{moment.replace(microsecond=microseconds, tzinfo=None).isoformat('T', 'microseconds')}Z"


def kept_mtime(mtime_ns: int | None) -> int | None:
    """Return a file's time if SQLite can hold it, as it can from 1677 to 2262; the file is read again if not."""
    return mtime_ns if mtime_ns is not None and -(2**63) <= mtime_ns < 2**63 else None
