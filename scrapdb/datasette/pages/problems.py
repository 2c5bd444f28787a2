"""The page of what went wrong: problems by kind, and failed runs by their error."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

from scrapdb.datasette import page
from scrapdb.datasette.store import Store
from scrapdb.store.readers import problems

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_ROWS = 100
_MOST_ERRORS = 50


class Question(NamedTuple):
    """What an address asks: problems of one kind, or of all, from a row on."""

    kind: str | None = None
    offset: Annotated[page.Row, "_offset"] = 0


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/problems`, of one kind with `?kind=KIND`, from a row on with `&_offset=ROW`."""
    kind, offset = page.read(request, Question)
    context = await store.ask(lambda connection: _context(connection, kind, offset))
    return await page.render(store, request, "problems", context)


def _context(connection: sqlite3.Connection, kind: str | None, offset: int) -> dict[str, Any]:
    """Read what the page shows: `previous` and `next` are the first rows of the pages beside it."""
    kinds = problems.problem_counts(connection)
    total = sum(row.problems for row in kinds if kind in {None, row.kind})
    return {
        "kinds": kinds,
        "kind": kind,
        "listed": problems.problems_of_kind(connection, kind, _ROWS, offset),
        "failures": problems.error_counts(connection, _MOST_ERRORS),
        "offset": offset,
        "total": total,
        "previous": max(0, offset - _ROWS) if offset else None,
        "next": offset + _ROWS if offset + _ROWS < total else None,
    }
