"""Who did what, written down as it happens and never changed."""

from __future__ import annotations

from typing import NamedTuple

from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.ledger import now


class Line(NamedTuple):
    """A line of the audit; `schema.sql` says what each column is."""

    at: str
    who: str | None
    via: str
    what: str
    request: str | None
    detail: str | None
    address: str | None


_COLUMNS = ", ".join(Line._fields)
_LONGEST = 1_000  # characters of a detail, in which may stand what somebody has sent


def write(
    ledger: Ledger,
    who: str | None,
    via: str,
    what: str,
    *,
    request: str | None = None,
    detail: str | None = None,
    address: str | None = None,
) -> None:
    """Write who did what, to which report, and from where."""
    line = Line(now(), who, via, what, request, detail and detail[:_LONGEST], address)
    with ledger.writing() as connection:
        connection.execute(f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", line)


def latest(ledger: Ledger, limit: int = 100) -> list[Line]:
    """Return the last lines, the last first."""
    with ledger.reading() as connection:
        found = connection.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY id DESC LIMIT ?", [limit])
        return [Line(*row) for row in found]
