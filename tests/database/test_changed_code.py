"""Which cells of code differ; difflib says in which lines."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.database.changed_code import Source
from scrapdb.database.changed_code import changed_code

CELLS = st.lists(st.sampled_from(["", "a", "a\nb", "a\nb\nc", "x = 1", "x = 2\ny"]), max_size=6)


def cells(*sources: str, start: int = 0) -> list[Source]:
    return [Source(number, source) for number, source in enumerate(sources, start)]


def test_lines_are_those_of_difflib() -> None:
    before, after = "import math\nx = 1\nprint(x)", "import math\nx = 2\nprint(x)\n"
    (change,) = changed_code(cells("same", before), cells("same", after))
    expected = [*difflib.unified_diff(before.split("\n"), after.split("\n"), "", "", lineterm="")]
    assert change == (1, 1, tuple(expected[2:]))


def test_a_cell_that_was_inserted_moves_the_others() -> None:
    changes = list(changed_code(cells("a", "b", "c"), cells("a", "new", "b", "c")))
    assert changes == [(None, 1, ("@@ -0,0 +1 @@", "+new"))]


def test_cells_keep_their_numbers() -> None:
    assert list(changed_code(cells("a", "b"), cells("a", "b", start=5))) == []
    (change,) = changed_code(cells("a\nb"), cells("a\nc", start=5))
    assert (change.before, change.after) == (0, 5)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["a\nb\nc", "x"], ["a\nb\nd"], [(0, 0), (1, None)]),
        (["x", "a\nb\nc"], ["a\nb\nd"], [(0, None), (1, 0)]),
        (["a\nb\nc"], ["y", "a\nb\nd"], [(None, 0), (0, 1)]),
        (["a"], ["b"], [(0, 0)]),
        ([], ["b"], [(None, 0)]),
        (["", "b"], ["b"], [(0, None)]),
    ],
)
def test_cells_are_paired_with_those_they_are_like(
    first: list[str], second: list[str], expected: list[tuple[int | None, int | None]]
) -> None:
    assert [change[:2] for change in changed_code(cells(*first), cells(*second))] == expected


@given(CELLS, CELLS)
def test_every_cell_is_told_once_and_the_rest_is_equal(one: list[str], other: list[str]) -> None:
    changes = list(changed_code(cells(*one), cells(*other)))
    before = [change.before for change in changes if change.before is not None]
    after = [change.after for change in changes if change.after is not None]
    assert [source for place, source in enumerate(one) if place not in before] == [
        source for place, source in enumerate(other) if place not in after
    ]
    assert (len(set(before)), len(set(after))) == (len(before), len(after))
    assert (changes == []) == (one == other)
    assert all(change.lines for change in changes)
