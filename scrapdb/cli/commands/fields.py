"""scrapdb fields: every name that an expression can use."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.looking_back import Versions
from scrapdb.cli.options import Settings
from scrapdb.cli.printing import Printing


def command(
    *,
    everything: Annotated[bool, typer.Option("--all", help="The attributes of notebooks (nb.status, …) too.")] = False,
    past: Versions,
    printing: Printing,
    settings: Settings,
) -> None:
    """List every scrap and parameter: its type, in how many notebooks it is, its range or some examples."""
    printing.print_rows(past.database(settings).fields(attributes=everything), settings.say)
