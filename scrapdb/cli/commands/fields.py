"""scrapdb fields: every name that an expression can use."""

from __future__ import annotations

from pathlib import Path

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import print_rows
from scrapdb.cli.options import rows


@click.command("fields", short_help="List every name that can be asked for.")
@click.option("--all", "everything", is_flag=True, help="The attributes of notebooks (nb.status, …) too.")
@rows
@common
def command(everything: bool, format_: str | None, output: Path | None) -> None:
    """List every scrap and parameter: its type, in how many notebooks it is, its range or some examples."""
    db = database()
    found = db.fields(attributes=everything)
    print_rows(found, format_, output)
