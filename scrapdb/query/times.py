"""Times in an expression: text to the one form in which the store keeps them, 2026-11-01T12:00:00.000000Z."""

from __future__ import annotations

import re
from datetime import UTC
from datetime import datetime
from datetime import timedelta

_LIKE_A_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
LENGTHS = {"year": len("2026"), "month": len("2026-11"), "day": len("2026-11-01"), "hour": len("2026-11-01T12")}


def parse_time(text: str) -> datetime | None:
    """Read an ISO 8601 time; without an offset it is UTC, a date alone is its midnight. None if it is no time."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def format_time(moment: datetime) -> str:
    """Write a UTC time as the store does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def shift(moment: datetime, seconds: float) -> datetime | None:
    """The time so many seconds later, or None beyond the years that a time can have."""
    try:
        return moment + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None


def part_of_time(part: str, text: str | None) -> str | int | None:
    """The year of a time, or its month, week, day or hour as ISO 8601 writes it. None of a text that is no time."""
    moment = parse_time(text) if text is not None and _LIKE_A_DATE.match(text) else None
    if moment is None:
        return None
    if part == "week":
        year, week, _ = moment.isocalendar()
        return f"{year:04}-W{week:02}"
    return moment.year if part == "year" else format_time(moment)[: LENGTHS[part]]
