"""The gallery: what one scrap showed, across all notebooks for which an expression holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

from scrapdb.datasette.displays import Shown
from scrapdb.datasette.displays import picture
from scrapdb.datasette.displays import show
from scrapdb.datasette.page import Typed
from scrapdb.datasette.page import read
from scrapdb.datasette.page import render
from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.query import select
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import names as names_in
from scrapdb.query.parser import parse
from scrapdb.query.parser import parse_sort
from scrapdb.query.sql.statements import Statement
from scrapdb.store.readers import displays
from scrapdb.text import composed

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_PAGE = 24
_LONGEST = 100_000  # bytes of a display that is not a picture
_PATH = Name("nb", "path")


class Question(NamedTuple):
    """What an address asks: a scrap, of which notebooks, in which order, and which page, from 1."""

    scrap: str = ""
    where: Typed = ""
    sort: Typed = ""
    page: Annotated[int, range(1, 10**6)] = 1


class Entry(NamedTuple):
    """One notebook in the gallery: its path, the fields asked for, and its display."""

    path: str
    fields: list[tuple[str, Any]]
    display: Shown


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/gallery?scrap=NAME&where=EXPRESSION&sort=FIELD&page=NUMBER`."""
    question = read(request, Question)
    names = await store.ask(displays.displayed_names)
    question = question._replace(scrap=composed(question.scrap) or next(iter(names), ""))
    entries, error = [], ""
    try:
        if question.scrap:
            entries = await store.ask(lambda connection: find(connection, question))
    except ScrapdbError as wrong:
        error = str(wrong)
    context = {
        "question": question,
        "names": names,
        "entries": entries[:_PAGE],
        "has_more": len(entries) > _PAGE,
        "error": error,
    }
    return await render(store, request, "gallery", context, status=400 if error else 200)


def find(connection: sqlite3.Connection, question: Question) -> list[Entry]:
    """Find the notebooks of a page, and one more if there is a next page.

    Raises:
        ExpressionError: the expression, the sort key or the scrap is wrong.
    """
    named = dict.fromkeys(name for node in _nodes(question) for name in names_in(node))
    columns = [_PATH, *(name for name in named if name != _PATH and name.name != question.scrap)]
    fields = select.fields_of(connection)
    select.check(fields, f"{Name('scrap', question.scrap)} is null")  # is there such a scrap?
    selection = select.select(
        connection,
        fields,
        question.where or None,
        columns=", ".join(map(str, columns)),
        sort=question.sort or None,
        limit=_PAGE + 1,
        offset=(question.page - 1) * _PAGE,
        only=Statement(displays.IS_SHOWN, {"shown": question.scrap}),
    )
    rows = list(selection.rows)
    by_path = displays.displays_of_name(connection, question.scrap, [row[0] for row in rows])
    labels = selection.labels[1:]
    return [
        Entry(path, list(zip(labels, cells, strict=True)), _shown(connection, by_path.get(path, {})))
        for path, *cells in rows
    ]


def _nodes(question: Question) -> Iterator[Any]:
    if question.where:
        yield parse(question.where)
    for key in parse_sort(question.sort) if question.sort else ():
        yield key.node


def _shown(connection: sqlite3.Connection, by_mime: dict[str, displays.StoredDisplay]) -> Shown:
    """Choose how to show a display; what is not a picture is read, unless it is too long for a page of many."""
    hashes = {mime: display.hash for mime, display in by_mime.items()}
    if picture(hashes):
        return show(hashes, {})
    short = {mime: display for mime, display in by_mime.items() if display.size <= _LONGEST}
    content = {mime: displays.display_content(connection, display) for mime, display in short.items()}
    return show(hashes, content, lazy=True)
