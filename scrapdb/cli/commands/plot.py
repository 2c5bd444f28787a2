"""scrapdb plot: one field or expression against another, as a picture or with characters."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

import typer
from typer._types import TyperChoice

from scrapdb.cli import options
from scrapdb.cli.looking_back import Versions
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.charts.drawn import Plot

_FORMATS = ("text", "svg", "png", "html", "json")
_SUFFIXES = {"txt": "text", **{name: name for name in _FORMATS[1:]}}
_KINDS = ("scatter", "line", "histogram")
_THEMES = ("light", "dark")
_MOST = 200_000  # runs that are drawn with characters
_WIDTH, _HEIGHT = 80, 24  # columns and lines where no terminal is
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


class Picture(NamedTuple):
    """What becomes of it."""

    theme: Annotated[
        str,
        typer.Option(
            click_type=TyperChoice(_THEMES), metavar=f"[{'|'.join(_THEMES)}]", help="The ground of pictures and pages."
        ),
    ] = "light"
    width: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Pixels, 100 to 4,000; of characters, columns.")
    ] = None
    height: Annotated[int | None, typer.Option(min=1, metavar="N", help="Likewise; of characters, lines.")] = None
    format: Annotated[
        str | None,
        typer.Option(
            "-f",
            "--format",
            click_type=TyperChoice(_FORMATS),
            metavar=f"[{'|'.join(_FORMATS)}]",
            help="What to print or write.  [default: by the file's suffix, else text]",
        ),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", dir_okay=False, help="Write a .svg, .png, .html, .json or .txt."
        ),
    ] = None

    def resolved(self) -> str:
        """Return the format that was asked for, else what the file's suffix says, or characters.

        Raises:
            UsageError: the suffix says nothing.
        """
        if self.format or self.output is None:
            return self.format or "text"
        suffix = self.output.suffix.lstrip(".").lower()
        if suffix not in _SUFFIXES:
            name = self.output.name
            raise UsageError(f"{name} does not end in .svg, .png, .html, .json or .txt; say with -f what it holds.")
        return _SUFFIXES[suffix]


def command(
    expression: Annotated[
        str | None, typer.Argument(metavar="[EXPR]", hidden=True, autocompletion=options.field_names)
    ] = None,
    *,
    axes: Axes,
    past: Versions,
    picture: Picture,
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
    format_ = picture.resolved()
    db = past.database(settings)
    plot = db.plot(expression, *axes, most=_MOST if format_ == "text" else None)  # type: ignore[arg-type]
    if format_ == "text":
        _write_text(plot, picture)
    else:
        _write(plot, format_, picture)
    for remark in plot.remarks:
        settings.say(remark)
    settings.remark(db, expression, columns=", ".join(filter(None, axes[:3])) or None)


def _write(plot: Plot, format_: str, picture: Picture) -> None:
    from scrapdb.formats.streams import binary_stream
    from scrapdb.formats.streams import print_text

    drawn: dict[str, Any] = {"theme": picture.theme, "width": picture.width, "height": picture.height}
    if format_ != "png":
        print_text(getattr(plot, format_)(**drawn), picture.output)
        return
    png = plot.png(**drawn)
    with binary_stream(picture.output) as stream:
        stream.write(png)


def _write_text(plot: Plot, picture: Picture) -> None:
    """Draw with characters: on a terminal as it is, elsewhere without colours."""
    from scrapdb.charts.characters import LOWEST
    from scrapdb.charts.characters import NARROWEST
    from scrapdb.formats.streams import print_text
    from scrapdb.formats.streams import text_stream

    if picture.output is not None or not sys.stdout.isatty():
        columns, lines = picture.width or _WIDTH, picture.height or _HEIGHT
        print_text(plot.text(columns, lines, ascii=picture.output is None and not _is_wide()), picture.output)
        return
    terminal = shutil.get_terminal_size((_WIDTH, _HEIGHT))
    columns = picture.width or max(terminal.columns, NARROWEST)
    lines = picture.height or max(min(terminal.lines - 1, _HEIGHT), LOWEST)
    is_colored = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    with text_stream(None):  # which lets the terminal have what its encoding has not
        sys.stdout.write(plot.text(columns, lines, colored=is_colored, ascii=not _is_wide()))


def _is_wide() -> bool:
    """Return whether standard output can have characters beyond ASCII that draw."""
    try:
        "⣿█░│┤└┬─".encode(sys.stdout.encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
