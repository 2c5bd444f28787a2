"""scrapdb sql: read-only SQL over the store."""

from __future__ import annotations

import sys
from typing import Annotated
from typing import Any

import typer
from typer._click.types import FloatRange
from typer._click.types import Tuple

from scrapdb.cli.options import Settings
from scrapdb.cli.printing import Printing

# typer has no words for pairs that are repeated, nor for more than 0.
_PAIR = Tuple([str, str])
_POSITIVE = FloatRange(min=0, min_open=True)


def command(
    sql: Annotated[str, typer.Argument(metavar="SQL", hidden=True)],
    *,
    parameters: Annotated[
        list[Any] | None,
        typer.Option(
            "-p",
            "--parameter",
            click_type=_PAIR,
            metavar="NAME VALUE",
            help="Value of :NAME (of $NAME with --duckdb).",
        ),
    ] = None,
    duckdb: Annotated[
        bool, typer.Option("--duckdb", help="Let DuckDB answer: with all DataFrames of a name as the view frame_NAME.")
    ] = False,
    seconds: Annotated[float, typer.Option(click_type=_POSITIVE, metavar="N", help="Stop it after so long.")] = 60,
    printing: Printing,
    settings: Settings,
) -> None:
    """Run one SQL statement over the store's tables; `-` reads it from standard input. Nothing can be written.

    \b
    scrapdb sql "select symbol, min(distance) from runs group by symbol"
    scrapdb sql --duckdb "select notebook, max(price) from frame_prices group by all"
    """
    text = sys.stdin.read() if sql == "-" else sql
    db = settings.database()
    printing.print_rows((db.duckdb if duckdb else db.sql)(text, dict(parameters or ()), seconds=seconds), settings.say)
