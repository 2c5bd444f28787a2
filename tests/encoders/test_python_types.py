from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.encoders.json import encode
from scrapdb.encoders.python_types import plain
from scrapdb.encoders.python_types import restored
from scrapdb.encoders.python_types import widened
from scrapdb.errors import ScrapbookDataException

ROOT = Path(__file__).parent.parent.parent
_MEMBERS: st.SearchStrategy[Any] = (
    st.integers()
    | st.text()
    | st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.frozensets(st.integers())
    | st.fractions()
    | st.uuids()
    | st.builds(deque, st.lists(st.integers(), max_size=3), st.none() | st.integers(3, 5))
    | st.timedeltas()
)
_VALUES = st.recursive(
    _MEMBERS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(_VALUES)
def test_every_value_comes_back_through_json(value: Any) -> None:
    simple = plain(value)
    back = restored(json.loads(json.dumps(simple.value)), simple.types)
    assert back == value
    assert type(back) is type(value)


def test_json_values_need_no_types() -> None:
    value = {"a": [1, 2.5, "x", None, True, {"b": []}]}
    assert plain(value) == (value, {})


def test_places_are_json_pointers() -> None:
    assert plain({"a/b": [(), {"~": {1}}]}).types == {"/a~1b/0": "tuple", "/a~1b/1/~0": "set"}


def test_an_unknown_kind_stays_as_it_is() -> None:
    assert restored({"x": 1}, {"/x": "os.system", "/y": "tuple", "": "no kind"}) == {"x": 1}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", "date"),
        ([1], "Decimal x"),
        ("é", "bytes"),
        ([1], "ndarray V1000000000"),
        ([1], "ndarray (9,)f8"),
        ([], "ndarray <f8 9"),
        ([1], "masked V8"),
        ("x", "UUID"),
        (1, "Fraction 1/0"),
        ([1], "deque -1"),
        (1, "Path"),
        (1, "tuple"),
    ],
)
def test_a_false_kind_is_an_error(value: Any, kind: str) -> None:
    with pytest.raises((ValueError, TypeError, ArithmeticError)):
        restored(value, {"": kind})


def test_arrays_that_json_cannot_hold_are_refused() -> None:
    for array in (np.array([1j]), np.zeros(1, dtype=[("a", "i4")]), np.zeros(1, dtype=[("a", "i4")])[0]):
        for value in (array, [array]):
            with pytest.raises(ValueError, match="JSON cannot hold"):
                plain(value)


class Quantity(np.ndarray):
    """An array with a unit, as astropy has it."""

    unit = "m"


@pytest.mark.parametrize("array", [np.zeros(2).view(Quantity), np.ma.array(["a"], mask=[True])])
def test_what_an_array_has_beside_its_members_is_not_lost(array: Any) -> None:
    for prepare in (plain, widened, lambda array: plain({"a": array})):
        with pytest.raises(ScrapbookDataException, match=r"beside its members; glue numpy.asarray"):
            prepare(array)


@pytest.mark.parametrize("value", [{1: "a", "1": "b"}, {None: 1, "null": 2}, {"x": [{True: 1, "true": 2}]}])
def test_keys_that_are_the_same_as_text_are_refused(value: Any) -> None:
    with pytest.raises(ScrapbookDataException, match="are the same as text"):
        plain(value)


class Loop:
    def __iter__(self) -> Iterator[int]:
        yield 1


def test_what_is_more_than_its_members_is_refused() -> None:
    tables = (pl.DataFrame({"a": [1]}), pa.table({"a": [1]}), pd.DataFrame({"a": [1]}))
    for value in (io.StringIO("a line"), Loop(), *tables):
        with pytest.raises(ScrapbookDataException, match=r"at /x; glue it under a name of its own"):
            plain({"x": value})


def test_what_a_float_cannot_hold_is_refused() -> None:
    for value in (np.longdouble("0.1"), {"x": np.longdouble("0.1")}, {Fraction(1, 3): 1}):
        with pytest.raises(ScrapbookDataException, match=r"exactly; glue it as float"):
            plain(value)
    assert plain([np.longdouble("0.5"), np.float32(0.1), np.longdouble("inf")]).value == [
        0.5,
        float(np.float32(0.1)),
        inf,
    ]
    with pytest.raises(ScrapbookDataException, match="glue it as text"):
        plain(Fraction(10**400))


def test_an_integer_that_python_does_not_write_is_refused() -> None:
    with pytest.raises(ScrapbookDataException, match="glue it as text"):
        encode(10**5000)


def test_decimals_keep_their_digits() -> None:
    assert plain(Decimal("0.10")) == (0.1, {"": "Decimal 0.10"})


def test_long_durations_keep_their_microseconds() -> None:
    span = dt.timedelta(days=999_999, microseconds=1)
    assert restored(*plain(span)) == span
    assert plain(dt.timedelta(minutes=1)) == (60.0, {"": "timedelta"})


@pytest.mark.parametrize("missing", [np.datetime64("NaT", "D"), pd.NaT, pd.NA])
def test_a_missing_time_is_null(missing: Any) -> None:
    assert plain(missing).value is None
    assert plain({"at": missing}).value == {"at": None}


def test_a_library_that_is_loaded_later_is_known_then() -> None:
    code = """
from scrapdb.encoders.python_types import plain
plain([1, {2}])
import numpy, pandas
assert plain([numpy.arange(2), pandas.Timestamp("2026-01-01")]).types == {"/0": "ndarray <i8", "/1": "Timestamp"}
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
