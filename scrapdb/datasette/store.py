"""A store among the databases that Datasette serves: which it is, who may see it, and asking it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any
from typing import TypeVar
from urllib.parse import urlencode

from datasette.utils import sqlite_timelimit
from datasette.utils import tilde_encode
from datasette.utils.asgi import Forbidden
from datasette.utils.asgi import NotFound

from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.store import schema
from scrapdb.store.connection import check_version
from scrapdb.store.connection import has_mark
from scrapdb.store.connection import open_reader
from scrapdb.store.past import EVERY_VERSION

try:
    from datasette.resources import TableResource
except ImportError:  # Datasette 0.65
    TableResource = None

Answer = TypeVar("Answer")
# What the pages show comes from all of these; who may not see one of them sees no page.
TABLES = (*schema.tables(), "search")
# The other tables of a store, which no page reads: SQLite's ids and statistics, and where it keeps the table `search`.
OF_SQLITE = (
    "sqlite_sequence",
    "sqlite_stat1",
    "sqlite_stat4",
    "search_config",
    "search_content",
    "search_data",
    "search_docsize",
    "search_idx",
)
_MOST_TABLES = 1_000
_TOO_LONG = (
    "The answer takes longer than {:g} seconds, after which this server stops. Ask for fewer notebooks, or let it have"
    " more time: `--setting sql_time_limit_ms 5000`."
)
# By store and actor the table that is closed to them, for the time of one request.
_Closed = dict[tuple[str, str], str | None]
_CLOSED: ContextVar[_Closed] = ContextVar("closed")
_encoded = lru_cache(maxsize=1000)(tilde_encode)  # once for all cells of a page


class Store:
    """One database that is a store of scrapdb, by the name that Datasette calls it."""

    def __init__(self, datasette: Any, name: str) -> None:
        self.datasette = datasette
        self.name = name
        self.database = datasette.databases[name]

    async def check(self) -> None:
        """Look at the version of its tables.

        Raises:
            StoreError: it is not one that the pages read.
        """
        version = await self.database.execute_fn(
            lambda connection: connection.execute("PRAGMA user_version").fetchone()
        )
        check_version(Path(self.database.path or self.name), version[0])

    async def ask(self, question: Callable[[sqlite3.Connection], Answer], *, seconds: float | None = None) -> Answer:
        """Call a function with a connection, in one of Datasette's threads.

        Raises:
            ScrapdbError: it takes longer than so many seconds; if none are given, than this Datasette allows.
        """
        milliseconds = self.datasette.setting("sql_time_limit_ms") if seconds is None else seconds * 1000
        answer: Answer = await self.database.execute_fn(lambda shared: _limited(shared, question, milliseconds))
        return answer

    async def look_back(
        self, question: Callable[[sqlite3.Connection], Answer], *, seconds: float | None = None
    ) -> Answer:
        """Call a function with a connection in which every version of a notebook stands as one, as `ask` does.

        Raises:
            ScrapdbError: as of `ask`, or the store keeps no versions.
        """

        def ask(_: sqlite3.Connection) -> Answer:
            # One of our own: what is looked back by would stay in a connection that all share.
            with closing(open_reader(Path(self.database.path), EVERY_VERSION)) as connection:
                return _limited(connection, question, milliseconds)

        milliseconds = self.datasette.setting("sql_time_limit_ms") if seconds is None else seconds * 1000
        answer: Answer = await self.database.execute_fn(ask)
        return answer

    def url(self, page: str, /, **parameters: Any) -> str:
        """Return the address of a page; parameters that are None or empty are left out."""
        given = {name: value for name, value in parameters.items() if value not in (None, "", [], ())}
        query = f"?{urlencode(given, doseq=True)}" if given else ""
        return f"{base(self.datasette, self.name)}/{page}{query}"


def _limited(
    connection: sqlite3.Connection, question: Callable[[sqlite3.Connection], Answer], milliseconds: float
) -> Answer:
    factory, connection.row_factory = connection.row_factory, None
    end = time.perf_counter() + milliseconds / 1000
    try:
        with sqlite_timelimit(connection, milliseconds):
            return question(connection)
    except (StoreError, sqlite3.OperationalError) as error:
        if time.perf_counter() < end:
            raise
        raise ScrapdbError(_TOO_LONG.format(milliseconds / 1000)) from error
    finally:
        connection.row_factory = factory


def base(datasette: Any, database: str) -> str:
    """Return the address below which the pages of a store are."""
    return f"{datasette.setting('base_url')}-/scrapdb/{_encoded(database)}"


@contextmanager
def remembering() -> Iterator[None]:
    """Remember during one request who may see which store: a page of Datasette asks for it many times."""
    before = _CLOSED.set({})
    try:
        yield
    finally:
        _CLOSED.reset(before)


async def find(datasette: Any, name: str, actor: Any) -> Store:
    """Find a store by the name of its database.

    Raises:
        NotFound: there is no such database, or it is no store.
        Forbidden: the actor may not see it.
    """
    if name not in datasette.databases or not await is_store(datasette, name):
        raise NotFound(f"There is no store {name}")
    closed: _Closed = _CLOSED.get({})
    key = name, json.dumps(actor, sort_keys=True, default=repr)
    if key not in closed:
        closed[key] = await _closed(datasette, actor, name)
    if closed[key]:
        raise Forbidden(f"view-table {name} {closed[key]}")
    return Store(datasette, name)


async def find_visible(datasette: Any, name: str, actor: Any) -> Store | None:
    """Find a store by the name of its database, if it is one and the actor may see it."""
    try:
        return await find(datasette, name, actor)
    except (Forbidden, NotFound):
        return None


async def is_store(datasette: Any, name: str) -> bool:
    """Return whether a database is a store, by the mark in its header."""
    marked: bool = await datasette.databases[name].execute_fn(has_mark)
    return marked


async def _closed(datasette: Any, actor: Any, database: str) -> str | None:
    """Find a table that an actor may not see."""
    open_ = await _open(datasette, actor, database)
    for table in TABLES:
        if table not in open_ and not await _may_view(datasette, actor, database, table):
            return table
    return None


async def _open(datasette: Any, actor: Any, database: str) -> set[str]:
    """List tables that an actor may see, where Datasette tells all at once (1.0): each alone takes as long as all."""
    if TableResource is None:
        return set()
    allowed = await datasette.allowed_resources("view-table", actor, parent=database, limit=_MOST_TABLES)
    return {table.child for table in allowed.resources}


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
