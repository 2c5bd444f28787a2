"""Dates, times and durations as a language writes them."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from babel import dates
from babel import lists
from babel import units

from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.inside.filters.values import MISSING
from scrapdb.reporting.rendering.inside.filters.values import is_missing
from scrapdb.reporting.rendering.inside.filters.values import is_number
from scrapdb.reporting.rendering.inside.filters.values import shown
from scrapdb.reporting.rendering.inside.view import View

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_LONGEST = 1e13  # seconds


def date(environment: View, value: Any, format: str = "medium") -> str:  # noqa: A002 - as Babel calls it
    """Write a date: `short`, `medium`, `long`, `full`, or by a pattern as `d MMMM y`."""
    if is_missing(value):
        return MISSING
    moment = _moment(value, "date")
    day = moment.date() if isinstance(moment, dt.datetime) else moment
    if not isinstance(day, dt.date):
        raise TemplateError(f"date: {shown(value)} has no date.")
    return _written(dates.format_date, day, format, environment)


def time(environment: View, value: Any, format: str = "short") -> str:  # noqa: A002 - as Babel calls it
    """Write the time of a day."""
    if is_missing(value):
        return MISSING
    moment = _moment(value, "time")
    if isinstance(moment, dt.date) and not isinstance(moment, dt.datetime):
        raise TemplateError(f"time: {shown(value)} has no time.")
    return _written(dates.format_time, moment, format, environment)


def datetime(environment: View, value: Any, format: str = "medium") -> str:  # noqa: A002 - as Babel calls it
    """Write a date and the time of the day, as the clock showed it there."""
    if is_missing(value):
        return MISSING
    moment = _moment(value, "datetime")
    if isinstance(moment, dt.time):
        raise TemplateError(f"datetime: {shown(value)} has no date.")
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time())
    return _written(dates.format_datetime, moment, format, environment)


def moment(environment: View, value: Any) -> str:
    """Write a date and the time of the day without its seconds."""
    locale = environment.language.locale
    together = str(dates.get_datetime_format("medium", locale))
    return together.replace("{0}", time(environment, value)).replace("{1}", date(environment, value))


def duration(environment: View, value: Any, width: Any = "short") -> str:
    """Write seconds as days, hours, minutes and seconds."""
    if is_missing(value):
        return MISSING
    if not is_number(value) or not math.isfinite(value) or abs(value) > _LONGEST:
        raise TemplateError(f"duration: {shown(value)} is not a number of seconds.")
    if width not in {"long", "short", "narrow"}:
        raise TemplateError(f"duration: there is no width {shown(width)}; there are long, short and narrow.")
    locale = environment.language.locale
    parts = [units.format_unit(count, f"duration-{unit}", width, locale=locale) for count, unit in _parts(abs(value))]
    style: Any = "unit" if width == "long" else f"unit-{width}"
    together = lists.format_list(parts, style=style, locale=locale)
    return f"-{together}" if value < 0 else str(together)


def _parts(seconds: float) -> list[tuple[float, str]]:
    """Take seconds apart; less than a minute keeps its fractions."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return [(float(f"{seconds:.3g}"), "second")]
    left = round(seconds)
    parts: list[tuple[float, str]] = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append((count, unit))
    return parts


def _written(write: Any, moment: Any, format_: Any, environment: View) -> str:
    if not isinstance(format_, str):
        raise TemplateError(f"{shown(format_)} is no format of times.")
    try:
        more = {"tzinfo": moment.tzinfo} if isinstance(moment, dt.datetime) and moment.tzinfo else {}
        return str(write(moment, format_, locale=environment.language.locale, **more))
    except (ValueError, KeyError, AttributeError, LookupError, OverflowError, IndexError) as error:
        raise TemplateError(f"{shown(moment.isoformat())} cannot be written as {format_!r}: {error}.") from None


def _moment(value: Any, name: str) -> dt.date | dt.datetime | dt.time:
    """Return a moment out of ISO 8601.

    Raises:
        TemplateError: it is none.
    """
    if isinstance(value, dt.date | dt.time):
        return value
    if isinstance(value, str):
        for kind in (dt.date, dt.datetime, dt.time):
            try:
                return kind.fromisoformat(value.strip())
            except ValueError:
                continue
    raise TemplateError(f"{name}: {shown(value)} is not a time; write it as 2025-01-31T12:30.")
