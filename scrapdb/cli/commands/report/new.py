"""scrapdb report new: begin a bundle."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from scrapdb.cli.options import Settings

# What to type next, and why.
_NEXT = {
    "scrapdb report build {}": "make its report, into reports/",
    "scrapdb report preview {}": "see it in a browser, again on every save",
    "scrapdb report check {}": "say what is wrong with it",
    "scrapdb report translate update {} --lang es": "begin another language",
}


def command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", hidden=True)],
    *,
    settings: Settings,
) -> None:
    """Begin a bundle in DIR: notebook, template and config.json of a report that works at once, in two languages."""
    from scrapdb.reporting.bundles import new

    files = new.begin(directory)
    settings.say(f"{len(files)} files → {directory}. Change report.ipynb, template.html and config.json to yours.")
    typed = {command.format(quote(str(directory))): why for command, why in _NEXT.items()}
    for command, why in typed.items():
        settings.say(f"  {command:<{max(map(len, typed))}}  # {why}")
