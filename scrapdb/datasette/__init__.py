"""The Datasette plugin: a store of notebooks' scraps in the browser. It is found by its entry point.

One plugin serves Datasette 0.65 and 1.0: hooks name only arguments that both have, and hooks that one of them does not
know are ignored by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

from datasette import hookimpl
from datasette import hookspecs

from scrapdb.datasette import cells
from scrapdb.datasette import columns
from scrapdb.datasette import expressions
from scrapdb.datasette import links
from scrapdb.datasette import routes
from scrapdb.datasette import store
from scrapdb.datasette import tables
from scrapdb.query.patterns import register

if TYPE_CHECKING:
    from markupsafe import Markup


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """Add the pages below /-/scrapdb/."""
    return routes.routes()


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Add the functions that compiled expressions call."""
    register(conn)


@hookimpl
def asgi_wrapper(datasette: Any) -> Callable[..., Any]:
    """Ask once a request who may see what, and show the first columns of `runs` where an address names none."""

    def wrapped(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            with store.remembering():
                await app(await columns.chosen(datasette, scope), receive, send)

        return answer

    return wrapped


@hookimpl
def render_cell(  # noqa: PLR0917 - Datasette's arguments
    row: Any, value: Any, column: str, table: str | None, database: str, datasette: Any
) -> Markup | None:
    """Show tokens, statuses, notebooks and their versions, times, long numbers and JSON."""
    if table == "versions" and column == "version":
        return cells.version(row, store.base(datasette, database))
    return cells.cell(value, column, store.base(datasette, database))


@hookimpl
def extra_css_urls(datasette: Any) -> list[str]:
    """Add the stylesheet."""
    return [datasette.urls.static_plugins("scrapdb", "scrapdb.css")]


@hookimpl
def startup(datasette: Any) -> Callable[[], Awaitable[None]]:
    """Describe the tables, and add the queries where Datasette wants them now (1.0)."""

    async def prepared() -> None:
        await tables.describe(datasette)
        if hasattr(datasette, "add_query"):
            await tables.add_queries(datasette)

    return prepared


@hookimpl
def get_metadata(datasette: Any, key: str | None) -> dict[str, Any]:
    """Describe the tables (0.65)."""
    return tables.metadata(datasette, key)


@hookimpl
def canned_queries(datasette: Any, database: str, actor: Any) -> Callable[[], Awaitable[dict[str, dict[str, str]]]]:
    """Add the queries (0.65)."""
    return lambda: tables.queries(datasette, database, actor)


@hookimpl
def filters_from_request(request: Any, database: str, table: str, datasette: Any) -> Callable[[], Awaitable[Any]]:
    """Filter tables by `?_scrap=EXPRESSION`."""
    return lambda: expressions.filters(datasette, request, database, table)


@hookimpl
def top_table(datasette: Any, request: Any, database: str, table: str) -> Callable[[], Awaitable[Markup | None]]:
    """Put the expression box above tables (1.0)."""
    return lambda: expressions.box(datasette, request, database, table)


@hookimpl
def top_homepage(datasette: Any, request: Any) -> Callable[[], Awaitable[Markup]]:
    """Put links to the pages of the stores above their tables (1.0)."""
    return lambda: links.front(datasette, request.actor)


@hookimpl
def top_database(datasette: Any, request: Any, database: str) -> Callable[[], Awaitable[Markup]]:
    """Put links to the pages of a store above its tables (1.0)."""
    return lambda: links.front(datasette, request.actor, database)


@hookimpl
def extra_body_script(
    database: str | None, table: str | None, view_name: str | None, request: Any, datasette: Any
) -> Callable[[], Awaitable[str]] | None:
    """Put the links on the first page and above a store's tables, and the expression box above a table (0.65)."""
    if hasattr(hookspecs, "top_table"):
        return None
    if view_name in ("index", "database"):
        return lambda: links.front_script(datasette, request.actor, database)
    if view_name != "table" or database is None or table is None:
        return None
    return lambda: expressions.box_script(datasette, request, database, table)


@hookimpl
def extra_js_urls(table: str | None, view_name: str | None, datasette: Any) -> list[dict[str, Any]]:
    """Add the script of the expression box."""
    has_box = view_name == "table" and table in expressions.TABLES
    return [{"url": datasette.urls.static_plugins("scrapdb", "scrapdb.js"), "module": True}] if has_box else []


@hookimpl
def handle_exception(datasette: Any, request: Any, exception: Exception) -> Callable[[], Awaitable[Any]]:
    """Show what is wrong with an expression."""
    return lambda: expressions.explained(datasette, request, exception)


@hookimpl
def menu_links(datasette: Any, actor: Any) -> Callable[[], Awaitable[list[links.Link]]]:
    """Lead to the pages of the stores."""
    return lambda: links.of_stores(datasette, actor)


@hookimpl
def table_actions(
    datasette: Any, actor: Any, database: str, table: str, request: Any
) -> Callable[[], Awaitable[list[links.Link]]]:
    """Lead to what shows the notebooks of a table's page."""
    return lambda: links.of_table(datasette, request, actor, database, table)
