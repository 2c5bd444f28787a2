"""What SQLite really raises, and the sentence that users get of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.store.errors import sentences
from scrapdb.store.errors import statement_sentences

STORE = Path("/data/scraps.db")
ENDLESS = "WITH RECURSIVE t (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t"
TOO_LARGE = {
    "deep": f"SELECT {'1 + ' * 20_000}1",
    "negated": f"SELECT {'NOT ' * 5_000}1",
    "wide": f"SELECT {', '.join('1' * 3_000)}",
    "compound": " UNION ALL ".join(["SELECT 1"] * 1_000),
    "long": f"SELECT '{'x' * 2_000_000}'",  # of which Python says so, without a code
    "big": "SELECT zeroblob(2000000000)",
}


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as found:
        found.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1_000_000)
        yield found


@pytest.mark.parametrize("sql", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_question_may_be_too_large(connection: sqlite3.Connection, sql: str) -> None:
    told = pytest.raises(UsageError, match=r"^The expression is too large for SQLite \(.+\): split it\.$")
    with told, sentences(question=True):
        connection.execute(sql).fetchall()
    with pytest.raises(StoreError, match=r"^The store /data/scraps\.db failed: .+\.$"), sentences(STORE):
        connection.execute(sql).fetchall()


def test_a_question_that_is_stopped(connection: sqlite3.Connection) -> None:
    connection.set_progress_handler(lambda: 1, 1_000)
    with pytest.raises(StoreError, match=r"^The query was stopped before its end\.$"), sentences(question=True):
        connection.execute(ENDLESS)
    with (
        pytest.raises(StoreError, match=r"^The store did not answer in time; the statement was"),
        sentences(),
    ):
        connection.execute(ENDLESS)


def test_a_statement_that_is_stopped_by_the_clock_or_by_its_user(connection: sqlite3.Connection) -> None:
    connection.set_progress_handler(lambda: 1, 1_000)
    told = pytest.raises(StoreError, match=r"^The statement was stopped after 2 seconds \(--seconds\)\.$")
    with told, statement_sentences(STORE, 2.0, lambda: True):
        connection.execute(ENDLESS)
    with pytest.raises(KeyboardInterrupt), statement_sentences(STORE, 2.0, lambda: False):
        connection.execute(ENDLESS)


@pytest.mark.parametrize(
    ("sql", "value", "sentence"),
    [
        ("SELEC 1", None, 'SQL: near "SELEC": syntax error.'),
        ("SELECT x", None, "SQL: no such column: x."),
        ("SELECT 1; SELECT 2", None, "SQL: You can only execute one statement at a time."),
        ("SELECT :v", 2**70, "SQL: Python int too large to convert to SQLite INTEGER."),
        ("SELECT random()", None, "`sql` only reads: not authorized to use function: random."),
        ("PRAGMA user_version", None, "`sql` only reads: not authorized."),
    ],
)
def test_a_statement_that_is_wrong(connection: sqlite3.Connection, sql: str, value: int | None, sentence: str) -> None:
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}
    connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY)
    with pytest.raises(UsageError) as told, statement_sentences(STORE, 1.0, lambda: False):
        connection.execute(sql, {"v": value})
    assert str(told.value) == sentence


def test_what_is_no_error_of_sqlite_is_left_alone() -> None:
    for error in (KeyboardInterrupt(), MemoryError(), UsageError("x"), OverflowError()):
        with pytest.raises(type(error)) as told, sentences(STORE, question=True):
            raise error
        assert told.value is error
    assert not issubclass(sqlite3.Error, ScrapdbError)
