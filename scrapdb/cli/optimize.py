"""scrapdb optimize: the store at its best."""

from __future__ import annotations

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import say


@click.command("optimize", short_help="Choose the columns of `runs` anew and compact the store.")
@common
def command() -> None:
    """Give the commonest names the columns of the table `runs`, gather statistics, and compact the file."""
    db = database()
    columns = db.optimize()
    say(f"The table `runs` has {columns:,} columns of scraps and parameters.")
