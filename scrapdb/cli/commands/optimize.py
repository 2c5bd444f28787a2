"""scrapdb optimize: the store at its best."""

from __future__ import annotations

from scrapdb.cli.options import Settings


def command(*, settings: Settings) -> None:
    """Make the commonest names columns of the table `runs`, and index them.

    The table that the search of `serve` reads is made anew too, statistics are gathered, and the file is compacted. Do
    this once after a large store was indexed: its pages are then filtered and sorted at once.
    """
    columns = settings.database().optimize()
    settings.say(f"The table `runs` has {columns:,} columns of scraps and parameters.")
