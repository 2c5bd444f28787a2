"""Charts for a template, drawn where the page was asked for: of values that are checked, and of nothing else.

A specification of Vega-Lite could make whoever draws it read files and addresses, so a template never sends one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from scrapdb.charts import drawer
from scrapdb.charts import series
from scrapdb.errors import ScrapdbError

MOST_CHARTS = 100
_LARGEST, _SMALLEST = 2000, 40  # pixels
_TEXT = 100  # characters of a symbol or a name of a month
_NAMES = frozenset({"days", "shortDays", "months", "shortMonths", "periods"})
_SYMBOLS = frozenset({"decimal", "thousands", "minus", "percent", "dateTime", "date", "time"})


class Drawing:
    """Draws the charts of one page."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, chart: Any, locale: Any = None) -> str:
        """Draw a chart, and return its SVG.

        Raises:
            ScrapdbError: it is none, too much, or cannot be drawn.
        """
        self._drawn += 1
        if self._drawn > MOST_CHARTS:
            raise ScrapdbError(f"A page has at most {MOST_CHARTS} charts.")
        return drawer.svg(series.specification(_checked(chart)), _locale(locale)).decode()


def _checked(given: Any) -> series.Chart:
    try:
        chart = msgspec.convert(given, series.Chart)
    except msgspec.ValidationError as error:
        raise ScrapdbError(f"This is no chart: {error}.") from None
    values = len(chart.x) + sum(len(each.values) + len(each.x or ()) for each in chart.series)
    if not 1 <= len(chart.series) <= series.MOST_SERIES or len(chart.bands) > series.MOST_SERIES:
        raise ScrapdbError(f"A chart has from 1 to {series.MOST_SERIES} series, and at most as many limits.")
    if values > series.MOST_VALUES:
        raise ScrapdbError(f"A chart has at most {series.MOST_VALUES:,} values.")
    if not (_SMALLEST <= chart.width <= _LARGEST and _SMALLEST <= chart.height <= _LARGEST):
        raise ScrapdbError(f"A chart is from {_SMALLEST} to {_LARGEST} pixels wide and high.")
    if chart.kind != "histogram" and any(
        len(each.values) != len(chart.x if each.x is None else each.x) for each in chart.series
    ):
        raise ScrapdbError("A chart has a value of each series, or null, for each place of its axis.")
    return chart


def _locale(given: Any) -> dict[str, Any]:
    """Return how numbers and times are written; what is not understood is as in English."""
    if not isinstance(given, dict) or not all(isinstance(part, dict) for part in given.values()):
        return {}
    return {
        name: {key: value for key, value in given[name].items() if _is_known(key, value)}
        for name in ("format_locale", "time_format_locale")
        if name in given
    }


def _is_known(key: Any, value: Any) -> bool:
    if key in _SYMBOLS:
        return isinstance(value, str) and len(value) <= _TEXT
    if key in _NAMES:
        return isinstance(value, list) and all(isinstance(name, str) and len(name) <= _TEXT for name in value)
    if key == "currency":
        return bool(value == ["", ""])
    return bool(key == "grouping" and isinstance(value, list) and all(isinstance(size, int) for size in value))
