"""The plot of one field or expression against another, over all runs for which an expression holds."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any
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

_SECONDS = 20.0  # for all points as CSV


class Question(NamedTuple):
    """What an address asks: expressions for the axes, for which notebooks, how drawn and on which ground."""

    x: page.Typed = ""
    y: page.Typed = ""
    color: page.Typed = ""
    where: page.Typed = ""
    kind: plot.PlotKind | None = None
    theme: Theme = "light"

    @property
    def asked(self) -> Asked:
        """What is drawn for which notebooks, and how."""
        return Asked(points.Axes(self.x, self.y, self.color, self.where), self.kind)


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot?x=FIELD&y=FIELD&kind=KIND&where=EXPRESSION&color=FIELD`."""
    asked = page.read(request, Question).asked
    drawn, error = None, ""
    try:
        asked = completed(await store.ask(lambda connection: with_axes(connection, asked)))
        if asked.axes.x:
            read_points = await store.ask(lambda connection: points.read(connection, asked.axes, asked.most))
            drawn = Plot(read_points, asked.kind or "scatter")
    except ScrapdbError as wrong:
        error = str(wrong)
    context = {
        "arguments": {**asked.axes._asdict(), "kind": asked.kind or ""},  # which ask for the page again
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
    read_points = await store.ask(lambda connection: points.read(connection, asked.axes, asked.most))
    specification = Plot(read_points, asked.kind or "scatter").specification(theme=question.theme)
    picture = await asyncio.to_thread(drawer.svg, specification)
    return Response(picture, content_type=SVG, headers=dict(PICTURE_HEADERS))


async def table(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot.csv?…` with all points."""
    asked = _with_x(page.read(request, Question))
    read_points = await store.ask(lambda connection: points.read(connection, asked.axes), seconds=_SECONDS)
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
