"""scrapdb fields: every name that an expression can use."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.printing import Printing


def command(
    *,
    everything: Annotated[bool, typer.Option("--all", help="The attributes of notebooks (nb.status, …) too.")] = False,
    printing: Printing,
    settings: Settings,
) -> None:
    """List every scrap and parameter: its type, in how many notebooks it is, its range or some examples."""
    printing.print_rows(settings.database().fields(attributes=everything), settings.say)
