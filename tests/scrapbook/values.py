"""Values that scrapbook refuses or bends: what scrapdb glues of them, as scrapbook 0.5.0 and as scrapdb read it."""

from __future__ import annotations

import datetime as dt
import math
from collections import deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from typing import NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd

# The first cell of the notebook that glues them.
SETTING = """
import datetime as dt
import math
from collections import OrderedDict, deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

import scrapdb as sb
"""


class Value(NamedTuple):
    """A value: the name it is glued under, the expression, and what either reads."""

    name: str
    expression: str
    scrapbook: Any
    scrapdb: Any


def same(name: str, expression: str, read: Any) -> Value:
    return Value(name, expression, read, read)


_BERLIN = dt.timezone(dt.timedelta(hours=2))
VALUES = [
    same("none", "None", None),
    same("nan", "math.nan", math.nan),
    same("infinity", "-math.inf", -math.inf),
    same("nan inside", "{'a': [1, math.nan], 'b': math.inf}", {"a": [1, math.nan], "b": math.inf}),
    same("null inside", "[1, None]", [1, None]),
    same("text", "'nan'", "nan"),
    same("digits", "'007'", "007"),
    same("subclass", "OrderedDict(b=1, a=2)", {"b": 1, "a": 2}),
    same("numpy integer", "np.int64(3)", 3),
    same("numpy float", "np.float32(0.5)", 0.5),
    same("numpy boolean", "np.bool_(True)", read=True),
    same("numpy inside", "{'n': np.int16(2), 'a': [np.float64(0.5)]}", {"n": 2, "a": [0.5]}),
    same("not a time", "pd.NaT", None),
    same("not available", "pd.NA", None),
    same("other keys", "{2: 'a', 2.5: 'b', None: 'c', True: 'd'}", {"2": "a", "2.5": "b", "null": "c", "true": "d"}),
    same("range inside", "{'r': range(3)}", {"r": [0, 1, 2]}),
    Value("array", "np.array([[1, 2], [3, 4]], dtype='int16')", [[1, 2], [3, 4]], np.array([[1, 2], [3, 4]], "int16")),
    Value("array with nan", "np.array([0.5, np.nan])", [0.5, math.nan], np.array([0.5, math.nan])),
    Value("array of days", "np.array(['2026-01-02'], 'M8[D]')", ["2026-01-02"], np.array(["2026-01-02"], "M8[D]")),
    Value("array of texts", "np.array(['a', 'bc'])", ["a", "bc"], np.array(["a", "bc"])),
    Value("array without rows", "np.zeros((0, 3))", [], np.zeros((0, 3))),
    Value("array without texts", "np.array([], dtype=str)", [], np.array([], dtype=str)),
    Value("matrix", "np.matrix([[1, 2]])", [[1, 2]], np.array([[1, 2]])),
    Value("masked array", "np.ma.array([1, 2], mask=[0, 1])", [1, None], np.ma.array([1, 2], mask=[False, True])),
    Value(
        "masked inside",
        "{'m': np.ma.array([[0.5, np.nan], [1, 2]], mask=[[0, 0], [1, 0]])}",
        {"m": [[0.5, math.nan], [None, 2.0]]},
        {"m": np.ma.array([[0.5, math.nan], [1, 2]], mask=[[False, False], [True, False]])},
    ),
    Value("masked by nothing", "np.ma.array([True, False])", [True, False], np.ma.array([True, False])),
    Value("masked", "np.ma.masked", None, np.ma.array(0.0, mask=True)),
    Value("tuple", "(1, (2, 'x'))", [1, [2, "x"]], (1, (2, "x"))),
    Value("set", "{3, 1, 2}", [1, 2, 3], {1, 2, 3}),
    Value("frozenset", "frozenset('ba')", ["a", "b"], frozenset("ab")),
    Value("bytes", "b'\\x00\\xff'", "AP8=", b"\x00\xff"),
    Value("bytes like a number", "b'\\xd7m\\xf8'", "1234", b"\xd7m\xf8"),
    Value("deque", "deque([1, 2], maxlen=5)", [1, 2], deque([1, 2], maxlen=5)),
    Value("fraction", "Fraction(1, 3)", 1 / 3, Fraction(1, 3)),
    Value("uuid", "UUID(int=7)", "00000000-0000-0000-0000-000000000007", UUID(int=7)),
    Value("path", "Path('/data/a.csv')", "/data/a.csv", Path("/data/a.csv")),
    Value("decimal", "Decimal('1.10')", 1.1, Decimal("1.10")),
    Value("date", "dt.date(2026, 11, 21)", "2026-11-21", dt.date(2026, 11, 21)),
    Value("time", "dt.time(9, 30)", "09:30:00", dt.time(9, 30)),
    Value("moment", "dt.datetime(2026, 11, 21, 9, 30)", "2026-11-21T09:30:00", dt.datetime(2026, 11, 21, 9, 30)),  # noqa: DTZ001
    Value(
        "moment in Berlin",
        "dt.datetime(2026, 7, 1, 9, 30, tzinfo=ZoneInfo('Europe/Berlin'))",
        "2026-07-01T09:30:00+02:00",
        dt.datetime(2026, 7, 1, 9, 30, tzinfo=_BERLIN),
    ),
    Value("duration", "dt.timedelta(minutes=1, microseconds=1)", 60.000001, dt.timedelta(minutes=1, microseconds=1)),
    Value("pandas duration", "pd.Timedelta(1500, 'ms') + pd.Timedelta(1)", 1.500000001, pd.Timedelta(1_500_000_001)),
    Value("period", "pd.Period('2026-01', 'M')", "2026-01", pd.Period("2026-01", "M")),
    Value("week", "pd.Period('2026-01-05', 'W')", "2026-01-05/2026-01-11", pd.Period("2026-01-05", "W")),
    Value("numpy not a time", "np.datetime64('NaT', 'D')", None, np.datetime64("NaT", "D")),
    Value(
        "timestamp",
        "pd.Timestamp('2026-11-21 09:30:00.123456789')",
        "2026-11-21T09:30:00.123456789",
        pd.Timestamp("2026-11-21 09:30:00.123456789"),
    ),
    Value("numpy time", "np.datetime64('2026-11-21T09:30')", "2026-11-21T09:30", np.datetime64("2026-11-21T09:30")),
    Value("numpy duration", "np.timedelta64(1500, 'ms')", 1.5, np.timedelta64(1500, "ms")),
    same("series inside", "{'s': pd.Series([1, 2])}", {"s": [1, 2]}),
    Value(
        "all inside",
        "{'day': dt.date(2026, 1, 2), 'a/b': [(1,), {2}], 'price': Decimal('0.30')}",
        {"day": "2026-01-02", "a/b": [[1], [2]], "price": 0.3},
        {"day": dt.date(2026, 1, 2), "a/b": [(1,), {2}], "price": Decimal("0.30")},
    ),
    Value(
        "series",
        "pd.Series([1.5, 2.5], index=['x', 'y'], name='price')",
        pd.DataFrame({"price": [1.5, 2.5]}, index=["x", "y"]),
        pd.Series([1.5, 2.5], index=["x", "y"], name="price"),
    ),
    Value("unnamed series", "pd.Series([1, 2])", pd.DataFrame({"value": [1, 2]}), pd.Series([1, 2])),
    Value("index", "pd.Index(['a', 'b'], name='k')", pd.DataFrame({"k": ["a", "b"]}), pd.Index(["a", "b"], name="k")),
    Value(
        "unnamed index",
        "pd.date_range('2026-01-01', periods=2, tz='UTC')",
        pd.DataFrame({"value": pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)}),
        pd.DatetimeIndex(["2026-01-01", "2026-01-02"], tz="UTC"),
    ),
    Value(
        "categorical",
        "pd.Categorical(['a', 'b', 'a'], categories=['b', 'a'], ordered=True)",
        pd.DataFrame({"value": pd.Categorical(["a", "b", "a"], categories=["b", "a"], ordered=True)}),
        pd.Categorical(["a", "b", "a"], categories=["b", "a"], ordered=True),
    ),
    Value("pandas array", "pd.array([1, None])", pd.DataFrame({"value": pd.array([1, None])}), pd.array([1, None])),
    same(
        "arrays inside",
        "{'i': pd.Index([1]), 'c': [pd.Categorical(['a'])], 'a': pa.array([1])}",
        {"i": [1], "c": [["a"]], "a": [1]},
    ),
    same("arrow table", "pa.table({'n': [1, 2], 's': ['a', 'b']})", pd.DataFrame({"n": [1, 2], "s": ["a", "b"]})),
    same(
        "two levels",
        "pd.DataFrame({'n': [1, 2]}, index=pd.MultiIndex.from_tuples([('a', 1), ('b', 2)], names=['k', 'l']))",
        pd.DataFrame({"n": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", "l"])),
    ),
]
