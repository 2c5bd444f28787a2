"""Schedules: what asks for itself, until when it rests, and when it asks next."""

from __future__ import annotations

import sqlite3
from typing import Any
from typing import Literal

import msgspec

from scrapdb.reporting.bundles.schedule import Schedule
from scrapdb.reporting.service.ledger.ledger import Ledger

Source = Literal["config", "command"]


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule in the ledger; `schema.sql` says what each column is."""

    name: str
    bundle: str
    source: Source
    definition: Schedule
    owner: str
    paused_by: str | None = None
    reason: str | None = None
    next_at: str | None = None
    last_at: str | None = None


_COLUMNS = Scheduled.__struct_fields__
_ADD = f"INSERT INTO schedules ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


def add(ledger: Ledger, scheduled: Scheduled) -> bool:
    """Write down a schedule, and return whether there was none of that name."""
    with ledger.writing() as connection:
        if get(ledger, scheduled.name) is not None:
            return False
        connection.execute(_ADD, [_cell(name, getattr(scheduled, name)) for name in _COLUMNS])
        return True


def change(ledger: Ledger, name: str, **columns: Any) -> None:
    """Change columns of a schedule."""
    told = ", ".join(f"{column} = ?" for column in columns)
    with ledger.writing() as connection:
        connection.execute(
            f"UPDATE schedules SET {told} WHERE name = ?",
            [*(_cell(column, value) for column, value in columns.items()), name],
        )


def remove(ledger: Ledger, name: str) -> None:
    """Forget a schedule; what it has asked for stays."""
    with ledger.writing() as connection:
        connection.execute("DELETE FROM schedules WHERE name = ?", [name])


def get(ledger: Ledger, name: str) -> Scheduled | None:
    """Return a schedule; None if there is none."""
    return next(iter(_found(ledger, "WHERE name = ?", name)), None)


def every(ledger: Ledger) -> list[Scheduled]:
    """Return all schedules, by name."""
    return _found(ledger, "ORDER BY name")


def due(ledger: Ledger, moment: str) -> list[Scheduled]:
    """Return those whose moment has come, the earliest first."""
    return _found(ledger, "WHERE paused_by IS NULL AND next_at <= ? ORDER BY next_at, name", moment)


def open_request(ledger: Ledger, name: str) -> str | None:
    """Return the id of a request of a schedule that is not over; None if all are."""
    asked = "SELECT id FROM requests WHERE schedule = ? AND ended_at IS NULL ORDER BY asked_at LIMIT 1"
    with ledger.reading() as connection:
        row = connection.execute(asked, [name]).fetchone()
    return row["id"] if row else None


def _found(ledger: Ledger, how: str, *given: Any) -> list[Scheduled]:
    with ledger.reading() as connection:
        return [_of(row) for row in connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM schedules {how}", given)]


def _cell(name: str, value: Any) -> Any:
    return msgspec.json.encode(value, order="deterministic").decode() if name == "definition" else value


def _of(row: sqlite3.Row) -> Scheduled:
    return msgspec.convert({**dict(row), "definition": msgspec.json.decode(row["definition"])}, Scheduled)
