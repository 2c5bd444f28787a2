from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.facts import Expression
from scrapdb.store.values import Stored
from scrapdb.store.values import load
from scrapdb.store.values import store

TEXTS = st.text(st.characters())  # surrogates and all
BIG = st.integers(-(10**400), 10**400)
SCALARS = st.none() | st.booleans() | st.integers() | BIG | st.floats() | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=12)


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    """A table whose columns have the types of the schema's."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE kept (type TEXT, number NUMERIC, text TEXT, json TEXT, exact TEXT)")
        yield connection


def equal(one: Any, other: Any) -> bool:
    """Compare with types; NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(equal, one.values(), other.values()))
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other) or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


def through(database: sqlite3.Connection, stored: Stored) -> Stored:
    database.execute("DELETE FROM kept")
    database.execute("INSERT INTO kept VALUES (?, ?, ?, ?, ?)", stored)
    return Stored(*database.execute("SELECT * FROM kept").fetchone())


@settings(max_examples=400, deadline=None)
@given(VALUES)
@example([math.nan, {"a": -math.inf}])
@example("007")
@example("1e5")
@example("\0")
@example({"\ud800": "\0"})
@example(2**63)
@example(2.0**63)
@example(-0.0)
def test_a_value_survives(database: sqlite3.Connection, value: Any) -> None:
    stored = store(value)
    assert equal(load(*stored), value)
    assert equal(load(*through(database, stored)), value)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_a_value_stands_in_one_column_of_its_type(database: sqlite3.Connection, value: Any) -> None:
    through(database, store(value))
    (found,) = database.execute(
        "SELECT type, typeof(number), typeof(text), typeof(json), json IS NULL OR json_valid(json), exact FROM kept"
    )
    type_, number, text, json, valid, exact = found
    assert number in {"null", "integer", "real"}
    assert (number != "null") + (text != "null") + (json != "null") <= 1
    assert (text != "null") == (type_ == "text")
    assert (json != "null") == (type_ == "json")
    assert valid
    assert exact is None or exact.isascii()


@settings(deadline=None)
@given(TEXTS)
def test_an_expression_survives(source: str) -> None:
    stored = store(Expression(source))
    assert load(*stored) == Expression(source)
    assert stored[1:4] == (None, None, None)  # so that nobody takes it for a value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (None, Stored("null")),
        (True, Stored("boolean", 1)),
        (False, Stored("boolean", 0)),
        (7, Stored("integer", 7)),
        (2**63 - 1, Stored("integer", 2**63 - 1)),
        (-(2**63), Stored("integer", -(2**63))),
        (2**63, Stored("integer", 2.0**63, exact="9223372036854775808")),
        (10**400, Stored("integer", math.inf, exact="1" + "0" * 400)),
        (-(10**400), Stored("integer", -math.inf, exact="-1" + "0" * 400)),
        (0.5, Stored("float", 0.5)),
        (math.nan, Stored("float")),
        (-math.inf, Stored("float", -math.inf)),
        ("007", Stored("text", text="007")),
        ("", Stored("text", text="")),
        ("a\ud800\0", Stored("text", text="a\\ud800\\u0000", exact='"a\\ud800\\u0000"')),
        (Expression("f()"), Stored("expression", exact='"f()"')),
        ([1, "a"], Stored("json", json='[1,"a"]')),
        ({"é": math.nan}, Stored("json", json='{"é":null}', exact='{"\\u00e9":NaN}')),
        ([math.inf, -math.inf], Stored("json", json="[null,null]", exact="[Infinity,-Infinity]")),
        (["\udc80"], Stored("json", json='["\\udc80"]', exact='["\\udc80"]')),
    ],
)
def test_the_columns_of_a_value(value: Any, stored: Stored) -> None:
    assert store(value) == stored
    assert [type(part) for part in store(value)] == [type(part) for part in stored]


def nested(levels: int, leaf: Any) -> Any:
    for level in range(levels):
        leaf = [leaf] if level % 2 else {"a": leaf}
    return leaf


@pytest.mark.parametrize("leaf", [1, math.nan])
def test_what_is_nested_too_deeply_is_refused(database: sqlite3.Connection, leaf: Any) -> None:
    deep = nested(200, leaf)
    assert equal(load(*through(database, store(deep))), deep)
    assert database.execute("SELECT json_valid(json) FROM kept").fetchone() == (1,)
    for levels in (201, 900, 100_000):
        with pytest.raises(RecursionError):
            store(nested(levels, leaf))


def test_many_brackets_are_not_deep() -> None:
    wide: list[Any] = [[], {}] * 5000
    assert load(*store(wide)) == wide
    assert load(*store(["[" * 5000])) == ["[" * 5000]


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, 1j, object(), [object()]])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        store(value)


@pytest.mark.parametrize("type_", ["frame", "display", "null"])
def test_what_has_no_value_is_none(type_: str) -> None:
    assert load(type_, None, None, None, None) is None
