"""Links that were given away: one for each report and recipient, until it expires or is taken back."""

from __future__ import annotations

import secrets
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import NamedTuple

from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.ledger import now
from scrapdb.reporting.service.ledger.ledger import written


class Link(NamedTuple):
    """A link; `schema.sql` says what each column is."""

    id: str
    request: str
    recipient: str
    made_at: str
    expires_at: str
    revoked_by: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether it has neither expired nor been taken back."""
        return self.revoked_by is None and now() < self.expires_at


_COLUMNS = ", ".join(Link._fields)


def give(ledger: Ledger, request: str, recipient: str, seconds: float) -> Link:
    """Write down a link that is good for so long, and return it."""
    expires = written(datetime.now(UTC) + timedelta(seconds=seconds))
    link = Link(secrets.token_hex(8), request, recipient, now(), expires)
    with ledger.writing() as connection:
        connection.execute(f"INSERT INTO links ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", link)
    return link


def get(ledger: Ledger, id_: str) -> Link | None:
    """Return a link; None if there is none."""
    with ledger.reading() as connection:
        row = connection.execute(f"SELECT {_COLUMNS} FROM links WHERE id = ?", [id_]).fetchone()
    return Link(*row) if row else None


def of(ledger: Ledger, request: str) -> list[Link]:
    """Return the links to a report, the last first."""
    with ledger.reading() as connection:
        asked = f"SELECT {_COLUMNS} FROM links WHERE request = ? ORDER BY made_at DESC, id"
        return [Link(*row) for row in connection.execute(asked, [request])]


def take_back(ledger: Ledger, id_: str, who: str) -> bool:
    """Let a link lead nowhere from now on; return whether it led somewhere."""
    with ledger.writing() as connection:
        asked = "UPDATE links SET revoked_by = ? WHERE id = ? AND revoked_by IS NULL"
        return connection.execute(asked, [who, id_]).rowcount > 0
