"""scrapdb query: the notebooks for which an expression holds."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Columns
from scrapdb.cli.options import Limit
from scrapdb.cli.options import Sort
from scrapdb.cli.options import field_names
from scrapdb.cli.printing import Printing
from scrapdb.cli.printing import print_rows
from scrapdb.cli.settings import Settings
from scrapdb.cli.settings import database
from scrapdb.errors import UsageError


def command(
    expression: Annotated[str | None, typer.Argument(metavar="[EXPR]", hidden=True, autocompletion=field_names)] = None,
    *,
    columns: Columns = None,
    sort: Sort = None,
    limit: Limit = None,
    offset: Annotated[
        int, typer.Option(min=0, metavar="N", show_default=False, help="Leave out the first so many.")
    ] = 0,
    count: Annotated[bool, typer.Option("--count", help="Print how many there are.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print what becomes of the question, and ask nothing.")
    ] = False,
    fail_if_empty: Annotated[bool, typer.Option("-e", "--fail-if-empty", help="Exit with 1 if there is none.")] = False,
    printing: Printing,
    settings: Settings,
) -> None:
    """Show the notebooks for which EXPR holds, or all of them.

    \b
    scrapdb query "distance < 0.1 and close_to_ath" -c symbol,distance --sort distance
    scrapdb query "nb.status = 'failed'" -c notebook,nb.error_name
    scrapdb query -c "symbol, distance * 100 as percent" --sort -distance --limit 3
    """
    from scrapdb.formats.streams import print_text

    db = database(settings)
    order = sort or ()
    if explain:
        if count or fail_if_empty or printing.chosen():
            raise UsageError(
                "--explain asks nothing and prints no rows: leave out --count, --fail-if-empty and formats."
            )
        print_text(f"{db.explain(expression, columns, order, limit, offset)}\n", printing.output)
        return
    if count:
        found = db.count(expression)
        print_text(f"{found}\n", printing.output)
        empty = not found
    else:
        print_rows(db.query(expression, columns, order, limit, offset), printing)
        empty = fail_if_empty and not db.count(expression)
    if fail_if_empty and empty:
        raise typer.Exit(1)
