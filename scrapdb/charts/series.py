"""Series of numbers over one axis, as a Vega-Lite specification: lines, points, bars or a histogram, with limits. Pure.

All is drawn light. A page that is dark recolours it by the colours here, which is why they are few and fixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from typing import Literal

import msgspec

from scrapdb.charts import plot
from scrapdb.charts.points import Scale

Kind = Literal["line", "points", "bars", "histogram"]
MOST_SERIES, MOST_VALUES = 10, 50_000
# Each has a contrast of at least 4.5 to white, and in the order here, its neighbours differ for the colour-blind, too.
COLORS = (
    "#276890",
    "#b45309",
    "#15803d",
    "#7e22ce",
    "#b91c1c",
    "#0f766e",
    "#a21caf",
    "#57534e",
    "#4d7c0f",
    "#1d4ed8",
)
LIMIT = "#9f1239"
_FEW = 100  # points of a line, each of which is marked
_DAY, _DAYS, _WEEKS = 86_400_000, 3, 15  # milliseconds, and spans in days
_LARGEST = 1e300  # beyond which differences are infinite


class Series(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers of one name, as many as the axis has places, or as there are of its own; null is a gap."""

    label: str
    values: list[float | None]
    x: list[float | str | None] | None = None


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits that are drawn across: from one number to another, or one line if only one is given."""

    low: float | None = None
    high: float | None = None
    label: str = ""


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A chart.

    Args:
        kind: what is drawn.
        x: places on the axis: numbers, milliseconds since 1970 or texts; none for a histogram.
        scale: of which kind they are.
        series: what is drawn over them.
        bands: limits.
        x_title: below the axis.
        y_title: beside the other.
        width: in pixels, without what stands around.
        height: likewise.
    """

    kind: Kind
    x: list[float | str | None]
    scale: Scale
    series: list[Series]
    bands: list[Band] = []
    x_title: str = ""
    y_title: str = ""
    width: int = 690
    height: int = 280


def specification(chart: Chart) -> dict[str, Any]:
    """Describe a chart with its data."""
    drawn = _histogram(chart) if chart.kind == "histogram" else _marks(chart)
    layers = [*_bands(chart), drawn]
    whole = plot.colored({"width": chart.width, "height": chart.height, "layer": layers}, dark=False)
    whole["config"]["range"] = {"category": list(COLORS)}
    for part in ("axis", "legend", "text"):
        sizes = {"fontSize": 12} if part == "text" else {"labelFontSize": 12, "titleFontSize": 12}
        whole["config"][part] = {**whole["config"].get(part, {}), **sizes}
    whole["config"]["axis"]["labelSeparation"] = 8
    return whole


def _marks(chart: Chart) -> dict[str, Any]:
    """Draw every value at its place."""
    labels = [plot.cut(series.label) for series in chart.series]
    data = [
        {"x": plot.cut(x) if isinstance(x, str) else x, "y": _drawable(y), "s": label}
        for label, series in zip(labels, chart.series, strict=True)
        for x, y in zip(_places(chart, series), series.values, strict=True)
        if x is not None
    ]
    encoding = {"x": _x(chart), "y": _y(chart), **_color(labels, chart.kind)}
    if chart.kind == "bars" and len(labels) > 1:
        encoding["xOffset"] = {"field": "s", "sort": labels}
    return {"data": {"values": data}, "mark": _mark(chart, many=len(labels) > 1), "encoding": encoding}


def _places(chart: Chart, series: Series) -> list[float | str | None]:
    return chart.x if series.x is None else series.x


def _mark(chart: Chart, *, many: bool) -> dict[str, Any]:
    color = {} if many else {"color": COLORS[0]}
    if chart.kind == "bars":
        return {"type": "bar", **color}
    if chart.kind == "points":
        return {"type": "point", "filled": True, "opacity": 0.8, **color}
    return {"type": "line", "strokeWidth": 1.6, "point": _most(chart) <= _FEW, **color}


def _most(chart: Chart) -> int:
    return max(len(series.values) for series in chart.series)


def _x(chart: Chart) -> dict[str, Any]:
    x: dict[str, Any] = {"field": "x", "type": chart.scale, "title": plot.cut(chart.x_title) or None}
    if chart.scale == "nominal" or chart.kind == "bars":
        x["sort"] = None
        if chart.scale == "temporal":
            return x | _times(chart)
        return x | {"type": "nominal", "axis": {"labelAngle": -40 if _is_wide(chart) else 0}}
    if chart.scale == "temporal":
        return x | _times(chart)
    return x | {"scale": plot.off_zero([place for place in _all_places(chart) if isinstance(place, int | float)])}


def _times(chart: Chart) -> dict[str, Any]:
    """Describe an axis of times: days of the week if it has few, else dates; hours only between few days."""
    there = [place for place in _all_places(chart) if isinstance(place, int | float)]
    days = (max(there) - min(there)) / _DAY if there else 0
    day = "%a %-d" if days < _WEEKS else "%-d %b"
    formats = {"hours": "%H:%M", "minutes": "%H:%M", **dict.fromkeys(("date", "day", "week"), day)}
    count = {"tickCount": "day"} if _DAYS < days < _WEEKS else {}
    return {"scale": {"type": "utc"}, "axis": {"format": formats, "labelOverlap": "greedy", **count}}


def _all_places(chart: Chart) -> list[float | str | None]:
    return [place for series in chart.series for place in _places(chart, series)]


def _is_wide(chart: Chart) -> bool:
    """Return whether the names below an axis need more room than there is."""
    return sum(len(str(place)) + 2 for place in dict.fromkeys(_all_places(chart))) * 7 > chart.width


def _y(chart: Chart) -> dict[str, Any]:
    y: dict[str, Any] = {"field": "y", "type": "quantitative", "title": plot.cut(chart.y_title) or None}
    if chart.kind == "bars":
        return y
    limits = [limit for band in chart.bands for limit in (band.low, band.high)]
    return y | {"scale": plot.off_zero([*limits, *(value for series in chart.series for value in series.values)])}


def _color(labels: Sequence[str], kind: Kind) -> dict[str, Any]:
    if len(labels) < 2:  # noqa: PLR2004 - one needs no legend
        return {}
    legend = {"title": None, "orient": "top", "symbolType": "stroke" if kind == "line" else "square"}
    return {"color": {"field": "s", "type": "nominal", "sort": list(labels), "legend": legend}}


def _histogram(chart: Chart) -> dict[str, Any]:
    """Count numbers by bins of one width."""
    numbers = [value for value in map(_drawable, chart.series[0].values) if value is not None]
    step, bins = plot.binned(numbers, nice=True)
    data = [{"x": start, "end": start + step, "y": count} for start, count in bins]
    most = max((count for _, count in bins), default=0)
    x = {"field": "x", "type": "quantitative", "bin": {"binned": True}, "title": plot.cut(chart.x_title) or None}
    y = {"field": "y", "type": "quantitative", "title": plot.cut(chart.y_title) or None, "axis": plot.whole(most)}
    encoding = {"x": x | {"scale": plot.off_zero(numbers)}, "x2": {"field": "end"}, "y": y}
    return {"data": {"values": data}, "mark": {"type": "bar", "color": COLORS[0]}, "encoding": encoding}


def _bands(chart: Chart) -> list[dict[str, Any]]:
    """Draw limits: a light ground between two, a dashed line at each, and a label above the lower, at the right."""
    layers = []
    for band in chart.bands:
        ends = [end for end in (band.low, band.high) if end is not None]
        if len(ends) > 1:
            between = {"y": {"datum": ends[0]}, "y2": {"datum": ends[1]}}
            layers.append(
                {
                    "data": {"values": [{}]},
                    "mark": {"type": "rect", "color": COLORS[0], "opacity": 0.05},
                    "encoding": between,
                }
            )
        layers += [_rule(end) for end in ends]
        if band.label and ends:
            layers.append(_label(plot.cut(band.label), min(ends), chart.width))
    return layers


def _rule(end: float) -> dict[str, Any]:
    mark = {"type": "rule", "color": LIMIT, "strokeDash": [5, 4], "strokeWidth": 1.2}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": {"y": {"datum": end}}}


def _label(label: str, end: float, width: int) -> dict[str, Any]:
    mark = {"type": "text", "text": label, "color": LIMIT, "align": "right", "baseline": "bottom", "dy": -3, "dx": -4}
    encoding = {"y": {"datum": end}, "x": {"value": width}}
    return {"data": {"values": [{}]}, "mark": mark, "encoding": encoding}


def _drawable(value: float | None) -> float | None:
    return value if value is not None and abs(value) < _LARGEST else None
