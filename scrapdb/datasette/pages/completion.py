"""What the expression box asks while one types: the fields that begin so, and what is wrong with an expression."""

from __future__ import annotations

import sqlite3
from typing import Annotated
from typing import Any
from typing import NamedTuple

from datasette.utils.asgi import Response

from scrapdb.datasette import page
from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.query import select
from scrapdb.query.fields import ATTRIBUTES
from scrapdb.query.functions import FUNCTIONS
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import Role
from scrapdb.store.readers.names import names_starting_with

_MOST = 20
_ROLES: tuple[Role, ...] = ("scrap", "param")


class Question(NamedTuple):
    """What an address asks: how a field begins, or what is wrong with expressions."""

    start: str = ""
    expressions: Annotated[tuple[str, ...], "_scrap"] = ()


async def fields(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/fields.json?start=TEXT`: what can stand in an expression and begins so."""
    start = page.read(request, Question).start
    words = await store.ask(lambda connection: beginning(connection, start))
    return Response.json({"fields": [{"text": text, "kind": kind} for text, kind in words]})


async def check(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/check.json?_scrap=EXPRESSION`: the error with its place, or that there is none."""
    expressions = page.read(request, Question).expressions
    try:
        await store.ask(lambda connection: select.check(select.fields_of(connection), expressions))
    except ScrapdbError as error:
        return Response.json({"ok": False, "error": str(error)})
    return Response.json({"ok": True, "error": None})


def beginning(connection: sqlite3.Connection, start: str) -> list[tuple[str, str]]:
    """Find fields, as an expression writes them, and functions that begin so, each with its kind."""
    role: Role = next((role for role in _ROLES if start.startswith(f"{role}.")), "")
    prefix = start.removeprefix(f"{role}.").removeprefix("`")
    fields_ = select.fields_of(connection)
    words = []
    for name in names_starting_with(connection, prefix, _MOST):
        field = fields_.find(name)
        if field and not (role == "scrap" and not field.scraps) and not (role == "param" and not field.parameters):
            words.append((str(Name(role, name)), " or ".join(sorted(field.kinds)) or min(field.types)))
    taken = {word for word, _ in words}
    words += [
        (attribute.name, attribute.kind)
        for attribute in ATTRIBUTES
        if attribute.name.startswith(start) and attribute.name not in taken
    ]
    words += [(f"{name}(", "function") for name in FUNCTIONS if start and name.startswith(start)]
    return words[:_MOST]
