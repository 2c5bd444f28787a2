"""The parquet files of DataFrames, held against the DataFrames that pandas wrote."""

from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scrapdb.formats import dataframe

_ROW = [[1, 2]]
_LEVELS = pd.MultiIndex.from_tuples([("p", "mean"), ("p", "max")], names=["what", None])

# Frames that come back as they were.
WHOLE: dict[str, pd.DataFrame] = {
    "numbers as names": pd.DataFrame(_ROW),
    "times as names": pd.DataFrame(_ROW, columns=pd.date_range("2026-01-01", periods=2, tz="UTC")),
    "booleans as names": pd.crosstab(pd.Series(list("aab"), name="k"), pd.Series([True, False, True], name="big")),
    "levels of names": pd.DataFrame(_ROW, columns=_LEVELS, index=pd.Index([7], name="k")),
    "booleans as a level": pd.DataFrame(_ROW, columns=pd.MultiIndex.from_product([["p"], [False, True]])),
    "no names": pd.DataFrame(index=pd.Index(["a", "b"])),
    "rows that were chosen": pd.DataFrame({"v": range(6)}).query("v in (1, 4)"),
    "rows backwards": pd.DataFrame({"v": range(6)})[::-1],
    "rows with a name": pd.DataFrame({"v": [1]}, index=pd.RangeIndex(1, name="epoch")),
    "an index named like a column": pd.DataFrame({"a": [1]}, index=pd.Index([3], name="a")),
    "levels": pd.DataFrame({"v": [1, 2]}, index=pd.MultiIndex.from_tuples([(1, "a"), (2, "b")], names=["k", None])),
    "periods": pd.DataFrame({"v": pd.PeriodIndex(["2024-01", None], freq="Q-NOV")}),
    "periods as index": pd.DataFrame({"v": [1]}, index=pd.period_range("2024-01", periods=1, freq="15min")),
    "intervals": pd.DataFrame({"v": pd.interval_range(pd.Timestamp("2026-01-01"), periods=2, closed="both")}),
    "categories": pd.DataFrame({"v": pd.Categorical(["b", None], categories=["z", "b", "a"], ordered=True)}),
    "nullable": pd.DataFrame({"i": pd.array([2**53 + 1, None], "Int64"), "b": pd.array([True, None], "boolean")}),
    "an index with gaps": pd.DataFrame({"v": [1, 2]}, index=pd.Index(pd.array([2**53 + 1, None], "Int64"), name="k")),
    "levels with gaps": pd.DataFrame(
        {"v": [1, 2]}, index=pd.MultiIndex.from_arrays([["a", "b"], pd.array([None, 2**53 + 1], "Int64")])
    ),
    "of Arrow": pd.DataFrame({"i": pd.array([2**53 + 1, None], "int64[pyarrow]")}),
    "zones": pd.DataFrame({"t": pd.date_range("2026-10-25", periods=3, freq="h", tz="Europe/Berlin")}),
    "lengths": pd.DataFrame({"d": pd.to_timedelta([1, None], "ns")}),
    "objects": pd.DataFrame({"b": pd.Series([True, None], dtype=object), "d": [dt.date(2026, 1, 1), None]}),
}
# Frames whose names of columns pandas does not read back.
AS_TEXT: dict[str, Any] = {
    "date": [dt.date(2026, 1, 1), dt.date(2026, 1, 2)],
    "time": [dt.time(1), dt.time(2)],
    "categorical": pd.CategoricalIndex(["a", "b"]),
    "interval": pd.interval_range(0, 2),
    "period": pd.period_range("2026-01", periods=2, freq="M"),
    "timedelta64": pd.to_timedelta([1, 2], "h"),
    "unicode, date": pd.MultiIndex.from_product([["p"], [dt.date(2026, 1, 1), dt.date(2026, 1, 2)]]),
    "bool, categorical": pd.MultiIndex.from_arrays([[True, True], pd.Categorical(["a", "b"])]),
}


def texts(frame: pd.DataFrame) -> list[list[str]]:
    """Give the names of columns, level by level, as text."""
    return [[str(name) for name in frame.columns.get_level_values(n)] for n in range(frame.columns.nlevels)]


def opened(frame: pd.DataFrame | pa.Table) -> pq.ParquetFile:
    stream = io.BytesIO()
    frame.to_parquet(stream) if isinstance(frame, pd.DataFrame) else pq.write_table(frame, stream)
    return dataframe.open_file(pa.BufferReader(stream.getvalue()))


def flat(frame: pd.DataFrame | pa.Table) -> pa.Table:
    file = opened(frame)
    return dataframe.read(file, dataframe.columns(file))


@pytest.mark.parametrize("name", WHOLE)
def test_a_frame_comes_back_as_it_was(name: str) -> None:
    pd.testing.assert_frame_equal(dataframe.glued(opened(WHOLE[name])), WHOLE[name], check_freq=False)


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "an index named like a column"])
def test_columns_are_those_of_reset_index(name: str) -> None:
    frame = WHOLE[name]
    says_nothing = frame.index.equals(pd.RangeIndex(len(frame))) and frame.index.name is None
    expected = frame.reset_index(drop=says_nothing)
    pd.testing.assert_frame_equal(dataframe.to_pandas(flat(frame)), expected, check_freq=False)


@pytest.mark.parametrize("kinds", AS_TEXT)
def test_names_that_pandas_does_not_read_back_are_text(kinds: str) -> None:
    frame = pd.DataFrame(_ROW, columns=AS_TEXT[kinds], index=pd.Index(["AAA"], name="symbol"))
    with pytest.raises((TypeError, ValueError)):
        pd.read_parquet(io.BytesIO(frame.to_parquet()))
    with pytest.warns(UserWarning, match="Names of columns are text here: pandas reads back none that were"):
        found = dataframe.glued(opened(frame))
    assert texts(found) == texts(frame)
    assert {type(found.columns.get_level_values(-1)[0])} == {str}
    pd.testing.assert_frame_equal(found.set_axis(range(2), axis="columns"), frame.set_axis(range(2), axis="columns"))


def test_attributes_come_back() -> None:
    frame = pd.DataFrame({"v": [1]})
    frame.attrs["unit"] = "m"
    assert dataframe.glued(opened(frame)).attrs == {"unit": "m"}


def test_a_dtype_that_pandas_does_not_read_back_is_left_out() -> None:
    lists: Any = [[1], None]
    frame = pd.DataFrame({"v": pd.array(lists, pd.ArrowDtype(pa.list_(pa.int64()))), "i": [1, 2]})
    with pytest.raises(TypeError, match="not understood"):
        pd.read_parquet(io.BytesIO(frame.to_parquet()))
    found = dataframe.glued(opened(frame))
    assert (found["v"][0].tolist(), found["v"][1], found["i"].tolist()) == ([1], None, [1, 2])


def test_tables_of_others_keep_integers_and_booleans_with_gaps() -> None:
    found = dataframe.glued(
        opened(pl.DataFrame({"i": [2**53 + 1, None], "b": [True, None], "s": ["a", None]}).to_arrow())
    )
    assert found.dtypes.astype(str).tolist()[:2] == ["Int64", "boolean"]
    assert found["i"][0] == 2**53 + 1


def test_views_of_text_are_text_wherever_they_stand() -> None:
    text = pa.string_view()
    types = [text, pa.list_(text), pa.large_list(text), pa.struct([("a", text)]), pa.binary_view()]
    columns: list[Any] = [["x", None], [["x"], None], [["x"], None], [{"a": "x"}, None], [b"x", None]]
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    table = pa.table(arrays, names=list("abcde"))
    assert flat(table).to_pylist() == table.to_pylist()
    found = dataframe.glued(opened(table)).iloc[0].tolist()
    assert [list(value) if isinstance(value, np.ndarray) else value for value in found] == [each[0] for each in columns]


def test_integers_inside_of_values_stay_integers() -> None:
    big = 2**53 + 1
    columns: dict[str, list[Any]] = {
        "list": [[big, None], None],
        "dict": [{"a": big}, {"a": None}],
        "none": [{"a": big}, None],
        "deep": [[{"a": [big, None]}], []],
        "whole": [[big], [1]],
    }
    frame = pd.DataFrame(columns, index=pd.Index([5, 6], name="k"))
    whole = columns.pop("whole")
    for found in (dataframe.glued(opened(frame)), dataframe.to_pandas(flat(frame)).set_index("k")):
        assert found[list(columns)].to_dict("list") == columns
        assert found["whole"].map(list).tolist() == whole


@pytest.mark.parametrize(
    ("type_", "found"),
    [
        (pa.list_(pa.int64(), 2), [[2**53 + 1, 2], None]),
        (pa.list_(pa.int64(), 2), [[2**53 + 1, None], [1, 2]]),
        (pa.list_(pa.list_(pa.int64(), 1)), [[[2**53 + 1], None]]),
        (pa.large_list(pa.uint8()), [[1, None]]),
        (pa.map_(pa.string(), pa.int64()), [[("a", 2**53 + 1), ("b", None)], None]),
        (pa.list_view(pa.int64()), [[2**53 + 1, None]]),
    ],
    ids=str,
)
def test_integers_inside_of_any_type_stay_integers(type_: pa.DataType, found: list[Any]) -> None:
    assert dataframe.glued(opened(pa.table({"x": pa.array(found, type_)})))["x"].tolist() == found


@pytest.mark.parametrize(
    ("index", "names", "expected"),
    [
        (pd.RangeIndex(2), ["v"], ["v"]),
        (pd.RangeIndex(2, 6, 2), ["index"], ["level_0", "index"]),
        (pd.Index([3, 4], name="v"), ["v"], ["v_", "v"]),
        (pd.RangeIndex(2, name="v"), ["v", "v_"], ["v__", "v", "v_"]),
        (pd.Index(list("ab")), ["index", "level_0"], ["level_0_", "index", "level_0"]),
        (pd.MultiIndex.from_tuples([(1, 2), (3, 4)], names=["k", "k"]), ["v"], ["k", "k_", "v"]),
    ],
)
def test_names_of_columns_differ(index: pd.Index[Any], names: list[str], expected: list[str]) -> None:
    table = flat(pd.DataFrame([range(len(names))] * 2, index=index, columns=names))
    assert table.schema.names == expected
    levels = [index.get_level_values(level).tolist() for level in range(index.nlevels)]
    assert [table[name].to_pylist() for name in expected][: -len(names)] == levels[: len(expected) - len(names)]


def test_columns_of_one_name_are_all_read() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array(["a"]), pa.array([2.5])], ["x", "y", "x"])
    assert flat(table).to_pydict() == {"x": [1], "y": ["a"], "x_": [2.5]}
    file = opened(table)
    assert dataframe.read(file, dataframe.columns(file)[2:]).to_pydict() == {"x_": [2.5]}


@pytest.mark.parametrize(
    "series",
    [
        pd.Series(pd.period_range("2024-01-01", periods=2, freq="W-SUN")),
        pd.Series(pd.to_timedelta(["26h", "-1ns"])),
        pd.Series(pd.interval_range(pd.Timedelta(0), periods=2)),
        pd.Series(np.array(["12000-01-01", "-0044-03-15"], "M8[s]")),
        pd.Series(pd.to_datetime(["2026-01-01T00:00:00.123456789"])),
        pd.Series(pd.date_range("2026-10-25 02:30", periods=2, tz="Asia/Kolkata")),
        pd.Series(np.array([10**15], "m8[s]")),
    ],
)
def test_values_say_what_pandas_prints(series: pd.Series[Any]) -> None:
    with_gap = pd.concat([series, pd.Series([None], dtype=series.dtype)], ignore_index=True)
    column = flat(pd.DataFrame({"x": with_gap}))["x"]
    for part in (column, column.combine_chunks()):
        found = dataframe.values(part)
        assert [str(value) for value in found[:-1]] == [str(value) for value in series]
        assert found[-1] is None


def test_days_that_python_has_not_are_told_too() -> None:
    days = pa.table({"d": pa.array([2**22], pa.date32())})
    expected = f"{np.datetime64(2**22, 'D')} 00:00:00"
    assert str(dataframe.values(days["d"])[0]) == expected
    assert str(dataframe.to_pandas(days)["d"][0]) == expected


def test_pandas_is_loaded_only_for_types_of_its_own(tmp_path: Path) -> None:
    pd.DataFrame({"x": [1, None], "t": pd.date_range("2026-01-01", periods=2)}).to_parquet(tmp_path / "plain")
    pd.DataFrame({"x": pd.period_range("2024-01", periods=2, freq="M")}).to_parquet(tmp_path / "periods")
    code = (
        "import sys\n"
        "import pyarrow as pa\n"
        "from scrapdb.formats import dataframe\n"
        "for path in sys.argv[1:]:\n"
        "    file = dataframe.open_file(pa.OSFile(path))\n"
        "    table = dataframe.read(file, dataframe.columns(file))\n"
        "    print('pandas' in sys.modules, *map(str, dataframe.values(table['x'])))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "plain"), str(tmp_path / "periods")]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    assert ran.stdout == "False 1.0 None\nTrue 2024-01 2024-02\n"


@pytest.mark.parametrize("claim", ["null", "[]", "7", '{"index_columns": null}', '{"columns": [7]}', "no JSON"])
def test_false_claims_about_a_table_are_not_heard(claim: str) -> None:
    table = pa.table({"v": [1, 2]}).replace_schema_metadata({"pandas": claim})
    assert dataframe.glued(opened(table)).to_dict("list") == {"v": [1, 2]}
    assert dataframe.to_pandas(flat(table)).to_dict("list") == {"v": [1, 2]}


@pytest.mark.parametrize(
    "claim",
    [
        {"columns": [{"name": "v", "field_name": "v", "numpy_type": "boolean"}]},
        {"columns": [{"name": "v", "field_name": "v", "numpy_type": "period[M]"}]},
        {"columns": [{"name": "v", "field_name": "v", "numpy_type": "nothing[x]"}]},
        {"column_indexes": [{"pandas_type": "bool"}]},
        {"column_indexes": [{"name": None, "pandas_type": "int64", "numpy_type": "int64", "metadata": None}]},
        {"column_indexes": [{"name": None, "pandas_type": "unicode", "numpy_type": "object", "metadata": None}] * 2},
    ],
)
def test_claims_that_are_not_true_lose_nothing(claim: dict[str, Any]) -> None:
    metadata = {"index_columns": [], "columns": [], "column_indexes": []} | claim
    table = pa.table({"v": ["a", None]}).replace_schema_metadata({"pandas": json.dumps(metadata)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for found in (dataframe.glued(opened(table)), dataframe.to_pandas(flat(table))):
            assert found.iloc[:, 0].tolist()[0] == "a"
