"""Reports that were asked for: written down, taken up by workers in turn, and ended, each in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from collections.abc import Sequence
from typing import Any
from typing import Literal

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.ledger import is_gone
from scrapdb.reporting.service.ledger.ledger import now

State = Literal[
    "queued", "running", "retrying", "completed", "skipped", "error", "timed out", "killed", "lost", "cancelled"
]
Via = Literal["page", "api", "sentence", "slack", "schedule", "command"]
OPEN = ("queued", "running", "retrying")
_JSON = frozenset({"parameters", "pages", "deliver", "reply"})  # columns


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was asked for; `schema.sql` says what each column is."""

    id: str
    bundle: str
    bundle_hash: str
    parameters: dict[str, Any] = {}
    language: str = "en"
    pages: tuple[str, ...] = ("html",)
    asker: str
    via: Via
    sentence: str | None = None
    reply: dict[str, Any] | None = None
    key: str | None = None
    schedule: str | None = None
    scheduled_for: str | None = None
    deliver: tuple[Target, ...] = ()
    deliver_if: str | None = None
    state: State = "queued"
    reason: str | None = None
    attempt: int = 1
    cell: int | None = None
    cells: int | None = None
    cancelled_by: str | None = None
    not_before: str | None = None
    worker: str | None = None
    asked_at: str = ""
    started_at: str | None = None
    ended_at: str | None = None
    told_at: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is not over."""
        return self.state in OPEN

    def same(self, other: Request) -> bool:
        """Tell whether another asks for the same report."""
        return all(
            getattr(self, name) == getattr(other, name)
            for name in ("bundle", "parameters", "language", "pages", "deliver", "deliver_if")
        )


class KeyUsedError(ScrapdbError):
    """The asker has used the key for another report."""


class QueueFullError(ScrapdbError):
    """Too many reports wait."""


_COLUMNS = Request.__struct_fields__
_ADD = f"INSERT INTO requests ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_LOOKED_AT = 1_000  # requests, to find the one before another
# Whose turn it is: of those who wait and may have another, who has the fewest under way, and then waited longest.
_NEXT_ASKER = """
SELECT waiting.asker, count(running.id) AS under_way,
  (SELECT max(started_at) FROM requests WHERE asker = waiting.asker) AS last
FROM (
  SELECT DISTINCT asker FROM requests
  WHERE ended_at IS NULL AND state IN ('queued', 'retrying') AND (not_before IS NULL OR not_before <= :now)
) AS waiting
LEFT JOIN requests AS running
  ON running.asker = waiting.asker AND running.state = 'running' AND running.ended_at IS NULL
GROUP BY waiting.asker HAVING under_way < :most ORDER BY under_way, last LIMIT 1
"""
_NEXT_OF_ASKER = """
SELECT * FROM requests
WHERE ended_at IS NULL AND state IN ('queued', 'retrying') AND (not_before IS NULL OR not_before <= :now)
  AND asker = :asker
ORDER BY asked_at, id LIMIT 1
"""


def add(ledger: Ledger, request: Request, *, most: int | None = None) -> tuple[Request, bool]:
    """Write down a request, and return it, or the one with the same key that was there; and whether it is new.

    Args:
        ledger: is changed.
        request: queued.
        most: how many may wait.

    Raises:
        KeyUsedError: the key stands for another report.
        QueueFullError: so many wait already.
    """
    with ledger.writing() as connection:
        if earlier := _earlier(connection, request):
            if request.key and not earlier.same(request):
                raise KeyUsedError(f"The key {request.key!r} stands for another report, {earlier.id}. Take a new one.")
            return earlier, False
        if most is not None and counts(ledger).get("queued", 0) >= most:
            raise QueueFullError(f"{most:,} reports wait already. Try again when some of them are made.")
        request = msgspec.structs.replace(request, asked_at=request.asked_at or now())
        connection.execute(_ADD, [_cell(name, getattr(request, name)) for name in _COLUMNS])
    return request, True


def claim(ledger: Ledger, worker: str, *, most: int) -> Request | None:
    """Take up the next request, fairly between askers; None if none may begin.

    Args:
        ledger: is changed.
        worker: who takes it up.
        most: reports of one asker that may be under way.
    """
    given: dict[str, Any] = {"now": now(), "most": most}
    with ledger.reading() as connection:  # without the lock of a writer, since mostly there is nothing to do
        if connection.execute(_NEXT_ASKER, given).fetchone() is None:
            return None
    with ledger.writing() as connection:
        asker = connection.execute(_NEXT_ASKER, given).fetchone()
        if asker is None:
            return None
        found = _of(connection.execute(_NEXT_OF_ASKER, given | {"asker": asker["asker"]}).fetchone())
        change = {"state": "running", "worker": worker, "started_at": now(), "cell": None, "cells": None}
        _change(connection, found.id, change)
    return msgspec.structs.replace(found, **change)


def reached(ledger: Ledger, id_: str, cell: int, cells: int) -> None:
    """Write which cell is under way."""
    with ledger.writing() as connection:
        _change(connection, id_, {"cell": cell, "cells": cells})


def ended(ledger: Ledger, id_: str, worker: str, state: str, reason: str | None) -> bool:
    """Write how a request ended, if it is still this worker's; return whether it is."""
    return _by_worker(ledger, id_, worker, {"state": state, "reason": reason, "ended_at": now(), "worker": None})


def retry(ledger: Ledger, request: Request, worker: str, reason: str | None, not_before: str) -> bool:
    """Write that there is to be another attempt, if it is still this worker's; return whether it is."""
    change = {"state": "retrying", "reason": reason, "worker": None, "not_before": not_before}
    return _by_worker(ledger, request.id, worker, change | {"attempt": request.attempt + 1})


def give_back(ledger: Ledger, id_: str, worker: str) -> bool:
    """Let another worker make what this one does not get through with; it counts as no attempt."""
    return _by_worker(ledger, id_, worker, {"state": "queued", "worker": None, "not_before": None})


def cancel(ledger: Ledger, id_: str, who: str) -> Request | None:
    """Let a request end: at once if it waits, else its worker sees to it. None if there is none."""
    with ledger.writing() as connection:
        request = get(ledger, id_)
        if request is None or not request.is_open:
            return request
        change: dict[str, Any] = {"cancelled_by": who}
        if request.state != "running":
            change |= {"state": "cancelled", "reason": f"{who} cancelled it before it began", "ended_at": now()}
        _change(connection, id_, change)
        return get(ledger, id_)


def cancelled(ledger: Ledger, worker: str) -> list[str]:
    """Name the requests under way at a worker that are to end."""
    asked = "SELECT id FROM requests WHERE state = 'running' AND worker = ? AND cancelled_by IS NOT NULL"
    with ledger.reading() as connection:
        return [row["id"] for row in connection.execute(asked, [worker])]


def left(ledger: Ledger, worker: str = "", under_way: Collection[str] = ()) -> list[Request]:
    """Return those under way at workers that are gone, and those that a worker has no more in its hands.

    Args:
        ledger: is read.
        worker: which lives.
        under_way: what it makes.
    """
    with ledger.reading() as connection:
        rows = connection.execute("SELECT * FROM requests WHERE state = 'running' AND ended_at IS NULL").fetchall()
    gone = {name for name in {row["worker"] for row in rows} - {worker} if is_gone(name)}
    dropped = {row["id"] for row in rows if row["worker"] == worker} - {*under_way}
    return [_of(row) for row in rows if row["worker"] in gone or row["id"] in dropped]


def take_over(ledger: Ledger, request: Request, worker: str) -> bool:
    """Take over what a worker left that is gone; return whether no other was quicker."""
    return _by_worker(ledger, request.id, request.worker or "", {"worker": worker})


def get(ledger: Ledger, id_: str) -> Request | None:
    """Return a request; None if there is none."""
    with ledger.reading() as connection:
        row = connection.execute("SELECT * FROM requests WHERE id = ?", [id_]).fetchone()
    return _of(row) if row else None


def now_of(ledger: Ledger, request: Request) -> Request:
    """Return a request as it is now; as it was, if it is gone."""
    return get(ledger, request.id) or request


def latest(
    ledger: Ledger,
    *,
    bundles: Sequence[str] | None = None,
    asker: str | None = None,
    open_only: bool = False,
    before: str | None = None,
    limit: int = 50,
) -> list[Request]:
    """Return requests, the last first.

    Args:
        ledger: is read.
        bundles: only of these.
        asker: only of this one.
        open_only: only those that are not over.
        before: only those that were asked for before this moment.
        limit: at most so many.
    """
    where, given = ["1"], list[Any]()
    if bundles is not None:
        where.append(f"bundle IN ({', '.join('?' * len(bundles))})")
        given += bundles
    for condition, value in (("asker = ?", asker), ("asked_at < ?", before)):
        if value is not None:
            where.append(condition)
            given.append(value)
    if open_only:
        where.append("ended_at IS NULL")
    asked = f"SELECT * FROM requests WHERE {' AND '.join(where)} ORDER BY asked_at DESC, id LIMIT ?"
    with ledger.reading() as connection:
        return [_of(row) for row in connection.execute(asked, [*given, limit])]


def previous(ledger: Ledger, request: Request, *, apart: Collection[str] = ()) -> Request | None:
    """Return the report that was completed before another, of the same schedule if it is one's; None if there is none.

    Args:
        ledger: is read.
        request: the later one.
        apart: parameters that may differ.
    """

    def same(parameters: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in parameters.items() if name not in apart}

    asked = (
        "SELECT * FROM requests WHERE bundle = ? AND language = ? AND schedule IS ? AND state = 'completed'"
        " AND asked_at < ? ORDER BY asked_at DESC LIMIT ?"
    )
    given = [request.bundle, request.language, request.schedule, request.asked_at, _LOOKED_AT]
    with ledger.reading() as connection:
        found = (_of(row) for row in connection.execute(asked, given))
        return next((each for each in found if same(each.parameters) == same(request.parameters)), None)


def counts(ledger: Ledger) -> dict[str, int]:
    """Count what is not over, by state; `queued` are also those that wait for another attempt."""
    asked = """
    SELECT CASE state WHEN 'retrying' THEN 'queued' ELSE state END AS state, count(*) AS number
    FROM requests WHERE ended_at IS NULL GROUP BY 1
    """
    with ledger.reading() as connection:
        return {row["state"]: row["number"] for row in connection.execute(asked)}


def asked_since(ledger: Ledger, asker: str, moment: str) -> int:
    """Count what somebody has asked for since a moment, himself and not by a schedule."""
    with ledger.reading() as connection:
        # What is later than now was asked for before the clock went back.
        asked = "SELECT count(*) FROM requests WHERE asker = ? AND asked_at BETWEEN ? AND ? AND via <> 'schedule'"
        return int(connection.execute(asked, [asker, moment, now()]).fetchone()[0])


def untold(ledger: Ledger) -> list[Request]:
    """Return those that are over, and of which it is not yet written who is to be told."""
    with ledger.reading() as connection:
        asked = "SELECT * FROM requests WHERE ended_at IS NOT NULL AND told_at IS NULL ORDER BY ended_at"
        return [_of(row) for row in connection.execute(asked)]


def of_row(row: sqlite3.Row) -> Request:
    """Return the request that a row of the table is."""
    return _of(row)


def bundles_needed(ledger: Ledger) -> set[str]:
    """Name the hashes of bundles of which reports are yet to be made."""
    with ledger.reading() as connection:
        rows = connection.execute("SELECT DISTINCT bundle_hash FROM requests WHERE ended_at IS NULL")
        return {row["bundle_hash"] for row in rows}


def forget(ledger: Ledger, ids: Sequence[str]) -> None:
    """Remove requests that are over, with their deliveries and links. What was done with them stays in the audit."""
    with ledger.writing() as connection:
        connection.executemany("DELETE FROM requests WHERE id = ? AND ended_at IS NOT NULL", [[id_] for id_ in ids])


def _earlier(connection: sqlite3.Connection, request: Request) -> Request | None:
    """Return what was asked for with the same key, or for the same moment of the same schedule."""
    names: tuple[str, ...]
    if request.key is not None:
        names = ("asker", "key")
    elif request.schedule is not None:
        names = ("schedule", "scheduled_for", "parameters", "language")
    else:
        return None
    asked = f"SELECT * FROM requests WHERE {' AND '.join(f'{name} = ?' for name in names)}"
    row = connection.execute(asked, [_cell(name, getattr(request, name)) for name in names]).fetchone()
    return _of(row) if row else None


def _by_worker(ledger: Ledger, id_: str, worker: str, change: dict[str, Any]) -> bool:
    with ledger.writing() as connection:
        return _change(connection, id_, change, "AND worker = ? AND ended_at IS NULL", worker)


def _change(connection: sqlite3.Connection, id_: str, change: dict[str, Any], only: str = "", *given: Any) -> bool:
    columns = ", ".join(f"{name} = ?" for name in change)
    done = connection.execute(f"UPDATE requests SET {columns} WHERE id = ? {only}", [*change.values(), id_, *given])
    return done.rowcount > 0


def _cell(name: str, value: Any) -> Any:
    return msgspec.json.encode(value, order="deterministic").decode() if name in _JSON and value is not None else value


def _of(row: sqlite3.Row) -> Request:
    told = {name: msgspec.json.decode(row[name]) if name in _JSON and row[name] else row[name] for name in row.keys()}  # noqa: SIM118 - of a Row
    return msgspec.convert(told, Request)
