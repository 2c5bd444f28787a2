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

NAMES = ("x", "y", "z", "s", "p")


@pytest.fixture(scope="module")
def store() -> sqlite3.Connection:
    return build(
        Notebook(f"{number}.ipynb", {"x": number, "y": number / 2, "z": number % 2 == 0, "s": f"t{number}"}, {"p": number})
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
        (lambda number: f"{NAMES[number % 3]} = {number + 90}", "or", 5000, 12),
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


def nested(levels: int) -> str:
    expression = "x = 7"
    for level in range(levels):
        expression = f"(y > {level} {('or', 'and')[level % 2]} {expression})"
    return expression


def test_nesting(store: sqlite3.Connection) -> None:
    fields = fields_of(store)
    # y > 11 and (y > 10 or (y > 9 and …)), by hand: all above 11, and none else.
    assert count(store, fields, nested(12)) == sum(number / 2 > 11 for number in range(100))
    for levels in (20, 30, 40, 60):
        try:
            assert count(store, fields, nested(levels)) > 0
        except UsageError as error:
            assert "too large for SQLite" in str(error)
            assert error.exit_code == 2


@pytest.mark.parametrize("form", ["abs({})", "({} + x)", "(x * {})", "-{}", "coalesce({}, 1)", "round({})"])
def test_deep_calculations(store: sqlite3.Connection, form: str) -> None:
    for levels in (5, 10, 20, 40, 60):
        expression = "x"
        for _ in range(levels):
            expression = form.format(expression)
        try:
            assert count(store, fields_of(store), f"{expression} != 0.5") == 100
        except UsageError as error:
            assert "too large for SQLite" in str(error)
            assert levels > 10
