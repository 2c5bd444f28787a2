"""Small bars that a page draws itself, at once and without scripts: numbers by size, runs by day. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from scrapdb.formats.values import short
from scrapdb.store.readers.overview import Day

_BINS = 24
WIDTH, HEIGHT = 240, 48  # of a histogram, in the units of its SVG
LINE_WIDTH, LINE_HEIGHT = 160, 28  # of a line, likewise
_EDGE = 3.0  # around a line, for its thickness and its last point
_GAP = 1.5
_THOUSAND, _MILLIARD = 1e3, 1e9
_LARGEST = 1e308  # that is drawn in proportion
_LOWEST = 1.5  # height of a bar of one among many


class Histogram(NamedTuple):
    """Numbers by size: the outline of their bars as the path of an SVG, and what it shows in words."""

    path: str
    words: str


class Line(NamedTuple):
    """Numbers in their order: the line as the path of an SVG, its last point, and what it shows in words."""

    path: str
    end: tuple[str, str]
    words: str


class Bar(NamedTuple):
    """A day as a bar: how high it is in percent, and whether days without runs come before."""

    day: date
    runs: int
    failed: int
    height: float
    is_apart: bool


class Amount(NamedTuple):
    """A number as a bar: where it begins and how wide it is, in percent."""

    start: float
    width: float
    is_negative: bool


def histogram(numbers: Sequence[float], lowest: float, highest: float) -> Histogram:
    """Draw how numbers lie between the lowest and the highest of all."""
    counts = binned(numbers, lowest, highest)
    most = max(counts)
    step = WIDTH / len(counts)
    bars = [
        f"M{place * step:.4g} {HEIGHT}v-{max(_LOWEST, HEIGHT * count / most):.4g}h{step - _GAP:.4g}V{HEIGHT}z"
        for place, count in enumerate(counts)
        if count
    ]
    tallest = counts.index(most)
    parts = (tallest / len(counts), (tallest + 1) / len(counts))
    start, end = (lowest * (1 - part) + highest * part for part in parts)
    often = f", most often {short(start)} to {short(end)}" if bars else ""
    return Histogram("".join(bars), f"{short(lowest)} to {short(highest)}{often}")


def binned(numbers: Sequence[float], lowest: float, highest: float) -> list[int]:
    """Count numbers in bins of one width; whole numbers that are few have a bin each."""
    span = highest - lowest
    are_few = span < _BINS and all(number.is_integer() for number in (lowest, highest, *numbers))
    bins = int(span) + 1 if are_few else _BINS
    counts = [0] * bins
    for number in numbers:
        # Halves, since the distance of the largest numbers is beyond all numbers.
        part = (number / 2 - lowest / 2) / (highest / 2 - lowest / 2)
        place = number - lowest if are_few else part * bins
        counts[min(bins - 1, max(0, int(place)))] += 1
    return counts


def line(numbers: Sequence[float | None]) -> Line:
    """Draw finite numbers in their order, of which at least one is there; where one is missing the line has a gap."""
    there = [number for number in numbers if number is not None]
    lowest, highest = min(there), max(there)
    # Halves, since the distance of the largest numbers is beyond all numbers.
    span = highest / 2 - lowest / 2
    across = (LINE_WIDTH - 2 * _EDGE) / max(1, len(numbers) - 1)
    path, last, end = "", None, ("0", "0")
    for place, number in enumerate(numbers):
        if number is not None:
            part = (number / 2 - lowest / 2) / span if span else 0.5
            end = f"{_EDGE + place * across:.4g}", f"{LINE_HEIGHT - _EDGE - part * (LINE_HEIGHT - 2 * _EDGE):.4g}"
            path += f"{'L' if last is not None else 'M'}{end[0]} {end[1]}{'h0' if last is None else ''}"
        last = number
    first, latest, least, most = map(short, (there[0], there[-1], lowest, highest))
    return Line(path, end, f"{len(there)} versions: first {first}, last {latest}, lowest {least}, highest {most}")


def days(counted: Sequence[Day]) -> list[Bar]:
    """Draw days as bars."""
    most = max((day.runs for day in counted), default=1)
    bars: list[Bar] = []
    for day in counted:
        moment = date.fromisoformat(day.day)
        is_apart = bool(bars) and moment.toordinal() - bars[-1].day.toordinal() > 1
        bars.append(Bar(moment, day.runs, day.failed, 100 * day.runs / most, is_apart))
    return bars


def amounts(numbers: Sequence[float]) -> list[Amount]:
    """Draw numbers as bars from 0, of one scale; what is not finite reaches to its end."""
    finite = [float(number) for number in numbers if abs(number) <= _LARGEST]
    lowest, highest = min([0.0, *finite]), max([0.0, *finite])
    # Halves, since the distance of the largest numbers is beyond all numbers.
    span = (highest / 2 - lowest / 2) or 1
    zero, *ends = (100 * ((max(lowest, min(highest, number)) / 2 - lowest / 2) / span) for number in (0.0, *numbers))
    return [Amount(min(zero, end), abs(end - zero), end < zero) for end in ends]


def brief(number: float) -> str:
    """Write the end of a range: 0.00179, 1,250 or 3.2e+15."""
    return f"{number:,.0f}" if _THOUSAND <= abs(number) < _MILLIARD else f"{number:.3g}"
