"""Comparing tables of values."""

from __future__ import annotations

import math
from typing import Any

import pytest
from msgspec import UNSET

from scrapdb.database import differences
from scrapdb.database.differences import Piece

TEXT = "the loss was 0.5 after a hundred steps, which is a lot"


def compared(*values: Any, everything: bool = False) -> differences.Differences:
    """Compare notebooks that glued these values as `x`; UNSET: it did not glue it."""
    notebooks = [
        differences.NotebookValues(f"{place}.ipynb", {"scraps": {} if value is UNSET else {"x": value}})
        for place, value in enumerate(values)
    ]
    return differences.compare(notebooks, everything=everything)


@pytest.mark.parametrize(
    ("first", "second", "difference", "ratio"),
    [
        (2, 3, 1, 1.5),
        (2.0, 1, -1.0, 0.5),
        (-4, 2, 6, -0.5),
        (0, 5, 5, None),
        (5, 0, -5, 0),
        (2**70, 2**71, 2**70, 2.0),
        (1.0, 10**400, None, None),
        (1.0, math.inf, None, None),
        (1.0, math.nan, None, None),
    ],
)
def test_numbers(first: float, second: float, difference: float | None, ratio: float | None) -> None:
    ((line,), _, _) = compared(first, second)
    assert (line.entries[1].difference, line.entries[1].ratio) == (difference, ratio)
    assert (line.entries[0].difference, line.entries[0].ratio) == (None, None)


@pytest.mark.parametrize(
    ("first", "second"),
    [(1, True), (0, False), ("1", 1), (None, 0), ("", UNSET), (None, UNSET), (math.nan, 0.0), ([], {}), ([], UNSET)],
)
def test_what_differs_without_being_numbers(first: Any, second: Any) -> None:
    ((line,), equal, _) = compared(first, second)
    assert line.differs
    assert equal == 0
    assert line.entries[1].difference is None


@pytest.mark.parametrize(
    "value", [1, 0.5, True, None, math.nan, "text", [], {}, differences.DisplayHashes({"image/png": "a"})]
)
def test_equal_values_are_counted_and_left_out(value: Any) -> None:
    assert compared(value, value) == differences.Differences([], 1, 0)
    ((line,), equal, _) = compared(value, value, everything=True)
    assert (line.differs, equal) == (False, 1)


def test_one_and_one_point_zero_are_equal() -> None:
    assert compared(1, 1.0).lines == []


def test_only_the_differing_keys_of_a_dict() -> None:
    first = {"model": {"depth": 3, "layers": [8, 8]}, "seed": 1, "old": None}
    second = {"model": {"depth": 4, "layers": [8, 9, 10]}, "seed": 1, "odd key": True}
    lines = {line.path: [entry.value for entry in line.entries] for line in compared(first, second).lines}
    assert lines == {
        ".model.depth": [3, 4],
        ".model.layers[1]": [8, 9],
        ".model.layers[2]": [UNSET, 10],
        ".old": [None, UNSET],
        '["odd key"]': [UNSET, True],
    }


def test_dict_against_number_shows_both() -> None:
    lines = {line.path: [entry.value for entry in line.entries] for line in compared({"a": 1}, 5).lines}
    assert lines == {".a": [1, UNSET], "": [UNSET, 5]}


def test_long_text_is_told_by_its_words() -> None:
    ((line,), _, _) = compared(TEXT, TEXT.replace("a hundred", "ten") + "!")
    assert line.entries[1].pieces == (
        Piece("equal", "the loss was 0.5 after "),
        Piece("removed", "a hundred"),
        Piece("added", "ten"),
        Piece("equal", " steps, which is a lot"),
        Piece("added", "!"),
    )


def test_pieces_give_both_texts_back() -> None:
    first, second = TEXT * 9, "one\ntwo " + TEXT * 8 + "\tthree"
    pieces = compared(first, second).lines[0].entries[1].pieces
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == first
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == second


def test_very_long_texts_are_not_compared_by_words() -> None:
    first, second = "a " * 20_000, "b " * 20_000
    assert compared(first, second).lines[0].entries[1].pieces == (Piece("removed", first), Piece("added", second))


def test_short_text_stands_as_it_is() -> None:
    assert compared("AAA", "BBB").lines[0].entries[1].pieces == ()


def test_every_notebook_is_compared_with_the_first() -> None:
    ((line,), _, _) = compared(10, 10, 15, 5)
    assert [entry.difference for entry in line.entries] == [None, None, 5, -5]


def test_sections_and_names_in_the_order_of_the_first() -> None:
    notebooks = [
        differences.NotebookValues("a", {"run": {"status": "completed"}, "scraps": {"z": 1, "a": 2}}),
        differences.NotebookValues("b", {"run": {"status": "failed", "error": "KeyError"}, "scraps": {"m": 3}}),
    ]
    assert [(line.section, line.name) for line in differences.compare(notebooks).lines] == [
        ("run", "status"),
        ("run", "error"),
        ("scraps", "z"),
        ("scraps", "a"),
        ("scraps", "m"),
    ]


def test_lines_of_a_large_list_are_cut_and_counted() -> None:
    lines, equal, cut = compared([0] * 1000, [1] * 999 + [0])
    assert (len(lines), equal, cut) == (200, 1, 799)
