"""How plots are drawn: the options of every command that draws one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

import typer
from typer._types import TyperChoice

from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.charts.drawn import Plot

_FORMATS = ("text", "svg", "png", "html", "json")
_SUFFIXES = {"txt": "text", **{name: name for name in _FORMATS[1:]}}
_THEMES = ("light", "dark")
_WIDTH, _HEIGHT = 80, 24  # columns and lines where no terminal is


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


def write(plot: Plot, picture: Picture, say: Callable[[str], None]) -> None:
    """Write a plot as it was asked for, and tell what a picture does not.

    Args:
        plot: the plot.
        picture: what becomes of it.
        say: is told in sentences.
    """
    format_ = picture.resolved()
    if format_ == "text":
        _write_text(plot, picture)
    else:
        _write(plot, format_, picture)
    for remark in plot.remarks:
        say(remark)


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
        print_text(plot.text(columns, lines, ascii=picture.output is None and not is_wide()), picture.output)
        return
    terminal = shutil.get_terminal_size((_WIDTH, _HEIGHT))
    columns = picture.width or max(terminal.columns, NARROWEST)
    lines = picture.height or max(min(terminal.lines - 1, _HEIGHT), LOWEST)
    is_colored = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    with text_stream(None):  # which lets the terminal have what its encoding has not
        sys.stdout.write(plot.text(columns, lines, colored=is_colored, ascii=not is_wide()))


def is_wide() -> bool:
    """Return whether standard output can have characters beyond ASCII that draw."""
    try:
        "⣿█░│┤└┬─".encode(sys.stdout.encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
