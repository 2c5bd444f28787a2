"""Comparing tables of values."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from scrapdb.database import differences
from scrapdb.database.changed_code import Source
from scrapdb.database.differences import Piece

NUMBERS = st.one_of(st.integers(-100, 100), st.floats(), st.floats(0.9, 1.1))
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


def sectioned(**sections: dict[str, Any]) -> list[differences.NotebookValues]:
    """Make two notebooks: one with these values, one with all of them otherwise."""
    other = {section: {name: [value] for name, value in values.items()} for section, values in sections.items()}
    return [differences.NotebookValues("a", sections), differences.NotebookValues("b", other)]


@pytest.mark.parametrize(
    ("only", "ignore", "names"),
    [
        ((), (), ["status", "loss", "rate", "loss"]),
        (("loss",), (), ["loss", "loss"]),
        (("scrap.loss",), (), ["loss"]),
        (("param.*",), (), ["loss", "rate"]),
        ((), ("nb.*", "r?te"), ["loss", "loss"]),
        (("param.*",), ("loss",), ["rate"]),
    ],
)
def test_names_are_chosen_by_globs(only: tuple[str, ...], ignore: tuple[str, ...], names: list[str]) -> None:
    notebooks = sectioned(run={"status": 1}, parameters={"loss": 1, "rate": 1}, scraps={"loss": 1})
    found = differences.compare(notebooks, choice=differences.Choice(only, ignore))
    assert [name for (_, name) in dict.fromkeys((line.section, line.name) for line in found.lines)] == names


@pytest.mark.parametrize("glob", ["x.model.depth", "x.model*", "scrap.x.model.depth", "x.layers[[]0]", "x.layers[0]"])
def test_parts_of_a_value_are_chosen_by_path(glob: str) -> None:
    values = [{"model": {"depth": place}, "layers": [place], "seed": place} for place in range(2)]
    notebooks = [differences.NotebookValues("", {"scraps": {"x": value}}) for value in values]
    path = ".layers[0]" if "layers" in glob else ".model.depth"
    only = differences.compare(notebooks, choice=differences.Choice(only=(glob,)))
    assert [line.path for line in only.lines] == [path]
    ignored = differences.compare(notebooks, choice=differences.Choice(ignore=(glob,)))
    assert {line.path for line in ignored.lines} == {".model.depth", ".layers[0]", ".seed"} - {path}


def test_globs_that_mean_nothing_are_told() -> None:
    notebooks = sectioned(scraps={"loss": 1}, parameters={"rate": 1})
    globs = ["loss", "lass", "param.rate", "scrap.rate", "*"]
    assert differences.unmatched(notebooks, globs) == ["lass", "scrap.rate"]


def test_accents_of_globs_may_be_marks() -> None:
    assert differences.unmatched(sectioned(scraps={"caf\u00e9": 1}), ["cafe\u0301", "scrap.cafe\u0301*"]) == []


@given(NUMBERS, NUMBERS, st.sampled_from([0.0, 1e-9, 1e-3, 0.5]))
def test_tolerance_is_that_of_math(first: float, second: float, tolerance: float) -> None:
    notebooks = [differences.NotebookValues("", {"scraps": {"x": value}}) for value in (first, second)]
    is_equal = math.isclose(first, second, rel_tol=tolerance) or (math.isnan(first) and math.isnan(second))
    assert (differences.compare(notebooks, tolerance=tolerance).lines == []) == is_equal


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=60)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)),
    max_leaves=8,
)
NOTEBOOK = st.dictionaries(st.sampled_from("abcd"), JSON)


@given(NOTEBOOK)
def test_equal_notebooks_do_not_differ(values: dict[str, Any]) -> None:
    copy = json.loads(json.dumps(values))
    notebooks = [differences.NotebookValues(path, {"scraps": each}) for path, each in (("a", values), ("b", copy))]
    assert differences.compare(notebooks).lines == []


@given(NOTEBOOK, NOTEBOOK, st.sampled_from([0.0, 0.1]))
def test_the_other_way_round_the_same_differs(one: dict[str, Any], other: dict[str, Any], tolerance: float) -> None:
    first, second = (differences.NotebookValues("", {"scraps": values}) for values in (one, other))
    there = differences.compare([first, second], tolerance=tolerance)
    back = differences.compare([second, first], tolerance=tolerance)
    assert {(line.name, line.path) for line in there.lines} == {(line.name, line.path) for line in back.lines}
    assert (there.equal, there.cut) == (back.equal, back.cut)
    if not tolerance:
        assert (there.lines == []) == (canonical(one) == canonical(other))


def canonical(value: Any) -> Any:
    """Write a value so that equal ones are equal for Python too: NaN, True and 1, 1 and 1.0, -0.0 and 0."""
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [canonical(item) for item in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else (isinstance(value, bool), value)


def test_code_is_one_value() -> None:
    codes = [differences.Code((Source(0, source),)) for source in ("x = 1", "x = 1", "x = 2")]
    notebooks = [differences.NotebookValues("", {"code": {"code": code}}) for code in codes]
    ((line,), equal, _) = differences.compare(notebooks)
    assert [entry.differs for entry in line.entries] == [False, False, True]
    assert line.entries[2].cells[0].lines == ("@@ -1 +1 @@", "-x = 1", "+x = 2")
    assert equal == 0


def test_frames_are_read_where_their_bytes_differ() -> None:
    def frame(digest: str, *values: int) -> differences.Frame:
        def table() -> pa.Table:
            assert values, "It is equal to the first one."
            return pa.table({"x": values})

        return differences.Frame(len(values), 1, digest, table)

    frames = [frame("a", 1, 2), frame("a"), frame("b", 1, 2), frame("c", 1, 3)]
    notebooks = [differences.NotebookValues("", {"scraps": {"x": each}}) for each in frames]
    ((line,), _, _) = differences.compare(notebooks)
    assert [entry.differs for entry in line.entries] == [False, False, False, True]
    assert line.entries[3].rows is not None
    assert line.entries[3].rows.changed == 1


def test_displays_differ_by_hash_whether_their_pixels_can_be_read_or_not() -> None:
    shown = [differences.DisplayHashes({"image/png": digest}, lambda: b"?") for digest in "aab"]
    notebooks = [differences.NotebookValues("", {"displays": {"x": each}}) for each in shown]
    ((line,), _, _) = differences.compare(notebooks)
    assert [entry.differs for entry in line.entries] == [False, False, True]
    assert line.entries[2].pixels is not None
