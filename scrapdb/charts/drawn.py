"""A plot with its points, and what it can become: SVG, PNG, a page, a specification, characters; it shows itself."""

from __future__ import annotations

import json
import sqlite3
from typing import Any
from typing import Literal
from typing import NamedTuple

from scrapdb.charts import characters
from scrapdb.charts import drawer
from scrapdb.charts import pages
from scrapdb.charts import plot
from scrapdb.charts import points
from scrapdb.charts.asked import Asked
from scrapdb.charts.asked import completed
from scrapdb.charts.asked import with_axes
from scrapdb.errors import UsageError
from scrapdb.formats.html import SVG

Theme = Literal["light", "dark"]
SMALLEST, LARGEST = 100, 4000  # pixels of a side
_VEGA_LITE = "application/vnd.vegalite.v5+json"


class Plot(NamedTuple):
    """A plot: its points, and how they are drawn. Sizes are in pixels, of characters in columns and lines."""

    points: points.Points
    kind: plot.PlotKind

    def __repr__(self) -> str:
        return f"<Plot {self.title}: {self.kind} of {len(self.points.rows):,} runs>"

    @property
    def title(self) -> str:
        """What is drawn."""
        return " against ".join(reversed(self.points.labels[:2]))

    @property
    def alternative(self) -> str:
        """What the picture shows, in a sentence for who does not see it."""
        runs = f"{len(self.points.rows):,} runs"
        return f"{self.kind.capitalize()} of {self.title} for {runs}; the values are in the table below"

    @property
    def remarks(self) -> list[str]:
        """Sentences on what a picture does not tell: which runs are not in it, and texts that are no numbers."""
        labels, scales, rows = self.points[:3]
        told = [self.points.summary] if not rows or self.points.left_out or self.points.chosen_from else []
        if rows and len(labels) > 1 and scales[1] == "nominal" and any(isinstance(row[2], str) for row in rows):
            told.append(f"{labels[1]} is text, no number: its values are drawn as categories.")
        return told

    def specification(
        self, *, theme: Theme = "light", width: int | None = None, height: int | None = None
    ) -> dict[str, Any]:
        """Return the Vega-Lite specification, with its data."""
        for side in (width, height):
            if side is not None and not SMALLEST <= side <= LARGEST:
                raise UsageError(f"A side of a picture has {SMALLEST} to {LARGEST:,} pixels, not {side:,}.")
        return plot.specification(self.points, self.kind, dark=theme == "dark", width=width, height=height)

    def json(self, **drawn: Any) -> str:
        """Return the specification as text. Arguments and errors are those of `specification`."""
        return f"{json.dumps(self.specification(**drawn), ensure_ascii=False, indent=1)}\n"

    def svg(self, **drawn: Any) -> str:
        """Draw it as SVG; vl-convert-python does.

        Arguments and errors are those of `specification`, and ScrapdbError if it cannot be drawn.
        """
        return drawer.svg(self.specification(**drawn)).decode()

    def png(self, **drawn: Any) -> bytes:
        """Draw it as PNG. Arguments and errors are those of `svg`."""
        return drawer.png(self.specification(**drawn))

    def html(self, *, theme: Theme = "light", **drawn: Any) -> str:
        """Make a page of it that loads nothing, with a table of points. Arguments and errors are those of `svg`."""
        svg = self.svg(theme=theme, **drawn)
        return pages.page(self.points, self.title, self.alternative, svg, dark=theme == "dark")

    def text(self, width: int = 80, height: int = 22, *, colored: bool = False, ascii: bool = False) -> str:  # noqa: A002
        """Draw it with characters; plotille does.

        Args:
            width: columns of the terminal.
            height: lines.
            colored: whether it has colours, if standard output is a terminal; otherwise letters are in their place.
            ascii: whether its lines are of ASCII alone.

        Raises:
            UsageError: there is too little room.
            ScrapdbError: plotille is not installed.
        """
        return characters.drawn(self.specification(), characters.Room(width, height, colored, ascii))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude
        bundle = {_VEGA_LITE: self.specification(), "text/plain": repr(self)}
        return bundle | ({SVG: self.svg()} if drawer.is_installed() else {})


def read(connection: sqlite3.Connection, asked: Asked, most: int | None = None) -> Plot:
    """Read the points of a plot.

    Args:
        connection: the store.
        asked: what is drawn; without x, two numbers that many runs have.
        most: of how many runs, if not of as many as its kind has at most.

    Raises:
        ExpressionError: an axis or the expression is wrong.
        UsageError: axes do not make such a plot, or there is nothing to choose for x.
    """
    chosen = with_axes(connection, asked)
    if not chosen.axes.x:
        raise UsageError("No notebook has a number to plot yet: name a field for x.")
    whole = completed(chosen)
    if (whole.axes.y, whole.axes.color) != (chosen.axes.y, chosen.axes.color):
        raise UsageError("A histogram counts the runs over x alone: leave out y and color, or name another kind.")
    return Plot(points.read(connection, whole.axes, most or whole.most), whole.kind or "scatter")
