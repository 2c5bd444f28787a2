"""The functions of SQL that aggregates call: in Python, since SQLite has no median, and adds up floats one by one.

Values that are NULL are passed over. What a float cannot hold is infinite, and what nobody can tell is NULL.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from scrapdb.query.times import part_of_time

Numbers = Sequence[float]
_LARGEST = 2**63 - 1


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that groups are asked for with."""
    for name, function in (("sum", _sum), ("mean", _mean), ("median", _median), ("stdev", _stdev)):
        connection.create_aggregate(f"group_{name}", 1, lambda function=function: _Numbers(function))  # type: ignore[arg-type,misc]
    for name, kind in (("first", _First), ("last", _Last)):
        connection.create_aggregate(f"group_{name}", 3, kind)  # type: ignore[arg-type]
    connection.create_function("same_json", 1, _same_json, deterministic=True)
    connection.create_function("part_of_time", 2, part_of_time, deterministic=True)


class _Numbers:
    """Numbers, of which a function tells one."""

    def __init__(self, function: Callable[[Numbers], float | None]) -> None:
        self._function = function
        self._numbers: list[float] = []

    def step(self, number: float | None) -> None:
        """Take a number."""
        if number is not None:
            self._numbers.append(number)

    def finalize(self) -> float | None:
        """Tell what the function gives."""
        return self._function(self._numbers)


class _First:
    """The value of what began first, of those whose beginning is known; if none is, of the first by path or id."""

    def __init__(self) -> None:
        self._place: tuple[bool, str, Any] | None = None
        self._value: Any = None

    def step(self, value: Any, began: str | None, key: str | int) -> None:
        """Take a value, and where it stands."""
        place = self._of(began, key)
        if value is not None and (self._place is None or self._is_before(place, self._place)):
            self._place, self._value = place, value

    def finalize(self) -> Any:
        """Tell the value."""
        return self._value

    def _of(self, began: str | None, key: str | int) -> tuple[bool, str, Any]:
        return began is None, began or "", key

    def _is_before(self, place: tuple[bool, str, Any], other: tuple[bool, str, Any]) -> bool:
        return place < other


class _Last(_First):
    """The value of what began last, likewise."""

    def _of(self, began: str | None, key: str | int) -> tuple[bool, str, Any]:
        return began is not None, began or "", key

    def _is_before(self, place: tuple[bool, str, Any], other: tuple[bool, str, Any]) -> bool:
        return place > other


def _sum(numbers: Numbers) -> float:
    if all(isinstance(number, int) for number in numbers):
        exact = sum(numbers)
        return exact if abs(exact) <= _LARGEST else float(exact)
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):  # some are infinite, or their sum is
        return sum(map(float, numbers))


def _mean(numbers: Numbers) -> float | None:
    if not numbers:
        return None
    if all(isinstance(number, int) for number in numbers):
        return sum(numbers) / len(numbers)
    try:
        return math.fsum(numbers) / len(numbers)
    except (OverflowError, ValueError):
        return sum(number / len(numbers) for number in numbers)


def _median(numbers: Numbers) -> float | None:
    if not numbers:
        return None
    ordered = sorted(numbers)
    return _mean(ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1])


def _stdev(numbers: Numbers) -> float | None:
    """Return the square root of the sum of squared distances from the mean, divided by one less than there are."""
    if len(numbers) < 2 or not all(map(math.isfinite, numbers)):  # noqa: PLR2004 - one has no distance
        return None
    import statistics  # which calculates with fractions, so that nothing is rounded before the end

    return statistics.stdev(numbers)


def _same_json(text: str | None) -> str | None:
    """Write lists and dicts that are equal in the language in one way: `{"a": 2.0}` as `{"a": 2}`."""
    import json

    return None if text is None else json.dumps(_plain(json.loads(text)), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    is_whole = isinstance(value, bool) or (isinstance(value, float) and value.is_integer())
    return int(value) if is_whole else value
