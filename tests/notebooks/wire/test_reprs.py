"""What IPython prints is read: the printing is IPython's, the JSON values are written by hand."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections import Counter
from collections import OrderedDict
from collections import defaultdict
from collections import deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from msgspec import UNSET

from scrapdb.notebooks.wire.reprs import read

LATER = dt.timezone(dt.timedelta(hours=2))


def printed(value: Any) -> str:
    """Print a value as myst-nb's glue has it printed."""
    shell: Any = InteractiveShell.instance()
    bundle, _ = shell.display_formatter.format(value)
    return str(bundle["text/plain"])


def assert_is(value: Any, expected: Any) -> None:
    """Compare JSON values by their text, which tells NaN, 1 and 1.0 and True apart."""
    assert value is not UNSET
    assert json.dumps(value) == json.dumps(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64("nan"), math.nan),
        (-np.float64("inf"), -math.inf),
        (np.float32(0.5), 0.5),
        (np.longdouble("0.5"), 0.5),
        (np.int64(3), 3),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (np.True_, True),
        (np.False_, False),
        (np.str_("a"), "a"),
        ({"auc": np.float64(0.9), "n": np.int64(3)}, {"auc": 0.9, "n": 3}),
        (
            {"folds": [np.float64(0.1), np.float64("nan")], "ok": (np.True_, None)},
            {"folds": [0.1, math.nan], "ok": [True, None]},
        ),
        ([math.nan, math.inf, -math.inf], [math.nan, math.inf, -math.inf]),
        (np.datetime64("2026-01-01"), "2026-01-01"),
        (np.datetime64("2026-01-01T10:11"), "2026-01-01T10:11"),
        (np.datetime64("NaT", "D"), None),
        (np.timedelta64(1500, "ms"), 1.5),
        (np.timedelta64(2, "D"), 172800.0),
        (np.timedelta64("NaT", "D"), math.nan),
        (pd.Timestamp("2026-01-01"), "2026-01-01T00:00:00"),
        (pd.Timestamp("2026-01-01 09:30:00.123456789"), "2026-01-01T09:30:00.123456789"),
        (pd.Timestamp("2026-01-01 09:30", tz="Europe/Berlin"), "2026-01-01T09:30:00+01:00"),
        (pd.Timestamp("2026-01-01", tz="UTC"), "2026-01-01T00:00:00+00:00"),
        ({"last": pd.Timestamp("2026-01-01")}, {"last": "2026-01-01T00:00:00"}),
        (pd.Timedelta("1 days 02:00:00.5"), 93600.5),
        (pd.Timedelta(-1, "s"), -1.0),
        (pd.NaT, None),
        (pd.NA, None),
        (pd.Period("2026-01", "M"), "2026-01"),
        (dt.datetime(2026, 1, 1), "2026-01-01T00:00:00"),  # noqa: DTZ001
        (dt.datetime(2026, 1, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-01T02:03:04.000005+00:00"),
        (dt.datetime(2026, 7, 1, tzinfo=ZoneInfo("Europe/Berlin")), "2026-07-01T00:00:00+02:00"),
        (dt.datetime(2026, 7, 1, tzinfo=LATER), "2026-07-01T00:00:00+02:00"),
        (dt.date(2026, 1, 1), "2026-01-01"),
        (dt.time(9, 30), "09:30:00"),
        (dt.timedelta(days=1, microseconds=5), 86400.000005),
        (dt.timedelta(0), 0.0),
        (Decimal("1.5"), 1.5),
        (Decimal("NaN"), math.nan),
        (Fraction(1, 4), 0.25),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Path("/data/a.csv"), "/data/a.csv"),
        ({3, 1, 2}, [1, 2, 3]),
        (set(), []),
        (frozenset("ba"), ["a", "b"]),
        (frozenset(), []),
        ((), []),
        ((1, (2, "x")), [1, [2, "x"]]),
        (deque([1, 2], 3), [1, 2]),
        (range(3), [0, 1, 2]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (np.array([1.0, 2.0]), [1.0, 2.0]),
        (np.array([1, 2], dtype="int16"), [1, 2]),
        (np.array([1], dtype=">i4"), [1]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([math.nan, math.inf, -math.inf]), [math.nan, math.inf, -math.inf]),
        (np.array([True, False]), [True, False]),
        (np.array(["a", "bc"]), ["a", "bc"]),
        (np.array(["2026-01-01", "NaT"], dtype="M8[D]"), ["2026-01-01", "NaT"]),
        (np.array([1, None, "a"], dtype=object), [1, None, "a"]),
        (np.array(5), 5),
        (np.array([]), []),
        (np.zeros((0, 3)), []),
        ({"weights": [np.array([0.5])]}, {"weights": [[0.5]]}),
        (np.arange(900).reshape(30, 30), [[30 * row + column for column in range(30)] for row in range(30)]),
        (list(range(500)), list(range(500))),
        ({f"k{n}": np.float64(n) for n in range(50)}, {f"k{n}": float(n) for n in range(50)}),
        ('it\'s "a"\ntext', 'it\'s "a"\ntext'),
        (2**70, 2**70),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_ipython_prints_is_read(value: Any, expected: Any) -> None:
    text = printed(value)
    assert_is(read(text), expected)
    assert_is(read(text.replace("np.", "numpy.")), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("numpy.float64(nan)", math.nan),
        ("[np.float64(-inf), np.float64(-0.5)]", [-math.inf, -0.5]),
        ("np.bool_(True)", True),
        ("[np.nan, -np.inf]", [math.nan, -math.inf]),
        ("Timestamp('2026-01-01 00:00:00', freq='D')", "2026-01-01T00:00:00"),  # pandas 1
        ("OrderedDict([('a', 1)])", {"a": 1}),  # before Python 3.12
        ("0.900", 0.9),  # of %precision
    ],
)
def test_older_spellings_are_read(text: str, expected: Any) -> None:
    assert_is(read(text), expected)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_JSON)
def test_json_values_are_read(value: Any) -> None:
    assert_is(read(printed(value)), value)


@given(st.lists(st.floats(width=64).map(np.float64) | st.integers(-(2**63), 2**63 - 1).map(np.int64)))
def test_numpys_numbers_are_read(numbers: list[Any]) -> None:
    assert_is(read(printed(numbers)), [number.item() for number in numbers])


@pytest.mark.parametrize(
    "value",
    [
        *(
            list(range(2000)),
            {str(n): n for n in range(2000)},
            np.arange(2000),
            np.zeros((100, 100)),
        ),  # printed in part
        *(1j, np.complex128(1j), np.array([1j]), np.array([1], dtype="m8[s]"), np.zeros(1, dtype=[("a", "i4")])),
        *(np.ma.array([1, 2], mask=[False, True]), b"bytes", {1: 2}, {"a": {1: 2}}, slice(1), object(), int, len, ...),
        *(pd.Series([1]), pd.DataFrame({"a": [1]}), pd.Index([1]), np.zeros((3, 0)), np.timedelta64(1, "Y")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_displays(value: Any) -> None:
    assert read(printed(value)) is UNSET


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').getcwd()",
        "os.getcwd()",
        "np.load('x')",
        "np.float64(os)",
        "np.float64('x')",
        "np.float64()",
        "np.float64(1, 2)",
        "np.array.__class__(1)",
        "nan.real",
        "(lambda: 1)()",
        "[x for x in (1, 2)]",
        "f'{1}'",
        "{**{'a': 1}}",
        "[*[1]]",
        "set(*[[1]])",
        "set(**{'a': 1})",
        "{[]}",
        "range(0, 1000000000)",
        "range(0, 10, 0)",
        "datetime.datetime(2026, 13, 1)",
        "datetime.timedelta(days=1000000000)",
        "datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo(key='../../etc/passwd'))",
        "datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo(key='Europe'))",
        "datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo(key=1))",
        "Decimal('x')",
        "UUID(5)",
        "Timestamp('tomorrow')",
        "Timedelta('long')",
        "np.timedelta64('x','D')",
        "array([1, 2], dtype=[('a', 'i4')])",
        "array([1, 2], shape=(2,))",
        "array('d', [1.0])",
        "Point(x=1, y=2)",
        "[<NA>]",
        "[" * 90_000,
        "-" * 90_000 + "1",
        "set([" * 5_000 + "])" * 5_000,
        "np.int64(0x" + "f" * 5000 + ")",
    ],
    ids=lambda text: text[:30],
)
def test_nothing_else_is_called(text: str) -> None:
    assert read(text) is UNSET
