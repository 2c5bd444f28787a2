"""New bytes in the place of a notebook file: all of them or none, and by one process at a time.

The new file is written beside the old one and then takes its name. While it is written it is the lock as well: its name
follows from the notebook's, and the system frees it when its process ends, however that happens. What a killed process
leaves is written over by the next; its name is none by which an index would read it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path

from scrapdb.errors import EditError
from scrapdb.errors import NotebookChangedError


def replace(file: str, before: bytes | None, after: bytes) -> None:
    """Write new content to a file; its mode, owner and extended attributes stay, and links still lead to it.

    Args:
        file: its path.
        before: the content that it must still have; None if it may have any, or need not be there.
        after: the content that it gets.

    Raises:
        NotebookChangedError: it has another content, or another process edits it.
        EditError: it cannot be written.
    """
    real = Path(os.path.realpath(file))
    try:
        if not os.access(real.parent, os.W_OK | os.X_OK):
            raise EditError(f"{real} cannot be replaced: its directory may not be written. Check its permissions.")
        with _locked(real) as (new, descriptor):
            state = _state(real)
            _check(real, state, before)
            if state:
                _adopt(new, descriptor, real, state)
            _write(descriptor, after)
            if before is not None and _version(_state(real)) != _version(state):
                raise NotebookChangedError(f"{real} is being changed; nothing was written. Read it again.")
            new.rename(real)
        _sync_directory(real.parent)
    except OSError as error:
        raise EditError(f"{real} cannot be written: {error.strerror}.") from error


@contextmanager
def _locked(real: Path) -> Iterator[tuple[Path, int]]:
    """Yield the new file, made now or left by a killed process, and its descriptor; one that is not used is removed."""
    name = hashlib.sha256(os.fsencode(real.name)).hexdigest()[:16]  # short, however long the notebook's is
    path = real.with_name(f".{name}.scrapdb-new")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        _lock(descriptor, path, real)
        try:
            yield path, descriptor
        except BaseException:
            if _is_there(descriptor, path):
                path.unlink()
            raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path, real: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        is_ours = False
    else:
        is_ours = _is_there(descriptor, path)  # or is it the notebook by now, since another process has ended?
    if not is_ours:
        raise NotebookChangedError(f"{real} is being edited by another process; nothing was written. Try again.")
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid() or state.st_nlink != 1:
        raise EditError(f"{real} cannot be replaced: {path} is in the way. Remove it.")


def _is_there(descriptor: int, path: Path) -> bool:
    """Return whether a path names the file that is open."""
    state = _state(path)
    return state is not None and os.path.samestat(state, os.fstat(descriptor))


def _check(real: Path, state: os.stat_result | None, before: bytes | None) -> None:
    """Refuse to replace what is not a file, may not be written, or is not what was read."""
    if state is None:
        if before is not None:
            raise NotebookChangedError(f"{real} is not there any more; nothing was written.")
        return
    if not stat.S_ISREG(state.st_mode):
        raise EditError(f"{real} is not a file.")
    if not os.access(real, os.W_OK):
        raise EditError(f"{real} may not be written. Check its permissions.")
    if before is not None and real.read_bytes() != before:
        raise NotebookChangedError(f"{real} was changed since it was read; nothing was written. Read it again.")


def _adopt(new: Path, descriptor: int, real: Path, state: os.stat_result) -> None:
    """Copy owner, mode and extended attributes of the old file to the new one, before there is anything in it."""
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (state.st_uid, state.st_gid):
        try:
            os.fchown(descriptor, state.st_uid, state.st_gid)
        except PermissionError:
            raise EditError(f"{real} belongs to another user or group, and must not become yours. Copy it.") from None
    shutil.copystat(real, new)


def _write(descriptor: int, content: bytes) -> None:
    os.ftruncate(descriptor, 0)
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.fsync(descriptor)


def _sync_directory(directory: Path) -> None:
    """Let the new name survive a failure of the power, where the file system can promise that."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    with suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _version(state: os.stat_result | None) -> tuple[int, ...] | None:
    """Return what changes whenever a file's content does."""
    return (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns) if state else None
