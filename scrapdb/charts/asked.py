"""What a plot is asked for: its axes, of which notebooks, and how it is drawn; and what of that goes without saying."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple
from typing import get_args

from scrapdb.charts import plot
from scrapdb.charts.points import Axes
from scrapdb.errors import UsageError
from scrapdb.query.nodes import Name
from scrapdb.query.select import fields_of
from scrapdb.query.select import select
from scrapdb.store.past import is_every_version
from scrapdb.store.readers.names import commonest_numbers

_TIME = "nb.since"
_TRIED = 10  # numbers, for a plot of two


class Asked(NamedTuple):
    """Axes for some notebooks, and a kind, if it is said."""

    axes: Axes
    kind: plot.PlotKind | None = None

    @property
    def most(self) -> int:
        """Of how many runs the plot is made at most."""
        return plot.MOST_COUNTED if self.kind == "histogram" else plot.MOST_POINTS


def completed(asked: Asked) -> Asked:
    """Return what is asked for with the kind of its plot: a histogram has one axis, and the others two.

    Raises:
        UsageError: an axis is missing, or there is no such kind.
    """
    axes = asked.axes
    if asked.kind and asked.kind not in get_args(plot.PlotKind):
        raise UsageError(f"A plot is a {', '.join(get_args(plot.PlotKind))}, and no {asked.kind!r}.")
    kind = asked.kind or ("scatter" if axes.y or not axes.x else "histogram")
    if kind == "histogram":
        return Asked(axes._replace(y="", color=""), kind)
    if axes.x and not axes.y:
        raise UsageError(f"A {kind} needs a field for y.")
    return Asked(axes, kind)


def with_axes(connection: sqlite3.Connection, asked: Asked) -> Asked:
    """Ask for two numbers that many runs have against each other, if nothing is said of x; for one if that is all.

    Of versions it is one number over time.
    """
    if asked.axes.x:
        return asked
    if is_every_version(connection) and asked.kind != "histogram":
        names = [str(Name("", name)) for name in commonest_numbers(connection, 1)]
        return Asked(asked.axes._replace(x=_TIME, y=asked.axes.y or "".join(names)), asked.kind)
    x, *others = [*_commonest(connection), ""]
    y = asked.axes.y or others[0] if others else ""
    return Asked(asked.axes._replace(x=x, y=y), asked.kind if y else "histogram")


def _commonest(connection: sqlite3.Connection) -> Sequence[str]:
    """Find the commonest number, and the commonest other one that a run has too."""
    fields = fields_of(connection)
    first, *others = [str(Name("", name)) for name in commonest_numbers(connection, _TRIED)] or [""]
    for other in others:
        both = f"{first} is not null and {other} is not null"
        if next(iter(select(connection, fields, both, columns="nb.path", limit=1).rows), None):
            return [first, other]
    return [first]
