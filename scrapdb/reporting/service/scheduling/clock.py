"""When a schedule is due: cron's five fields in a time zone, over changes of its clock. Pure.

A time of day that comes twice, when the clock is put back, is due once; one that is left out, when it is put forward,
is due right after. What is due every so many minutes or hours stays so, as Debian's cron has it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from scrapdb.errors import UsageError

_FIELDS = 5
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 1",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 1,4,7,10 *",
    "@yearly": "0 0 1 1 *",
}
_BACK = tuple(dt.timedelta(hours=hours) for hours in (1, 24, 24 * 8, 24 * 32, 24 * 370))


def moments(cron: str, zone: ZoneInfo, after: dt.datetime) -> Iterator[dt.datetime]:
    """Yield the moments of a schedule after one, in its zone.

    Raises:
        UsageError: the expression is none.
    """
    from cronsim import CronSim  # an extra

    fields = _NAMED.get(cron.strip().lower(), cron)
    if len(fields.split()) != _FIELDS:
        raise UsageError(f"{cron!r} is no time of cron: write minute, hour, day, month and weekday, as 0 7 * * 1.")
    try:
        found = CronSim(fields, after.astimezone(zone))
    except Exception as error:  # noqa: BLE001 - of what it stumbles over, only some are its own
        told = str(error).lower() or "it cannot be read"
        raise UsageError(f"{cron!r} is no time of cron: {told}.") from None
    return _rising(found, after)


def following(cron: str, zone: ZoneInfo, after: dt.datetime) -> dt.datetime | None:
    """Return the first moment of a schedule after one; None if there is none any more.

    Raises:
        UsageError: the expression is none.
    """
    return next(moments(cron, zone, after), None)


def last(cron: str, zone: ZoneInfo, first: dt.datetime, now: dt.datetime) -> dt.datetime:
    """Return the last moment of a schedule up to now, of those from a first one on, which is one itself."""
    for back in _BACK:
        if now - back <= first:
            break
        found = _last(moments(cron, zone, now - back), now)
        if found is not None:
            return found
    return _last(moments(cron, zone, first), now) or first


def _last(found: Iterator[dt.datetime], now: dt.datetime) -> dt.datetime | None:
    latest = None
    for moment in found:
        if moment > now:
            break
        latest = moment
    return latest


def _rising(found: Iterator[dt.datetime], after: dt.datetime) -> Iterator[dt.datetime]:
    """Yield later and later moments only: where the clock is changed, cron names some twice, or turns back."""
    try:
        for moment in found:
            if moment.astimezone(dt.UTC) > after.astimezone(dt.UTC):
                after = moment
                yield moment
    except OverflowError:  # the end of the calendar
        return
