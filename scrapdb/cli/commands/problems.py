"""scrapdb problems: what could not be read."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.printing import Printing
from scrapdb.cli.printing import print_rows
from scrapdb.cli.settings import Settings
from scrapdb.cli.settings import database


def command(
    notebook: Annotated[str | None, typer.Argument(metavar="NOTEBOOK", hidden=True)] = None,
    *,
    printing: Printing,
    settings: Settings,
) -> None:
    """List what could not be read, or looks wrong: the notebook, the cell, the name, and why."""
    print_rows(database(settings).problems(notebook), printing)
