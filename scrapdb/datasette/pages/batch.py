"""The page of a batch: what is queued, what is under way, and how the rest ended."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

from scrapdb.database.record import progress
from scrapdb.datasette import page
from scrapdb.datasette.store import Store
from scrapdb.errors import NotebookNotFoundError
from scrapdb.store.readers import executions
from scrapdb.store.readers.notebooks import present

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_ROWS = 100
_BATCHES = 20
_REFRESHED = 5  # seconds, while it is under way


class Question(NamedTuple):
    """What an address asks: a batch, or the last ones; the runs in one state, or all, from a row on."""

    id: str = ""
    state: str | None = None
    offset: Annotated[page.Row, "_offset"] = 0


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/batch?id=BATCH`, in one state with `&state=STATE`; without a batch list the last."""
    question = page.read(request, Question)
    context = await store.ask(lambda connection: _context(connection, question))
    return await page.render(store, request, "batch", context)


def _context(connection: sqlite3.Connection, question: Question) -> dict[str, Any]:
    """Read what the page shows; `present` are the notebooks of which the store knows, `refreshed` after how long."""
    if not question.id:
        return {"batch": None, "batches": executions.batches(connection, unfinished=False, limit=_BATCHES)}
    batch = executions.batch(connection, question.id)
    if not batch.runs:
        raise NotebookNotFoundError(f"There is no batch {question.id} in this store.")
    listed = executions.runs_of_batch(connection, batch.id, question.state, _ROWS, question.offset)
    total = batch.runs if question.state is None else batch.states.get(question.state, 0)
    return {
        "batch": batch,
        "state": question.state,
        "listed": listed,
        "present": present(connection, [attempt.notebook for attempt in listed]),
        "has_reports": any(attempt.report for attempt in listed),
        "progress": progress,
        "unfinished": executions.UNFINISHED,
        "refreshed": _REFRESHED if batch.unfinished else None,
        "offset": question.offset,
        "total": total,
        "previous": max(0, question.offset - _ROWS) if question.offset else None,
        "next": question.offset + _ROWS if question.offset + _ROWS < total else None,
    }
