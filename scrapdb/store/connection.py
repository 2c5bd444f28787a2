"""Opening a store for reading or for writing, and finding it."""

from __future__ import annotations

import functools
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path

from scrapdb.errors import StoreError
from scrapdb.errors import StoreNotFoundError
from scrapdb.store import errors
from scrapdb.store.past import LookingBack
from scrapdb.store.past import Past
from scrapdb.store.past import look_back
from scrapdb.store.schema import OLDEST
from scrapdb.store.schema import SAME
from scrapdb.store.schema import VERSION
from scrapdb.store.schema import statements

APPLICATION_ID = 0x53435244  # "SCRD", in bytes 68 to 71 of the file: https://www.sqlite.org/fileformat.html
DEFAULT_NAME = "scraps.db"
_MAGIC = b"SQLite format 3\0"
_HEADER = 100  # bytes
_FILES = 16  # whose header is not read again for each question
_opening = threading.Lock()  # held while a file is opened or looked at
_WRITER_CACHE = -65_536  # KiB, negative as SQLite wants it


def open_reader(path: Path, past: Past | None = None) -> sqlite3.Connection:
    """Open a store for reading only; nothing is created or changed.

    Args:
        path: the database file.
        past: what is looked back at; by default it is the present.

    Raises:
        StoreNotFoundError: there is no file.
        StoreError: it is not a store, or of another version, or keeps none of notebooks.
    """
    _check_once(path)
    with errors.sentences(path):
        kind = sqlite3.Connection if past is None else LookingBack
        connection = _connect(path, "mode=ro", kind)
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error:
            connection.close()
            # A store whose directory may not be written has no place for WAL's shared memory.
            if os.access(path.parent, os.W_OK) or size_of_log(path):
                raise
            connection = _connect(path, "immutable=1", kind)
        if past is not None:
            _look_back(connection, past)
        connection.execute("PRAGMA query_only = ON")
    return connection


def _look_back(connection: sqlite3.Connection, past: Past) -> None:
    try:
        look_back(connection, past)
    except BaseException:
        connection.close()
        raise


@contextmanager
def reading(path: Path, past: Past | None = None) -> Iterator[sqlite3.Connection]:
    """Open a store for one question, all of whose statements see the same rows; arguments are those of `open_reader`.

    Raises:
        StoreNotFoundError: there is no file.
        StoreError: it is not a store, or of another version, or keeps none of notebooks, or SQLite failed.
    """
    with closing(open_reader(path, past)) as connection, errors.sentences(path), snapshot(connection):
        yield connection


def open_writer(path: Path, *, oldest: int = VERSION) -> sqlite3.Connection:
    """Open a store for writing; it is made if there is none.

    Raises:
        StoreError: it may not be written, is not a store, or of a version that is newer, or older than `oldest`.
    """
    if not os.access(path.parent, os.F_OK):
        raise StoreError(f"There is no directory {path.parent} to keep a store in; make it first.")
    if _size(path):
        check(path, oldest=oldest)
        if not os.access(path, os.W_OK):  # SQLite would say so only after all notebooks were read
            raise StoreError(f"The store {path} {errors.READ_ONLY}")
    with errors.sentences(path):
        connection = _connect(path, "mode=rwc")
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def check(path: Path, *, oldest: int = VERSION) -> None:
    """Look at a file's header, without opening it as a database.

    Raises:
        StoreNotFoundError: there is no file.
        StoreError: it is not a store of scrapdb, or of a version that is newer, or older than `oldest`.
    """
    try:
        header = _header(path)
    except FileNotFoundError:
        raise StoreNotFoundError(f"There is no store {path}; make one with `scrapdb index DIR`.") from None
    except OSError as error:
        raise StoreError(f"The store {path} cannot be read: {error.strerror}.") from error
    if not header.startswith(_MAGIC):
        raise StoreError(f"{path} is not a SQLite database; nothing was changed. Name another file with --db.")
    if not _is_ours(header):
        what = "is a SQLite database, but not a store of scrapdb"
        raise StoreError(f"{path} {what}; nothing was changed. Name another file with --db.")
    check_version(path, int.from_bytes(header[60:64], "big"), oldest=oldest)


def _check_once(path: Path) -> None:
    """Look at the header of a file, unless it has been found right and was not written since."""
    with suppress(OSError):  # of which `check` tells
        state = path.stat()
        _checked(path, state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns)
        return
    check(path)


@functools.lru_cache(maxsize=_FILES)
def _checked(path: Path, *_: int) -> None:
    check(path)


def check_version(path: Path, version: int, *, oldest: int = VERSION) -> None:
    """Look at the version of a store's tables.

    Raises:
        StoreError: it is newer, or older than `oldest`.
    """
    if version > VERSION:
        versions = f"schema {version}, this one knows {VERSION}"
        raise StoreError(f"The store {path} was written by a newer scrapdb ({versions}); upgrade.")
    if version < OLDEST:
        raise StoreError(f"The store {path} has an old schema ({version}, now {VERSION}); remove it and index again.")
    if version < oldest:
        index = "`scrapdb index PATH…`, with the paths of its notebooks,"
        how = (
            f"; {index} brings it up to date"
            if version >= SAME
            else f", which read some values otherwise; {index} reads them again"
        )
        raise StoreError(f"The store {path} is of an older scrapdb{how}.")


def find(start: Path) -> Path:
    """Find the nearest `scraps.db`, in a directory or above it.

    The search ends at the home directory, at a mount, and before a file that another user owns or that is no store.

    Raises:
        StoreNotFoundError: there is none.
    """
    for directory in (start, *start.parents):
        path = directory / DEFAULT_NAME
        if os.access(path, os.F_OK):
            with suppress(OSError):
                if path.stat().st_uid == os.getuid() and _is_ours(_header(path)):
                    return path
            break
        if directory == Path.home() or directory.is_mount():
            break
    raise StoreNotFoundError("There is no store here; run `scrapdb index DIR`, or name one with --db.")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock: all that is done inside is committed at the end, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold one state of the store: several statements inside see the same rows. Inside another it is the other's."""
    begun = not connection.in_transaction
    if begun:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        if begun:
            # Rows that nobody takes any more may outlive the connection, with which the transaction has ended.
            with suppress(sqlite3.ProgrammingError):
                connection.rollback()


def file_of(connection: sqlite3.Connection) -> Path:
    """Name the file that a connection has open."""
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


def _connect(path: Path, mode: str, kind: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    # SQLite itself lets threads share a connection; a Table asked for in one may be read, or dropped, in another.
    with _opening:
        return sqlite3.connect(
            f"{_uri(path.absolute())}?{mode}",
            uri=True,
            timeout=errors.BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=kind,
        )


@functools.lru_cache(maxsize=_FILES)
def _uri(path: Path) -> str:
    return path.as_uri()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute(f"PRAGMA cache_size = {_WRITER_CACHE}")
    connection.execute("PRAGMA synchronous = NORMAL")
    if not has_mark(connection):
        # Before there is a write-ahead log, so that the file itself says at once what it is.
        with transaction(connection):
            if not has_mark(connection):  # another process may have made it meanwhile
                for statement in statements():
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        with suppress(sqlite3.OperationalError):  # somebody reads it, or it may not be written; the next writer will
            connection.execute("PRAGMA journal_mode = WAL")


def has_mark(connection: sqlite3.Connection) -> bool:
    """Return whether a database has the mark of a store in its header."""
    return bool(connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def _header(path: Path) -> bytes:
    """Read the first bytes of a file, by a descriptor that this process has of it, if it has one.

    To close another one would take away all its locks on the file, from SQLite's connections too, whose log the next
    process would then remove (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    with _opening:
        for descriptor in _descriptors(path.stat()):
            with suppress(OSError):  # one to write only, or one that was closed meanwhile
                return os.pread(descriptor, _HEADER, 0)
        with path.open("rb") as file:
            return file.read(_HEADER)


def _descriptors(file: os.stat_result) -> Iterator[int]:
    """Yield the descriptors that this process has of a file."""
    listed = os.listdir("/dev/fd") if os.access("/dev/fd", os.R_OK) else ()  # noqa: PTH208 - numbers, not files
    for name in listed:
        with suppress(OSError):
            if os.path.samestat(os.fstat(int(name)), file):
                yield int(name)


def _is_ours(header: bytes) -> bool:
    return header.startswith(_MAGIC) and int.from_bytes(header[68:72], "big") == APPLICATION_ID


def size_of_log(path: Path) -> int:
    """Return the bytes of a store's write-ahead log; 0 if there is none."""
    return _size(path.with_name(f"{path.name}-wal"))


def _size(path: Path) -> int:
    try:
        state = path.stat()
    except OSError:
        return 0
    return state.st_size if stat.S_ISREG(state.st_mode) else 0
