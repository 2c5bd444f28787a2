"""The first page of a store: what there is, what failed, and what came out, at a glance."""

from __future__ import annotations

import sqlite3
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb.datasette import bars
from scrapdb.datasette.cells import STATUSES
from scrapdb.datasette.page import render
from scrapdb.datasette.store import Store
from scrapdb.formats.html import PICTURES
from scrapdb.query.nodes import Name
from scrapdb.store.readers import executions
from scrapdb.store.readers import news
from scrapdb.store.readers import overview
from scrapdb.store.readers import reports

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_BATCHES, _NAMED = 5, 8
_SECONDS = Name("nb", "seconds")


class Card(NamedTuple):
    """A field: what its plot is asked by, the ends of its range, its bars, and how many runs have it."""

    field: str
    lowest: float
    highest: float
    bars: bars.Histogram
    runs: int
    is_sampled: bool


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE` and `/-/scrapdb/DATABASE/overview`."""
    context = await store.ask(context_of)
    return await render(store, request, "overview", context | {"changed": changed(store.database.path)})


def context_of(connection: sqlite3.Connection) -> dict[str, Any]:
    """Read a store at a glance, and draw it."""
    seen = overview.read(connection, PICTURES)
    return {
        "overview": seen,
        "news": news.read(connection, datetime.now(UTC).date()),
        "most_named": _NAMED,
        "statuses": {status: seen.statuses[status] for status in STATUSES if status in seen.statuses},
        "days": bars.days(seen.days),
        "most": max((day.runs for day in seen.days), default=0),
        "batches": executions.batches(connection, unfinished=True, limit=_BATCHES),
        "has_batches": executions.are_any(connection),
        "has_reports": reports.are_any(connection),
        "cards": [*map(_card, seen.fields), *_durations(seen)],
        "most_problems": overview.MOST_PROBLEMS,
        "width": bars.WIDTH,
        "height": bars.HEIGHT,
        "brief": bars.brief,
    }


def changed(path: str | None) -> str | None:
    """Return when a store was last written, as the store writes times: of its file, or of the log beside it."""
    if not path:
        return None
    log = Path(f"{path}-wal")
    files = [Path(path), *([log] if log.is_file() and log.stat().st_size else [])]
    last = max(file.stat().st_mtime for file in files)
    return datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _card(field: overview.Field) -> Card:
    asked = Name("" if field.is_alone else "scrap" if field.role == "scrap" else "param", field.name)
    drawn = bars.histogram(field.numbers, field.lowest, field.highest)
    return Card(str(asked), field.lowest, field.highest, drawn, field.runs, field.is_sampled)


def _durations(seen: overview.Overview) -> list[Card]:
    """Draw how long runs took, if they did not all take the same time."""
    lowest, highest = min(seen.seconds, default=0), max(seen.seconds, default=0)
    if lowest == highest:
        return []
    drawn = bars.histogram(seen.seconds, lowest, highest)
    return [Card(str(_SECONDS), lowest, highest, drawn, len(seen.seconds), seen.sampled is not None)]
