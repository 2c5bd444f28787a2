"""The lock of a runner on the directory that it writes to. The system frees it when its process ends, however it does.

So whether a runner lives is never a question of process ids, of which a new process may have that of a gone one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path

from scrapdb.errors import ScrapdbError
from scrapdb.files.remote import is_url

NAME = ".scrapdb-run.lock"


def path_of(directory: str, store: Path) -> Path:
    """Return the file that a runner locks: in the directory, or beside the store for a directory at a URL."""
    if not is_url(directory):
        return Path(os.path.realpath(directory), NAME)
    digest = hashlib.sha256(directory.rstrip("/").encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Path(os.path.realpath(store.parent), f"{NAME}-{digest}")


@contextmanager
def locked(directory: str, store: Path) -> Iterator[str]:
    """Hold the lock on a directory, which is made if it is not there, and yield the path of the locked file.

    Raises:
        ScrapdbError: another runner holds it, or the directory cannot be written.
    """
    path = path_of(directory, store)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _taken(path)
    except OSError as error:
        raise ScrapdbError(f"{path.parent} cannot be written to: {error.strerror}.") from error
    if descriptor is None:
        raise ScrapdbError(f"Another `scrapdb run` is writing to {directory}; wait until it ends, or name another -o.")
    try:
        yield str(path)
    finally:
        with suppress(OSError):
            path.unlink()  # while it is held: whoever waits for it sees that it is gone
        os.close(descriptor)


def is_held(path: str) -> bool:
    """Return whether a runner that has locked this file lives."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _taken(path: Path) -> int | None:
    """Lock a file and return its descriptor; None if another process has it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return descriptor
        os.close(descriptor)  # its last owner has removed it meanwhile
