"""Moments that are looked back at: a time of Python's, or a text that the language takes for a time."""

from __future__ import annotations

from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import time

from scrapdb.errors import ExpressionError
from scrapdb.errors import UsageError
from scrapdb.query.binding import bind_value
from scrapdb.query.bound_nodes import Instant
from scrapdb.query.fields import Fields
from scrapdb.query.nodes import Value
from scrapdb.query.parser import parse_columns
from scrapdb.query.times import format_time
from scrapdb.query.times import parse_time
from scrapdb.store.past import Past


def at(moment: str | date) -> Past:
    """Look back at a moment; one without an offset is UTC, and a date is its midnight.

    Args:
        moment: a time of Python's, an ISO 8601 text, or what an expression may say: `now() - days(7)`.

    Raises:
        UsageError: it is none.
    """
    if isinstance(moment, str):
        found = parse_time(moment)
        return Past(format_time(found) if found else _said(moment))
    found = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    return Past(format_time(found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)))


def _said(text: str) -> str:
    try:
        (column,) = parse_columns(text)
        found = bind_value(column.node, Fields.of(()), datetime.now(UTC)) if isinstance(column.node, Value) else None
    except (ExpressionError, ValueError):
        found = None
    if not isinstance(found, Instant):
        raise UsageError(f"{text!r} is no moment: write 2026-11-01, 2026-11-01T12:00+01:00, or `now() - days(7)`.")
    return found.text
