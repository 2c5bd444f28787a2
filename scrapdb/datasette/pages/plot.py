"""The plot of one field or expression against another, over all runs for which an expression holds."""

from __future__ import annotations

import asyncio
import csv
import io
import sqlite3
from typing import Any
from typing import NamedTuple

from datasette.utils.asgi import Response

from scrapdb.datasette.cells import cell
from scrapdb.datasette.charts import drawer
from scrapdb.datasette.charts import plot
from scrapdb.datasette.charts import points
from scrapdb.datasette.displays import PICTURE_HEADERS
from scrapdb.datasette.page import render
from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.formats.values import plain
from scrapdb.query.nodes import Name
from scrapdb.query.select import fields_of
from scrapdb.query.select import select
from scrapdb.store.readers.names import commonest_numbers

_SHOWN = 100
_SECONDS = 20.0  # for all points as CSV
_NAMES = ("x", "y", "color", "where")
_TRIED = 10  # numbers, for a plot of two


class Plot(NamedTuple):
    """What an address asks to plot."""

    axes: points.Axes
    kind: plot.Kind

    @property
    def most(self) -> int:
        """Of how many runs it is made at most."""
        return plot.MOST_COUNTED if self.kind == "histogram" else plot.MOST_POINTS

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of an address that asks for it."""
        return {**self.axes._asdict(), "kind": self.kind}


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot?x=FIELD&y=FIELD&kind=KIND&where=EXPRESSION&color=FIELD`."""
    context: dict[str, Any] = {"given": request.args, "kinds": plot.KINDS, "kind": "", "error": ""}
    try:
        wanted = await _asked(store, request, default=True)
        context |= {"given": wanted.arguments, "kind": wanted.kind, "arguments": wanted.arguments}
        if wanted.axes.x:
            found = await store.ask(lambda connection: points.read(connection, wanted.axes, wanted.most))
            context |= {"points": found, "shown": found.rows[:_SHOWN]}
    except ScrapdbError as error:
        context["error"] = str(error)
    context |= {"can_draw": drawer.is_installed(), "cell": cell}
    return await render(store, request, "plot", context, status=400 if context["error"] else 200)


async def svg(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot.svg?…`, with `theme=dark` on a dark ground."""
    wanted = await _asked(store, request)
    found = await store.ask(lambda connection: points.read(connection, wanted.axes, wanted.most))
    specification = plot.specification(found, wanted.kind, dark=request.args.get("theme") == "dark")
    drawn = await asyncio.to_thread(drawer.svg, specification)
    return Response(drawn, content_type="image/svg+xml", headers=dict(PICTURE_HEADERS))


async def table(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/plot.csv?…` with all points."""
    wanted = await _asked(store, request)
    found = await store.ask(lambda connection: points.read(connection, wanted.axes), seconds=_SECONDS)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["notebook", *found.labels])
    lines.writerows(map(plain, row) for row in found.rows)
    headers = {"Content-Disposition": 'attachment; filename="plot.csv"', "X-Content-Type-Options": "nosniff"}
    return Response(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


async def _asked(store: Store, request: Any, *, default: bool = False) -> Plot:
    """Read what is asked for; by default two numbers that many runs have against each other.

    Raises:
        UsageError: the kind is unknown, or an axis is not said.
    """
    x, y, color, where = ((request.args.get(name) or "").strip() for name in _NAMES)
    kind = request.args.get("kind") or ("scatter" if y or not x else "histogram")
    if not x and default:
        x, *rest = [*(await store.ask(_commonest)), ""]
        y = y or rest[0] if rest and kind != "histogram" else ""
        kind = kind if y or kind == "histogram" else "histogram"
    if kind not in plot.KINDS:
        raise UsageError(f"There is no plot {kind!r}: choose {', '.join(plot.KINDS)}.")
    if kind != "histogram" and x and not y:
        raise UsageError(f"A {kind} needs a field for y.")
    if not x and not default:
        raise UsageError("A plot needs a field for x.")
    histogram = kind == "histogram"
    axes = points.Axes(x, "" if histogram else y, "" if histogram else color, where)
    return Plot(axes, next(known for known in plot.KINDS if known == kind))


def _commonest(connection: sqlite3.Connection) -> list[str]:
    """Find the commonest number, and the commonest other one that a run has too."""
    fields = fields_of(connection)
    first, *others = [str(Name("", name)) for name in commonest_numbers(connection, _TRIED)] or [""]
    for other in others:
        both = f"{first} is not null and {other} is not null"
        if next(iter(select(connection, fields, both, columns="nb.path", limit=1).rows), None):
            return [first, other]
    return [first]
