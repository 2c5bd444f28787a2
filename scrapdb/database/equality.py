"""When two values are equal, and by how much two numbers differ. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

_LONGEST = 14_000  # bits of an integer: Python writes no longer ones


class Step(NamedTuple):
    """From one number to another: what has been added, and by what it has been multiplied; None where it is not finite.

    Both are None if one of the two is no number, or is equal.
    """

    difference: float | None = None
    ratio: float | None = None


def is_same(first: Any, second: Any, tolerance: float = 0.0) -> bool:
    """Return whether two values are equal: 1 and 1.0 are, True and 1 are not, NaN is NaN.

    Args:
        first: a value; lists and dicts are looked into.
        second: the other.
        tolerance: numbers are equal that differ by no more than so many times the larger, as `math.isclose` says.
    """
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(
            is_same(one, other, tolerance) for one, other in zip(first, second, strict=True)
        )
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(is_same(first[key], second[key], tolerance) for key in first)
    if isinstance(first, float) and isinstance(second, float) and math.isnan(first):
        return math.isnan(second)
    if isinstance(first, bool) != isinstance(second, bool):
        return False
    return bool(first == second) or (is_number(first) and is_number(second) and _is_close(first, second, tolerance))


def is_number(value: Any) -> bool:
    """Return whether a value is a number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def step(first: Any, second: Any) -> Step:
    """Return by how much a number differs from another."""
    if not (is_number(first) and is_number(second)) or is_same(first, second):
        return Step()
    return Step(_finite(lambda: second - first), _finite(lambda: second / first))


def _is_close(first: float, second: float, tolerance: float) -> bool:
    try:
        return tolerance > 0 and math.isclose(first, second, rel_tol=tolerance)
    except OverflowError:  # an integer beyond all floats, which few are near
        return False


def _finite(number: Callable[[], float]) -> float | None:
    try:
        result = number()
    except (OverflowError, ZeroDivisionError):
        return None
    if isinstance(result, int):
        return result if result.bit_length() <= _LONGEST else None
    return result if math.isfinite(result) else None
