from __future__ import annotations

from datetime import UTC
from datetime import datetime

import pytest

from scrapdb.query.times import format_time
from scrapdb.query.times import parse_time
from scrapdb.query.times import shift


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01", "2026-11-01T00:00:00.000000Z"),
        ("2026-11-01 12:30", "2026-11-01T12:30:00.000000Z"),
        ("2026-11-01T12:30:00.25+01:00", "2026-11-01T11:30:00.250000Z"),
        ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00.000000Z"),
        (" 20261101T1230 ", "2026-11-01T12:30:00.000000Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000000Z"),
        ("yesterday", None),
        ("2026-13-01", None),
        ("0001-01-01T00:00+05:00", None),
        ("", None),
    ],
)
def test_times(text: str, expected: str | None) -> None:
    moment = parse_time(text)
    assert (moment and format_time(moment)) == expected


def test_shift() -> None:
    moment = datetime(2026, 11, 8, tzinfo=UTC)
    assert shift(moment, -7 * 86400) == datetime(2026, 11, 1, tzinfo=UTC)
    assert shift(moment, 1e300) is None
    assert shift(moment, float("nan")) is None
