"""Deliveries: written down all at once when a report is over, taken up by workers, and sent once.

A delivery is `sending` before the first byte leaves. What a worker left so that is gone may have arrived or not: it is
`unsure`, and nobody but a person sends it again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import Literal

import msgspec

from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.ledger import is_gone
from scrapdb.reporting.service.ledger.ledger import now

State = Literal["to send", "sending", "sent", "failed", "unsure", "not sent"]
Kind = Literal["mail", "slack", "webhook", "url", "reply"]
# `trace` and `undelivered` are for authors, `failure` is for who asked, `report` for readers.
Letter = Literal["report", "failure", "trace", "undelivered"]
_LEFT = "whoever sent it was gone before it was certain that it had arrived; `scrapdb report deliver` sends it again"


class Options(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What else is known of a delivery.

    Args:
        wish: the target as it was wished.
        remark: what is to be said with it, in a sentence.
        again: how often a person had it sent anew after it had arrived.
        done: what of it has arrived, by which the rest goes on.
    """

    wish: Target | None = None
    remark: str | None = None
    again: int = 0
    done: dict[str, str] = {}


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A report that goes to an address; `schema.sql` says what each column is."""

    id: int = 0
    request: str
    target: Kind
    address: str
    letter: Letter
    options: Options = Options()
    state: State = "to send"
    reason: str | None = None
    attempt: int = 0
    not_before: str | None = None
    worker: str | None = None
    written_at: str = ""
    ended_at: str | None = None

    @property
    def key(self) -> str:
        """What is the same whenever this is sent, so that whoever gets it twice can tell."""
        parts = (self.request, self.target, self.address, self.letter, str(self.options.again or ""))
        return f"msg_{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:32]}"


_COLUMNS = Delivery.__struct_fields__[1:]
_ADD = f"INSERT OR IGNORE INTO deliveries ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_DUE = """
SELECT * FROM deliveries WHERE ended_at IS NULL AND state = 'to send' AND (not_before IS NULL OR not_before <= ?)
ORDER BY not_before, id LIMIT 1
"""


def tell(ledger: Ledger, request: str, planned: Iterable[Delivery]) -> bool:
    """Write down who is told of a request that is over, all at once; return whether nobody had before."""
    with ledger.writing() as connection:
        asked = "UPDATE requests SET told_at = ? WHERE id = ? AND told_at IS NULL"
        if not connection.execute(asked, [now(), request]).rowcount:
            return False
        for delivery in planned:
            _add(connection, delivery)
    return True


def add(ledger: Ledger, delivery: Delivery) -> None:
    """Write down one delivery more, unless it is there."""
    with ledger.writing() as connection:
        _add(connection, delivery)


def due(ledger: Ledger) -> Delivery | None:
    """Return what is to be sent first."""
    with ledger.reading() as connection:
        row = connection.execute(_DUE, [now()]).fetchone()
    return _of(row) if row else None


def waiting(ledger: Ledger, like: Delivery) -> list[Delivery]:
    """Return what waits for the same address with the same letter, whenever it is due."""
    asked = (
        "SELECT * FROM deliveries WHERE ended_at IS NULL AND state = 'to send' AND target = ? AND address = ?"
        " AND letter = ? ORDER BY id"
    )
    with ledger.reading() as connection:
        return [_of(row) for row in connection.execute(asked, [like.target, like.address, like.letter])]


def sent_since(ledger: Ledger, like: Delivery, moment: str) -> list[Delivery]:
    """Return what went to the same address with the same letter since a moment, or is under way there."""
    asked = (
        "SELECT * FROM deliveries WHERE target = ? AND address = ? AND letter = ?"
        " AND (state = 'sending' OR state IN ('sent', 'unsure') AND ended_at >= ?) ORDER BY id"
    )
    with ledger.reading() as connection:
        return [_of(row) for row in connection.execute(asked, [like.target, like.address, like.letter, moment])]


def take(ledger: Ledger, taken: Sequence[Delivery], worker: str) -> list[Delivery]:
    """Take up deliveries, and return those that no other worker was quicker to take."""
    change = {"state": "sending", "worker": worker}
    with ledger.writing() as connection:
        mine = [each for each in taken if _change(connection, each.id, change, "to send", attempt=each.attempt + 1)]
    return [msgspec.structs.replace(each, state="sending", worker=worker, attempt=each.attempt + 1) for each in mine]


def ended(ledger: Ledger, sent: Sequence[Delivery], state: State, reason: str | None) -> None:
    """Write how deliveries that this worker has taken up ended."""
    change = {"state": state, "reason": reason, "ended_at": now(), "worker": None, "not_before": None}
    with ledger.writing() as connection:
        for each in sent:
            _change(connection, each.id, change, "sending")


def later(ledger: Ledger, sent: Sequence[Delivery], reason: str | None, not_before: str) -> None:
    """Write that deliveries which this worker has taken up are to be tried again."""
    change = {"state": "to send", "reason": reason, "worker": None, "not_before": not_before}
    with ledger.writing() as connection:
        for each in sent:
            _change(connection, each.id, change, "sending")


def hold(ledger: Ledger, held: Sequence[Delivery], not_before: str) -> None:
    """Let deliveries that nobody has taken up wait, so that they go in one message."""
    with ledger.writing() as connection:
        for each in held:
            _change(connection, each.id, {"not_before": not_before}, "to send")


def note(ledger: Ledger, delivery: Delivery, **done: str) -> Delivery:
    """Write what of a delivery has arrived, and return it so."""
    known = msgspec.structs.replace(delivery.options, done=delivery.options.done | done)
    with ledger.writing() as connection:
        _change(connection, delivery.id, {"options": msgspec.json.encode(known).decode()}, "sending")
    return msgspec.structs.replace(delivery, options=known)


def settle(ledger: Ledger) -> int:
    """Write that it is unsure what became of that which gone workers were sending; return how much that is."""
    asked = "SELECT * FROM deliveries WHERE ended_at IS NULL AND state = 'sending'"
    with ledger.reading() as connection:
        found = [_of(row) for row in connection.execute(asked)]
    gone = {worker for worker in {each.worker or "" for each in found} if is_gone(worker)}
    left = [each for each in found if (each.worker or "") in gone]
    if left:
        ended(ledger, left, "unsure", _LEFT)
    return len(left)


def of(ledger: Ledger, request: str) -> list[Delivery]:
    """Return the deliveries of a request."""
    with ledger.reading() as connection:
        rows = connection.execute("SELECT * FROM deliveries WHERE request = ? ORDER BY id", [request])
        return [_of(row) for row in rows]


def again(ledger: Ledger, delivery: Delivery) -> Delivery:
    """Let a delivery that is over be sent once more; return it as it is then.

    What may not have arrived keeps its key, by which a receiver knows it; what has arrived gets another.
    """
    options = delivery.options
    if delivery.state == "sent":
        options = msgspec.structs.replace(options, again=options.again + 1, done={})
    change = {
        "state": "to send",
        "reason": None,
        "attempt": 0,
        "not_before": None,
        "ended_at": None,
        "options": msgspec.json.encode(options).decode(),
    }
    with ledger.writing() as connection:
        _change(connection, delivery.id, change, delivery.state)
        return _of(connection.execute("SELECT * FROM deliveries WHERE id = ?", [delivery.id]).fetchone())


def _add(connection: sqlite3.Connection, delivery: Delivery) -> None:
    values = {name: getattr(delivery, name) for name in _COLUMNS}
    values["written_at"] = delivery.written_at or now()
    if delivery.state not in {"to send", "sending"}:
        values["ended_at"] = delivery.ended_at or now()
    values["options"] = msgspec.json.encode(delivery.options).decode()
    connection.execute(_ADD, list(values.values()))


def _change(connection: sqlite3.Connection, id_: int, change: dict[str, Any], before: str, **more: Any) -> bool:
    """Change a delivery that is still in a state."""
    change = change | more
    columns = ", ".join(f"{name} = ?" for name in change)
    done = connection.execute(
        f"UPDATE deliveries SET {columns} WHERE id = ? AND state = ?", [*change.values(), id_, before]
    )
    return done.rowcount > 0


def _of(row: sqlite3.Row) -> Delivery:
    told = dict(row) | {"options": msgspec.json.decode(row["options"])}
    return msgspec.convert(told, Delivery)
