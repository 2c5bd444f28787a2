"""The door behind which SQLite stays: what it raises becomes a sentence that says what to do.

An error is known by its code, `sqlite_errorcode`, without the half that details it. Its message is looked at only where
SQLite has one code, SQLITE_ERROR, for many things: a table or column that is missing, an expression that is too large
for its parser, a function that may not be called; and where Python's `sqlite3` raises without a code, as for a
statement that is too long.

Left alone is what is no `sqlite3.Error`: KeyboardInterrupt; MemoryError, which is what SQLITE_NOMEM arrives as; and
OverflowError and UnicodeError of values that SQLite cannot hold, since only a user's own statement binds such.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError

BUSY_SECONDS = 60.0  # for which a writer waits for another
READ_ONLY = "may not be written; check the permissions of the file and its directory."
_AGAIN = "It is derived from the notebooks: remove it and index again."
_DAMAGED = f"is damaged. {_AGAIN}"
# How SQLite begins to say that a table or a column is not there or is one too many, or that it knows no such file.
_OTHER_SCHEMA = (
    "no such table",
    "no such column",
    "cannot join using column",
    "duplicate column name",
    "table ",
    "foreign key mismatch",
    "error in ",
    "unsupported file format",
)
# What it says of a statement that is beyond one of its limits (https://www.sqlite.org/limits.html).
_TOO_COMPLEX = ("parser stack overflow", "too many", "too large", "too complex", "too big")
_OF_STATEMENTS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE})


_raised = threading.local()


@contextmanager
def remembered() -> Iterator[None]:
    """Keep what is raised in a function of SQL, an error of ours or Ctrl-C: SQLite hands on that it was something."""
    try:
        yield
    except (ScrapdbError, KeyboardInterrupt) as error:
        _raised.error = error
        sqlite3.enable_callback_tracebacks(False)  # noqa: FBT003 - which Datasette wants to see; this one will be told
        raise


@contextmanager
def sentences(path: Path | None = None, *, question: bool = False) -> Iterator[None]:
    """Turn what SQLite raises into sentences.

    Args:
        path: of the store, if the sentence is to name it.
        question: whether an expression is being answered, which may be too large, or be stopped.

    Raises:
        UsageError: the question is larger than SQLite can take.
        StoreError: SQLite, or the file system below it, failed.
        ScrapdbError: what a function of ours has raised.
    """
    try:
        yield
    except sqlite3.Error as error:
        own: ScrapdbError | KeyboardInterrupt | None = vars(_raised).pop("error", None)
        raise own or (_of_question(error) if question else None) or StoreError(_sentence(error, path)) from error


@contextmanager
def statement_sentences(path: Path, seconds: float, is_over: Callable[[], bool]) -> Iterator[None]:
    """Turn what a user's own statement raises into sentences, and tell it from what the store does.

    Args:
        path: of the store.
        seconds: after which the statement is stopped.
        is_over: whether they are over.

    Raises:
        UsageError: the statement is wrong, or would do anything but read.
        StoreError: its time is over, or SQLite failed.
    """
    try:
        yield
    except sqlite3.Error as error:
        if _code(error) == sqlite3.SQLITE_INTERRUPT and not is_over():
            raise KeyboardInterrupt from error  # Ctrl-C while SQLite looked at the clock, which stops it too
        raise _of_statement(error, seconds) or StoreError(_sentence(error, path)) from error
    except (OverflowError, UnicodeError) as error:
        raise UsageError(f"SQL: {error}.") from error


def damaged(path: Path) -> StoreError:
    """Say that a store does not hold together, where SQLite has not noticed it."""
    return StoreError(f"The store {path} {_DAMAGED}")


def _of_question(error: sqlite3.Error) -> ScrapdbError | None:
    message = str(error)
    if any(reason in message.lower() for reason in _TOO_COMPLEX):
        return UsageError(f"The expression is too large for SQLite ({message}): split it.")
    return StoreError("The query was stopped before its end.") if _code(error) == sqlite3.SQLITE_INTERRUPT else None


def _of_statement(error: sqlite3.Error, seconds: float) -> ScrapdbError | None:
    code = _code(error)
    if code == sqlite3.SQLITE_AUTH or "not authorized" in str(error):  # of a function SQLITE_ERROR says it
        return UsageError(f"`sql` only reads: {error}.")
    if code == sqlite3.SQLITE_INTERRUPT:
        return StoreError(f"The statement was stopped after {seconds:g} seconds (--seconds).")
    if code in _OF_STATEMENTS or isinstance(error, sqlite3.ProgrammingError):
        return UsageError(f"SQL: {str(error).rstrip('.')}.")
    return None


def _sentence(error: sqlite3.Error, path: Path | None) -> str:
    store = f"The store {path}" if path else "The store"
    known = {
        sqlite3.SQLITE_BUSY: f"is locked: another process has written to it for {BUSY_SECONDS:.0f} seconds. Try again.",
        sqlite3.SQLITE_READONLY: READ_ONLY,
        sqlite3.SQLITE_IOERR: "cannot be read or written: the disk may be full, or failing.",
        sqlite3.SQLITE_PROTOCOL: "cannot be opened: its log was left by a killed process. Ask as one who may write it.",
        sqlite3.SQLITE_CANTOPEN: "cannot be opened; check the permissions of the file and its directory.",
        sqlite3.SQLITE_FULL: "cannot grow: the disk is full. What was committed is safe; make room and index again.",
        sqlite3.SQLITE_CORRUPT: _DAMAGED,
        sqlite3.SQLITE_NOTADB: "is not a SQLite database.",
        sqlite3.SQLITE_INTERRUPT: "did not answer in time; the statement was stopped.",
    }
    code = _code(error)
    if code == sqlite3.SQLITE_ERROR and str(error).startswith(_OTHER_SCHEMA):
        return f"{store} is not as this scrapdb makes it: {error}. {_AGAIN}"
    return f"{store} {known.get(code, f'failed: {error}.')}"


def _code(error: sqlite3.Error) -> int:
    """Return which error it is; 0 for what Python's `sqlite3` raises of itself."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
