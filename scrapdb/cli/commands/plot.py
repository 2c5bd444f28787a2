"""scrapdb plot: one field or expression against another, as a picture or with characters."""

from __future__ import annotations

from typing import Annotated
from typing import NamedTuple

import typer
from typer._types import TyperChoice

from scrapdb.cli import drawing
from scrapdb.cli import options
from scrapdb.cli.looking_back import Versions

_KINDS = ("scatter", "line", "histogram")
_MOST = 200_000  # runs that are drawn with characters
_axis = {"metavar": "EXPR", "autocompletion": options.field_names}


class Axes(NamedTuple):
    """What is drawn, and how, as the page's parameters are called."""

    x: Annotated[str | None, typer.Option("-x", **_axis, help="A field or expression.  [default: a number]")] = None
    y: Annotated[str | None, typer.Option("-y", **_axis, help="Another; without it runs are counted.")] = None
    color: Annotated[str | None, typer.Option(**_axis, help="What the colour of a point tells.")] = None
    kind: Annotated[
        str | None,
        typer.Option(
            click_type=TyperChoice(_KINDS),
            metavar=f"[{'|'.join(_KINDS)}]",
            help="How to draw.  [default: scatter, histogram without -y]",
        ),
    ] = None


def command(
    expression: Annotated[
        str | None, typer.Argument(metavar="[EXPR]", hidden=True, autocompletion=options.field_names)
    ] = None,
    *,
    axes: Axes,
    past: Versions,
    picture: drawing.Picture,
    settings: options.Settings,
) -> None:
    """Draw one field or expression against another, over the notebooks for which EXPR holds, or all of them.

    Without -o it is drawn with characters: on a terminal as wide as it is, with colours unless NO_COLOR is set or TERM
    is dumb; elsewhere 80 columns wide, with letters in place of colours. Where the output is not UTF-8 all of it is
    ASCII. `-f json` is the Vega-Lite specification with its data, html a page that loads nothing.

    \b
    scrapdb plot "distance < 0.5" -x length -y distance --color sector
    scrapdb plot -x nb.started_at -y "distance * 100 as percent" -o distance.svg
    scrapdb plot -x distance -o distances.png --width 1200 --height 600
    """
    is_text = picture.resolved() == "text"
    db = past.database(settings)
    plot = db.plot(expression, *axes, most=_MOST if is_text else None)  # type: ignore[arg-type]
    drawing.write(plot, picture, settings.say)
    settings.remark(db, expression, columns=", ".join(filter(None, axes[:3])) or None)
