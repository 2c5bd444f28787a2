"""Frames of different types below one another, held against the values themselves and against pandas.concat."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.database import schemas
from scrapdb.formats import dataframe

_WHOLE = [-(2**63), -(2**53) - 1, -128, -1, 0, 2, 255, 2**24 + 1, 2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, 2**64 - 1]
_BROKEN = [0.5, 0.1, 7.0, -0.0, 2.0**24, 2.0**53, 2.0**63, 1e300, 5e-324, math.inf, -math.inf]
_UNITS = ("ns", "us", "ms", "s")
_INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_NULLABLE = ["Int8", "Int64", "UInt64"]
_WHERE = ("Europe/Berlin", "UTC")


def whole(dtype: str) -> pd.Series[Any]:
    """Give the integers that a dtype holds; a nullable one has a gap."""
    limits = np.iinfo(dtype.lower())
    held = [number for number in (*_WHOLE, int(limits.min), int(limits.max)) if limits.min <= number <= limits.max]
    return pd.Series([None, *held] if dtype[0].isupper() else held, dtype=dtype)


def times(kind: str, unit: str) -> pd.Series[Any]:
    """Give the first and the last time of a unit, as far as years have four digits, a finest one, and a gap."""
    farthest = 2**63 - 1 if unit == "ns" else {"us": 10**6, "ms": 10**3, "s": 1}[unit] * 86_400 * 365 * 1900
    return pd.Series(np.array([1, -farthest, farthest, 86_400, "NaT"], dtype=f"{kind}[{unit}]"))


def objects(*values: Any) -> pd.Series[Any]:
    return pd.Series([*values, None], dtype=object)


SERIES: dict[str, pd.Series[Any]] = {
    **{dtype: whole(dtype) for dtype in (*_INTEGERS, *_NULLABLE)},
    **{dtype: pd.Series([*_BROKEN, None], dtype=dtype) for dtype in ("float64", "Float64")},
    "float32": pd.Series([0.5, 0.1, 2.0**24, 2.0**100, None], dtype="float32"),
    "bool": pd.Series([True, False]),
    "boolean": pd.Series([True, False, None], dtype="boolean"),
    "str": pd.Series(["a", "", "7", "None", None], dtype="str"),
    "string": pd.Series(["ä", "1.5", None], dtype="string"),
    "category": pd.Series(["a", "b", None], dtype="category"),
    "bytes": objects(b"\0\xff", b"a"),
    "date": objects(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    "time": objects(dt.time(23, 59, 59, 999999)),
    "decimal": objects(Decimal("0.10"), Decimal("7.00")),
    "long decimal": objects(Decimal("12345678901234567890123456789.5"), Decimal("-0.1")),
    "list": objects([1, 2], []),
    "nothing": objects(),
    **{f"{kind}[{unit}]": times(kind, unit) for kind in ("datetime64", "timedelta64") for unit in _UNITS},
    **{zone: pd.Series([pd.Timestamp("2026-07-01 12:00", tz=zone), pd.NaT]) for zone in _WHERE},
    **{f"period {unit}": pd.Series(pd.PeriodIndex(["2024-01-15", None], freq=unit)) for unit in ("M", "D", "W-SUN")},
    "interval": pd.Series(pd.arrays.IntervalArray.from_tuples([(0, 2), (2, 2**53 + 1)])),
    "half open": pd.Series([pd.Interval(0.5, 1.5, closed="left"), None], dtype="interval[float64, left]"),
}
_AS_NULLABLE = {"bool": "boolean", "float64": "Float64", "float32": "Float32"} | {
    dtype: dtype.replace("int", "Int").replace("u", "U") for dtype in _INTEGERS
}


def stored(frame: pd.DataFrame) -> pa.Table:
    file = dataframe.open_file(pa.BufferReader(frame.to_parquet()))
    return dataframe.read(file, dataframe.columns(file))


def together(*frames: pd.DataFrame) -> pa.Table:
    tables = list(map(stored, frames))
    schema = schemas.unified([table.schema for table in tables], lambda _: tables)
    return schemas.with_one_set_of_categories(pa.concat_tables([schemas.fitted(table, schema) for table in tables]))


def values(series: pd.Series[Any]) -> list[Any]:
    """Give Python's values: numpy's integers and floats are compared as floats."""
    return [
        None if np.ndim(value) == 0 and pd.isna(value) else value.item() if isinstance(value, np.number) else value
        for value in series
    ]


def text(value: Any) -> str:
    """Print a value as scrapdb does, which is as pandas does but for what JSON has words for."""
    if isinstance(value, bool | np.bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return json.dumps(list(map(int, value))) if np.ndim(value) else str(value)


def is_same(found: Any, given: Any) -> bool:
    if found is None or given is None:
        return found is given
    if np.ndim(given):
        return list(found) == list(given)
    return bool(found == (float(given) if isinstance(given, Decimal) and isinstance(found, float) else given))


def some(of: pd.Series[Any]) -> st.SearchStrategy[pd.Series[Any]]:
    places = st.lists(st.integers(0, len(of) - 1), min_size=1, max_size=3)
    return places.map(lambda chosen: of.take(chosen).reset_index(drop=True))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_value_is_lost_whatever_stands_below_it(data: st.DataObject) -> None:
    names = data.draw(st.tuples(*[st.sampled_from(sorted(SERIES))] * 2))
    one, other = (data.draw(some(SERIES[name])) for name in names)
    table = together(pd.DataFrame({"x": one}), pd.DataFrame({"x": other}))
    found = dataframe.values(table["x"])
    given = values(one) + values(other)
    assert len(found) == len(given)
    if pa.types.is_large_string(table["x"].type):
        assert found == [value if value is None else text(value) for value in given]
        assert not concat_is_exact(names, one, other)
    else:
        assert all(map(is_same, found, given)), (found, given, table["x"].type)
    in_pandas = values(dataframe.to_pandas(table)["x"])
    assert all(map(is_same, in_pandas, found)), (in_pandas, found)


def concat_is_exact(names: tuple[str, ...], one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    """Return whether pandas puts them together, none of them text, with nullable dtypes and without loss."""
    if {*names} & {"str", "string", "category"}:
        return False
    nullable: list[Any] = [each.astype(_AS_NULLABLE.get(str(each.dtype), str(each.dtype))) for each in (one, other)]  # type: ignore[call-overload]
    try:
        whole = pd.concat(nullable)
    except (OverflowError, ValueError):
        return False
    given = values(one) + values(other)
    return whole.dtype != object and all(map(is_same, values(whole), given))
