"""The plot of one field or expression against another, over all runs for which an expression holds."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import get_args

from datasette.utils.asgi import Response

from scrapdb.charts import drawer
from scrapdb.charts import plot
from scrapdb.charts import points
from scrapdb.datasette import page
from scrapdb.datasette.cells import cell
from scrapdb.datasette.pages.display import PICTURE_HEADERS
from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.formats.html import SVG
from scrapdb.formats.values import plain
from scrapdb.query.nodes import Name
from scrapdb.query.select import fields_of
from scrapdb.query.select import select
from scrapdb.store.readers.names import commonest_numbers

_SHOWN = 100
_SECONDS = 20.0  # for all points as CSV
_TRIED = 10  # numbers, for a plot of two


class Question(NamedTuple):
    """What an address asks: expressions for the axes, for which notebooks, how drawn and on which ground."""

    x: page.Typed = ""
    y: page.Typed = ""
    color: page.Typed = ""
    where: page.Typed = ""
    kind: plot.PlotKind | None = None
    theme: Literal["light", "dark"] = "light"

    @property
    def axes(self) -> points.Axes:
        """What is drawn for which notebooks."""
        return points.Axes(self.x, self.y, self.color, self.where)

    @property
    def most(self) -> int:
        """Of how many runs the plot is made at most."""
        return plot.MOST_COUNTED if self.kind == "histogram" else plot.MOST_POINTS

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of an address that asks for the plot."""
        return {**self.axes._asdict(), "kind": self.kind or ""}


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot?x=FIELD&y=FIELD&kind=KIND&where=EXPRESSION&color=FIELD`."""
    question = page.read(request, Question)
    read_points, error = None, ""
    try:
        question = _plot(question if question.x else _with_axes(question, await store.ask(_commonest)))
        if question.x:
            read_points = await store.ask(lambda connection: points.read(connection, question.axes, question.most))
    except ScrapdbError as wrong:
        error = str(wrong)
    context = {
        "arguments": question.arguments,  # which ask for the page again
        "kind": question.kind or "",
        "points": read_points,
        "rows": read_points.rows[:_SHOWN] if read_points else (),
        "error": error,
        "can_draw": drawer.is_installed(),
        "kinds": get_args(plot.PlotKind),
        "cell": cell,
    }
    return await page.render(store, request, "plot", context, status=400 if error else 200)


async def svg(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot.svg?…`, with `theme=dark` on a dark ground."""
    drawn = _drawn(page.read(request, Question))
    read_points = await store.ask(lambda connection: points.read(connection, drawn.axes, drawn.most))
    specification = plot.specification(read_points, drawn.kind or "scatter", dark=drawn.theme == "dark")
    picture = await asyncio.to_thread(drawer.svg, specification)
    return Response(picture, content_type=SVG, headers=dict(PICTURE_HEADERS))


async def table(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot.csv?…` with all points."""
    drawn = _drawn(page.read(request, Question))
    read_points = await store.ask(lambda connection: points.read(connection, drawn.axes), seconds=_SECONDS)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["notebook", *read_points.labels])
    lines.writerows(map(plain, row) for row in read_points.rows)
    headers = {"Content-Disposition": 'attachment; filename="plot.csv"', "X-Content-Type-Options": "nosniff"}
    return Response(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _drawn(question: Question) -> Question:
    """Return the question for a plot, if it says what to draw."""
    if not question.x:
        raise UsageError("A plot needs a field for x.")
    return _plot(question)


def _plot(question: Question) -> Question:
    """Return a question with the kind of its plot: a histogram has one axis, and the others two."""
    kind = question.kind or ("scatter" if question.y or not question.x else "histogram")
    if kind == "histogram":
        return question._replace(y="", color="", kind=kind)
    if question.x and not question.y:
        raise UsageError(f"A {kind} needs a field for y.")
    return question._replace(kind=kind)


def _with_axes(question: Question, fields: Sequence[str]) -> Question:
    """Ask for two numbers that many runs have against each other; for a histogram if there is only one."""
    x, *others = [*fields, ""]
    y = question.y or others[0] if others else ""
    return question._replace(x=x, y=y, kind=question.kind if y else "histogram")


def _commonest(connection: sqlite3.Connection) -> list[str]:
    """Find the commonest number, and the commonest other one that a run has too."""
    fields = fields_of(connection)
    first, *others = [str(Name("", name)) for name in commonest_numbers(connection, _TRIED)] or [""]
    for other in others:
        both = f"{first} is not null and {other} is not null"
        if next(iter(select(connection, fields, both, columns="nb.path", limit=1).rows), None):
            return [first, other]
    return [first]
