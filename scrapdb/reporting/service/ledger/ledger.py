"""The ledger's file: opening it, reading it, and changing it, each change in a transaction of its own."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Self

from scrapdb.errors import ScrapdbError
from scrapdb.running.batches.lock import is_held
from scrapdb.store.connection import transaction

NAME = ".scrapdb-service.db"
APPLICATION_ID = 0x53435253  # "SCRS", in bytes 68 to 71 of the file
VERSION = 1
_TEMPORARY = tempfile.gettempdir()  # before a worker has one of its own
_BUSY = 30.0  # seconds for which a writer waits for another


def now() -> str:
    """Return the time as the ledger has it."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """Write a moment with a time zone as the ledger has it: 2026-11-30T02:28:12.000000Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Ledger:
    """An open ledger, which the threads of a process share. Use it as a context manager.

    Args:
        reports: the directory of all reports, in which it is, or is made.

    Raises:
        ScrapdbError: it cannot be opened, is none, or was made by a newer scrapdb.
    """

    def __init__(self, reports: Path) -> None:
        self.path = reports / NAME
        self._lock, self._reading = threading.RLock(), threading.RLock()
        self._writer: int | None = None  # the thread that is in a transaction
        try:
            reports.mkdir(parents=True, exist_ok=True)
            self._connection, self._reader = _opened(self.path), _opened(self.path)
        except (OSError, sqlite3.Error) as error:
            raise ScrapdbError(f"The ledger {self.path} cannot be opened: {error}.") from error

    def __enter__(self) -> Self:
        """Return the ledger itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._reader.close()
        self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection, for statements that change nothing; who only reads waits for no writer.

        Raises:
            ScrapdbError: SQLite failed.
        """
        writes = self._writer == threading.get_ident()
        with self._lock if writes else self._reading, self._told():
            yield self._connection if writes else self._reader

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction: all that is done inside is written at its end, or nothing.

        Raises:
            ScrapdbError: SQLite failed.
        """
        if self._writer == threading.get_ident():  # the caller's
            with self._told():
                yield self._connection
            return
        if not self._lock.acquire(timeout=_BUSY):
            raise ScrapdbError(f"The ledger {self.path} is busy: others have written to it for {_BUSY:.0f} seconds.")
        try:
            self._writer = threading.get_ident()
            with self._told(), transaction(self._connection):
                yield self._connection
        finally:
            self._writer = None
            self._lock.release()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise ScrapdbError(f"The ledger {self.path} failed: {error}.") from error


@contextmanager
def worker(reports: Path) -> Iterator[str]:
    """Hold the lock on a new file as long as this worker lives, and yield its path, by which rows name it."""
    path = Path(os.path.realpath(reports), f".scrapdb-worker-{secrets.token_hex(4)}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield str(path)
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def temporary(worker: str) -> Path:
    """Name the directory in which a worker has its temporary files, with a short path, since sockets are below it."""
    return Path(_TEMPORARY, f"scrapdb-{Path(worker).stem.rpartition('-')[2]}")


def is_gone(worker: str) -> bool:
    """Tell whether a worker is gone; what it left of its lock and of temporary files is removed."""
    if is_held(worker):
        return False
    shutil.rmtree(temporary(worker), ignore_errors=True)
    with suppress(OSError):
        Path(worker).unlink()
    return True


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(0o600)  # before SQLite makes it: what it writes beside it gets the same mode
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # what was taken on is there after a power cut, too
        with transaction(connection):
            _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    with suppress(OSError):
        path.chmod(0o600)
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    mark, version, tables = (
        connection.execute(asked).fetchone()[0]
        for asked in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_schema")
    )
    if not tables:
        for statement in _statements():
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    elif mark != APPLICATION_ID:
        raise ScrapdbError(f"{path} is no ledger of a service; nothing was changed.")
    elif version != VERSION:
        raise ScrapdbError(f"The ledger {path} is of version {version}, this scrapdb knows {VERSION}.")


def _statements() -> Iterator[str]:
    text = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
