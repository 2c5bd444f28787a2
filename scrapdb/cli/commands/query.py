"""scrapdb query: the notebooks for which an expression holds."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli import options
from scrapdb.cli.printing import Printing
from scrapdb.errors import UsageError


def command(
    expression: Annotated[
        str | None, typer.Argument(metavar="[EXPR]", hidden=True, autocompletion=options.field_names)
    ] = None,
    *,
    columns: options.Columns = None,
    sort: options.Sort = None,
    limit: options.Limit = None,
    offset: Annotated[
        int, typer.Option(min=0, metavar="N", show_default=False, help="Leave out the first so many.")
    ] = 0,
    count: Annotated[bool, typer.Option("--count", help="Print how many there are.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Print what becomes of the question, and ask nothing.")
    ] = False,
    fail_if_empty: Annotated[bool, typer.Option("-e", "--fail-if-empty", help="Exit with 1 if there is none.")] = False,
    printing: Printing,
    settings: options.Settings,
) -> None:
    """Show the notebooks for which EXPR holds, or all of them.

    \b
    scrapdb query "distance < 0.1 and close_to_ath" -c symbol,distance --sort distance
    scrapdb query "nb.status = 'failed'" -c notebook,nb.error_name
    scrapdb query -c "symbol, distance * 100 as percent" --sort -distance --limit 3
    """
    from scrapdb.formats.streams import print_text

    db = settings.database()
    question = expression, columns, sort or (), limit, offset
    if explain:
        if count or fail_if_empty or printing.chosen():
            raise UsageError(
                "--explain asks nothing and prints no rows: leave out --count, --fail-if-empty and formats."
            )
        print_text(f"{db.explain(*question)}\n", printing.output)
        return
    number = db.count(expression) if count or fail_if_empty else None
    if count:
        print_text(f"{number}\n", printing.output)
    else:
        printing.print_rows(db.query(*question))
    if fail_if_empty and not number:
        raise typer.Exit(1)
