"""scrapdb check: hold notebooks to an expression."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli import options
from scrapdb.cli.looking_back import Versions
from scrapdb.cli.printing import Printing


def command(
    expression: options.Expression,
    *,
    where: options.Where = None,
    any_: Annotated[bool, typer.Option("--any", help="It is enough that it holds for one notebook.")] = False,
    past: Versions,
    printing: Printing,
    settings: options.Settings,
) -> None:
    """Exit with 1 and list the offenders unless EXPR holds for every notebook.

    A notebook that misses a value offends. So does a store without any notebook to look at, and a new notebook if the
    version before it is asked for.

    \b
    scrapdb check "nb.status = 'completed'"
    scrapdb check "accuracy > 0.9" --where "model = 'large'"
    scrapdb check "change(auc) > -0.01" --where "previous(auc) is not null"
    """
    db = past.database(settings)
    verdict = db.check(expression, where=where, any_=any_)
    what = "versions" if past.versions else "notebooks"
    if not verdict.looked_at:
        settings.say("There is no notebook to check.")
    elif any_ and not verdict.holds:
        settings.say(f"It holds for none of {verdict.looked_at:,} {what}.")
    elif not verdict.holds:
        printing.print_rows(verdict.offenders, settings.say)
        settings.say(f"It does not hold for {verdict.failed:,} of {verdict.looked_at:,} {what}.")
        if verdict.new:
            settings.say(
                f"{verdict.new:,} of them {'has' if verdict.new == 1 else 'have'} no version before: "
                '`--where "previous(nb.path) is not null"` leaves out what is new.'
            )
    else:
        settings.say(f"It holds for {verdict.looked_at - verdict.failed:,} of {verdict.looked_at:,} {what}.")
    settings.remark(db, expression, where)
    if not verdict.holds:
        raise typer.Exit(1)
