"""The list of reports: those that were made, those under way, and what became of the rest."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

from scrapdb.datasette import page
from scrapdb.datasette.store import Store
from scrapdb.store.readers import reports
from scrapdb.store.readers.reports import Filters

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_ROWS = 100
REFRESHED = 5  # seconds, while some are under way
UNDER_WAY = ("queued", "running")
_CHOICES = ("state", "bundle", "language")


class Question(NamedTuple):
    """What an address asks: reports in one state, of one bundle or batch, in one language, or all, from a row on."""

    state: str | None = None
    bundle: str | None = None
    language: str | None = None
    batch: str | None = None
    offset: Annotated[page.Row, "_offset"] = 0


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/reports`, filtered by `?state=STATE&bundle=NAME&language=LANGUAGE&batch=BATCH`."""
    question = page.read(request, Question)
    context = await store.ask(lambda connection: _context(connection, question))
    return await page.render(store, request, "reports", context)


def _context(connection: sqlite3.Connection, question: Question) -> dict[str, Any]:
    """Read what the page shows: `choices` are the values to filter by, each with how many there are of it."""
    filters = Filters(*question[:-1])
    counts = reports.counts(connection, filters.batch)
    total = sum(count for key, count in counts.items() if _is_of(key, filters))
    return {
        "filters": {name: value for name, value in filters._asdict().items() if value is not None},
        "choices": {name: _choice(counts, filters, name) for name in _CHOICES},
        "listed": reports.reports(connection, filters, limit=_ROWS, offset=question.offset),
        "refreshed": REFRESHED if any(key.state in UNDER_WAY for key in counts) else None,
        "offset": question.offset,
        "total": total,
        "previous": max(0, question.offset - _ROWS) if question.offset else None,
        "next": question.offset + _ROWS if question.offset + _ROWS < total else None,
    }


def _choice(counts: Counter[Filters], filters: Filters, name: str) -> dict[str, int]:
    """Count the values of a filter among the reports that the others choose, the commonest first."""
    others = filters._replace(**{name: None})
    found: Counter[str] = Counter()
    for key, count in counts.items():
        value = getattr(key, name)
        if value is not None and _is_of(key, others):
            found[value] += count
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _is_of(key: Filters, filters: Filters) -> bool:
    return all(getattr(filters, name) in (None, getattr(key, name)) for name in _CHOICES)
