from __future__ import annotations

import gc
import json
import math
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import scrapdb
from scrapdb.database.magic import Request
from scrapdb.database.magic import answer
from scrapdb.database.table import Table
from scrapdb.database.table import asked
from scrapdb.errors import StoreError
from scrapdb.facts import Expression
from tests import notebook_builder as nb

SYMBOLS = ["AAA", "ABC", "BCD", "DEF", "GHI", "JKL", "MMN", "MNO", "OOP", "PDQ", "PQD", "XYZ"]
COLUMNS: dict[str, list[Any]] = {
    "whole": [1, None, 2**53 + 1],
    "round": [1.0, None, 3.0],
    "nan": [math.nan, None, 1.5],
    "yes": [True, None, False],
    "text": ["007", None, "<b>"],
    "mixed": [1, "x", None],
    "large": [2**70, None, 1],
    "both": [2**53 + 1, None, 0.5],
    "json": [[1], {"a": 1}, None],
    "nothing": [None, None, None],
}


def table() -> Table:
    return Table([*COLUMNS], lambda: iter(list(zip(*COLUMNS.values(), strict=True))))


def test_iterating_gives_dicts_and_rows_tuples() -> None:
    assert [*table()] == [{name: values[row] for name, values in COLUMNS.items()} for row in range(3)]
    assert [*table().rows()] == [*zip(*COLUMNS.values(), strict=True)]


def test_an_expression_is_its_source_everywhere() -> None:
    columns = {"number": [60, Expression("60 * x")], "text": ["a", Expression("f('a')")]}
    rows = list(zip(*columns.values(), strict=True))
    expressions = Table([*columns], lambda: iter(rows))
    frame = expressions.to_pandas()
    assert {name: (str(frame[name].dtype), [*frame[name]]) for name in columns} == {
        "number": ("object", [60, "60 * x"]),
        "text": ("string", ["a", "f('a')"]),
    }
    assert expressions.to_arrow().to_pydict() == {"number": ["60", "60 * x"], "text": ["a", "f('a')"]}
    assert "<td>60 * x</td>" in expressions._repr_html_()
    assert f"{rows[1]} {rows[1][0]}" == "(60 * x, f('a')) 60 * x"


def test_dtypes_of_pandas() -> None:
    frame = table().to_pandas()
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "whole": "Int64",
        "round": "Float64",
        "nan": "Float64",
        "yes": "boolean",
        "text": "string",
        "mixed": "object",
        "large": "object",
        "both": "object",
        "json": "object",
        "nothing": "object",
    }


def test_values_of_pandas_are_exact() -> None:
    frame = table().to_pandas().astype(object)
    for name in COLUMNS.keys() - {"nan"}:
        found = [None if value is pd.NA else value for value in frame[name]]
        assert found == COLUMNS[name]
        assert [*map(type, found)] == [*map(type, COLUMNS[name])]


def test_nan_is_not_missing_in_pandas() -> None:
    array = table().to_pandas()["nan"].array
    assert math.isnan(array.to_numpy(float, na_value=-1)[0])
    assert array.to_numpy(float, na_value=-1)[1:].tolist() == [-1, 1.5]


def test_times_are_those_of_pandas() -> None:
    times = Table(["t"], lambda: iter([(datetime(2026, 11, 1),), (None,)])).to_pandas()["t"]  # noqa: DTZ001
    assert times.dtype.kind == "M"
    assert times.isna().tolist() == [False, True]


def test_columns_that_hold_times_are_timestamps() -> None:
    texts = ["2026-11-01T12:00:00.000001Z", None, "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.999999Z"]
    moments = [None if text is None else datetime.fromisoformat(text) for text in texts]
    for values, expected in ((texts, moments), ([None], [None]), ([], [])):
        rows = [(value, value) for value in values]
        found = Table(["t", "text"], rows.__iter__, times=["t"])
        assert str(found.to_arrow().schema.field("t").type) == "timestamp[us, tz=UTC]"
        assert found.to_arrow()["t"].to_pylist() == expected
        series = found.to_pandas()["t"]
        assert str(series.dtype) == "datetime64[us, UTC]"
        assert [None if value is pd.NaT else value.to_pydatetime() for value in series] == expected
        assert [row["t"] for row in found] == values


def test_times_of_a_store_are_timestamps(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    found = db.query(columns="nb.started_at, nb.ended_at as end, nb.seconds, nb.error_name", sort="nb.started_at")
    rows = db.sql("SELECT started_at, ended_at FROM notebooks ORDER BY started_at").to_pandas()
    frame = found.to_pandas()
    assert frame["nb.started_at"].tolist() == [datetime.fromisoformat(text) for text in rows["started_at"]]
    assert frame["end"].tolist() == [datetime.fromisoformat(text) for text in rows["ended_at"]]
    assert ((frame["end"] - frame["nb.started_at"]).dt.total_seconds() > 0).all()
    assert [row["end"] for row in found] == rows["ended_at"].tolist()
    none = db.query("nb.status = 'unreadable'", columns="nb.mtime")
    assert str(none.to_arrow().schema.field("nb.mtime").type) == "timestamp[us, tz=UTC]"
    assert str(answer(Request(None, columns="nb.mtime", db=str(ticker_store))).to_pandas().dtypes["nb.mtime"]) == str(
        none.to_pandas().dtypes["nb.mtime"]
    )


def test_rows_that_are_taken_once_are_asked_for_once(ticker_store: Path) -> None:
    asks = []

    def ask(connection: sqlite3.Connection) -> tuple[list[str], Iterator[Any]]:
        asks.append("asked")
        return ["n"], iter(connection.execute("SELECT 1"))

    found = asked(ticker_store, ask)
    assert ([*found.rows()], len(asks)) == ([(1,)], 1)
    assert ([*found.rows()], len(asks)) == ([(1,)], 2)


def test_a_table_without_rows_has_its_columns_in_pandas_and_arrow() -> None:
    empty = Table(["a", "b"], lambda: iter([]))
    assert empty.to_pandas().columns.tolist() == ["a", "b"]
    assert empty.to_pandas().empty
    assert empty.to_arrow().column_names == ["a", "b"]


def test_arrow() -> None:
    found = table().to_arrow()
    types = {field.name: str(field.type) for field in found.schema}
    assert types["whole"] == "int64"
    assert (types["round"], types["yes"], types["text"]) == ("double", "bool", "string")
    assert found["whole"].to_pylist() == COLUMNS["whole"]
    assert found["mixed"].to_pylist() == ["1", "x", None]


class Tags(HTMLParser):
    """Collects the names of the tags and the text of the cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "table":
            assert "mathjax_ignore" in (dict(attrs)["class"] or "")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_html_of_a_hostile_row_has_no_tags_of_its_own() -> None:
    hostile = ["<script>x</script>", '"><img src=x onerror=y>', "</table><svg>", "&lt;", "\x1b[31m"]
    tags = Tags()
    tags.feed(Table(hostile, lambda: iter([tuple(hostile)]))._repr_html_())
    assert set(tags.tags) == {"table", "thead", "tr", "th", "tbody", "td"}
    assert tags.text == [*hostile, *hostile[:4], "\\x1b[31m"]


def test_html_shows_a_hundred_rows() -> None:
    many = Table(["n"], lambda: ((number,) for number in range(101)))
    assert "<td>99</td>" in many._repr_html_()
    assert "<td>100</td>" not in many._repr_html_()
    assert "The first 100 rows." in many._repr_html_()


def test_rows_can_be_taken_twice(ticker_store: Path) -> None:
    found = scrapdb.open(ticker_store).query(columns="symbol", sort="symbol")
    assert [row["symbol"] for row in found] == SYMBOLS
    assert [symbol for (symbol,) in found.rows()] == SYMBOLS
    assert found.to_pandas()["symbol"].tolist() == SYMBOLS


def test_rows_outlive_their_table(ticker_store: Path) -> None:
    rows = scrapdb.open(ticker_store).sql("SELECT symbol FROM runs ORDER BY symbol").rows()
    gc.collect()
    assert [symbol for (symbol,) in rows] == SYMBOLS


def test_two_readers_of_one_table_do_not_meet(ticker_store: Path) -> None:
    found = scrapdb.open(ticker_store).query(columns="symbol", sort="symbol")
    first, second = found.rows(), found.rows()
    assert [(*next(first), *next(second)) for _ in SYMBOLS] == [(symbol, symbol) for symbol in SYMBOLS]


def test_rows_are_of_their_own_time(ticker_store: Path, tmp_path: Path) -> None:
    store = Path(shutil.copy(ticker_store, tmp_path))
    db = scrapdb.open(store)
    found = db.query("distance < 0.1", columns="symbol")
    begun = found.rows()
    first = next(begun)
    nb.write(tmp_path / "new" / "new.ipynb", nb.gluing(symbol="NEW", distance=0.05))
    db.index(tmp_path / "new")
    assert {first, *begun} == {("BCD",), ("MNO",)}
    assert {run["symbol"] for run in found} == {"BCD", "MNO", "NEW"}


def test_columns_that_changed_under_a_table_are_told(ticker_store: Path, tmp_path: Path) -> None:
    db = scrapdb.open(shutil.copy(ticker_store, tmp_path))
    found = db.query(columns="*")
    assert len([*found]) == 12
    nb.write(tmp_path / "new" / "new.ipynb", nb.gluing(brand_new=1))
    db.index(tmp_path / "new")
    with pytest.raises(StoreError, match="ask anew"):
        next(found.rows())


def test_a_table_may_be_read_in_another_thread(ticker_store: Path) -> None:
    found = scrapdb.open(ticker_store).query(columns="symbol", sort="symbol")
    symbols: list[str] = []
    thread = threading.Thread(target=lambda: symbols.extend(row["symbol"] for row in found))
    thread.start()
    thread.join()
    assert symbols == SYMBOLS


def test_columns_come_as_the_notebook_had_them(ticker_store: Path) -> None:
    """JSON scraps are lists and dicts, booleans booleans: as json reads them from the file."""
    (row,) = scrapdb.open(ticker_store).query("symbol = 'BCD'", columns="dj, close_to_ath, distance")
    outputs = [
        output["data"]["application/scrapbook.scrap.json+json"]
        for cell in json.loads((ticker_store.parent / "tickers" / "BCD.ipynb").read_bytes())["cells"]
        for output in cell.get("outputs", [])
        if "application/scrapbook.scrap.json+json" in output.get("data", {})
    ]
    glued = {payload["name"]: payload["data"] for payload in outputs}
    assert row == {name: glued[name] for name in ("dj", "close_to_ath", "distance")}
    assert row["close_to_ath"] is True
