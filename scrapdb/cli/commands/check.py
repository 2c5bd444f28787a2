"""scrapdb check: hold notebooks to an expression."""

from __future__ import annotations

from pathlib import Path

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import field_names
from scrapdb.cli.options import print_rows
from scrapdb.cli.options import rows
from scrapdb.cli.options import say


@click.command("check", short_help="Exit with 1 unless an expression holds for every notebook.")
@click.argument("expression", metavar="EXPR", shell_complete=field_names)
@click.option("--where", metavar="EXPR", help="Look at these notebooks only.", shell_complete=field_names)
@click.option("--any", "any_", is_flag=True, help="It is enough that it holds for one notebook.")
@rows
@common
def command(expression: str, where: str | None, any_: bool, format_: str | None, output: Path | None) -> None:
    """Exit with 1 and list the offenders unless EXPR holds for every notebook.

    A notebook that misses a value offends. So does a store without any notebook to look at.

    \b
    scrapdb check "nb.status = 'completed'"
    scrapdb check "accuracy > 0.9" --where "model = 'large'"
    """
    verdict = database().check(expression, where=where, any_=any_)
    if not verdict.looked_at:
        say("There is no notebook to check.")
    elif any_ and not verdict.holds:
        say(f"It holds for none of {verdict.looked_at:,} notebooks.")
    elif not verdict.holds:
        print_rows(verdict.offenders, format_, output)
        say(f"It does not hold for {verdict.failed:,} of {verdict.looked_at:,} notebooks.")
    else:
        say(f"It holds for {verdict.looked_at - verdict.failed:,} of {verdict.looked_at:,} notebooks.")
    if not verdict.holds:
        raise click.exceptions.Exit(1)
