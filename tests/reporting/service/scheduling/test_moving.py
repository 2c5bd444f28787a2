from __future__ import annotations

import datetime as dt
import json
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import config
from scrapdb.reporting.service.scheduling import moving

MADRID = ZoneInfo("Europe/Madrid")
DAY = {"type": "date"}


def settled(moment: dt.datetime, parameters: dict[str, Any], **given: Any) -> dict[str, Any]:
    said = config.read(json.dumps({"title": "x", "languages": ["ca"], "parameters": parameters}).encode())
    return moving.settled(said, given, moment)


def test_dates_are_those_of_the_moment_where_it_is() -> None:
    late = dt.datetime(2026, 10, 25, 0, 30, tzinfo=MADRID)  # in UTC it is the day before
    given = {"from_day..to_day": "last week", "day": "yesterday", "month": "today - 1 month", "fixed": "2026-01-02"}
    assert settled(late, dict.fromkeys(["from_day", "to_day", "day", "month", "fixed"], DAY), **given) == {
        "from_day": "2026-10-12",
        "to_day": "2026-10-18",
        "day": "2026-10-24",
        "month": "2026-09-25",
        "fixed": "2026-01-02",
    }


def test_days_are_counted_and_not_hours_where_the_clock_is_changed() -> None:
    for month, day in ((3, 30), (10, 26)):  # the days after
        moment = dt.datetime(2026, month, day, 0, 15, tzinfo=MADRID)
        assert settled(moment, {"day": DAY}, day="yesterday") == {"day": f"2026-{month:02}-{day - 1}"}
        assert settled(moment, {"day": DAY}, day="today - 2 days") == {"day": f"2026-{month:02}-{day - 2}"}


def test_words_of_the_bundle_and_text_that_is_no_date() -> None:
    moment = dt.datetime(2026, 11, 30, 7, tzinfo=MADRID)
    assert settled(moment, {"day": DAY, "word": {}}, day="ahir", word="yesterday") == {
        "day": "2026-11-29",
        "word": "yesterday",
    }


def test_the_moment_itself() -> None:
    moment = dt.datetime(2026, 11, 30, 0, 30, tzinfo=MADRID)
    assert settled(moment, {"scheduled_for": DAY}) == {"scheduled_for": "2026-11-30"}
    assert settled(moment, {"scheduled_for": {}}) == {"scheduled_for": "2026-11-30T00:30:00+01:00"}
    assert settled(moment, {"scheduled_for": {}}, scheduled_for="x") == {"scheduled_for": "x"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"day": "last week"}, "it takes one day, and these are several; give two parameters at once"),
        ({"day": "soon"}, "it takes a day, as 2025-02-01, yesterday or today - 7 days"),
        ({"day": "01/02/2025"}, "it takes a day, as 2025-02-01"),
        ({"day..to": "soon"}, "day..to cannot be 'soon': it takes days, as last week"),
        ({"day..to": 3}, "day..to cannot be 3: it takes days"),
    ],
)
def test_what_cannot_be_days(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        settled(dt.datetime(2026, 11, 30, tzinfo=MADRID), {"day": DAY, "to": DAY}, **given)
    assert sentence in str(raised.value)
