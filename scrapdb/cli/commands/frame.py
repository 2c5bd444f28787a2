"""scrapdb frame: one DataFrame across notebooks."""

from __future__ import annotations

from pathlib import Path

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import field_names
from scrapdb.cli.options import print_rows
from scrapdb.cli.options import rows


@click.command("frame", short_help="Show one DataFrame across notebooks.")
@click.argument("name", shell_complete=field_names)
@click.option("--where", metavar="EXPR", help="Of these notebooks only.", shell_complete=field_names)
@click.option("-c", "--columns", metavar="A,B", help="Columns of the DataFrame to show.")
@rows
@common
def command(name: str, where: str | None, columns: str | None, format_: str | None, output: Path | None) -> None:
    """Show the rows of the DataFrame that was glued as NAME, of all notebooks, each row with its notebook."""
    print_rows(database().frame_table(name, where=where, columns=columns), format_, output)
