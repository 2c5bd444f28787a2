"""scrapdb unset: the reverse of glue."""

from __future__ import annotations

import click

from scrapdb.cli.edited import edited
from scrapdb.cli.options import common


@click.command("unset", short_help="Take one scrap out of a notebook.")
@click.argument("notebook")
@click.argument("name")
@click.option("--cell", type=click.IntRange(min=0), help="Look in this cell only, as `show` counts.")
@common
def command(notebook: str, name: str, cell: int | None) -> None:
    """Take the scrap NAME out of NOTEBOOK: its file, and the store.

    Its value goes, what was shown for it, and all repetitions; the rest of the file stays byte for byte. NOTEBOOK is a
    path, or as much of its end as tells it from others in the store.

    \b
    scrapdb unset BCD distance
    """
    with edited(notebook) as found:
        found.unset(name, cell=cell)
