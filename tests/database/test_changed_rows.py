"""What differs between two DataFrames; pandas says what is expected."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.database import changed_rows
from scrapdb.database.changed_rows import Retyped
from scrapdb.formats import dataframe

VALUES = st.lists(st.one_of(st.integers(-3, 3), st.floats(width=16), st.none()), min_size=0, max_size=8)


def table(frame: pd.DataFrame) -> pa.Table:
    """Write a frame as parquet and read it as `compare` is given it."""
    written = io.BytesIO()
    frame.to_parquet(written)
    with dataframe.open_file(pa.BufferReader(written.getvalue())) as file:
        return dataframe.read(file, dataframe.columns(file))


def compared(first: pd.DataFrame, second: pd.DataFrame, tolerance: float = 0.0) -> changed_rows.Rows:
    return changed_rows.compare(table(first), table(second), tolerance)


def floats(values: list[Any], index: Any = None) -> pd.DataFrame:
    return pd.DataFrame({"x": pd.Series(values, dtype="float64", index=index)})


def test_the_same_cells_as_pandas_compare() -> None:
    first = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"], "c": [0.5, None, 1.5]}, index=pd.Index([5, 6, 7]))
    second = pd.DataFrame({"a": [1, 9, 3], "b": ["x", "y", "w"], "c": [0.5, None, 2.5]}, index=pd.Index([5, 6, 7]))
    told = first.compare(second)
    expected = {
        (key, column): (told[column, "self"][key], told[column, "other"][key])
        for key in told.index
        for column in ("a", "b", "c")
        if pd.notna(told[column, "self"][key])
    }
    rows = compared(first, second)
    assert {(cell.row[0], cell.column): (cell.before, cell.after) for cell in rows.cells} == expected
    assert (rows.changed, rows.by) == (len(first.compare(second)), ("index",))


def test_rows_are_found_by_the_index() -> None:
    first = pd.DataFrame({"v": [1, 2, 3]}, index=pd.Index(["a", "b", "c"], name="key"))
    second = pd.DataFrame({"v": [30, 1, 4]}, index=pd.Index(["c", "a", "d"], name="key"))
    rows = compared(first, second)
    joined = first.merge(second, on="key", suffixes=("_first", "_second"))
    assert rows.changed == int((joined["v_first"] != joined["v_second"]).sum()) == 1
    assert (rows.first_removed, rows.first_added) == ((("b",),), (("d",),))
    ((key, column, before, after, step),) = rows.cells
    assert (key, column, before, after, step.difference, step.ratio) == (("c",), "v", 3, 30, 27, 10)


def test_rows_may_stand_in_another_order() -> None:
    first, moved = floats([1, 2], ["a", "b"]), floats([2, 1], ["b", "a"])
    assert not compared(first, moved).differ()
    assert compared(first, floats([1, 2], ["b", "a"])).changed == 2


@pytest.mark.parametrize("index", [None, ["a", "a", "b"]])
def test_without_an_index_that_tells_rows_apart_they_are_found_by_position(index: Any) -> None:
    rows = compared(floats([1, 2, 3], index), floats([1, 5, 3], index))
    assert (rows.by, rows.changed, rows.cells[0].row) == ((), 1, (1,))


def test_missing_keys_are_found_and_levels_too() -> None:
    index = pd.MultiIndex.from_tuples([("a", 1.0), ("b", float("nan"))], names=["k", "n"])
    rows = compared(floats([1, 2], index), floats([1, 3], index))
    assert (rows.by, rows.changed, rows.removed, rows.added) == (("k", "n"), 1, 0, 0)
    assert rows.cells[0].row == ("b", None)


def test_keys_that_are_no_numbers_are_found() -> None:
    known = dataframe.Said(["k"], {}, []).metadata()
    first, second = (pa.table({"k": [float("nan"), 1.0], "x": [0, x]}).replace_schema_metadata(known) for x in (1, 2))
    rows = changed_rows.compare(first, second)
    assert (rows.by, rows.changed, rows.removed, rows.added) == (("k",), 1, 0, 0)


def test_rows_at_the_end_are_added() -> None:
    rows = compared(floats([1]), floats([1, 2, 3]))
    assert (rows.removed, rows.added, rows.changed, rows.first_added) == (0, 2, 0, ((1,), (2,)))


def test_the_schema_differs() -> None:
    first = pd.DataFrame({"a": [1], "b": [2], "old": [0]})
    second = pd.DataFrame({"b": [2], "a": [1.0], "new": [0]})
    rows = compared(first, second)
    assert (rows.removed_columns, rows.added_columns, rows.reordered) == (("old",), ("new",), True)
    assert rows.retyped == (Retyped("a", "int64", "double"),)
    assert (rows.changed, rows.differ()) == (0, True)


def test_an_index_of_another_name_differs() -> None:
    first, second = (floats([1], pd.Index(["a"], name=name)) for name in ("key", "id"))
    rows = compared(first, second)
    assert (rows.by, rows.removed_columns, rows.added_columns) == ((), ("key",), ("id",))


def test_the_first_rows_are_told_and_all_are_counted() -> None:
    first = pd.DataFrame({"a": range(100), "b": range(100)})
    rows = compared(first, first.assign(a=first["a"] + 1, b=first["b"].where(first["b"] != 2, 0)))
    assert rows.changed == 100
    assert [cell.row[0] for cell in rows.cells if cell.column == "a"] == list(range(changed_rows.SHOWN_ROWS))
    assert [cell.row[0] for cell in rows.cells if cell.column == "b"] == [2]


def test_types_of_pandas() -> None:
    first = pd.DataFrame(
        {
            "period": pd.period_range("2026-01", periods=2, freq="M"),
            "interval": pd.interval_range(0, 2),
            "category": pd.Categorical(["x", "y"]),
            "list": pd.Series([[1], None], dtype=object),
            "time": pd.to_datetime(["2026-01-01", "NaT"], utc=True),
        }
    )
    assert not compared(first, first.copy()).differ()
    second = first.assign(period=first["period"] + 1, list=pd.Series([[2], None], dtype=object))
    assert [(cell.row[0], cell.column) for cell in compared(first, second).cells] == [
        (0, "period"),
        (0, "list"),
        (1, "period"),
    ]


def test_numbers_within_the_tolerance_are_equal() -> None:
    first, second = floats([1.0, 1e-9]), floats([1.0 + 1e-9, 2e-9])
    assert compared(first, second).changed == 2
    assert [cell.row for cell in compared(first, second, 1e-6).cells] == [(1,)]


@given(VALUES)
def test_nothing_differs_from_itself(values: list[Any]) -> None:
    assert not compared(floats(values), floats(values)).differ()


@given(one=VALUES, other=VALUES, by_index=st.booleans())
def test_the_other_way_round_the_same_rows_differ(one: list[Any], other: list[Any], *, by_index: bool) -> None:
    first, second = (
        floats(values, pd.Index([f"k{place}" for place in range(len(values))]) if by_index else None)
        for values in (one, other)
    )
    there, back = compared(first, second), compared(second, first)
    assert (there.removed, there.added, there.changed) == (back.added, back.removed, back.changed)
    assert [(cell.row, cell.after) for cell in there.cells if cell.after == cell.after] == [
        (cell.row, cell.before) for cell in back.cells if cell.before == cell.before
    ]
    length = min(len(one), len(other))
    same = first["x"][:length].reset_index(drop=True).compare(second["x"][:length].reset_index(drop=True))
    assert there.changed == len(same)
