"""Running a user's SQL: one statement, which can only read, for a limited time."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.store.connection import file_of
from scrapdb.store.errors import statement_sentences

_LONGEST_VALUE = 256 * 2**20  # bytes
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})
_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})
_PRAGMAS_WITH_ARGUMENT = frozenset(
    {"foreign_key_list", "index_info", "index_list", "index_xinfo", "integrity_check", "quick_check"}
    | {"table_info", "table_list", "table_xinfo"}
)
# Those that tell and, without an argument or in any case, change nothing. A full-text table asks for `data_version`.
_TELLING_PRAGMAS = _PRAGMAS_WITH_ARGUMENT | (
    {"application_id", "compile_options", "data_version", "database_list", "encoding", "freelist_count"}
    | {"function_list", "journal_mode", "page_count", "page_size", "user_version"}
)


def execute(
    connection: sqlite3.Connection, sql: str, parameters: Mapping[str, Any] | None, seconds: float
) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Execute one statement on a connection that is then good for nothing else.

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
    deadline = time.monotonic() + seconds

    def is_over() -> bool:
        return time.monotonic() > deadline

    answering = partial(statement_sentences, file_of(connection), seconds, is_over)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_VALUE)
    connection.set_authorizer(_authorize)
    connection.set_progress_handler(is_over, _STEPS)
    with answering():
        cursor = connection.execute(sql, parameters or {})
    return distinct([column[0] for column in cursor.description or ()]), _rows(cursor, answering())


def distinct(names: Sequence[str]) -> list[str]:
    """Number the columns that are called alike: id, id_2; rows become dicts and JSON."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        found.append(
            name if name not in found else next(new for new in numbered if new not in names and new not in found)
        )
    return found


def _rows(cursor: sqlite3.Cursor, answering: AbstractContextManager[None]) -> Iterator[tuple[Any, ...]]:
    with answering:
        yield from cursor


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
