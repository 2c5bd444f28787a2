"""Axes that characters draw: from where to where they go, and what stands where beside them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import NamedTuple

from scrapdb.charts.plot import SMALLEST
from scrapdb.formats.values import escaped

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
# Seconds, minutes, hours; then days, so long as a year.
_STEPS = (1, 5, 15, 30, *(_MINUTE * n for n in (1, 5, 15, 30)), *(_HOUR * n for n in (1, 3, 6, 12)))
_DAYS = tuple(_DAY * n for n in (1, 2, 7, 14, 30, 91, 182, 365))


class Axis(NamedTuple):
    """Where an axis begins and ends, what is written at which of its places, and what it is called."""

    low: float
    high: float
    ticks: list[tuple[float, str]]
    title: str

    def share(self, value: float) -> float:
        """Return how far along the axis a value stands, from 0 to 1."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def numbers(values: Sequence[float], count: int, title: str, *, whole: bool = False) -> Axis:
    """Make an axis of numbers with about so many round ones written; `whole` ones begin at 0, and have no fractions."""
    low, high = _ends([*values, 0] if whole else values)
    power = 10.0 ** math.floor(math.log10((high - low) / count))
    step = next(times * power for times in (1, 2, 5, 10) if times * power * count >= (high - low) * 0.999)
    step = max(step, 1.0) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step)))
    ticks = [(place * step, _number(place * step, digits)) for place in range(first, last + 1)]
    return Axis(first * step, last * step, ticks, escaped(title))


def times(milliseconds: Sequence[float], count: int, title: str) -> Axis:
    """Make an axis of times in UTC, with about so many round ones written."""
    low, high = _ends([each / 1000 for each in milliseconds], room=_HOUR)
    years = _DAY * 365 * max(1, math.ceil((high - low) / count / (_DAY * 365)))
    step = next((each for each in (*_STEPS, *_DAYS) if each * count >= high - low), years)
    places = [place * step for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
    moments = [(_moment(place), place) for place in places]
    one_day = step < _DAY and _moment(low).date() == _moment(high).date()
    form = "%Y-%m-%d" if step >= _DAY else "%H:%M:%S" if step < _MINUTE else "%H:%M" if one_day else "%m-%d %H:%M"
    ticks = [(place * 1000.0, moment.strftime(form)) for moment, place in moments]
    day = f"{_moment(low):%Y-%m-%d} " if one_day else ""
    return Axis(low * 1000, high * 1000, ticks, f"{escaped(title)} ({day}UTC)")


def categories(names: Sequence[str], title: str) -> Axis:
    """Make an axis of categories, in their order; each takes a place from its number to the next."""
    return Axis(0, len(names), [(place + 0.5, escaped(name)) for place, name in enumerate(names)], escaped(title))


def _ends(values: Sequence[float], room: float = 0) -> tuple[float, float]:
    """Return the smallest and the largest; if all are one number, with room around it."""
    low, high = min(values), max(values)
    if high - low <= max(abs(high) * 1e-12, SMALLEST):
        room = room or (abs(high) / 2 if abs(high) > SMALLEST else 1)
        return low - room, high + room
    return low, high


def _number(value: float, digits: int) -> str:
    return f"{round(value, digits) or 0.0:.12g}"  # there is a -0.0


def _moment(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
