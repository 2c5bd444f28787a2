"""A command that is printed to be pasted does what it says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.cli.repeating import assigned
from scrapdb.running.rows import grid
from scrapdb.running.rows import parameters
from tests import notebook_builder as nb

TEXTS = [
    "",
    "AAA",
    "a,b",
    'say "x"',
    "007",
    "1e5",
    "no",
    "true",
    "None",
    "[1",
    "{",
    "\\",
    "a\\,b",
    " x ",
    "é",
    "x=y",
    "-",
]
VALUES = [*TEXTS, 0, -1, 2**70, 0.1, 1e300, True, False, None, [], [1, "a,b"], {"a": [1, {"b": None}]}, ["]", "}"]]


def signature(default: str) -> parameters.Signature:
    source = nb.notebook(nb.code(f"x = {default}", tags=("parameters",)))
    return parameters.of(json.dumps(source).encode())


def read_again(value: Any, default: str = "None") -> Any:
    (row,) = grid.rows(grid.given([assigned("x", value)]))
    return signature(default).typed(row)["x"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_is_read_as_it_was(value: Any) -> None:
    again = read_again(value)
    assert (again, type(again)) == (value, type(value))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_as_it_was(value: str) -> None:
    assert read_again(value) == value
    assert read_again(value, "'text'") == value


@pytest.mark.parametrize("value", ["2026-11-01", "2026-11-01T12:00:00+00:00"])
def test_a_date_stays_one(value: str) -> None:
    kind = "datetime" if "T" in value else "date"
    source = nb.notebook(nb.code(f"x: '{kind}' = None", tags=("parameters",)))
    typed = parameters.of(json.dumps(source).encode()).typed
    (row,) = grid.rows(grid.given([assigned("x", value)]))
    assert parameters.plain(typed(row)) == parameters.plain(typed({"x": value}))
    assert not isinstance(typed(row)["x"], str)
