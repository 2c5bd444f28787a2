"""The Datasette plugin: a store of notebooks' scraps in the browser. It is found by its entry point.

One plugin serves Datasette 0.65 and 1.0: hooks name only arguments that both have, and hooks that one of them does not
know are ignored by it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

from datasette import hookimpl
from markupsafe import Markup

from scrapdb.datasette import cells
from scrapdb.datasette import routes
from scrapdb.datasette.store import base
from scrapdb.datasette.store import prepare


@hookimpl
def register_routes() -> list[tuple[str, Callable[..., Awaitable[Any]]]]:
    """Add the pages below /-/scrapdb/."""
    return routes.routes()


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Add the functions that compiled expressions call."""
    prepare(conn)


@hookimpl
def render_cell(value: Any, column: str, database: str, datasette: Any) -> Markup | None:
    """Show tokens, statuses, notebooks and JSON."""
    return cells.cell(value, column, base(datasette, database))


@hookimpl
def extra_css_urls(datasette: Any) -> list[str]:
    """Add the stylesheet."""
    return [datasette.urls.static_plugins("scrapdb", "scrapdb.css")]
