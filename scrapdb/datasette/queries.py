"""Queries that every store has in Datasette, for those who may see what they answer with.

Datasette 0.65 asks for them; 1.0 is told when it starts, and runs them for those who may run SQL.
"""

from __future__ import annotations

from typing import Any

from datasette.utils.asgi import Forbidden
from datasette.utils.asgi import NotFound

from scrapdb.datasette.store import find
from scrapdb.datasette.store import is_store
from scrapdb.store.questions import QUESTIONS


async def queries(datasette: Any, database: str, actor: Any) -> dict[str, dict[str, str]]:
    """Give Datasette 0.65 the queries that an actor may run."""
    try:
        await find(datasette, database, actor)
    except (Forbidden, NotFound):
        return {}
    return {name: {"sql": sql, "title": title, "description": text} for name, title, text, sql in QUESTIONS}


async def add(datasette: Any) -> None:
    """Add the queries to Datasette 1.0, but for those that its user has under the same name."""
    for database in datasette.databases:
        if await is_store(datasette, database):
            for name, title, description, sql in QUESTIONS:
                known = await datasette.get_query(database, name)
                if known is None or known.source == "plugin":
                    await datasette.add_query(
                        database, name, sql, title=title, description=description, source="plugin"
                    )
