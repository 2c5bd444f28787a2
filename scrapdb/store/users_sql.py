"""Running a user's SQL: one statement, which can only read, for a limited time."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.store.connection import errors
from scrapdb.store.connection import file_of

_LONGEST_VALUE = 256 * 2**20  # bytes
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_USERS_ERRORS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE})
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})
# Those that tell and, without an argument or in any case, change nothing.
_TELLING_PRAGMAS = frozenset(
    {
        "application_id",
        "compile_options",
        "data_version",  # which a full-text table asks for
        "database_list",
        "encoding",
        "foreign_key_list",
        "freelist_count",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "journal_mode",
        "page_count",
        "page_size",
        "quick_check",
        "table_info",
        "table_list",
        "table_xinfo",
        "user_version",
    }
)
_PRAGMAS_WITH_ARGUMENT = frozenset(
    {"foreign_key_list", "index_info", "index_list", "index_xinfo", "integrity_check", "quick_check"}
    | {"table_info", "table_list", "table_xinfo"}
)


def run(
    connection: sqlite3.Connection, sql: str, parameters: Mapping[str, Any] | None, seconds: float
) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Run one statement on a connection that is then good for nothing else.

    Args:
        connection: one that `open_reader` gave.
        sql: the statement.
        parameters: values for its `:named` parameters.
        seconds: after which it is stopped.

    Returns:
        The columns' names, and the rows.

    Raises:
        UsageError: the statement is wrong, or would do anything but read.
        StoreError: it took too long, or SQLite failed; also while rows are taken.
    """
    if not sql.strip():
        raise UsageError("The SQL is empty.")
    path = file_of(connection)
    clock = _Clock(seconds)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.set_authorizer(_authorize)
    connection.set_progress_handler(clock.is_over, _STEPS)
    with errors(path), _sentences(clock):
        cursor = connection.execute(sql, parameters or {})
    return _distinct([column[0] for column in cursor.description or ()]), _rows(cursor, path, clock)


class _Clock:
    """Stops a statement when its time is over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._deadline = time.monotonic() + seconds

    def is_over(self) -> bool:
        """Return whether its time is over."""
        return time.monotonic() > self._deadline


def _distinct(names: Sequence[str]) -> list[str]:
    """Number the columns that are called alike: id, id_2; rows become dicts and JSON."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        found.append(
            name if name not in found else next(new for new in numbered if new not in names and new not in found)
        )
    return found


def _rows(cursor: sqlite3.Cursor, path: Path, clock: _Clock) -> Iterator[tuple[Any, ...]]:
    with errors(path), _sentences(clock):
        yield from cursor


@contextmanager
def _sentences(clock: _Clock) -> Iterator[None]:
    """Tell the statement's own errors from those of the store."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_AUTH or "not authorized" in str(error):
            raise UsageError(f"`sql` only reads: {error}.") from error
        if code == sqlite3.SQLITE_INTERRUPT:
            if not clock.is_over():  # then Ctrl-C came while SQLite looked at the clock, which stops it too
                raise KeyboardInterrupt from error
            raise StoreError(f"The statement was stopped after {clock.seconds:g} seconds (--seconds).") from error
        if code in _USERS_ERRORS or isinstance(error, sqlite3.ProgrammingError):
            raise UsageError(f"SQL: {str(error).rstrip('.')}.") from error
        raise
    except (OverflowError, UnicodeError) as error:
        raise UsageError(f"SQL: {error}.") from error


def _authorize(action: int, one: str | None, two: str | None, database: str | None, trigger: str | None) -> int:
    del database, trigger
    if action == sqlite3.SQLITE_PRAGMA:
        telling = one in _TELLING_PRAGMAS and (two is None or one in _PRAGMAS_WITH_ARGUMENT)
        return sqlite3.SQLITE_OK if telling else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and two in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_UPDATE and one == "sqlite_master":
        # json_each and its like ask for this when they declare their columns. A statement that says it is refused by
        # SQLite itself, whatever the authorizer says.
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY
