"""scrapdb query: the notebooks for which an expression holds."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

from scrapdb.cli import options
from scrapdb.cli.looking_back import Versions
from scrapdb.cli.printing import Printing
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from scrapdb.database import Database


def command(
    expression: Annotated[
        str | None, typer.Argument(metavar="[EXPR]", hidden=True, autocompletion=options.field_names)
    ] = None,
    *,
    columns: options.Columns = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Show groups: the notebooks that share a field or an expression. Repeatable.",
            autocompletion=options.field_names,
        ),
    ] = None,
    having: Annotated[
        str | None,
        typer.Option(metavar="EXPR", help="Only groups for which EXPR holds.", autocompletion=options.field_names),
    ] = None,
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
    pictures: options.Pictures = False,
    past: Versions,
    printing: Printing,
    settings: options.Settings,
) -> None:
    """Show the notebooks for which EXPR holds, or all of them; or groups of them.

    \b
    scrapdb query "distance < 0.1 and close_to_ath" -c symbol,distance --sort distance
    scrapdb query "nb.status = 'failed'" -c notebook,nb.error_name
    scrapdb query -c "symbol, distance * 100 as percent" --sort -distance --limit 3
    scrapdb query "distance < 0.1" -c symbol,distance,chart -o close.xlsx --pictures
    scrapdb query --by symbol -c "count(), mean(distance)" --having "count() > 2" --sort "-mean(distance)"
    """
    from scrapdb.formats.streams import print_text
    from scrapdb.query import groups

    db = past.database(settings)
    question = expression, columns, sort or (), limit, offset
    grouped: dict[str, Any] = {"by": ", ".join(by) if by else None, "having": having}
    if explain:
        if count or fail_if_empty or pictures or printing.chosen():
            raise UsageError(
                "--explain asks nothing and prints no rows: leave out --count, --fail-if-empty, --pictures and formats."
            )
        print_text(f"{db.explain(*question, **grouped)}\n", printing.output)
        return
    if count and pictures:
        raise UsageError("--count prints no rows: leave out --pictures.")
    number = None
    if count or fail_if_empty:
        is_of_groups = groups.is_asked_of(db.path, columns=columns, past=db.past, **grouped)
        rows = db.query(*question, **grouped).rows() if is_of_groups else ()
        number = sum(1 for _ in rows) if is_of_groups else _number(db, expression, limit, offset)
    if count:
        db.query(expression, columns, sort or (), 0, **grouped)  # which says what is wrong with columns and order
        print_text(f"{number}\n", printing.output)
    else:
        printing.print_rows(db.query(*question, differing=True, **grouped), settings.say, db if pictures else None)
    settings.remark(db, expression, columns=columns, sort=", ".join(sort or ()), **grouped)
    if fail_if_empty and not number:
        raise typer.Exit(1)


def _number(db: Database, expression: str | None, limit: int | None, offset: int) -> int:
    """Count the rows of an answer."""
    found = max(db.count(expression) - offset, 0)
    return found if limit is None else min(found, limit)
