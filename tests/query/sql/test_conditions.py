"""Expressions of a size that only programs write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from scrapdb.errors import UsageError
from scrapdb.query.select import count
from scrapdb.query.select import fields_of
from tests.query.stores import Notebook
from tests.query.stores import build

TOO_LARGE = "too large"


@pytest.fixture(scope="module")
def store() -> sqlite3.Connection:
    return build(
        Notebook(
            f"{number}.ipynb", {"x": number, "y": number / 2, "z": number % 2 == 0, "s": f"t{number}"}, {"p": number}
        )
        for number in range(100)
    )


@pytest.mark.parametrize(
    ("term", "word", "terms", "expected"),
    [
        (lambda number: f"x = {number}", "or", 5000, 100),
        (lambda number: f"x = {number}.0", "or", 5000, 100),
        (lambda number: f"x = {number + 10**19}", "or", 1000, 0),
        (lambda number: f's = "t{number * 2}"', "or", 1000, 50),
        (lambda number: f"x != {number * 2}", "and", 1000, 50),
        (lambda number: f"{number} <= x < {number}.5", "or", 1000, 100),
        (lambda number: f"{'xyp'[number % 3]} > {number + 90}", "or", 5000, 9),
        (lambda number: f"{'xyp'[number % 3]} < {90 + number}", "and", 5000, 90),
        (lambda number: f"(x = {number} and z)", "or", 1000, 50),
        (lambda number: f"(x is null or y > {number + 40})", "and", 500, 0),
        (lambda number: f"(s is null or x = {number})", "or", 500, 100),
        (lambda number: f"nb.path = '{number}.ipynb'", "or", 1000, 100),
        (lambda number: f"x * 2 = {number}", "or", 1000, 100),
    ],
)
def test_thousands_of_terms(
    store: sqlite3.Connection, term: Callable[[int], str], word: str, terms: int, expected: int
) -> None:
    expression = f" {word} ".join(term(number) for number in range(terms))
    assert count(store, fields_of(store), expression) == expected


def answer(store: sqlite3.Connection, expression: str) -> int | str:
    """The number of notebooks, or the sentence that refuses; how deep SQLite can go depends on its version."""
    try:
        return count(store, fields_of(store), expression)
    except UsageError as error:
        return TOO_LARGE if "too large for SQLite" in str(error) and error.exit_code == 2 else str(error)


def nested(levels: int) -> str:
    expression = "x = 7"
    for level in range(levels):
        expression = f"(y > {level} {('or', 'and')[level % 2]} {expression})"
    return expression


def expected_of(levels: int) -> int:
    """The same by hand."""
    found = 0
    for x in range(100):
        holds = x == 7
        for level in range(levels):
            holds = x / 2 > level and holds if level % 2 else x / 2 > level or holds
        found += holds
    return found


def test_nesting(store: sqlite3.Connection) -> None:
    assert answer(store, nested(12)) == expected_of(12) > 0
    for levels in (20, 30, 40, 60):
        assert answer(store, nested(levels)) in (expected_of(levels), TOO_LARGE)


@pytest.mark.parametrize("form", ["abs({})", "({} + x)", "(x * {})", "-{}", "coalesce({}, 1)", "round({})"])
def test_deep_calculations(store: sqlite3.Connection, form: str) -> None:
    for levels in (5, 10, 20, 40, 60):
        expression = "x"
        for _ in range(levels):
            expression = form.format(expression)
        found = answer(store, f"{expression} != 0.5")
        assert found == 100 or (levels > 10 and found == TOO_LARGE)
