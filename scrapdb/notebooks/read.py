"""Reading a file that somebody may be writing.

papermill rewrites its output at every cell with a plain `open(path, "w")`, so a reader meets files that are empty, that
end in the middle, or that change under it. Such a file is tried again a few times.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Sequence
from typing import NamedTuple

from scrapdb.facts import Facts
from scrapdb.facts import Problem
from scrapdb.files import remote
from scrapdb.notebooks.extract import read_facts
from scrapdb.notebooks.scan import MAX_BYTES
from scrapdb.notebooks.scan import Candidate

_PAUSES = (0.02, 0.1, 0.3)  # seconds between tries
_FRESH_SECONDS = 10
# Clocks of file systems stand still for up to 10 ms, so that two changes have one time: look again after twice that.
_TICK_NS = 20_000_000
_KINDS: dict[type[OSError], str] = {FileNotFoundError: "missing", IsADirectoryError: "not a file"}
_UNFINISHED = frozenset({"empty", "truncated"})


class Read(NamedTuple):
    """A file that was read. `facts` is None if it is as known.

    `mtime_ns` and `etag` are None if it could not be read as it stands; only what came from a URL has an `etag`.
    """

    size: int | None
    mtime_ns: int | None
    content_hash: str | None
    facts: Facts | None
    etag: str | None = None


class _RefusedError(Exception):
    """The file cannot be read as it stands, as `read` says; `again` tells whether it is worth another try at once."""

    def __init__(self, kind: str, message: str, *, again: bool = False, size: int | None = None) -> None:
        super().__init__(message)
        self.again = again
        self.read = Read(size, None, None, Facts("unreadable", problems=(Problem(kind, message),)))


def read(file: str, known_hash: str | None = None, max_bytes: int = MAX_BYTES) -> Read:
    """Read a notebook file; whatever is wrong with it is in the facts.

    Args:
        file: its path.
        known_hash: SHA-256 of a content that is known already and not read again.
        max_bytes: size beyond which it is not read.
    """
    for pause in (*_PAUSES, None):
        try:
            content, mtime_ns = _content(file, max_bytes)
        except _RefusedError as refused:
            if refused.again and pause:
                time.sleep(pause)
                continue
            return refused.read
        taken = _taken(content, known_hash, mtime_ns)
        if not (pause and _may_be_unfinished(taken.facts, mtime_ns)):
            break
        time.sleep(pause)
    return taken


def fetch(listed: Sequence[Candidate], max_bytes: int = MAX_BYTES) -> dict[str, bytes | Exception]:
    """Fetch those of some notebooks that are at URLs, at the same time and by URL, but none that is too large."""
    sizes = {candidate.file: candidate.size for candidate in listed if remote.is_url(candidate.file)}
    empty = {url: b"" for url, size in sizes.items() if size == 0}  # of which one cannot ask for the first bytes
    limits = {url: max_bytes if size is None else size for url, size in sizes.items() if url not in empty}
    # One byte more tells that an object has grown.
    return empty | remote.contents({url: limit + 1 for url, limit in limits.items() if limit <= max_bytes})


def read_fetched(
    listed: Candidate,
    fetched: bytes | Exception | None,
    known_hash: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Read:
    """Read a notebook that was fetched from a URL; arguments and result are those of `read`.

    Its marks are those of the listing, which came first: what was put there since is read again at the next index.
    """
    try:
        content = _received(listed, fetched, max_bytes)
    except _RefusedError as refused:
        return refused.read
    marks = (listed.mtime_ns, listed.etag) if listed.size in {None, len(content)} else (None, None)
    return _taken(content, known_hash, *marks)


def _taken(content: bytes, known_hash: str | None, mtime_ns: int | None, etag: str | None = None) -> Read:
    digest = hashlib.sha256(content).hexdigest()
    return Read(len(content), mtime_ns, digest, None if digest == known_hash else read_facts(content), etag)


def _received(listed: Candidate, fetched: bytes | Exception | None, max_bytes: int) -> bytes:
    size = listed.size or (len(fetched) if isinstance(fetched, bytes) else 0)
    _refuse_if_large(size, max_bytes)
    if isinstance(fetched, bytes):
        return fetched
    kind = "missing" if isinstance(fetched, FileNotFoundError) else "permission"
    raise _RefusedError(kind, f"It was listed, but cannot be fetched: {remote.reason(fetched or OSError())}.")


def _refuse_if_large(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        message = f"The file has {size:,} bytes; more than {max_bytes:,} are not read (--max-bytes)."
        raise _RefusedError("too large", message, size=size)


def _content(file: str, max_bytes: int) -> tuple[bytes, int]:
    """Read a whole file, and the time of its last change in nanoseconds."""
    try:
        opened = open(file, "rb", buffering=0, opener=_without_waiting)  # noqa: SIM115 (closed below)
    except OSError as error:
        kind = _KINDS.get(type(error), "permission")
        raise _RefusedError(kind, f"The file cannot be opened: {error.strerror}.") from error
    try:
        with opened:
            before = os.fstat(opened.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise _RefusedError("not a file", "It is not a regular file.")
            _refuse_if_large(before.st_size, max_bytes)
            content = opened.read(before.st_size + 1)
            after = os.fstat(opened.fileno())
    except OSError as error:
        raise _RefusedError("permission", f"The file cannot be read: {error.strerror}.", again=True) from error
    changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    if changed or len(content) != before.st_size or 0 <= time.time_ns() - after.st_mtime_ns < _TICK_NS:
        raise _RefusedError("changing", "The file was changed while it was read; index it again.", again=True)
    return content, before.st_mtime_ns


def _without_waiting(file: str, flags: int) -> int:
    return os.open(file, flags | os.O_NONBLOCK)  # opening a FIFO would wait for a writer


def _may_be_unfinished(found: Facts | None, mtime_ns: int) -> bool:
    if found is None or found.status != "unreadable" or abs(time.time() - mtime_ns / 1e9) >= _FRESH_SECONDS:
        return False
    return any(problem.kind in _UNFINISHED for problem in found.problems)
