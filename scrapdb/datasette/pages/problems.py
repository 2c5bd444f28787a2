"""The page of what went wrong: problems by kind, and failed runs by their error."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.datasette.page import render
from scrapdb.datasette.store import Store
from scrapdb.errors import UsageError
from scrapdb.store.readers.problems import error_counts
from scrapdb.store.readers.problems import problem_counts
from scrapdb.store.readers.problems import problems_of_kind

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_ROWS = 100
_MOST_ERRORS = 50
_LONGEST_NUMBER = 15  # digits


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/problems`, of one kind with `?kind=KIND`, from a row on with `&_offset=ROW`."""
    kind = request.args.get("kind") or None
    offset = request.args.get("_offset") or "0"
    if not offset.isdecimal() or len(offset) > _LONGEST_NUMBER:
        raise UsageError(f"_offset is a number of rows, not {offset!r}.")
    context = await store.ask(lambda connection: _context(connection, kind, int(offset)))
    return await render(store, request, "problems", context)


def _context(connection: sqlite3.Connection, kind: str | None, offset: int) -> dict[str, Any]:
    kinds = problem_counts(connection)
    total = sum(found.problems for found in kinds if kind in {None, found.kind})
    return {
        "kinds": kinds,
        "kind": kind,
        "problems": problems_of_kind(connection, kind, _ROWS, offset),
        "failures": error_counts(connection, _MOST_ERRORS),
        "offset": offset,
        "total": total,
        "previous": max(0, offset - _ROWS) if offset else None,
        "next": offset + _ROWS if offset + _ROWS < total else None,
    }
