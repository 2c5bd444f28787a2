"""Times in an expression: text to the one form in which the store keeps them, 2026-11-01T12:00:00.000000Z."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta


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
