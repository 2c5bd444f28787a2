"""Points as a Vega-Lite specification: scatter, line or histogram, light or dark. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any
from typing import Literal

from scrapdb.charts.points import Points
from scrapdb.charts.points import Scale
from scrapdb.query.times import parse_time

PlotKind = Literal["scatter", "line", "histogram"]
MOST_POINTS = 5000
MOST_COUNTED = 20_000
_CHANNELS = ("x", "y", "color")
_MOST_CATEGORIES = 40
_MOST_COLORS = 10
_BINS = 30
_WIDTH, _HEIGHT = 860, 420  # pixels
_LONGEST_LABEL = 60  # characters
_FEW_TICKS = 10
SMALLEST = 1e-290  # difference that has a hundredth
# Vega writes 23:30 as 11:30.
TIMES = {"scale": {"type": "utc"}, "axis": {"format": {"hours": "%H:%M", "minutes": "%H:%M"}}}
# Text, lines, grid, ground, and the scheme of marks of many colours.
_LIGHT = ("#1d2939", "#98a2b3", "#eaecf0", "white", "tableau10")
_DARK = ("#e4e7ec", "#667085", "#344054", "#161b22", "set3")
MARKS = {False: "#276890", True: "#6cb6e0"}  # the colour of those that have one, by whether the ground is dark


def specification(
    points: Points, kind: PlotKind, *, dark: bool = False, width: int | None = None, height: int | None = None
) -> dict[str, Any]:
    """Describe a plot with its data.

    Args:
        points: what is drawn.
        kind: how.
        dark: whether the ground is.
        width: of the whole picture, in pixels; by default the axes have a size, and what stands around them adds to it.
        height: likewise.
    """
    draw = _histogram if kind == "histogram" else _marks
    size: dict[str, Any] = {"width": width or _WIDTH, "height": height or _HEIGHT}
    if width or height:
        size["autosize"] = {"type": "fit", "contains": "padding"}
    return colored(size | draw(points, kind, MARKS[dark]), dark=dark)


def colored(drawn: dict[str, Any], *, dark: bool) -> dict[str, Any]:
    """Return a specification of what is drawn, in the colours of a page."""
    ink, line, grid, ground, scheme = _DARK if dark else _LIGHT
    text = {"labelColor": ink, "titleColor": ink}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": ground,
        **drawn,
        "config": {
            "aria": False,
            "view": {"stroke": line},
            "axis": {**text, "gridColor": grid, "domainColor": line, "tickColor": line, "labelLimit": 160},
            "legend": text,
            "range": {"category": {"scheme": scheme}},
        },
    }


def _marks(points: Points, kind: PlotKind, color: str) -> dict[str, Any]:
    """Draw each run as a point, or as a corner of a line."""
    encoding: dict[str, Any] = {}
    columns = []
    for place, (label, scale) in enumerate(zip(points.labels, points.scales, strict=True)):
        channel = _CHANNELS[place]
        values = [row[place + 1] for row in points.rows]
        columns.append(_values(values, scale, _MOST_COLORS if channel == "color" else _MOST_CATEGORIES))
        encoding[channel] = {"field": channel, "type": scale, "title": cut(label)}
        encoding[channel] |= _scale(scale, channel, columns[-1])
    mark = {"type": "line", "point": True} if kind == "line" else {"type": "point", "filled": True, "opacity": 0.8}
    data = [dict(zip(encoding, values, strict=True)) for values in zip(*columns, strict=True)]
    return {"data": {"values": data}, "mark": mark | {"color": color}, "encoding": encoding}


def _histogram(points: Points, _: PlotKind, color: str) -> dict[str, Any]:
    """Count runs, by category or by bins of one width."""
    scale = points.scales[0]
    values = [row[1] for row in points.rows]
    x: dict[str, Any] = {"field": "x", "title": cut(points.labels[0]), "type": scale}
    encoding: dict[str, Any] = {"x": x, "y": {"field": "count", "type": "quantitative", "title": "runs"}}
    if scale == "nominal":
        counts = Counter(_values(values, scale, _MOST_CATEGORIES))
        x["sort"] = None
        data = [{"x": value, "count": count} for value, count in counts.most_common()]
    else:
        numbers = _values(values, scale, 0)
        step, bins = binned(numbers, nice=scale == "quantitative")
        x |= {"bin": {"binned": True}} | _scale(scale, "x")
        encoding["x2"] = {"field": "end"}
        data = [{"x": start, "end": start + step, "count": count} for start, count in bins]
    encoding["y"]["axis"] = whole(max((bar["count"] for bar in data), default=0))
    return {"data": {"values": data}, "mark": {"type": "bar", "color": color}, "encoding": encoding}


def whole(steps: int) -> dict[str, Any]:
    """Describe an axis of so many whole numbers; Vega puts ticks between few of them unless it is told a count."""
    return {"tickMinStep": 1, "format": ",d"} | ({"tickCount": max(1, steps)} if steps < _FEW_TICKS else {})


def off_zero(numbers: Sequence[float | None]) -> dict[str, Any]:
    """Describe a scale that need not begin at zero; if all are one number, Vega would round it, so it gets room."""
    different = {number for number in numbers if number is not None}
    if len(different) != 1:
        return {"zero": False}
    (number,) = different
    room = abs(number) / 2 or 1
    return {"zero": False, "domain": [number - room, number + room]}


def binned(numbers: Sequence[float], *, nice: bool) -> tuple[float, list[tuple[float, int]]]:
    """Count numbers by bins of one width, a round one if `nice`.

    Returns:
        The width, and where each bin that is not empty begins and how many numbers it has.
    """
    if not numbers:
        return 1, []
    lowest, highest = min(numbers), max(numbers)
    step = (highest - lowest) / _BINS if highest - lowest > SMALLEST else 1
    if nice:
        power = 10.0 ** math.floor(math.log10(step))
        step = next(round_ * power for round_ in (1, 2, 5, 10) if round_ * power >= step * 0.999)
        lowest = math.floor(lowest / step) * step
    counts = Counter(math.floor((number - lowest) / step) for number in numbers)
    return step, [(lowest + place * step, counts[place]) for place in sorted(counts)]


def _values(values: Sequence[Any], scale: Scale, most: int) -> list[Any]:
    """Write values for Vega: times in milliseconds, and of categories the commonest, the others together."""
    if scale == "quantitative":
        return [float(value) for value in values]
    if scale == "temporal":
        return [moment.timestamp() * 1000 for moment in map(parse_time, values) if moment]
    counts = Counter(map(_category, values))
    if len(counts) <= most:
        return list(map(_category, values))
    kept = {category for category, _ in counts.most_common(most - 1)}
    others = f"({len(counts) - len(kept)} others)"
    return [category if category in kept else others for category in map(_category, values)]


def _category(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else cut(str(value))


def _scale(scale: Scale, channel: str, values: Sequence[Any] = ()) -> dict[str, Any]:
    if channel == "color" or scale == "nominal":
        return {}
    return TIMES if scale == "temporal" else {"scale": off_zero(values)}


def cut(text: str) -> str:
    """Shorten a long text."""
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
