from __future__ import annotations

import base64
import datetime as dt
import io
import json
import os
import signal
import sys
import threading
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import scrapdb
from scrapdb.database import duck
from scrapdb.database.duck import views
from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.formats import write as write_rows
from tests.store.made import made
from tests.store.made import write
from tests.stores import query
from tests.stores import sidecars

WIDE = pd.DataFrame({"price": [1.5, 2.5, None], "n": [1, 2, 3], "day": pd.date_range("2026-01-01", periods=3)})
MORE = pd.DataFrame({"price": [100, 101], "Extra": ["x", None]}, index=pd.Index([7, 9], name="row"))


def payload(frame: pd.DataFrame | pa.Table) -> str:
    file = io.BytesIO()
    pq.write_table(frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame), file)
    return base64.b64encode(file.getvalue()).decode()


LARGE = pd.DataFrame({"noise": [os.urandom(100_000)], "price": [-1.0]})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("duck") / "scraps.db"
    scraps: dict[str, Any] = {"loss": 0.5, "good": True, "k": 3, "text": "ü", "both": 1, "d": {"a": [1]}}
    write(
        path,
        [
            made("a.ipynb", scraps, {"p": 1}, {"prices": payload(WIDE)}),
            made(
                "b.ipynb", scraps | {"loss": 2, "both": 2.5}, {"p": 2}, {"prices": payload(MORE), "big": payload(LARGE)}
            ),
            made(
                "c.ipynb", {"loss": float("nan"), "k": 2**70}, {}, {"odd name/1": payload(WIDE), 'q"q': payload(WIDE)}
            ),
            made("d.ipynb", {}, {}, {"Odd": payload(WIDE), "odd": payload(MORE), "odd_1": payload(MORE)}),
        ],
    )
    return path


def asked(store: Path, sql: str, seconds: float = 60, **parameters: Any) -> list[Any]:
    return list(scrapdb.open(store).duckdb(sql, parameters, seconds).rows())


def test_a_frame_across_notebooks_is_what_pandas_makes_of_it(store: Path) -> None:
    sql = "SELECT notebook, max(price), sum(n), count(*) FROM frame_prices GROUP BY notebook ORDER BY 1"
    expected = [
        (name, frame["price"].max(), int(frame["n"].sum()) if "n" in frame else None, len(frame))
        for name, frame in (("a.ipynb", WIDE), ("b.ipynb", MORE))
    ]
    assert asked(store, sql) == expected


def test_columns_are_put_together_by_name_with_the_index_and_the_notebook_in_front(store: Path) -> None:
    table = scrapdb.open(store).duckdb("FROM frame_prices ORDER BY notebook, price")
    assert table.columns == ("notebook", "notebook_id", "price", "n", "day", "row", "Extra")
    ids = dict(query(store, "SELECT path, id FROM notebooks"))
    found = [row for row in table if row["notebook"] == "b.ipynb"]
    assert [row["notebook_id"] for row in found] == [ids["b.ipynb"]] * 2
    assert [(row["row"], row["Extra"], row["n"]) for row in found] == [(7, "x", None), (9, None, None)]


def test_the_views_are_the_tables_of_an_export_with_ids(store: Path) -> None:
    assert asked(store, "SELECT name, number FROM scraps WHERE notebook = 'a.ipynb' AND name = 'loss'") == [
        ("loss", 0.5)
    ]
    sql = "SELECT s.number FROM scraps s JOIN notebooks USING (notebook_id) WHERE name = 'loss' ORDER BY 1 NULLS LAST"
    assert asked(store, sql) == [(0.5,), (2.0,), (None,)]
    assert asked(store, "SELECT name, integer, source FROM parameters ORDER BY notebook") == [
        ("p", 1, "recorded"),
        ("p", 2, "recorded"),
    ]
    assert asked(store, "SELECT count(*), count(notebook) FROM notebooks") == [(4, 4)]


def test_columns_of_runs_are_typed_by_what_is_in_them(store: Path) -> None:
    types = dict(asked(store, "SELECT column_name, column_type FROM (DESCRIBE runs)"))
    assert types["loss"] == types["both"] == types["k"] == "DOUBLE"  # an integer beyond 64 bit, too
    assert (types["good"], types["p"], types["text"]) == ("BOOLEAN", "BIGINT", "VARCHAR")
    assert types["nb_started_at"] == "TIMESTAMP WITH TIME ZONE"
    rows = asked(store, 'SELECT notebook, loss, good, "both", k FROM runs ORDER BY notebook')
    assert rows[:2] == [("a.ipynb", 0.5, True, 1.0, 3.0), ("b.ipynb", 2.0, True, 2.5, 3.0)]
    assert rows[2] == ("c.ipynb", None, None, None, float(2**70))


def test_rows_of_frames_join_runs(store: Path) -> None:
    sql = "SELECT notebook_id, avg(price) FROM frame_prices JOIN runs ON notebook_id = nb_id WHERE loss < 1 GROUP BY 1"
    assert [row[1] for row in asked(store, sql)] == [WIDE["price"].mean()]


def test_names_that_are_no_identifiers_are_in_quotes_and_none_is_taken_for_another(store: Path) -> None:
    assert asked(store, 'SELECT count(*) FROM "frame_odd name/1"') == [(3,)]
    assert asked(store, 'SELECT count(*) FROM "frame_q""q"') == [(3,)]
    listed = dict(asked(store, 'SELECT name, any_value("view") FROM frames GROUP BY 1'))
    assert listed == views(sorted(listed))
    assert len({view.casefold() for view in listed.values()}) == len(listed)
    # Odd and odd: neither is `frame_odd`, which DuckDB would find for both.
    assert listed["odd_1"] == "frame_odd_1"
    assert [asked(store, f"SELECT count(*) FROM {listed[name]}")[0][0] for name in ("Odd", "odd", "odd_1")] == [3, 2, 2]
    with pytest.raises(UsageError, match=r"there is no table frame_odd; did you mean frame_odd"):
        asked(store, "FROM frame_odd")


def test_frames_lists_what_there_is(store: Path) -> None:
    tables = "frames JOIN notebooks ON notebooks.id = notebook_id JOIN names ON names.id = name_id"
    expected = query(store, f"SELECT path, name, rows, columns, frames.size FROM {tables} ORDER BY 1, 2")
    assert asked(store, "SELECT notebook, name, rows, columns, bytes FROM frames ORDER BY 1, 2") == expected


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM frame_prices WHERE notebook = 'b.ipynb'",
        "SELECT count(*) FROM frame_prices WHERE notebook IN ('b.ipynb', 'z') AND price > 0",
        "SELECT count(*) FROM frame_prices WHERE notebook_id = (SELECT nb_id FROM runs WHERE notebook = 'b.ipynb')",
        "SELECT count(price) FROM frame_prices WHERE notebook LIKE 'b%' OR \"Extra\" = 'x'",
        'SELECT count(notebook) FROM frame_prices WHERE "row" BETWEEN 7 AND 9',
    ],
)
def test_filters_choose_rows_and_notebooks(store: Path, sql: str) -> None:
    assert asked(store, sql) == [(2,)]


def test_a_filter_on_the_notebook_opens_no_other_frame(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scrapdb.database import frames

    read: list[str] = []
    table = frames.AlignedFrames.table

    def seen(self: Any, frame: Any, columns: Any = None) -> Any:
        read.append(frame.notebook)
        return table(self, frame, columns)

    monkeypatch.setattr(frames.AlignedFrames, "table", seen)
    asked(store, "SELECT max(price) FROM frame_prices WHERE notebook = 'b.ipynb'")
    assert read == ["b.ipynb"]


def test_values_keep_their_types(store: Path) -> None:
    sql = r"""SELECT 1.50::DECIMAL(10, 2), 170141183460469231731687303715884105727::HUGEINT, sum(3),
      TIMESTAMPTZ '2026-01-01 00:00:00+02', TIMESTAMP_NS '2026-01-01 00:00:00.123456789', [1, NULL],
      {'a': 1, 'b': ['x']}, '\x00\xFF'::BLOB, INTERVAL '1 month 2 days 3 hours', '{"a": 1}'::JSON, MAP {'k': 1},
      DATE '2026-01-01', 'x'::ENUM ('x'), '101'::BIT, NULL"""
    assert asked(store, sql) == [
        (
            Decimal("1.50"),
            2**127 - 1,
            3,
            dt.datetime(2025, 12, 31, 22, tzinfo=dt.UTC),
            pd.Timestamp("2026-01-01 00:00:00.123456789"),
            [1, None],
            {"a": 1, "b": ["x"]},
            b"\0\xff",
            "1 month 2 days 03:00:00",
            '{"a": 1}',
            {"k": 1},
            dt.date(2026, 1, 1),
            "x",
            "101",
            None,
        )
    ]


def test_every_format_prints_them(store: Path, tmp_path: Path) -> None:
    shown = "1.50 AS d, sum(n) AS s, max(day) AS t, list(n ORDER BY n NULLS LAST) AS l, {'a': 0.1} AS o"
    sql = f"SELECT {shown} FROM frame_prices"
    table = scrapdb.open(store).duckdb(sql)

    def printed(format_: str) -> str:
        write_rows(format_, table.columns, table.rows(), tmp_path / "rows")
        return (tmp_path / "rows").read_text()

    assert printed("csv") == 'd,s,t,l,o\n1.50,6,2026-01-03 00:00:00,"[1, 2, 3, null, null]","{""a"": 0.1}"\n'
    assert json.loads(printed("json")) == [
        {"d": 1.5, "s": 6, "t": "2026-01-03 00:00:00", "l": [1, 2, 3, None, None], "o": {"a": 0.1}}
    ]
    assert printed("table").splitlines()[1].startswith("1.50  6  2026-01-03 00:00:00")
    write_rows("xlsx", table.columns, table.rows(), tmp_path / "x.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx").active
    assert [cell.value for cell in sheet[2]][:3] == [1.5, 6, dt.datetime(2026, 1, 3)]  # noqa: DTZ001 - Excel's
    types = table.to_arrow().schema.types
    assert types[0] == pa.decimal128(3, 2)
    assert pa.types.is_list(types[3])


@pytest.mark.parametrize(
    "sql",
    [
        "FROM runs",
        "SHOW TABLES",
        "DESCRIBE runs",
        "SUMMARIZE frame_prices",
        "EXPLAIN FROM runs",
        "VALUES (1)",
        "PIVOT (SELECT good, k FROM runs) ON good USING count(*)",
        "WITH x AS (SELECT 1) FROM x;",
        "SELECT 1 -- x",
        "FROM query_table('frame_prices')",
        "SELECT interval 1 day -- last",
    ],
)
def test_whatever_reads_answers(store: Path, sql: str) -> None:
    assert asked(store, sql)


def test_parameters_are_values(store: Path) -> None:
    assert asked(store, "SELECT count(*) FROM frame_prices WHERE price > $least", least="2") == [(3,)]
    assert asked(store, "SELECT $x", x="' OR 1 = 1") == [("' OR 1 = 1",)]
    with pytest.raises(UsageError, match=r"^SQL: Values were not provided for the following parameters: x\.$"):
        asked(store, "SELECT $x")


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("", "The SQL is empty."),
        ("-- nothing", "The SQL is empty."),
        ("selec 1", 'SQL: syntax error at or near "selec".'),
        ("SELECT 1; SELECT 2", "SQL: there can be one statement only."),
        ("FROM runz", "SQL: there is no table runz; did you mean runs?"),
        ("FROM frame_price", "SQL: there is no table frame_price; did you mean frame_prices"),
        ("SELECT lost FROM runs", 'SQL: Referenced column "lost" not found in FROM clause!'),
        ("SELECT nofunction(1)", "SQL: Scalar Function with name nofunction does not exist!"),
        ("SELECT sum('a')", "SQL: Could not choose a best candidate function"),
        ("SELECT 'a'::INT", "SQL: Could not convert string 'a' to INT32."),
        ("SELECT error('boo')", "SQL: boo."),
        ("CREATE TABLE x (a INT)", "`sql` only reads: this is CREATE."),
    ],
)
def test_mistakes_are_told_in_a_sentence(store: Path, sql: str, sentence: str) -> None:
    with pytest.raises(ScrapdbError) as raised:
        asked(store, sql)
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)
    assert "LINE 1" not in str(raised.value)


FILES = {"f.csv": "a,b\n1,2\n", "f.json": '[{"a": 1}]'}
REACHING = [
    "SELECT * FROM read_csv('f.csv')",
    "SELECT * FROM 'f.csv'",
    "SELECT * FROM 'f.parquet'",
    'SELECT * FROM "f.parquet"',
    "SELECT * FROM read_parquet('f.parquet')",
    "SELECT * FROM parquet_scan(['f.parquet'])",
    "SELECT * FROM parquet_metadata('f.parquet')",
    "SELECT * FROM parquet_schema('f.parquet')",
    "SELECT * FROM parquet_kv_metadata('f.parquet')",
    "SELECT * FROM read_text('f.csv')",
    "SELECT * FROM read_blob('f.csv')",
    "SELECT * FROM read_json('f.json')",
    "SELECT * FROM read_ndjson_objects('f.json')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM sniff_csv('f.csv')",
    "SELECT * FROM read_duckdb('o.db', table_name = 't')",
    "SELECT * FROM read_text('/etc/hostname')",
    "SELECT (SELECT content FROM read_text('f.csv'))",
    "WITH x AS (FROM read_text('f.csv')) SELECT * FROM x",
    "SELECT * FROM query('SELECT * FROM read_text(''f.csv'')')",
    "SELECT * FROM query_table('f.csv')",
    "SELECT * FROM query_table(['f.csv'])",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''f.csv'')'))",
    "SELECT * FROM enable_logging('QueryLog', storage = 'file', storage_config = {'path': 'logs'})",
    "SELECT * FROM enable_logging()",
    "SELECT * FROM enable_profiling()",
    "SELECT * FROM of_python",
    "COPY (SELECT 1) TO 'w.csv'",
    "COPY (SELECT 1) TO 'w.parquet'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'w.csv'",
    "ATTACH 'o.db' AS o",
    "ATTACH 'new.db' AS new",
    "ATTACH ':memory:' AS m",
    "EXPORT DATABASE 'exported'",
    "IMPORT DATABASE 'whole'",
    "PRAGMA import_database('whole')",
    "SET threads = 1",
    "SET memory_limit = '100GB'",
    "RESET memory_limit",
    "PRAGMA enable_profiling",
    "CALL enable_logging()",
    "USE memory",
    "SET VARIABLE a = 1",
    "CREATE TABLE x (a INT)",
    "CREATE TEMP VIEW x AS SELECT 1",
    "CREATE OR REPLACE TEMP VIEW runs AS SELECT 1",
    "CREATE MACRO f(a) AS a",
    "CREATE PERSISTENT SECRET s (TYPE http, BEARER_TOKEN 'x')",
    "PREPARE p AS SELECT 1",
    "BEGIN",
    "CHECKPOINT",
    "VACUUM",
]
# What fails in either case here, since there is no network; with the wall it is forbidden before it is tried.
DOWNLOADING = [
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '/x/y.duckdb_extension'",
    "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
    "SELECT * FROM 'http://127.0.0.1:9/x.csv'",
    "SELECT * FROM sqlite_scan('scraps.db', 'runs')",
    "ATTACH 'scraps.db' AS s (TYPE sqlite)",
    "SELECT getenv('HOME')",
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name, text in FILES.items():
        Path(name).write_text(text)
    pq.write_table(pa.table({"a": [1]}), "f.parquet")
    with duckdb.connect("o.db") as connection:
        connection.execute("CREATE TABLE t (a INT)")
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("EXPORT DATABASE 'whole'")
    return tmp_path


def files(place: Path) -> set[Path]:
    return set(place.rglob("*"))


@pytest.mark.usefixtures("place")
def test_without_the_wall_each_of_these_succeeds() -> None:
    of_python = pa.table({"a": [1]})
    assert of_python.num_rows
    for sql in REACHING:
        with duckdb.connect() as connection:
            connection.execute(sql).fetchall()


def test_no_statement_reaches_beyond_the_store(store: Path, place: Path) -> None:
    of_python = pa.table({"a": [1]})
    assert of_python.num_rows
    before = files(place)
    for sql in [*REACHING, *DOWNLOADING]:
        with pytest.raises(UsageError):
            asked(store, sql)
        assert files(place) == before, sql


def test_the_settings_hold_where_the_kind_of_statement_would_not(place: Path) -> None:
    before = files(place)
    for sql in REACHING:
        if sql.startswith(("ATTACH 'o", "ATTACH 'n", "COPY", "EXPORT", "EXPLAIN", "IMPORT", "SET m", "CREATE PER")):
            with closing(duck._walled()) as connection, pytest.raises(duckdb.Error):
                connection.execute(sql)
            assert files(place) == before, sql


def test_nothing_is_spilled(place: Path) -> None:
    before = files(place)
    with closing(duck._walled()) as connection:
        assert connection.execute("SELECT current_setting('temp_directory')").fetchall() == [("",)]
    assert files(place) == before


def test_memory_is_limited(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duck, "_WALL", [setting.replace("2GB", "50MB") for setting in duck._WALL])
    with pytest.raises(StoreError, match=r"^The statement needs more memory than the 2GB that it may have\.$"):
        asked(store, "SELECT list(range) FROM range(20000000)")


def test_time_is_limited(store: Path) -> None:
    endless = "FROM range(1000000000) a, range(1000000) b"
    for sql in (f"SELECT count(*) {endless}", f"SELECT a.range {endless}"):
        began = time.monotonic()
        with pytest.raises(StoreError, match=r"^The statement was stopped after 0.3 seconds \(--seconds\)\.$"):
            asked(store, sql, seconds=0.3)
        assert time.monotonic() - began < 20


def test_time_is_limited_while_files_are_opened(store: Path) -> None:
    with pytest.raises(StoreError, match="was stopped after 1e-09 seconds"):
        asked(store, "SELECT count(*) FROM frame_prices", seconds=1e-9)


def test_a_statement_in_time_leaves_nothing_behind(store: Path) -> None:
    before = threading.active_count()
    rows = scrapdb.open(store).duckdb("FROM range(100000)").rows()
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert asked(store, "SELECT count(*) FROM frame_prices") == [(5,)]
    assert threading.active_count() == before


def test_ctrl_c_stops_it(store: Path) -> None:
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        asked(store, "SELECT count(*) FROM range(10000000000) a, range(10000) b")
    assert time.monotonic() - began < 20


def test_rows_can_be_taken_again(store: Path) -> None:
    table = scrapdb.open(store).duckdb("SELECT price FROM frame_prices ORDER BY price")
    assert list(table.rows()) == list(table.rows())
    assert table.to_arrow().column(0).to_pylist() == [row["price"] for row in table]
    assert list(table.to_pandas().columns) == ["price"]


def test_a_damaged_frame_is_told(store: Path, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copy(store, tmp_path))
    shutil.copytree(store.with_name("scraps.db-frames"), copy.with_name("scraps.db-frames"))
    (sidecar,) = sidecars(copy)
    sidecar.write_bytes(sidecar.read_bytes()[:-100] + b"\0" * 100)
    assert asked(copy, "SELECT count(*) FROM frame_prices") == [(5,)]
    with pytest.raises(ScrapdbError, match=r"The DataFrame of b\.ipynb is damaged"):
        asked(copy, "SELECT count(*) FROM frame_big")
    sidecar.unlink()
    with pytest.raises(ScrapdbError, match="is missing"):
        asked(copy, "SELECT count(*) FROM frame_big")


def test_columns_that_differ_only_in_case_are_told_apart(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1], "A": [2], "notebook": [3], "Notebook_ID": [4], 'we"ird > 1': [5]})
    write(tmp_path / "scraps.db", [made("n.ipynb", frames={"f": payload(frame)})])
    table = scrapdb.open(tmp_path / "scraps.db").duckdb("FROM frame_f")
    assert table.columns == ("notebook", "notebook_id", "a_1", "A_2", "notebook_", "Notebook_ID_", 'we"ird > 1')
    assert [row[2:] for row in table.rows()] == [(1, 2, 3, 4, 5)]
    assert asked(tmp_path / "scraps.db", 'SELECT a_1 FROM frame_f WHERE "we""ird > 1" = 5 AND A_2 > 1') == [(1,)]


def test_types_that_duckdb_has_not_are_read_as_the_next_one(tmp_path: Path) -> None:
    table = pa.table(
        {
            "half": pa.array([1.5], pa.float16()),
            "wide": pa.array([Decimal("1.5")], pa.decimal256(50, 2)),
            "period": pa.array([1]),
            "category": pa.array(["x"]).dictionary_encode(),
            "duration": pa.array([86_400_000_000_000], pa.duration("ns")),
        }
    )
    write(tmp_path / "scraps.db", [made("n.ipynb", frames={"f": payload(table)})])
    assert asked(tmp_path / "scraps.db", "SELECT half, wide, category, duration FROM frame_f") == [
        (1.5, "1.50", "x", "24:00:00")
    ]


def test_a_hint_says_what_to_install(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UsageError, match=r"DuckDB, which is not installed: `pip install 'scrapdb\[duckdb\]'`"):
        asked(store, "SELECT 1")
