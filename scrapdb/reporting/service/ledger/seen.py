"""What may come once only: whether it has come already."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta

from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.ledger import now
from scrapdb.reporting.service.ledger.ledger import written

_KEPT = timedelta(
    days=1
)  # Slack gives up sending an event again after an hour, and what it signed is old after minutes


def first(ledger: Ledger, what: str) -> bool:
    """Write down that something has come, and return whether it is the first time within a day."""
    with ledger.writing() as connection:
        connection.execute("DELETE FROM seen WHERE at < ?", [written(datetime.now(UTC) - _KEPT)])
        return connection.execute("INSERT OR IGNORE INTO seen (what, at) VALUES (?, ?)", [what, now()]).rowcount > 0


def has_come(ledger: Ledger, what: str) -> bool:
    """Return whether something has come already."""
    with ledger.reading() as connection:
        return connection.execute("SELECT 1 FROM seen WHERE what = ?", [what]).fetchone() is not None
