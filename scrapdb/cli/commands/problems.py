"""scrapdb problems: what could not be read."""

from __future__ import annotations

from pathlib import Path

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import print_rows
from scrapdb.cli.options import rows


@click.command("problems", short_help="List what could not be read.")
@click.argument("notebook", required=False)
@rows
@common
def command(notebook: str | None, format_: str | None, output: Path | None) -> None:
    """List what could not be read, or looks wrong: the notebook, the cell, the name, and why."""
    db = database()
    found = db.problems(notebook)
    print_rows(found, format_, output)
