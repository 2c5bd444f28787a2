"""scrapdb problems: what could not be read."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.printing import Printing


def command(
    notebook: Annotated[str | None, typer.Argument(metavar="NOTEBOOK", hidden=True)] = None,
    *,
    printing: Printing,
    settings: Settings,
) -> None:
    """List what could not be read, or looks wrong: the notebook, the cell, the name, and why."""
    printing.print_rows(settings.database().problems(notebook))
