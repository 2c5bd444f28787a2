"""A store among the databases that Datasette serves: which it is, who may see it, and asking it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any
from typing import TypeVar
from urllib.parse import urlencode

from datasette.utils import tilde_encode
from datasette.utils.asgi import Forbidden
from datasette.utils.asgi import NotFound

from scrapdb.query.patterns import register
from scrapdb.store.connection import APPLICATION_ID

try:
    from datasette.resources import TableResource
except ImportError:  # Datasette 0.65
    TableResource = None

Answer = TypeVar("Answer")
# What the pages show comes from all of these; who may not see one of them sees no page.
TABLES = ("notebooks", "cells", "scraps", "parameters", "displays", "frames", "blobs", "problems", "runs")


class Store:
    """One database that is a store of scrapdb.

    Args:
        datasette: the server.
        name: of the database, as Datasette calls it.
    """

    def __init__(self, datasette: Any, name: str) -> None:
        self.datasette = datasette
        self.name = name
        self.database = datasette.databases[name]

    async def ask(self, question: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Call a function with a connection, in one of Datasette's threads."""

        def asked(connection: sqlite3.Connection) -> Answer:
            factory, connection.row_factory = connection.row_factory, None
            try:
                return question(connection)
            finally:
                connection.row_factory = factory

        answer: Answer = await self.database.execute_fn(asked)
        return answer

    def url(self, page: str, /, **parameters: Any) -> str:
        """Give the address of a page; parameters that are None or empty are left out."""
        given = {name: value for name, value in parameters.items() if value not in (None, "", [], ())}
        query = f"?{urlencode(given, doseq=True)}" if given else ""
        return f"{base(self.datasette, self.name)}/{page}{query}"


def base(datasette: Any, database: str) -> str:
    """Give the address below which the pages of a store are."""
    return str(datasette.urls.path(f"/-/scrapdb/{tilde_encode(database)}"))


async def find(datasette: Any, name: str, actor: Any) -> Store:
    """Find a store by the name of its database.

    Raises:
        NotFound: there is no such database, or it is no store.
        Forbidden: the actor may not see it.
    """
    if name not in datasette.databases or not await is_store(datasette, name):
        raise NotFound(f"There is no store {name}")
    for table in TABLES:
        if not await _may_view(datasette, actor, name, table):
            raise Forbidden(f"view-table {name} {table}")
    return Store(datasette, name)


async def is_store(datasette: Any, name: str) -> bool:
    """Tell whether a database is a store, by the mark in its header."""
    found = await datasette.databases[name].execute_fn(_application_id)
    return bool(found == APPLICATION_ID)


def prepare(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that compiled expressions call."""
    register(connection)


def _application_id(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


async def _may_view(datasette: Any, actor: Any, database: str, table: str) -> bool:
    if TableResource is not None:
        return bool(await datasette.allowed(action="view-table", resource=TableResource(database, table), actor=actor))
    try:
        await datasette.ensure_permissions(
            actor, [("view-table", (database, table)), ("view-database", database), "view-instance"]
        )
    except Forbidden:
        return False
    return True
