"""The query language on Datasette's own pages of tables: `?_scrap=distance<0.1` filters, and a box asks for it.

Datasette counts, facets, sorts and exports what is left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from datasette.filters import FilterArguments
from datasette.utils.asgi import BadRequest
from datasette.utils.asgi import Forbidden
from datasette.utils.asgi import NotFound
from datasette.utils.asgi import Response
from markupsafe import Markup

from scrapdb.datasette.page import inserting
from scrapdb.datasette.page import render
from scrapdb.datasette.store import Store
from scrapdb.datasette.store import find
from scrapdb.errors import ScrapdbError
from scrapdb.query.select import fields_of
from scrapdb.query.select import ids_condition

# The tables that expressions filter, and where these have the notebook's id.
TABLES = {"runs": "nb_id", "notebooks": "id", "scraps": "notebook_id", "parameters": "notebook_id"}
_ARGUMENT = "_scrap"
_PREFIX = "scrapdb_"


class WrongExpressionError(BadRequest):  # type: ignore[misc] # Datasette has no types
    """An expression that a table cannot be filtered by; Datasette answers it with 400 and logs no failure.

    Args:
        message: what is wrong with it, the carets below their place.
        database: whose table it is.
    """

    def __init__(self, message: str, database: str) -> None:
        super().__init__(message)
        self.database = database


async def filters(datasette: Any, request: Any, database: str, table: str) -> FilterArguments | None:
    """Filter a table by all expressions of the address.

    Raises:
        WrongExpressionError: one of them is wrong.
        Forbidden: the actor may not see what they ask for.
    """
    expressions = given(request)
    if table not in TABLES or not expressions:
        return None
    try:
        store = await find(datasette, database, request.actor)
    except NotFound:
        return None

    def condition(connection: sqlite3.Connection) -> tuple[str, dict[str, object]]:
        return ids_condition(connection, fields_of(connection), expressions, _PREFIX)

    try:
        sql, values = await store.ask(condition)
    except ScrapdbError as error:
        raise WrongExpressionError(str(error), database) from error
    return FilterArguments([f"{TABLES[table]} IN ({sql})"], params=values, human_descriptions=expressions)


def given(request: Any) -> list[str]:
    """Read the expressions of an address; empty ones do not count."""
    return [text for text in request.args.getlist(_ARGUMENT) if text.strip()]


def joined(expressions: Sequence[str]) -> str:
    """Write several expressions as one that holds where all do."""
    return expressions[0] if len(expressions) == 1 else " and ".join(f"({text})" for text in expressions)


async def box(datasette: Any, request: Any, database: str, table: str) -> Markup | None:
    """Give the form that asks for an expression above a table, and links to what shows the same notebooks."""
    if table not in TABLES:
        return None
    try:
        store = await find(datasette, database, request.actor)
    except (Forbidden, NotFound):
        return None
    kept = set(request.args) - {_ARGUMENT, "_next"}
    context = {
        "store": store,
        "url": store.url,
        "action": datasette.urls.table(database, table),
        "name": _ARGUMENT,
        "expression": joined(given(request)),
        "kept": [(key, value) for key in sorted(kept) for value in request.args.getlist(key)],
    }
    return Markup(await datasette.render_template("scrapdb/box.html", context, request=request))  # noqa: S704


async def box_script(datasette: Any, request: Any, database: str, table: str) -> str:
    """Give the script that puts the box above a table where Datasette has no place for it (0.65)."""
    return inserting(await box(datasette, request, database, table), "form.filters")


async def explained(datasette: Any, request: Any, error: Exception) -> Response | None:
    """Show a reader what is wrong with an expression; programs and other errors are left to Datasette."""
    if not isinstance(error, WrongExpressionError) or request.path.endswith((".json", ".csv")):
        return None
    store = Store(datasette, error.database)
    return await render(store, request, "error", {"error": str(error)}, status=400)
