"""scrapdb query: the notebooks for which an expression holds."""

from __future__ import annotations

from pathlib import Path

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import field_names
from scrapdb.cli.options import print_rows
from scrapdb.cli.options import rows


@click.command("query", short_help="Show the notebooks for which an expression holds.")
@click.argument("expression", metavar="[EXPR]", required=False, shell_complete=field_names)
@click.option("-c", "--columns", help="What to show: names or expressions, `*` for all.", shell_complete=field_names)
@click.option(
    "--sort",
    multiple=True,
    help="Sort by a field, or by -field from the largest. Repeatable.",
    shell_complete=field_names,
)
@click.option("--limit", type=click.IntRange(min=0), help="Show no more than so many.")
@click.option("--offset", type=click.IntRange(min=0), default=0, help="Leave out the first so many.")
@click.option("--count", is_flag=True, help="Print how many there are.")
@click.option("--explain", is_flag=True, help="Print what becomes of the expression, and ask nothing.")
@click.option("-e", "--fail-if-empty", is_flag=True, help="Exit with 1 if there is none.")
@rows
@common
def command(
    expression: str | None,
    columns: str | None,
    sort: tuple[str, ...],
    limit: int | None,
    offset: int,
    count: bool,
    explain: bool,
    fail_if_empty: bool,
    format_: str | None,
    output: Path | None,
) -> None:
    """Show the notebooks for which EXPR holds, or all of them.

    \b
    scrapdb query "distance < 0.1 and close_to_ath" -c symbol,distance --sort distance
    scrapdb query "nb.status = 'failed'" -c notebook,nb.error_name
    scrapdb query -c "symbol, distance * 100 as percent" --sort -distance --limit 3
    """
    from scrapdb.formats.streams import print_text

    db = database()
    if explain:
        if expression is None:
            raise click.UsageError("--explain needs an expression.")
        print_text(f"{db.explain(expression)}\n", output)
        return
    if count:
        found = db.count(expression)
        print_text(f"{found}\n", output)
        empty = not found
    else:
        table = db.query(expression, columns=columns, sort=sort, limit=limit, offset=offset)
        print_rows(table, format_, output)
        empty = fail_if_empty and not db.count(expression)
    if fail_if_empty and empty:
        raise click.exceptions.Exit(1)
