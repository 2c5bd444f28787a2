"""Charts: what is drawn is chosen here, and drawn by whoever asked for the page."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from babel import dates
from markupsafe import Markup

from scrapdb.errors import suggestion
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Table
from scrapdb.reporting.rendering.inside.filters.tables import as_table
from scrapdb.reporting.rendering.inside.filters.values import is_number
from scrapdb.reporting.rendering.inside.filters.values import shown

if TYPE_CHECKING:
    from babel import Locale

    from scrapdb.reporting.rendering.inside.view import View

_KINDS = {
    "line": "line",
    "lines": "line",
    "points": "points",
    "scatter": "points",
    "bars": "bars",
    "bar": "bars",
    "histogram": "histogram",
}
_MOST = 5000  # places of the axis that are drawn
_MOST_SERIES = 10
_HEIGHT = re.compile(r'(<svg [^>]*?) height="[\d.]+"')  # which follows from the width, wherever that is less
_ID = re.compile(r'(\bid="|url\(#|href="#)([\w-]+)')


class _Line(NamedTuple):
    """What is drawn under one name: places and values."""

    label: str
    x: list[Any]
    values: list[float | None]


class _Axis(NamedTuple):
    """The places of an axis: its title, its scale, and a value a row."""

    title: str
    scale: str
    values: list[Any]


def chart(
    environment: View,
    value: Any,
    x: str | None = None,
    y: str | Sequence[str] | None = None,
    color: str | None = None,
    *,
    kind: str = "line",
    title: str | None = None,
    alt: str | None = None,
    bands: Any = (),
    labels: Mapping[str, str] = {},
    x_title: str | None = None,
    y_title: str | None = None,
    width: int = 690,
    height: int = 280,
) -> Markup:
    """Draw a table: columns `y` over the column `x`, or one column as a line for each value of the column `color`."""
    if kind not in _KINDS:
        raise TemplateError(f"chart: there is no kind {shown(kind)}; {suggestion(str(kind), _KINDS)}")
    table = _drawable(value)
    axis = _axis(table, x)
    names = _columns(table, y, axis, color)
    lines = _lines(table, axis, names, color)
    series = [line._replace(label=_text(labels.get(line.label, line.label)))._asdict() for line in lines]
    asked = {
        "kind": _KINDS[kind],
        "x": [],
        "scale": axis.scale,
        "series": series,
        "bands": _bands(bands),
        "x_title": _text(labels.get(axis.title, axis.title) if x_title is None else x_title),
        "y_title": _text(_only(series) if y_title is None else y_title),
        "width": width,
        "height": height,
    }
    if _KINDS[kind] == "histogram":
        asked |= {"x_title": asked["y_title"] if x_title is None else x_title, "y_title": ""}
    svg = environment.ask("chart", asked, _locale(environment.language.locale))
    said = alt or ": ".join(filter(None, (title and _text(title), ", ".join(each["label"] for each in series))))
    return _figure(environment, svg, title, said)


def _text(value: Any) -> str:
    """Return a text as it is read: what was translated or made by a macro is HTML."""
    return str(value.unescape()) if isinstance(value, Markup) else str(value)


def _figure(environment: View, svg: str, title: str | None, alt: str) -> Markup:
    """Return a drawing as a figure whose names are its own on the page."""
    environment.charts += 1
    prefix = f"chart{environment.charts}-"
    known: dict[str, str] = {}
    svg = _ID.sub(lambda match: match[1] + known.setdefault(match[2], f"{prefix}{len(known)}"), svg)
    attributes = Markup('<svg role="img" aria-label="{}" style="width:100%" ').format(alt)
    drawn = Markup(_HEIGHT.sub(r"\1", svg, count=1).replace("<svg ", attributes, 1))  # noqa: S704 - of Vega, which escapes texts
    caption = Markup("<figcaption>{}</figcaption>\n").format(title) if title else Markup("")
    return Markup(
        '<figure class="chart">\n{}<div class="wide" role="group" aria-label="{}" tabindex="0">{}</div>\n</figure>'
    ).format(caption, alt, drawn)


def _drawable(value: Any) -> Table:
    if isinstance(value, list) and value and all(each is None or is_number(each) for each in value):
        value = {"value": value}
    return as_table(value, "chart")


def _axis(table: Table, x: str | None) -> _Axis:
    """Choose what the values are drawn over: what is asked for, an index, times, texts, or the numbers of the rows."""
    if x is not None:
        return _scaled(_known(table, x), table[x])
    index = [column.name for column in table.columns if column.is_index]
    first = index or [column.name for column in table.columns if _is_time(table[column.name])]
    first = first or [column.name for column in table.columns if column.type == "text"]
    if first:
        return _scaled(first[0], table[first[0]])
    return _Axis("", "quantitative", [*range(len(table.rows))])


def _known(table: Table, name: Any) -> str:
    names = [column.name for column in table.columns]
    if name not in names:
        raise TemplateError(f"chart: there is no column {shown(name)}; {suggestion(str(name), names)}")
    return str(name)


def _scaled(name: str, values: list[Any]) -> _Axis:
    there = [value for value in values if value is not None]
    if there and all(map(is_number, there)):
        return _Axis(name, "quantitative", [_number(value, name) for value in values])
    if _is_time(values):
        return _Axis(name, "temporal", _milliseconds(values))
    return _Axis(name, "nominal", [None if value is None else str(value) for value in values])


def _is_time(values: Sequence[Any]) -> bool:
    there = [value for value in values if value is not None]
    return bool(there) and all(isinstance(value, str) and _time(value) is not None for value in there)


def _time(value: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(value) if len(value) >= len("2025-01-31") and "-" in value else None
    except ValueError:
        return None


def _milliseconds(values: Sequence[Any]) -> list[float | None]:
    """Return times as the clock showed them at the first: one axis has one zone."""
    moments = [None if value is None else _time(value) for value in values]
    zone = next((moment.tzinfo for moment in moments if moment), None)
    zone = dt.timezone(offset) if (offset := next(m for m in moments if m).utcoffset()) is not None else zone
    return [None if moment is None else _since_1970(moment, zone) for moment in moments]


def _since_1970(moment: dt.datetime, zone: dt.tzinfo | None) -> float:
    local = moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo and zone else moment.replace(tzinfo=None)
    return (local - dt.datetime(1970, 1, 1)) / dt.timedelta(milliseconds=1)  # noqa: DTZ001 - both are the clock's


def _columns(table: Table, y: str | Sequence[str] | None, axis: _Axis, color: str | None) -> list[str]:
    """Return the columns that are drawn: those that are asked for, or all of numbers."""
    if y is not None:
        names = [_known(table, name) for name in ([y] if isinstance(y, str) else y)]
    else:
        others = [column.name for column in table.columns if column.name not in {axis.title, color}]
        names = [name for name in others if any(map(is_number, table[name]))][:_MOST_SERIES]
    if not names:
        raise TemplateError("chart: there is no column of numbers to draw.")
    if len(names) > _MOST_SERIES or (color is not None and len(names) > 1):
        raise TemplateError(
            f"chart: at most {_MOST_SERIES} columns can be drawn" + (", and one if there is a color." if color else ".")
        )
    return names


def _number(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if not is_number(value) and not isinstance(value, bool):
        raise TemplateError(f"chart: {shown(value)} in {name} is not a number.")
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _lines(table: Table, axis: _Axis, names: Sequence[str], color: str | None) -> list[_Line]:
    """Return what is drawn: a line of each column, or of one column for each value of another."""
    columns = {name: [_number(each, name) for each in table[name]] for name in names}
    if color is None:
        return [_thinned(_Line(name, axis.values, values), len(names)) for name, values in columns.items()]
    groups: dict[str, _Line] = {}
    for group, place, value in zip(table[_known(table, color)], axis.values, columns[names[0]], strict=True):
        line = groups.setdefault(str(group), _Line(str(group), [], []))
        line.x.append(place)
        line.values.append(value)
    if len(groups) > _MOST_SERIES:
        raise TemplateError(
            f"chart: {color} has {len(groups)} different values; at most {_MOST_SERIES} can be told apart."
        )
    return [_thinned(line, len(groups)) for line in groups.values()]


def _thinned(line: _Line, count: int) -> _Line:
    """Leave out places of a long line, but of no stretch its least and greatest value."""
    stretches, length = _MOST // (2 * count), len(line.x)
    if length <= 2 * stretches:
        return line
    kept = {0, length - 1}
    for stretch in range(stretches):
        rows = range(stretch * length // stretches, (stretch + 1) * length // stretches)
        there = [(value, row) for row in rows if (value := line.values[row]) is not None]
        kept |= {min(there)[1], max(there)[1]} if there else {rows[0]}
    order = sorted(kept)
    return line._replace(x=[line.x[row] for row in order], values=[line.values[row] for row in order])


def _bands(bands: Any) -> list[dict[str, Any]]:
    """Read limits: numbers, pairs of two, or dicts of `from`, `to` and `label`."""
    if isinstance(bands, Sequence) and len(bands) == 2 and all(map(is_number, bands)):  # noqa: PLR2004 - a pair
        bands = [bands]
    if not isinstance(bands, Sequence) or isinstance(bands, str):
        bands = [bands]
    return [*map(_band, bands)]


def _band(band: Any) -> dict[str, Any]:
    if is_number(band):
        return {"low": band}
    if isinstance(band, Sequence) and len(band) == 2 and all(each is None or is_number(each) for each in band):  # noqa: PLR2004
        return {"low": band[0], "high": band[1]}
    if isinstance(band, dict) and band.keys() <= {"from", "to", "label"}:
        low, high = band.get("from"), band.get("to")
        if all(each is None or is_number(each) for each in (low, high)):
            return {"low": low, "high": high, "label": _text(band.get("label") or "")}
    raise TemplateError(f'chart: {shown(band)} is no limit; write it as 253, [207, 253] or {{"from": 207, "to": 253}}.')


def _only(series: Sequence[Mapping[str, Any]]) -> str:
    return str(series[0]["label"]) if len(series) == 1 else ""


def _locale(locale: Locale) -> dict[str, Any]:
    """Return how a language writes numbers and times, as D3 wants to know it.

    https://d3js.org/d3-format#formatLocale, https://d3js.org/d3-time-format#timeFormatLocale
    """
    symbols = locale.number_symbols.get("latn", {})

    def names(of: Callable[..., Any], width: str) -> list[str]:
        found = of(width, "stand-alone", locale)
        return [str(found[key]) for key in sorted(found)]

    def days(width: str) -> list[str]:
        monday = names(dates.get_day_names, width)
        return [monday[-1], *monday[:-1]]

    return {
        "format_locale": {
            "decimal": symbols.get("decimal", "."),
            "thousands": symbols.get("group", ","),
            "grouping": [3],
            "currency": ["", ""],
            "minus": "−",  # noqa: RUF001 - as D3 writes it
        },
        "time_format_locale": {
            "dateTime": "%x, %X",
            "date": "%-d/%-m/%Y",
            "time": "%H:%M:%S",
            "periods": ["AM", "PM"],
            "days": days("wide"),
            "shortDays": days("abbreviated"),
            "months": names(dates.get_month_names, "wide"),
            "shortMonths": names(dates.get_month_names, "abbreviated"),
        },
    }
