from __future__ import annotations

import re
from typing import Any

import pytest

from scrapdb.query.frozen import Frozen
from scrapdb.query.frozen import beside


class Point(Frozen):
    """A value with a default and with something beside it."""

    x: int
    y: int = 0
    note: str = beside(default="", kw_only=True)


class Named(Point):
    """A value with the attributes of another, and one more."""

    name: str = "origin"


class Nothing(Frozen):
    """A value without attributes."""


def test_values_are_taken_by_place_and_by_name() -> None:
    assert Point(1, 2) == Point(x=1, y=2) == Point(1, y=2, note="beside the point")
    assert (Point(1).y, Point(1, note="a").note, Named(1, 2, "a").name, Named(1).name) == (0, "a", "a", "origin")
    assert Point(1, 2) != Named(1, 2)
    assert len({Point(1), Point(1, 0), Point(1, note="a"), Point(2)}) == 2
    assert repr(Named(1, name="a")) == "Named(1, 0, 'a')"
    assert Nothing() == Nothing()


@pytest.mark.parametrize(
    ("type_", "values", "named", "message"),
    [
        (Point, (), {}, "Point takes x, y; it was given 0 values"),
        (Point, (1, 2, 3), {}, "Point takes x, y; it was given 3 values"),
        (Point, (1, 2, 3, 4), {"note": "a"}, "Point takes x, y; it was given 4 values, note"),
        (Point, (1,), {"x": 1}, "Point takes x, y; it was given 1 value, x"),
        (Point, (1,), {"z": 1}, "Point takes x, y; it was given 1 value, z"),
        (Point, (), {"y": 1}, "Point takes x, y; it was given 0 values, y"),
        (Named, (1, 2, "a", "b"), {}, "Named takes x, y, name; it was given 4 values"),
        (Nothing, (1,), {}, "Nothing takes no values; it was given 1 value"),
    ],
)
def test_a_wrong_number_of_values_is_refused(
    type_: type[Frozen], values: tuple[Any, ...], named: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        type_(*values, **named)


def test_a_value_stays_as_it_is() -> None:
    with pytest.raises(AttributeError, match="Point is frozen"):
        Point(1).x = 2  # type: ignore[misc]
