from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import json
import math
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.database import Database
from scrapdb.errors import ExpressionError
from scrapdb.errors import StoreNotFoundError
from scrapdb.errors import UsageError
from scrapdb.running.rows import grid
from scrapdb.running.rows import parameters
from scrapdb.running.rows.values import Text
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import display
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

ROWS = [{"symbol": "AAA", "length": "007"}, {"symbol": "no, yes", "length": "1e5"}]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("x=a", ["a"]),
        ("x=a,b,c", ["a", "b", "c"]),
        ("x=", [""]),
        ("x=a,", ["a", ""]),
        ("x=a=b", ["a=b"]),
        ("x= a, b", [" a", " b"]),
        (" x =a", ["a"]),
        (r"x=a\,b,c", ["a,b", "c"]),
        (r"x=a\b", [r"a\b"]),
        (r"x=C:\,D", ["C:,D"]),
        ('x="C:\\",D', ["C:\\", "D"]),
        ('x="a,b",c', ["a,b", "c"]),
        ('x="say ""hi""",c', ['say "hi"', "c"]),
        ('x=5" pipe,6" pipe', ['5" pipe', '6" pipe']),
        ('x="a"b,c', ['"a"b', "c"]),
        ('x="a,b', ['"a', "b"]),
        ("x=[1,2]", ["[1,2]"]),
        ("x=[1,2],[3]", ["[1,2]", "[3]"]),
        ('x={"a": [1, "]"]},{}', ['{"a": [1, "]"]}', "{}"]),
        ("x=['a,', 'b'],c", ["['a,', 'b']", "c"]),
        ("x=[a,b", ["[a", "b"]),
        ("x=[a,b]c,d", ["[a", "b]c", "d"]),
        ("x=[a),b]", ["[a)", "b]"]),
        ("x=é☃,\n", ["é☃", "\n"]),
    ],
)
def test_values_stand_between_commas(option: str, expected: list[str]) -> None:
    assert grid.given([option]) == {"x": expected}


@given(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1))
def test_quoted_values_are_those_of_csv(texts: list[str]) -> None:
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="").writerow(texts)
    assert grid.given([f"x={written.getvalue()}"]) == {"x": texts}


@given(st.lists(st.text().filter(lambda text: text[:1] not in {"[", "{", '"'} and "\\" not in text), min_size=1))
def test_a_comma_can_be_escaped(texts: list[str]) -> None:
    escaped = ",".join(text.replace(",", "\\,") for text in texts)
    assert grid.given([f"x={escaped}"]) == {"x": texts}


def test_a_quoted_value_is_text_and_another_may_be_anything() -> None:
    values = grid.given(['x="5",5'])["x"]
    assert [type(value) for value in values] == [str, Text]
    source = content(notebook(code("x = None", tags=("parameters",))))
    assert [parameters.of(source).typed({"x": value})["x"] for value in values] == ["5", 5]


def test_a_name_that_comes_again_has_more_values() -> None:
    assert grid.given(["a=1", "b=2", "a=3,4"]) == {"a": ["1", "3", "4"], "b": ["2"]}


@pytest.mark.parametrize("option", ["x", "", "=5", " =5"])
def test_an_option_without_a_name_is_refused(option: str) -> None:
    with pytest.raises(UsageError, match="NAME=VALUE"):
        grid.given([option])


def test_each_value_goes_with_each_in_order() -> None:
    values: dict[str, list[Any]] = {"a": [1, 2], "b": ["x"], "c": [True, None]}
    assert grid.rows(values) == [dict(zip("abc", each, strict=True)) for each in itertools.product(*values.values())]


def test_without_anything_there_is_one_run() -> None:
    assert grid.rows({}) == [{}]
    assert grid.rows({}, zipped=True) == [{}]


def test_zipped_values_go_one_by_one() -> None:
    assert grid.rows({"a": [1, 2], "b": [3, 4]}, zipped=True) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    with pytest.raises(UsageError, match=r"^--zip pairs values one by one, but a has 2 and b has 1\.$"):
        grid.rows({"a": [1, 2], "b": [3]}, zipped=True)


def test_each_row_of_a_table_goes_with_all_values() -> None:
    table = [{"a": 1}, {"a": 2, "b": 3}]
    assert grid.rows({"c": [5]}, table) == [{"a": 1, "c": 5}, {"a": 2, "b": 3, "c": 5}]
    assert [row["c"] for row in grid.rows({"c": [5, 6]}, table)] == [5, 6, 5, 6]
    assert grid.rows({}, table) == table
    assert grid.rows({"c": [5, 6]}, []) == []
    with pytest.raises(UsageError, match="parameter b is given twice"):
        grid.rows({"b": [5]}, table)


def test_more_runs_than_anybody_wants_are_refused() -> None:
    with pytest.raises(UsageError, match="1,000,000,000 runs"):
        grid.rows({name: range(1000) for name in "abc"})


def test_a_row_runs_once() -> None:
    rows: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"a": 2}, {"b": 2, "a": 1}, {"a": True}, {"a": 1.0}]
    kept, told = grid.distinct(rows)
    assert kept == [rows[0], rows[1], rows[3], rows[4]]
    assert told == ["1 row is the same as an earlier one: run once."]
    assert grid.distinct(kept) == (kept, [])
    assert grid.distinct([{"a": math.nan}, {"a": math.nan}, {"a": None}])[0] == [
        {"a": pytest.approx(math.nan, nan_ok=True)},
        {"a": None},
    ]


def as_csv(**dialect: Any) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, ["symbol", "length"], **dialect)
    writer.writeheader()
    writer.writerows(ROWS)
    return file.getvalue().encode()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("rows.csv", as_csv()),
        ("rows.CSV", b"\xef\xbb\xbf" + as_csv()),
        ("rows.tsv", as_csv(delimiter="\t")),
        ("rows.json", json.dumps(ROWS).encode()),
        ("rows.jsonl", "\n".join(map(json.dumps, ROWS)).encode()),
        ("rows.ndjson", ("\n\n".join(map(json.dumps, ROWS)) + "\n").encode()),
        ("rows.yaml", yaml.safe_dump(ROWS).encode()),
        ("rows.yml", b"- {symbol: AAA, length: 007}\n- symbol: no, yes\n  length: 1e5\n"),
    ],
)
def test_a_file_is_read_as_it_was_written(tmp_path: Path, name: str, written: bytes) -> None:
    (tmp_path / name).write_bytes(written)
    assert grid.read(str(tmp_path / name)) == ROWS


def test_texts_of_csv_and_yaml_have_no_type_and_those_of_json_have(tmp_path: Path) -> None:
    for name, written, type_ in (
        ("a.csv", b"x\n5\n", Text),
        ("a.yaml", b"- x: 5\n", Text),
        ("a.yaml", b'- x: "5"\n', Text),
        ("a.json", b'[{"x": "5"}]', str),
    ):
        (tmp_path / name).write_bytes(written)
        (row,) = grid.read(str(tmp_path / name))
        assert row == {"x": "5"}
        assert type(row["x"]) is type_


def test_an_empty_cell_is_not_given(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n1,\n\n,2\n" ",""\n')
    assert grid.read(str(tmp_path / "a.csv")) == [{"a": "1"}, {"b": "2"}, {"a": " "}]


def test_yaml_keeps_what_it_would_make_of_texts(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- {no: yes, day: 2026-01-31, n: 007, list: [0x10, on], ~: 1_000}\n")
    assert grid.read(str(tmp_path / "a.yaml")) == [
        {"no": "yes", "day": "2026-01-31", "n": "007", "list": ["0x10", "on"], "~": "1_000"}
    ]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "n": [2**60 + 1, 5],
            "gaps": [1, None],
            "text": ["007", None],
            "day": [dt.date(2026, 1, 31)] * 2,
            "when": [pd.Timestamp("2026-01-31T12:30"), None],
            "price": [Decimal("1.5"), Decimal(2)],
            "items": [[1, 2], []],
        },
        index=[7, 9],
    )
    frame.to_parquet(tmp_path / "a.parquet")
    first, second = grid.read(str(tmp_path / "a.parquet"))
    source = content(
        notebook(
            code(
                "n: int\ngaps: int = 0\ntext = ''\nday: date\nwhen: datetime = None\nprice=1.0\nitems=[]",
                tags=("parameters",),
            )
        )
    )
    assert parameters.of(source).typed(first) == {
        "n": 2**60 + 1,
        "gaps": 1,
        "text": "007",
        "day": dt.date(2026, 1, 31),
        "when": dt.datetime(2026, 1, 31, 12, 30),  # noqa: DTZ001
        "price": 1.5,
        "items": [1, 2],
    }
    assert [*second] == ["n", "day", "price", "items"]


@pytest.mark.parametrize(
    ("name", "written", "sentence"),
    [
        ("a.csv", b"a,b\n1,2,3\n", "line 2 has 3 cells, the first 2"),
        ("a.csv", b"a,b\n1\n", "line 2 has 1 cells, the first 2"),
        ("a.csv", b",a\n0,1\n", "column 1 has no name"),
        ("a.csv", b"a,a\n0,1\n", "two columns are called a"),
        ("a.csv", b'a\n"x\n', "cannot be read as CSV"),
        ("a.csv", b"a\n\xff\n", "is not UTF-8"),
        ("a.json", b"[", "cannot be read as JSON"),
        ("a.json", b"[1]", "a list of objects is wanted"),
        ("a.json", b"5", "a list of objects is wanted"),
        ("a.json", b"[" * 100_000, "cannot be read as JSON"),
        ("a.jsonl", b'{"a": 1}\n{', "cannot be read as JSONL"),
        ("a.yaml", b"a: [", "no YAML"),
        ("a.yaml", b"text", "a list of objects is wanted"),
        ("a.parquet", b"text", "cannot be read as PARQUET"),
        ("a.xlsx", b"", r"read from \.csv, \.tsv, "),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path: Path, name: str, written: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(written)
    with pytest.raises(UsageError, match=sentence):
        grid.read(str(tmp_path / name))


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv cannot be read: No such file"):
        grid.read(str(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    "written",
    [
        as_csv(),
        as_csv(delimiter="\t"),
        json.dumps(ROWS).encode(),
        b"\n " + json.dumps(ROWS, indent=1).encode(),
        "\n".join(map(json.dumps, ROWS)).encode(),
    ],
)
def test_standard_input_is_read_as_what_it_looks_like(monkeypatch: pytest.MonkeyPatch, written: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(written)))
    assert grid.read("-") == ROWS


def test_parquet_and_one_object_come_by_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pd.DataFrame(ROWS).to_parquet(tmp_path / "a")
    for written, expected in (((tmp_path / "a").read_bytes(), ROWS), (b'{"a":\n 1}', [{"a": 1}]), (b"", [])):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(written)))
        assert grid.read("-") == expected


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two runs of a notebook: the first glued its distance, the second failed before."""
    for name, injected, outputs in (
        ("AAA", "symbol = '007'\nlength = 10\nnothing = None", [scrap("distance", 0.05), scrap("length", 99)]),
        ("BCD", f"symbol = 'BCD'\nlength = {2**70}", [display("distance", {"text/plain": "x"})]),
    ):
        defaults = code("symbol = 'AAA'\nlength = 1\nstart = today()\ndistance = 0.5", tags=("parameters",))
        cells = [defaults, code(injected, tags=("injected-parameters",)), code("glue()", *outputs)]
        write(tmp_path / "runs" / f"{name}.ipynb", notebook(*cells))
    Database(tmp_path / "scraps.db").index(tmp_path / "runs")
    return tmp_path / "scraps.db"


def test_sql_gives_rows(store: Path) -> None:
    sql = "sql:SELECT 'AAA' AS symbol, 5 AS length, NULL AS start UNION ALL SELECT 'BCD', 6.5, 1"
    assert grid.read(sql, store) == [
        {"symbol": "AAA", "length": 5},
        {"symbol": "BCD", "length": 6.5, "start": 1},
    ]
    assert grid.read("sql:SELECT 1 AS a WHERE 0", store) == []
    with pytest.raises(UsageError):
        grid.read("sql:DELETE FROM notebooks", store)
    with pytest.raises(UsageError, match="asks a store"):
        grid.read("sql:SELECT 1")


def test_notebooks_of_the_store_give_rows(store: Path) -> None:
    names = ["symbol", "length", "start", "distance", "notebook", "unheard"]
    first, second = grid.for_each(store, "symbol is not null", names)
    assert first == {
        "symbol": "007",
        "length": 99,
        "distance": 0.05,
        "notebook": str(store.parent / "runs" / "AAA.ipynb"),
    }
    assert second == {
        "symbol": "BCD",
        "length": 2**70,
        "distance": 0.5,
        "notebook": str(store.parent / "runs" / "BCD.ipynb"),
    }
    assert grid.for_each(store, "", ["symbol"]) == [{"symbol": "007"}, {"symbol": "BCD"}]
    assert grid.for_each(store, "param.length = 10", None) == [
        {"symbol": "007", "length": 10, "distance": 0.5, "nothing": None}
    ]
    assert grid.for_each(store, "symbol = 'x'", names) == []


def test_a_wrong_question_to_the_store_is_a_sentence(store: Path, tmp_path: Path) -> None:
    with pytest.raises(ExpressionError):
        grid.for_each(store, "symbl = 'x'", ["symbol"])
    with pytest.raises(StoreNotFoundError):
        grid.for_each(tmp_path / "none.db", "", ["symbol"])
