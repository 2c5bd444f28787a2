"""scrapdb frame: one DataFrame across notebooks."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Where
from scrapdb.cli.options import field_names
from scrapdb.cli.printing import Printing
from scrapdb.cli.printing import print_rows
from scrapdb.cli.settings import Settings
from scrapdb.cli.settings import database


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", hidden=True, autocompletion=field_names)],
    *,
    where: Where = None,
    columns: Annotated[
        str | None, typer.Option("-c", "--columns", metavar="A,B", help="Columns of the DataFrame to show.")
    ] = None,
    printing: Printing,
    settings: Settings,
) -> None:
    """Show the rows of the DataFrame that was glued as NAME, of all notebooks, each row with its notebook."""
    print_rows(database(settings).frame_table(name, where=where, columns=columns), printing)
