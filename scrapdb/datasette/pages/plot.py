"""The plot of one field or expression against another, over all runs for which an expression holds."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import get_args

from datasette.utils.asgi import Response
from markupsafe import Markup

from scrapdb.datasette import page
from scrapdb.datasette.cells import cell
from scrapdb.datasette.charts import drawer
from scrapdb.datasette.charts import plot
from scrapdb.datasette.charts import points
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


class Plot(NamedTuple):
    """What is drawn for a question; nothing if there is no x."""

    axes: points.Axes
    kind: plot.PlotKind

    @property
    def most(self) -> int:
        """Of how many runs it is made at most."""
        return plot.MOST_COUNTED if self.kind == "histogram" else plot.MOST_POINTS

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of an address that asks for it."""
        return {**self.axes._asdict(), "kind": self.kind}


class Context(NamedTuple):
    """What the page shows: `arguments` ask for it again, and of the points `rows` are the first."""

    arguments: dict[str, str]
    kind: str
    points: points.Points | None
    rows: Sequence[tuple[Any, ...]]
    error: str
    can_draw: bool
    kinds: tuple[str, ...] = get_args(plot.PlotKind)
    cell: Callable[..., Markup | None] = cell


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot?x=FIELD&y=FIELD&kind=KIND&where=EXPRESSION&color=FIELD`."""
    question = page.read(request, Question)
    arguments = {name: value or "" for name, value in question._asdict().items() if name != "theme"}
    read_points, error = None, ""
    try:
        drawn = _plot(question if question.x else _with_axes(question, await store.ask(_commonest)))
        arguments = drawn.arguments
        if drawn.axes.x:
            read_points = await store.ask(lambda connection: points.read(connection, drawn.axes, drawn.most))
    except ScrapdbError as wrong:
        error = str(wrong)
    rows = read_points.rows[:_SHOWN] if read_points else ()
    context = Context(arguments, arguments["kind"], read_points, rows, error, drawer.is_installed())
    return await page.render(store, request, "plot", context._asdict(), status=400 if error else 200)


async def svg(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot.svg?…`, with `theme=dark` on a dark ground."""
    question = page.read(request, Question)
    drawn = _drawn(question)
    read_points = await store.ask(lambda connection: points.read(connection, drawn.axes, drawn.most))
    specification = plot.specification(read_points, drawn.kind, dark=question.theme == "dark")
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


def _drawn(question: Question) -> Plot:
    """Return the plot of a question that says what to draw.

    Raises:
        UsageError: an axis is not said.
    """
    if not question.x:
        raise UsageError("A plot needs a field for x.")
    return _plot(question)


def _plot(question: Question) -> Plot:
    """Return the plot of a question: a histogram has one axis.

    Raises:
        UsageError: y is not said.
    """
    x, y, color, where, kind, _ = question
    kind = kind or ("scatter" if y or not x else "histogram")
    if kind == "histogram":
        return Plot(points.Axes(x, "", "", where), kind)
    if x and not y:
        raise UsageError(f"A {kind} needs a field for y.")
    return Plot(points.Axes(x, y, color, where), kind)


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
