"""The query language on Datasette's own pages of tables: `?_scrap=distance<0.1` filters, and a box asks for it.

Datasette counts, facets, sorts and exports what is left.
"""

from __future__ import annotations

from typing import Any

from datasette.filters import FilterArguments
from datasette.utils.asgi import BadRequest
from datasette.utils.asgi import NotFound
from datasette.utils.asgi import Response
from markupsafe import Markup

from scrapdb.datasette import columns
from scrapdb.datasette import page
from scrapdb.datasette.store import Store
from scrapdb.datasette.store import find
from scrapdb.datasette.store import find_visible
from scrapdb.errors import ScrapdbError
from scrapdb.query.select import fields_of
from scrapdb.query.select import ids_condition

# The tables that expressions filter, and where these have the notebook's id.
TABLES = {"runs": "nb_id", "notebooks": "id", "scraps": "notebook_id", "parameters": "notebook_id"}
_ARGUMENT = "_scrap"
_SEARCH = "_search"
_PREFIX = "scrapdb_"


class WrongExpressionError(BadRequest):  # type: ignore[misc] # Datasette has no types
    """What is wrong with an expression that filters a table; Datasette answers it with 400 and logs no failure."""

    def __init__(self, message: str, database: str, table: str) -> None:
        super().__init__(message)
        self.database = database
        self.table = table


async def filters(datasette: Any, request: Any, database: str, table: str) -> FilterArguments | None:
    """Filter a table by all expressions of the address; full-text search, which looks into all tables, is Datasette's.

    Raises:
        WrongExpressionError: one of them is wrong.
        Forbidden: the actor may not see what they ask for, or what a search looks into.
    """
    expressions = _given(request) if table in TABLES else []
    if not expressions and not any(name.startswith(_SEARCH) for name in request.args):
        return None
    try:
        store = await find(datasette, database, request.actor)
    except NotFound:
        return None
    if not expressions:
        return None
    try:
        sql, values = await store.ask(
            lambda connection: ids_condition(connection, fields_of(connection), expressions, _PREFIX)
        )
    except ScrapdbError as error:
        raise WrongExpressionError(str(error), database, table) from error
    return FilterArguments([f"{TABLES[table]} IN ({sql})"], params=values, human_descriptions=expressions)


def joined(request: Any) -> str:
    """Read the expressions of an address as one that holds where all do."""
    expressions = _given(request)
    return expressions[0] if len(expressions) == 1 else " and ".join(f"({text})" for text in expressions)


def _given(request: Any) -> list[str]:
    """Read the expressions of an address; empty ones do not count."""
    return [text for text in request.args.getlist(_ARGUMENT) if text.strip()]


async def box(datasette: Any, request: Any, database: str, table: str, error: str = "") -> Markup | None:
    """Return the form that asks for an expression above a table, and links to what shows the same notebooks."""
    if table not in TABLES:
        return None
    store = await find_visible(datasette, database, request.actor)
    if store is None:
        return None
    kept = set(request.args) - {_ARGUMENT, "_next"} - ({"_col"} if columns.are_first(request) else set())
    context = {
        "url": store.url,
        "action": datasette.urls.table(database, table),
        "name": _ARGUMENT,
        "expression": joined(request),
        "error": error,
        "kept": [(key, value) for key in sorted(kept) for value in request.args.getlist(key)],
        "choice": await columns.form(store, request) if table == columns.TABLE and not error else "",
    }
    return Markup(await datasette.render_template("scrapdb/box.html", context, request=request))  # noqa: S704


async def box_script(datasette: Any, request: Any, database: str, table: str) -> str:
    """Return the script that puts the box above a table where Datasette has no place for it (0.65)."""
    return page.inserting(await box(datasette, request, database, table), "form.filters")


async def explained(datasette: Any, request: Any, error: Exception) -> Response | None:
    """Show a reader what is wrong with an expression; programs and other errors are left to Datasette."""
    if not isinstance(error, WrongExpressionError) or request.path.endswith((".json", ".csv")):
        return None
    form = await box(datasette, request, error.database, error.table, str(error))
    return await page.render(Store(datasette, error.database), request, "error", {"box": form}, status=400)
