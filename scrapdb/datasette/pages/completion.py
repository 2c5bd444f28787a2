"""What the expression box asks while one types: the fields that begin so, and what is wrong with an expression."""

from __future__ import annotations

import sqlite3
from typing import Any

from datasette.utils.asgi import Response

from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.query.fields import ATTRIBUTES
from scrapdb.query.functions import FUNCTIONS
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import Role
from scrapdb.query.select import fields_of
from scrapdb.query.select import ids_condition
from scrapdb.store.readers.names import names_starting_with

_MOST = 20
_ROLES: tuple[Role, ...] = ("scrap", "param")


async def fields(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/fields.json?start=TEXT`: what can stand in an expression and begins so."""
    start = request.args.get("start") or ""
    found = await store.ask(lambda connection: beginning(connection, start))
    return Response.json({"fields": [{"text": text, "kind": kind} for text, kind in found]})


async def check(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/check.json?_scrap=EXPRESSION`: the error with its place, or that there is none."""
    expressions = request.args.getlist("_scrap")
    try:
        await store.ask(lambda connection: ids_condition(connection, fields_of(connection), expressions, ""))
    except ScrapdbError as error:
        return Response.json({"ok": False, "error": str(error)})
    return Response.json({"ok": True, "error": None})


def beginning(connection: sqlite3.Connection, start: str) -> list[tuple[str, str]]:
    """Find fields, as an expression writes them, and functions that begin so, each with its kind."""
    role: Role = next((role for role in _ROLES if start.startswith(f"{role}.")), "")
    word = start.removeprefix(f"{role}.").removeprefix("`")
    known = fields_of(connection)
    found = []
    for name in names_starting_with(connection, word, _MOST):
        field = known.find(name)
        if field and not (role == "scrap" and not field.scraps) and not (role == "param" and not field.parameters):
            found.append((str(Name(role, name)), " or ".join(sorted(field.kinds)) or "null"))
    found += [(attribute.name, attribute.kind) for attribute in ATTRIBUTES if attribute.name.startswith(start)]
    found += [(f"{name}(", "function") for name in FUNCTIONS if start and name.startswith(start)]
    return found[:_MOST]
