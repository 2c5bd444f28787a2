"""scrapdb du: how many bytes are where."""

from __future__ import annotations

from typing import Annotated
from typing import Literal

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.printing import Printing
from scrapdb.formats.values import size

_By = Literal["scrap", "notebook", "encoder"]


def command(
    *,
    by: Annotated[_By, typer.Option(metavar="[scrap|notebook|encoder]", help="What to add up.")] = "scrap",
    printing: Printing,
    settings: Settings,
) -> None:
    """Show what takes how many bytes, largest first.

    `bytes` is what values and displays take in the notebooks; `inline` and `sidecar` what they take in the store and in
    the files beside it.
    """
    db = settings.database()
    printing.print_rows(db.sizes(by), settings.say)
    totals = db.totals()
    taken = {name: size(count) for name, count in totals.items()}
    settings.say(
        f"{totals['notebooks']:,} notebooks of {taken['files']}, of which scraps take {taken['scraps']};"
        f" the store has {taken['store']} and {taken['sidecars']} of sidecars."
    )
