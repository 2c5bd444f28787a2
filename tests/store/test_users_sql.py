from __future__ import annotations

import hashlib
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

import scrapdb
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.store import users_sql
from scrapdb.store.connection import open_reader

WRITING = [
    "DELETE FROM scraps",
    "INSERT INTO problems (notebook_id, kind, message) VALUES (1, 'x', 'y')",
    "UPDATE notebooks SET status = 'owned'",
    "REPLACE INTO blobs VALUES ('x', x'00')",
    "WITH gone AS (SELECT 1) DELETE FROM scraps",
    "DELETE FROM scraps RETURNING *",
    "UPDATE sqlite_master SET sql = 'x'",
    "UPDATE sqlite_schema SET type = 'x', name = 'x', tbl_name = 'x', rootpage = 1, sql = 'x'",
    "DELETE FROM sqlite_master",
    "DROP TABLE scraps",
    "ALTER TABLE scraps ADD COLUMN x",
    "CREATE TABLE x (y)",
    "CREATE TABLE x AS SELECT 1",
    "CREATE TEMP TABLE x (y)",
    "CREATE TEMP VIEW x AS SELECT 1",
    "CREATE TEMP TRIGGER x AFTER INSERT ON scraps BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE x USING fts5(y)",
    "CREATE VIRTUAL TABLE temp.x USING dbstat",
    "CREATE INDEX x ON scraps (type)",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO 'copy.db'",
    "ATTACH 'new.db' AS new",
    "ATTACH ':memory:' AS memory",
    "DETACH main",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "PRAGMA user_version = 7",
    "PRAGMA user_version(7)",
    "PRAGMA application_id = 0",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA writable_schema = ON",
    "PRAGMA writable_schema",
    "PRAGMA query_only = OFF",
    "PRAGMA query_only",
    "PRAGMA wal_checkpoint",
    "PRAGMA optimize",
    "PRAGMA incremental_vacuum",
    "PRAGMA temp_store_directory = '/'",
    "PRAGMA main.user_version = 7",
    "EXPLAIN DELETE FROM scraps",
    "SELECT load_extension('x')",
    "SELECT * FROM scraps WHERE load_extension('x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT * FROM pragma_wal_checkpoint",
    "SELECT * FROM pragma_journal_mode('delete')",
]


Answer = tuple[list[str], list[tuple[object, ...]]]


def asked(store: Path, sql: str, seconds: float = 60, **parameters: object) -> Answer:
    with closing(open_reader(store)) as connection:
        columns, rows = users_sql.execute(connection, sql, parameters, seconds)
        return columns, list(rows)


@pytest.mark.parametrize("sql", WRITING)
def test_nothing_can_be_written(ticker_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    store = Path(shutil.copy(ticker_store, tmp_path))
    monkeypatch.chdir(tmp_path)
    before = hashlib.sha256(store.read_bytes()).digest()
    with pytest.raises(UsageError):
        asked(store, sql)
    assert hashlib.sha256(store.read_bytes()).digest() == before
    assert {path.name for path in tmp_path.iterdir()} <= {"scraps.db", "scraps.db-wal", "scraps.db-shm"}


@pytest.mark.parametrize("sql", [*WRITING[:3], "DROP TABLE scraps"])
def test_these_would_write_without_the_guard(ticker_store: Path, tmp_path: Path, sql: str) -> None:
    store = shutil.copy(ticker_store, tmp_path)
    before = hashlib.sha256(Path(store).read_bytes()).digest()
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(sql)
    assert hashlib.sha256(Path(store).read_bytes()).digest() != before


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1; DELETE FROM scraps", "SELECT 1; DROP TABLE scraps"])
def test_there_is_one_statement(ticker_store: Path, sql: str) -> None:
    with pytest.raises(UsageError, match="one statement"):
        asked(ticker_store, sql)


@pytest.mark.parametrize("sql", ["", "  \n\t", "-- nothing", "/* nothing */ ;", ";"])
def test_no_statement_gives_nothing_or_says_so(ticker_store: Path, sql: str) -> None:
    try:
        assert asked(ticker_store, sql) == ([], [])
    except UsageError as error:
        assert str(error) == "The SQL is empty."  # noqa: PT017 - the other answer


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT type, count(*), sum(number) FROM scraps GROUP BY type ORDER BY 1",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 5) SELECT * FROM n",
        "SELECT name, json_extract(json, '$.a') FROM scraps JOIN names ON names.id = name_id WHERE json IS NOT NULL",
        "SELECT key, value, count(*) FROM scraps, json_each(scraps.json) WHERE encoder = 'json' GROUP BY key, value",
        'SELECT fullkey FROM json_tree(\'{"a": [1, {"b": null}]}\')',
        "VALUES (1, 'x'), (NULL, 2.5)",
        "SELECT path, rank() OVER (ORDER BY size, path) FROM notebooks",
        "SELECT * FROM sqlite_schema ORDER BY name",
        "PRAGMA user_version",
        "PRAGMA table_info(runs)",
        "PRAGMA index_list('scraps')",
        "SELECT name, type FROM pragma_table_info('runs')",
        "SELECT x'00ff', 1e308 * 10, -9223372036854775808",
    ],
)
def test_whatever_reads_answers_as_sqlite_does(ticker_store: Path, sql: str) -> None:
    with closing(sqlite3.connect(f"file:{ticker_store}?mode=ro", uri=True)) as connection:
        cursor = connection.execute(sql)
        columns, rows = [column[0] for column in cursor.description], cursor.fetchall()
    assert asked(ticker_store, sql) == (columns, rows)
    assert rows


@pytest.mark.parametrize("sql", ["EXPLAIN SELECT * FROM runs", "EXPLAIN QUERY PLAN SELECT * FROM runs"])
def test_a_plan_can_be_shown(ticker_store: Path, sql: str) -> None:
    columns, rows = asked(ticker_store, sql)
    assert columns[-1] in {"comment", "detail"}
    assert rows


def test_an_empty_answer_has_its_columns(ticker_store: Path) -> None:
    assert asked(ticker_store, "SELECT symbol, distance AS d FROM runs WHERE 0") == (["symbol", "d"], [])


def test_columns_of_one_name_are_numbered(ticker_store: Path) -> None:
    columns, rows = asked(ticker_store, "SELECT 1 AS a, 2 AS a, 3 AS a_2, 4 AS a, 5 AS b")
    assert (columns, rows) == (["a", "a_3", "a_2", "a_4", "b"], [(1, 2, 3, 4, 5)])


def test_parameters_are_values(ticker_store: Path) -> None:
    hostile = "x' OR 1 = 1 --"
    assert asked(ticker_store, "SELECT :a, :b", a=hostile, b=2**40) == ([":a", ":b"], [(hostile, 2**40)])
    assert asked(ticker_store, "SELECT symbol FROM runs WHERE symbol = :s", s=hostile)[1] == []
    # Text from a command line meets numbers as a number.
    _, rows = asked(ticker_store, "SELECT symbol FROM runs WHERE distance < :limit ORDER BY 1", limit="0.1")
    assert rows == [("BCD",), ("MNO",)]


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT", "SQL: incomplete input."),
        ("SELEC 1", 'SQL: near "SELEC": syntax error.'),
        ("SELECT * FROM nowhere", "SQL: no such table: nowhere."),
        ("SELECT nowhere FROM runs", "SQL: no such column: nowhere."),
        ("SELECT :x", "SQL: You did not supply a value for binding"),
        ("SELECT ?", "SQL: Binding 1 "),
        ("SELECT abs(-9223372036854775808)", "SQL: integer overflow."),
        ("SELECT json('{')", "SQL: malformed JSON."),
        ("SELECT zeroblob(300000000)", "SQL: string or blob too big."),
        ("SELECT replace(hex(zeroblob(1000000)), '0', hex(zeroblob(1000)))", "SQL: string or blob too big."),
        ("SELECT '\ud800'", "SQL: 'utf-8' codec can't encode"),
        ("SELECT 1\0", "SQL: the query contains a null character."),
        ("DELETE FROM scraps", "`sql` only reads: not authorized."),
    ],
)
def test_mistakes_are_told_in_a_sentence(ticker_store: Path, sql: str, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        asked(ticker_store, sql)
    assert str(raised.value).startswith(sentence)


def test_a_value_that_sqlite_cannot_bind_is_a_mistake(ticker_store: Path) -> None:
    with pytest.raises(UsageError, match="too large"):
        asked(ticker_store, "SELECT :x", x=2**64)
    with pytest.raises(UsageError, match="not supported"):
        asked(ticker_store, "SELECT :x", x=[1])


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT {} FROM n"


@pytest.mark.parametrize("shown", ["count(*)", "x"])
def test_time_is_limited_before_the_first_row_and_between_rows(ticker_store: Path, shown: str) -> None:
    began = time.monotonic()
    with pytest.raises(StoreError, match=r"^The statement was stopped after 0.2 seconds \(--seconds\)\.$"):
        asked(ticker_store, f"{ENDLESS.format(shown)} WHERE x % 1000 = 0", seconds=0.2)
    assert time.monotonic() - began < 20


def test_a_statement_in_time_is_not_stopped(ticker_store: Path) -> None:
    assert asked(ticker_store, f"{ENDLESS.format('x')} LIMIT 100000", seconds=60)[1][-1] == (100_000,)


def test_a_damaged_store_is_no_mistake_of_the_user(ticker_store: Path, tmp_path: Path) -> None:
    store = Path(shutil.copy(ticker_store, tmp_path))
    content = bytearray(store.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 2000] = b"\xa5" * 2000
    store.write_bytes(content)
    with pytest.raises(StoreError, match=r"is damaged\. It is derived from the notebooks"):
        asked(store, "SELECT * FROM scraps")


def test_the_store_is_free_again_after_an_answer_that_nobody_finished(ticker_store: Path, tmp_path: Path) -> None:
    store = Path(shutil.copy(ticker_store, tmp_path))
    rows = scrapdb.open(store).sql("SELECT * FROM scraps").rows()
    next(rows)
    with closing(sqlite3.connect(store, isolation_level=None, timeout=0)) as connection:
        connection.execute("CREATE TABLE x (y)")
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 1
        del rows
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
