"""The ledger as it is shown: requests by what somebody may see of them, their place in the queue, and counts."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

import msgspec

from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.requests import Request

# Whose turn it is goes round between askers: everybody's first, then everybody's second.
_PLACES = """
SELECT id, row_number() OVER (ORDER BY turn, asked_at, id) AS place FROM (
  SELECT id, asked_at, row_number() OVER (PARTITION BY asker ORDER BY asked_at, id) AS turn
  FROM requests WHERE ended_at IS NULL AND state IN ('queued', 'retrying')
)
"""
_SECONDS = "(julianday(ended_at) - julianday(started_at)) * 86400.0"
_DELIVERIES = """
SELECT target, address, letter, state, reason, attempt, written_at, ended_at FROM deliveries
WHERE request = ? ORDER BY id
"""


class Sight(NamedTuple):
    """Which requests somebody may see.

    Args:
        name: his own.
        all: bundles of which he sees all; None if he sees all of every bundle.
        own: bundles of which he sees those that he asked for.
    """

    name: str
    all: frozenset[str] | None = None
    own: frozenset[str] = frozenset()


class Filters(NamedTuple):
    """Which requests are wanted: those with these values."""

    bundle: str | None = None
    state: str | None = None
    asker: str | None = None
    language: str | None = None
    schedule: str | None = None
    is_open: bool = False


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of bringing a report to somebody; `schema.sql` says what each column is."""

    target: str
    address: str
    letter: str
    state: str
    reason: str | None = None
    attempt: int
    written_at: str
    ended_at: str | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule; `schema.sql` says what each column is."""

    name: str
    bundle: str
    owner: str
    definition: dict[str, Any] = {}
    paused_by: str | None = None
    reason: str | None = None
    next_at: str | None = None
    last_at: str | None = None


def listed(
    ledger: Ledger, filters: Filters, sight: Sight, *, after: tuple[str, str] | None = None, limit: int = 50
) -> list[Request]:
    """Return requests, the last first.

    Args:
        ledger: is read.
        filters: which are wanted.
        sight: which may be seen.
        after: when the last one that is known was asked for, and its id.
        limit: at most so many.
    """
    where, given = _where(filters, sight)
    if after is not None:
        where.append("(asked_at < ? OR (asked_at = ? AND id > ?))")
        given += [after[0], *after]
    asked = f"SELECT * FROM requests WHERE {' AND '.join(where)} ORDER BY asked_at DESC, id LIMIT ?"
    with ledger.reading() as connection:
        return [requests.of_row(row) for row in connection.execute(asked, [*given, limit])]


def bundles(ledger: Ledger) -> list[str]:
    """Name the bundles of which there are reports."""
    with ledger.reading() as connection:
        return [row[0] for row in connection.execute("SELECT DISTINCT bundle FROM requests ORDER BY bundle")]


def places(ledger: Ledger) -> dict[str, int]:
    """Tell which place in the queue each request has that waits, from 1."""
    with ledger.reading() as connection:
        return {row["id"]: row["place"] for row in connection.execute(_PLACES)}


def deliveries(ledger: Ledger, id_: str) -> list[Delivery]:
    """Return what became of bringing a report to whom it was to go."""
    with ledger.reading() as connection:
        return [msgspec.convert(dict(row), Delivery) for row in connection.execute(_DELIVERIES, [id_])]


def schedules(ledger: Ledger, of: Collection[str]) -> list[Schedule]:
    """Return the schedules of some bundles, the next first."""
    marks = ", ".join("?" * len(of))
    columns = ", ".join(Schedule.__struct_fields__)
    asked = f"SELECT {columns} FROM schedules WHERE bundle IN ({marks}) ORDER BY next_at IS NULL, next_at, name"
    with ledger.reading() as connection:
        return [_schedule(row) for row in connection.execute(asked, [*of])]


def counts(ledger: Ledger) -> dict[tuple[str, str], int]:
    """Count all requests by bundle and state."""
    with ledger.reading() as connection:
        found = connection.execute("SELECT bundle, state, count(*) FROM requests GROUP BY state, bundle")
        return {(bundle, state): number for bundle, state, number in found}


def delivered(ledger: Ledger) -> dict[tuple[str, str], int]:
    """Count all deliveries by target and state."""
    with ledger.reading() as connection:
        found = connection.execute("SELECT target, state, count(*) FROM deliveries GROUP BY target, state")
        return {(target, state): number for target, state, number in found}


def seconds(ledger: Ledger, bounds: Iterable[float]) -> tuple[list[int], float, int]:
    """Return how many reports took at most so many seconds, for each bound; the sum of all, and how many there are."""
    below = ", ".join(f"count(*) FILTER (WHERE seconds <= {float(bound)})" for bound in bounds)
    asked = f"""
    SELECT {below}, total(seconds), count(seconds)
    FROM (SELECT {_SECONDS} AS seconds FROM requests WHERE ended_at IS NOT NULL AND started_at IS NOT NULL)
    """
    with ledger.reading() as connection:
        *counted, total, number = connection.execute(asked).fetchone()
    return counted, total, number


def oldest(ledger: Ledger) -> str | None:
    """Return when the request was asked for that has waited longest; None if none waits."""
    with ledger.reading() as connection:
        asked = "SELECT min(asked_at) FROM requests WHERE ended_at IS NULL AND state IN ('queued', 'retrying')"
        return connection.execute(asked).fetchone()[0]  # type: ignore[no-any-return]


def _where(filters: Filters, sight: Sight) -> tuple[list[str], list[Any]]:
    where, given = ["1"], list[Any]()
    for name in ("bundle", "state", "asker", "language", "schedule"):
        if (value := getattr(filters, name)) is not None:
            where.append(f"{name} = ?")
            given.append(value)
    if filters.is_open:
        where.append("ended_at IS NULL")
    if sight.all is not None:
        seen, own = ", ".join("?" * len(sight.all)), ", ".join("?" * len(sight.own))
        # A sign before a column has it compared and not looked up, so that they come as they were asked for, unsorted.
        where.append(f"(+bundle IN ({seen}) OR (+asker = ? AND +bundle IN ({own})))")
        given += [*sight.all, sight.name, *sight.own]
    return where, given


def _schedule(row: sqlite3.Row) -> Schedule:
    told = dict(row)
    return msgspec.convert(told | {"definition": msgspec.json.decode(told["definition"])}, Schedule)
