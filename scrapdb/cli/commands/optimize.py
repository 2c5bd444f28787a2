"""scrapdb optimize: the store at its best."""

from __future__ import annotations

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import say


@click.command("optimize", short_help="Make `runs` and the search table anew, and compact the store.")
@common
def command() -> None:
    """Give the commonest names the columns of the table `runs`, and index them.

    The table that the search of `serve` reads is made anew too, statistics are gathered, and the file is compacted. Do
    this once after a large store was indexed: its pages are then filtered and sorted at once.
    """
    db = database()
    columns = db.optimize()
    say(f"The table `runs` has {columns:,} columns of scraps and parameters.")
