"""The plot of one field or expression against another, over all runs for which an expression holds."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from collections.abc import Callable
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import get_args

from datasette.utils.asgi import Response

from scrapdb.charts import drawer
from scrapdb.charts import plot
from scrapdb.charts import points
from scrapdb.charts.asked import Asked
from scrapdb.charts.asked import completed
from scrapdb.charts.asked import with_axes
from scrapdb.charts.drawn import Plot
from scrapdb.charts.drawn import Theme
from scrapdb.charts.pages import SHOWN
from scrapdb.datasette import page
from scrapdb.datasette.cells import cell
from scrapdb.datasette.pages.display import PICTURE_HEADERS
from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.formats.html import SVG
from scrapdb.formats.values import plain
from scrapdb.query.nodes import Name
from scrapdb.store.readers import versions

_SECONDS = 20.0  # for all points as CSV
_SINCE, _PATH = str(Name("nb", "since")), str(Name("nb", "path"))


class Question(NamedTuple):
    """What an address asks: expressions for the axes, for which notebooks, how drawn and on which ground.

    With `versions` every version of a notebook is a point, or of those at some paths only.
    """

    x: page.Typed = ""
    y: page.Typed = ""
    color: page.Typed = ""
    where: page.Typed = ""
    kind: plot.PlotKind | None = None
    theme: Theme = "light"
    versions: Literal["0", "1"] = "0"
    path: tuple[str, ...] = ()

    @property
    def asked(self) -> Asked:
        """What is drawn for which notebooks, and how."""
        return Asked(points.Axes(self.x, self.y, self.color, self.where), self.kind)

    def asking(self, store: Store) -> Callable[..., Any]:
        """Return what asks the store: as it is, or looking back."""
        return store.look_back if self.versions == "1" else store.ask

    def read(self, connection: sqlite3.Connection, axes: points.Axes, most: int | None = None) -> points.Points:
        """Read the points, of a connection that `asking` gave."""
        is_of_some = self.versions == "1" and self.path
        among = versions.ids_of(connection, self.path, plot.MOST_POINTS) if is_of_some else None
        return points.read(connection, axes, most, among)


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot?x=FIELD&y=FIELD&kind=KIND&where=EXPRESSION&color=FIELD&versions=1&path=PATH`."""
    question = page.read(request, Question)
    asked, ask = question.asked, question.asking(store)
    has_versions = await store.ask(versions.are_there)
    drawn, error = None, ""
    try:
        asked = completed(await ask(lambda connection: with_axes(connection, asked)))
        if asked.axes.x:
            read_points = await ask(lambda connection: question.read(connection, asked.axes, asked.most))
            drawn = Plot(read_points, asked.kind or "scatter")
    except ScrapdbError as wrong:
        error = str(wrong)
    over_time = {"x": _SINCE, "y": asked.axes.y or asked.axes.x, "color": asked.axes.color or _PATH, "versions": "1"}
    is_back = question.versions == "1"
    arguments = {**asked.axes._asdict(), "kind": asked.kind or ""}  # which ask for the page again
    context = {
        "arguments": {**arguments, "versions": "1" if is_back else "", "path": question.path if is_back else ()},
        "over_time": {**arguments, **over_time, "kind": "line"} if has_versions and asked.axes.x != _SINCE else {},
        "has_versions": has_versions,
        "is_back": is_back,
        "kind": asked.kind or "",
        "plot": drawn,
        "rows": drawn.points.rows[:SHOWN] if drawn else (),
        "error": error,
        "can_draw": drawer.is_installed(),
        "kinds": get_args(plot.PlotKind),
        "cell": cell,
    }
    return await page.render(store, request, "plot", context, status=400 if error else 200)


async def svg(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot.svg?…`, with `theme=dark` on a dark ground."""
    question = page.read(request, Question)
    asked = _with_x(question)
    read_points = await question.asking(store)(lambda connection: question.read(connection, asked.axes, asked.most))
    specification = Plot(read_points, asked.kind or "scatter").specification(theme=question.theme)
    picture = await asyncio.to_thread(drawer.svg, specification)
    return Response(picture, content_type=SVG, headers=dict(PICTURE_HEADERS))


async def table(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot.csv?…` with all points."""
    question = page.read(request, Question)
    axes = _with_x(question).axes
    read_points = await question.asking(store)(lambda connection: question.read(connection, axes), seconds=_SECONDS)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["notebook", *read_points.labels])
    lines.writerows(map(plain, row) for row in read_points.rows)
    headers = {"Content-Disposition": 'attachment; filename="plot.csv"', "X-Content-Type-Options": "nosniff"}
    return Response(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _with_x(question: Question) -> Asked:
    """Return what is asked for, if it says what to draw."""
    if not question.x:
        raise UsageError("A plot needs a field for x.")
    return completed(question.asked)
