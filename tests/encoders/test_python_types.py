from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.encoders.python_types import plain
from scrapdb.encoders.python_types import restored

_MEMBERS = (
    st.integers()
    | st.text()
    | st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.binary()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas(min_value=dt.timedelta(days=-10_000), max_value=dt.timedelta(days=10_000))
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.frozensets(st.integers())
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
        (1, "tuple"),
    ],
)
def test_a_false_kind_is_an_error(value: Any, kind: str) -> None:
    with pytest.raises((ValueError, TypeError, ArithmeticError)):
        restored(value, {"": kind})


def test_arrays_that_json_cannot_hold_are_refused() -> None:
    for array in (np.array([1j]), np.zeros(1, dtype=[("a", "i4")])):
        with pytest.raises(ValueError, match="JSON cannot hold"):
            plain(array)


def test_decimals_keep_their_digits() -> None:
    assert plain(Decimal("0.10")) == (0.1, {"": "Decimal 0.10"})
