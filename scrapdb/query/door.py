"""The door to SQLite: what goes wrong behind it is told in scrapdb's own errors."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.query.patterns import register
from scrapdb.query.sql.statements import Statement
from scrapdb.store.connection import sentence

_TOO_COMPLEX = ("parser stack overflow", "too many", "too large", "too complex", "too big")


@contextlib.contextmanager
def answering() -> Iterator[None]:
    """Turn SQLite's errors into ours.

    Raises:
        UsageError: the question is larger than SQLite can take.
        StoreError: anything else.
    """
    try:
        yield
    except sqlite3.Error as error:
        message = str(error)
        if any(reason in message.lower() for reason in _TOO_COMPLEX):
            raise UsageError(f"The expression is too large for SQLite ({message}): split it.") from error
        if "interrupt" in message:
            raise StoreError("The query was stopped before its end.") from error
        raise StoreError(sentence(error)) from error


@contextlib.contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all reads see the same state of the store."""
    with answering():
        begun = not connection.in_transaction
        if begun:
            connection.execute("BEGIN")
        try:
            yield
        finally:
            if begun and connection.in_transaction:
                connection.execute("COMMIT")


def run(connection: sqlite3.Connection, statement: Statement) -> sqlite3.Cursor:
    """Execute a statement; a connection without our SQL functions is given them."""
    try:
        return connection.execute(statement.sql, statement.values)
    except sqlite3.OperationalError as error:
        if "no such function" not in str(error):
            raise
        register(connection)
        return connection.execute(statement.sql, statement.values)
