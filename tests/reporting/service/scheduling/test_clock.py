"""When schedules are due where the clock is changed: written down from the calendars of two countries."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from scrapdb.errors import UsageError
from scrapdb.reporting.service.scheduling import clock

MADRID, NEW_YORK = ZoneInfo("Europe/Madrid"), ZoneInfo("America/New_York")


def told(cron: str, zone: ZoneInfo, after: str, number: int) -> list[str]:
    begin = dt.datetime.fromisoformat(after).replace(tzinfo=zone)
    return [f"{moment:%d %H:%M%z}" for moment in islice(clock.moments(cron, zone, begin), number)]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # Forward: in Madrid at 02:00 on 29 March, in New York at 02:00 on 8 March 2026.
        ("30 2 * * *", MADRID, "2026-03-27T12:00", ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"]),
        ("30 2 * * *", NEW_YORK, "2026-03-06T12:00", ["07 02:30-0500", "08 03:00-0400", "09 02:30-0400"]),
        ("0 7 * * *", MADRID, "2026-03-27T12:00", ["28 07:00+0100", "29 07:00+0200", "30 07:00+0200"]),
        ("0 7 * * *", NEW_YORK, "2026-03-06T12:00", ["07 07:00-0500", "08 07:00-0400", "09 07:00-0400"]),
        ("*/30 * * * *", MADRID, "2026-03-29T01:00", ["29 01:30+0100", "29 03:00+0200", "29 03:30+0200"]),
        ("*/30 * * * *", NEW_YORK, "2026-03-08T01:00", ["08 01:30-0500", "08 03:00-0400", "08 03:30-0400"]),
        ("0 1-4 * * *", MADRID, "2026-03-29T00:30", ["29 01:00+0100", "29 03:00+0200", "29 04:00+0200"]),
        # Back: in Madrid at 03:00 on 25 October, in New York at 02:00 on 1 November 2026.
        ("30 2 * * *", MADRID, "2026-10-24T12:00", ["25 02:30+0200", "26 02:30+0100"]),
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00", ["01 01:30-0400", "02 01:30-0500"]),
        ("0 7 * * *", MADRID, "2026-10-24T12:00", ["25 07:00+0100", "26 07:00+0100"]),
        (
            "*/30 * * * *",
            MADRID,
            "2026-10-25T01:45",
            ["25 02:00+0200", "25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "25 03:00+0100"],
        ),
        (
            "0,30 * * * *",
            NEW_YORK,
            "2026-11-01T00:45",
            ["01 01:00-0400", "01 01:30-0400", "01 01:00-0500", "01 01:30-0500", "01 02:00-0500"],
        ),
        ("0 7 * * 1", MADRID, "2026-11-30T07:00", ["07 07:00+0100", "14 07:00+0100"]),
        ("0 7 L * *", MADRID, "2026-02-01T00:00", ["28 07:00+0100", "31 07:00+0200"]),
        ("@weekly", MADRID, "2026-11-30T12:00", ["07 00:00+0100"]),
        ("0 0 29 2 *", NEW_YORK, "2026-03-01T00:00", ["29 00:00-0500"]),
    ],
)
def test_moments(cron: str, zone: ZoneInfo, after: str, expected: list[str]) -> None:
    assert told(cron, zone, after, len(expected)) == expected


@pytest.mark.parametrize("zone", [MADRID, NEW_YORK], ids=str)
@pytest.mark.parametrize("cron", ["30 2 * * *", "30 1 * * *", "15,45 0-4 * * *", "*/20 * * * *", "0 */2 * * *"])
def test_moments_go_on_from_one_another(zone: ZoneInfo, cron: str) -> None:
    """What follows a moment is what comes next in one go, also within the hour that comes twice."""
    begin = dt.datetime(2026, 10, 24, tzinfo=zone)
    for start in (begin, dt.datetime(2026, 10, 31, tzinfo=zone), dt.datetime(2026, 3, 7, 12, tzinfo=zone)):
        all_at_once = [*islice(clock.moments(cron, zone, start), 100)]
        one_by_one, at = [], start.astimezone(dt.UTC)
        for _ in all_at_once:
            at = (clock.following(cron, zone, at) or at).astimezone(dt.UTC)
            one_by_one.append(at)
        assert [moment.astimezone(dt.UTC) for moment in all_at_once] == one_by_one
        assert one_by_one == sorted(set(one_by_one))


@pytest.mark.parametrize("zone", [MADRID, NEW_YORK], ids=str)
def test_a_time_of_day_comes_once_on_every_day_of_a_year(zone: ZoneInfo) -> None:
    moments = [*islice(clock.moments("30 2 * * *", zone, dt.datetime(2026, 1, 1, tzinfo=zone)), 365)]
    assert [moment.date() for moment in moments] == [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(365)]


@pytest.mark.parametrize("cron", ["0 7 * * *", "* * * * *", "*/30 * * * *", "30 2 * * *", "0 0 1 * *", "0 0 29 2 *"])
@pytest.mark.parametrize("back", [0, 60, 3600, 86_400 * 3, 86_400 * 40])
def test_the_last_moment_up_to_now(cron: str, back: int) -> None:
    now = dt.datetime(2026, 10, 25, 1, 15, 30, tzinfo=dt.UTC)
    first = next(clock.moments(cron, MADRID, now - dt.timedelta(seconds=back)))
    every = [first]
    for moment in clock.moments(cron, MADRID, first):
        if moment > now:
            break
        every.append(moment)
    assert clock.last(cron, MADRID, first, now) == every[-1]


def test_years_of_minutes_are_not_counted_one_by_one() -> None:
    now = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
    assert clock.last("* * * * *", MADRID, now - dt.timedelta(days=3650), now) == now


@pytest.mark.parametrize("cron", ["", "0 7 * *", "0 7 * * * *", "60 * * * *", "a b c d e", "@never", "0 0 31 2 *", "-"])
def test_what_is_no_time_of_cron(cron: str) -> None:
    with pytest.raises(UsageError, match="is no time of cron"):
        clock.following(cron, MADRID, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
