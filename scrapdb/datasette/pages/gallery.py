"""The gallery: what one scrap showed, across all notebooks for which an expression holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from markupsafe import Markup

from scrapdb.datasette.page import render
from scrapdb.datasette.showing import PICTURES
from scrapdb.datasette.showing import Showing
from scrapdb.datasette.showing import showing
from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import names
from scrapdb.query.parser import parse
from scrapdb.query.parser import parse_sort
from scrapdb.query.select import fields_of
from scrapdb.query.select import ids_condition
from scrapdb.query.select import select
from scrapdb.query.sql.statements import Statement
from scrapdb.store.readers import displays

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_PAGE = 24
_LONGEST = 100_000  # bytes of a display that is not a picture
_LONGEST_NUMBER = 6  # digits
_PATH = Name("nb", "path")


class Question(NamedTuple):
    """What a gallery shows: a scrap, of which notebooks, in which order, and which page, from 1."""

    scrap: str
    where: str
    sort: str
    page: int


class Shown(NamedTuple):
    """One notebook in the gallery: its path, the fields asked for, and its display."""

    path: str
    fields: list[tuple[str, Any]]
    showing: Showing


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/gallery?scrap=NAME&where=EXPRESSION&sort=FIELD&page=NUMBER`."""
    known = await store.ask(displays.displayed_names)
    question = _question(request, known)
    context: dict[str, Any] = {"question": question, "known": known, "shown": [], "more": False, "error": ""}
    try:
        if question.scrap:
            shown = await store.ask(lambda connection: find(connection, question))
            context |= {"shown": shown[:_PAGE], "more": len(shown) > _PAGE}
    except ScrapdbError as error:
        context["error"] = str(error)
    return await render(store, request, "gallery", context, status=400 if context["error"] else 200)


def find(connection: sqlite3.Connection, question: Question) -> list[Shown]:
    """Find the notebooks of a page, and one more if there is a next page.

    Raises:
        ExpressionError: the expression, the sort key or the scrap is wrong.
    """
    named = [name for node in _nodes(question) for name in names(node)]
    shown = [_PATH, *(name for name in dict.fromkeys(named) if name != _PATH and name.name != question.scrap)]
    fields = fields_of(connection)
    ids_condition(connection, fields, [f"{Name('scrap', question.scrap)} is null"], "")  # is there such a scrap?
    selection = select(
        connection,
        fields,
        question.where or None,
        columns=", ".join(map(str, shown)),
        sort=question.sort or None,
        limit=_PAGE + 1,
        offset=(question.page - 1) * _PAGE,
        only=Statement(displays.IS_SHOWN, {"shown": question.scrap}),
    )
    rows = list(selection.rows)
    found = displays.displays_of_name(connection, question.scrap, [row[0] for row in rows])
    labels = selection.labels[1:]
    return [
        Shown(path, list(zip(labels, cells, strict=True)), _showing(connection, found.get(path, {})))
        for path, *cells in rows
    ]


def _nodes(question: Question) -> Iterator[Any]:
    if question.where:
        yield parse(question.where)
    for key in parse_sort(question.sort) if question.sort else ():
        yield key.node


def _showing(connection: sqlite3.Connection, found: dict[str, displays.StoredDisplay]) -> Showing:
    """Choose how to show a display; what is not a picture is read, unless it is too long for a page of many."""
    hashes = {mime: display.hash for mime, display in found.items()}
    content = {}
    if not any(mime in found for mime in PICTURES):
        content = {
            mime: displays.display_content(connection, display)
            for mime, display in found.items()
            if display.size <= _LONGEST
        }
    shown = showing(hashes, content, scripts=False)
    return shown._replace(frame=_lazily(shown.frame)) if shown.frame else shown


def _lazily(frame: Markup) -> Markup:
    """Load a frame only when it is unfolded."""
    return Markup(str(frame).replace("<iframe ", '<iframe loading="lazy" ', 1))  # noqa: S704 - was escaped before


def _question(request: Any, known: list[str]) -> Question:
    page = request.args.get("page") or ""
    return Question(
        request.args.get("scrap") or next(iter(known), ""),
        (request.args.get("where") or "").strip(),
        (request.args.get("sort") or "").strip(),
        max(1, int(page)) if page.isdecimal() and len(page) <= _LONGEST_NUMBER else 1,
    )
