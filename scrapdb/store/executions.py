"""The table `executions`: what runners have queued, what is under way, and how it ended.

Many threads and processes write to it, each change in a transaction of its own, so that nothing is lost with a process
that is killed.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from typing import Self

from scrapdb.store import known
from scrapdb.store.connection import open_writer
from scrapdb.store.connection import transaction
from scrapdb.store.errors import sentences
from scrapdb.store.readers import executions
from scrapdb.store.readers.executions import Attempt
from scrapdb.store.schema import OLDEST
from scrapdb.store.write import Writer

_COLUMNS = ", ".join(Attempt._fields)
_QUEUE = f"INSERT INTO executions ({_COLUMNS}) VALUES ({', '.join('?' * len(Attempt._fields))})"


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
            return executions.unfinished(connection)

    def of_batch(self, batch: str) -> list[Attempt]:
        """Read the attempts of a batch in the order in which they were queued."""
        with self._reading() as connection:
            return executions.of_batch(connection, batch)

    def expected_seconds(self, code_hash: str) -> float | None:
        """Say how long the same code took when it last completed, as the median of some runs."""
        with self._reading() as connection:
            return executions.expected_seconds(connection, code_hash)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, sentences(self.path):
            yield self._connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as connection, transaction(connection):
            yield connection
