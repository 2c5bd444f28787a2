"""scrapdb sql: read-only SQL over the store."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import print_rows
from scrapdb.cli.options import rows


@click.command("sql", short_help="Run SQL that only reads.")
@click.argument("sql")
@click.option(
    "-p", "--parameter", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="Value of :NAME. Repeatable."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=60,
    show_default=True,
    help="Stop it after so long.",
)
@rows
@common
def command(
    sql: str, parameters: tuple[tuple[str, str], ...], seconds: float, format_: str | None, output: Path | None
) -> None:
    """Run one SQL statement over the store's tables; `-` reads it from standard input. Nothing can be written.

    \b
    scrapdb sql "select symbol, min(distance) from runs group by symbol"
    """
    text = sys.stdin.read() if sql == "-" else sql
    db = database()
    found = db.sql(text, dict(parameters), seconds=seconds)
    print_rows(found, format_, output)
