"""The page of what went wrong: problems by kind, and failed runs by their error."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

from scrapdb.datasette.page import Row
from scrapdb.datasette.page import read
from scrapdb.datasette.page import render
from scrapdb.datasette.store import Store
from scrapdb.store.readers import problems

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_ROWS = 100
_MOST_ERRORS = 50


class Question(NamedTuple):
    """What an address asks: problems of one kind, or of all, from a row on."""

    kind: str | None = None
    offset: Annotated[Row, "_offset"] = 0


class Context(NamedTuple):
    """What the page shows: `previous` and `next` are the first rows of the pages beside it."""

    kinds: list[problems.ProblemCount]
    kind: str | None
    listed: list[problems.NotebookProblem]
    failures: list[problems.ErrorCount]
    offset: int
    total: int
    previous: int | None
    next: int | None


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/problems`, of one kind with `?kind=KIND`, from a row on with `&_offset=ROW`."""
    question = read(request, Question)
    context = await store.ask(lambda connection: _context(connection, question))
    return await render(store, request, "problems", context._asdict())


def _context(connection: sqlite3.Connection, question: Question) -> Context:
    kind, offset = question
    kinds = problems.problem_counts(connection)
    total = sum(row.problems for row in kinds if kind in {None, row.kind})
    return Context(
        kinds,
        kind,
        problems.problems_of_kind(connection, kind, _ROWS, offset),
        problems.error_counts(connection, _MOST_ERRORS),
        offset,
        total,
        previous=max(0, offset - _ROWS) if offset else None,
        next=offset + _ROWS if offset + _ROWS < total else None,
    )
