"""scrapdb frame: one DataFrame across notebooks."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli import options
from scrapdb.cli.looking_back import Versions
from scrapdb.cli.printing import Printing


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", hidden=True, autocompletion=options.field_names)],
    *,
    where: options.Where = None,
    columns: Annotated[
        str | None, typer.Option("-c", "--columns", metavar="A,B", help="Columns of the DataFrame to show.")
    ] = None,
    past: Versions,
    printing: Printing,
    settings: options.Settings,
) -> None:
    """Show the rows of the DataFrame that was glued as NAME, of all notebooks, each row with its notebook.

    Where types differ, a column gets the first one that holds every value, and is text if there is none. A column with
    levels is `price.mean` or `"('price', 'mean')"`; a name with a comma stands in quotes.

    \b
    scrapdb frame prices --where "distance < 0.1" -o prices.parquet
    scrapdb frame stats -c "day, price.mean"
    """
    db = past.database(settings)
    printing.print_rows(db.frame_table(name, where=where, columns=columns), settings.say)
    settings.remark(db, where)
