"""Reading a file that somebody may be writing.

papermill rewrites its output at every cell with a plain `open(path, "w")`, so a reader meets files that are empty, that
end in the middle, or that change under it. Such a file is tried again a few times.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from typing import NamedTuple

from scrapdb.notebooks.extract import facts
from scrapdb.scraps import Facts
from scrapdb.scraps import Problem

MAX_BYTES = 256 * 2**20
_PAUSES = (0.02, 0.1, 0.3)  # seconds between tries
_FRESH_SECONDS = 10
_KINDS: dict[type[OSError], str] = {FileNotFoundError: "missing", IsADirectoryError: "not a file"}
_UNFINISHED = frozenset({"empty", "truncated"})


class Read(NamedTuple):
    """A file that was read. `mtime_ns` is None if it could not be read as it stands; `facts` None if it is as known."""

    size: int | None
    mtime_ns: int | None
    content_hash: str | None
    facts: Facts | None


class _Content(NamedTuple):
    content: bytes
    size: int
    mtime_ns: int


class _RefusedError(Exception):
    """The file cannot be read as it stands; `again` says whether it is worth another try at once."""

    def __init__(self, kind: str, message: str, *, again: bool = False, size: int | None = None) -> None:
        super().__init__(message)
        self.problem = Problem(kind, message)
        self.again = again
        self.size = size


def read(file: str, known_hash: str | None = None, max_bytes: int = MAX_BYTES) -> Read:
    """Read a notebook file; whatever is wrong with it is in the facts.

    Args:
        file: its path.
        known_hash: SHA-256 of a content that is known already and not read again.
        max_bytes: size beyond which it is not read.
    """
    for pause in (*_PAUSES, None):
        try:
            found = _content(file, max_bytes)
        except _RefusedError as refused:
            if refused.again and pause:
                time.sleep(pause)
                continue
            return Read(refused.size, None, None, Facts("unreadable", problems=(refused.problem,)))
        digest = hashlib.sha256(found.content).hexdigest()
        if digest == known_hash:
            return Read(found.size, found.mtime_ns, digest, None)
        read_facts = facts(found.content)
        if not (pause and _may_be_unfinished(read_facts, found)):
            break
        time.sleep(pause)
    return Read(found.size, found.mtime_ns, digest, read_facts)


def _content(file: str, max_bytes: int) -> _Content:
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
            if before.st_size > max_bytes:
                message = f"The file has {before.st_size:,} bytes; more than {max_bytes:,} are not read (--max-bytes)."
                raise _RefusedError("too large", message, size=before.st_size)
            content = opened.read(before.st_size + 1)
            after = os.fstat(opened.fileno())
    except OSError as error:
        raise _RefusedError("permission", f"The file cannot be read: {error.strerror}.", again=True) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(content) != before.st_size:
        raise _RefusedError("changing", "The file was changed while it was read; index it again.", again=True)
    return _Content(content, before.st_size, before.st_mtime_ns)


def _without_waiting(file: str, flags: int) -> int:
    return os.open(file, flags | os.O_NONBLOCK)  # opening a FIFO would wait for a writer


def _may_be_unfinished(found: Facts, file: _Content) -> bool:
    unfinished = any(problem.kind in _UNFINISHED for problem in found.problems if found.status == "unreadable")
    return unfinished and abs(time.time() - file.mtime_ns / 1e9) < _FRESH_SECONDS
