"""The table `executions`: what runners have queued, what is under way, and how it ended.

Many threads and processes write to it, each change in a transaction of its own, so that nothing is lost with a process
that is killed.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from typing import NamedTuple
from typing import Self

from scrapdb.store import known
from scrapdb.store.connection import open_writer
from scrapdb.store.connection import transaction
from scrapdb.store.errors import sentences
from scrapdb.store.schema import OLDEST
from scrapdb.store.write import Writer

UNFINISHED = ("queued", "running", "retrying")
_COMPARED = 100  # earlier runs of the same code


class Attempt(NamedTuple):
    """One attempt at a run, as a row of `executions`; `parameters` are JSON, times as `notebooks` has them."""

    id: str
    batch: str
    notebook: str
    source: str | None = None
    parameters: str | None = None
    attempt: int = 1
    state: str = "queued"
    reason: str | None = None
    cell: int | None = None
    cells: int | None = None
    expected_seconds: float | None = None
    wall: str | None = None
    runner: str | None = None
    queued_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None


_COLUMNS = ", ".join(Attempt._fields)
_QUEUE = f"INSERT INTO executions ({_COLUMNS}) VALUES ({', '.join('?' * len(Attempt._fields))})"
_READ = f"SELECT {_COLUMNS} FROM executions"
_UNFINISHED = f"{_READ} WHERE state IN {UNFINISHED} ORDER BY rowid"
_OF_BATCH = f"{_READ} WHERE batch = ? ORDER BY rowid"
_LAST_OF = f"""
{_READ} WHERE rowid IN (SELECT max(rowid) FROM executions
                         WHERE notebook IN (SELECT value FROM json_each(?)) GROUP BY notebook)"""
_SECONDS = """
SELECT seconds FROM notebooks
 WHERE code_hash = ? AND status = 'completed' AND seconds IS NOT NULL ORDER BY started_at DESC LIMIT ?"""


class Executions:
    """The executions of a store, open for writing; its threads share it. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Open a store, or make one; one of an older scrapdb becomes one of this version.

        Raises:
            StoreError: it may not be written, or is none.
        """
        with Writer(path, oldest=OLDEST) as writer:
            known.forget_older(writer)
        self.path = path
        self._connection = open_writer(path)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Return the executions themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the store."""
        self._connection.close()

    def queue(self, attempts: Iterable[Attempt]) -> None:
        """Add attempts, all or none.

        Raises:
            StoreError: SQLite failed, or one of the ids is there already.
        """
        with self._writing() as connection:
            connection.executemany(_QUEUE, attempts)

    def change(self, id_: str, state: str, /, **columns: Any) -> None:
        """Change the state of an attempt, and some of its other columns by name.

        Raises:
            StoreError: SQLite failed.
        """
        changed = {"state": state, **columns}
        values = ", ".join(f"{column} = ?" for column in changed)
        with self._writing() as connection:
            connection.execute(f"UPDATE executions SET {values} WHERE id = ?", (*changed.values(), id_))

    def unfinished(self) -> list[Attempt]:
        """Read the attempts that are queued, under way or waiting for another; `runner` says whose they are."""
        with self._reading() as connection:
            return unfinished(connection)

    def of_batch(self, batch: str) -> list[Attempt]:
        """Read the attempts of a batch in the order in which they were queued."""
        with self._reading() as connection:
            return of_batch(connection, batch)

    def expected_seconds(self, code_hash: str) -> float | None:
        """Say how long the same code took when it last completed, as the median of some runs."""
        with self._reading() as connection:
            return expected_seconds(connection, code_hash)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, sentences(self.path):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection, transaction(connection):
            yield connection


def unfinished(connection: sqlite3.Connection) -> list[Attempt]:
    """Read the attempts that are not over; they are so for ever if their runner is gone."""
    return [Attempt(*row) for row in connection.execute(_UNFINISHED)]


def of_batch(connection: sqlite3.Connection, batch: str) -> list[Attempt]:
    """Read the attempts of a batch in the order in which they were queued."""
    return [Attempt(*row) for row in connection.execute(_OF_BATCH, (batch,))]


def expected_seconds(connection: sqlite3.Connection, code_hash: str) -> float | None:
    """Compute the median of the seconds that the last completed runs of some code took; None if there are none."""
    seconds = [row[0] for row in connection.execute(_SECONDS, (code_hash, _COMPARED))]
    return median(seconds) if seconds else None


def last_of(connection: sqlite3.Connection, notebooks: Iterable[str]) -> list[Attempt]:
    """Read the last attempt at each of some notebooks, by their paths."""
    return [Attempt(*row) for row in connection.execute(_LAST_OF, (json.dumps(list(notebooks)),))]
