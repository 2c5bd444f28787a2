"""The columns of `runs` in Datasette: those that one wants to see first, and a form that chooses others.

Datasette shows the columns that an address names by `_col` and `_nocol`. One that names none is answered as if it named
the first ones, so that links, exports and the form of the page all tell of the same columns. Only pages are: JSON and
CSV have all columns unless they are asked for some.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

from datasette.utils import tilde_decode
from datasette.utils.asgi import Request
from markupsafe import Markup

from scrapdb.datasette.store import Store
from scrapdb.datasette.store import is_store
from scrapdb.errors import ScrapdbError
from scrapdb.query.nodes import names
from scrapdb.query.parser import parse
from scrapdb.store.readers import columns

TABLE = "runs"
_CHOICE = ("_col", "_nocol")
_SORTS = ("_sort", "_sort_desc")
_EXPRESSION = "_scrap"
_KEY, _STARTED = "nb_id", "nb_started_at"
_PAGE = re.compile(rf"([^/]+)/{TABLE}")
_FIRST = "scrapdb_first_columns"  # in the scope of a request that names no columns


def are_first(request: Any) -> bool:
    """Return whether a request names no columns, and is answered with the first ones."""
    return bool(request.scope.get(_FIRST))


async def form(store: Store, request: Any) -> Markup:
    """Return the form that chooses the columns of `runs`."""
    known = await store.ask(columns.names)
    hidden = set(request.args.getlist("_nocol"))
    shown = [column for column in dict.fromkeys(request.args.getlist("_col") or known) if column not in hidden]
    kept = [(key, value) for key, value in _arguments(request) if key not in (*_CHOICE, "_next")]
    address = store.datasette.urls.table(store.name, TABLE)
    context = {
        "action": address,
        "kept": kept,
        "columns": [(column, True) for column in shown if column in known]
        + [(column, False) for column in known if column not in shown],
        "shown": len(shown),
        "is_first": are_first(request),
        "query": request.query_string,
        "first": f"{address}?{urlencode(kept)}" if kept else address,
        "all": f"{address}?{urlencode([*kept, *(('_col', column) for column in known)])}",
    }
    return Markup(await store.datasette.render_template("scrapdb/columns.html", context, request=request))  # noqa: S704


async def chosen(datasette: Any, scope: dict[str, Any]) -> dict[str, Any]:
    """Return what a server is asked; for a page of `runs` that names no columns, as if it named the first ones."""
    if scope["type"] != "http":
        return scope
    request = Request(scope, None)
    page = _PAGE.fullmatch(request.path.removeprefix(datasette.setting("base_url")))
    database = tilde_decode(page[1]) if page else ""
    if database not in datasette.databases or not await is_store(datasette, database):
        return scope
    sort = await _sort(datasette, database, request)
    if any(name in request.args for name in _CHOICE):
        return scope | {"query_string": urlencode(with_sorted(_arguments(request), sort)).encode()}
    fields = {*_named(request), sort}
    try:
        first = await Store(datasette, database).ask(lambda connection: columns.first(connection, fields))
    except (ScrapdbError, sqlite3.Error):  # then Datasette shows all, or says what is wrong
        return scope
    arguments = [*_arguments(request), *(("_col", column) for column in first)]
    return scope | {"query_string": urlencode(arguments).encode(), _FIRST: True}


def with_sorted(arguments: Iterable[tuple[str, str]], sort: str) -> list[tuple[str, str]]:
    """Show the column by which a page is sorted, too: without it Datasette fails where there is a next page. Pure."""
    pairs = [pair for pair in arguments if pair != ("_nocol", sort)]
    named = [value for key, value in pairs if key == "_col"]
    return [*pairs, ("_col", sort)] if named and sort not in {_KEY, *named} else pairs


async def _sort(datasette: Any, database: str, request: Any) -> str:
    """Find the column by which a page is sorted; before its first answer Datasette does not know that of a store."""
    if hasattr(datasette, "table_config"):
        default = await datasette.table_config(database, TABLE)
    else:
        default = datasette.table_metadata(database, TABLE)
    given = (request.args.get(name) or "" for name in _SORTS)
    return next(filter(None, (*given, default.get("sort"), default.get("sort_desc"))), _STARTED)


def _named(request: Any) -> Iterator[str]:
    """Find what an address sorts and filters by: columns, and the fields of expressions."""
    for key, value in _arguments(request):
        if key == _EXPRESSION and value.strip():
            with suppress(ScrapdbError):
                found = [name for name in names(parse(value)) if name.role != "exec"]  # of which there are no columns
                yield from ({"nb": f"nb_{name.name}", "report": "report"}.get(name.role, name.name) for name in found)
        elif key == "nb_status" and value != "completed":
            yield "nb_error"
        elif not key.startswith("_"):
            yield key
            yield key.rpartition("__")[0]


def _arguments(request: Any) -> Iterator[tuple[str, str]]:
    for key in request.args:
        for value in request.args.getlist(key):
            yield key, value
