"""scrapdb export: the store as parquet files."""

from __future__ import annotations

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import database
from scrapdb.cli.options import field_names
from scrapdb.cli.options import say


@click.command("export", short_help="Write the store as a parquet data set.")
@click.argument("target", metavar="DIR")
@click.option("--where", metavar="EXPR", shell_complete=field_names, help="Only notebooks for which EXPR holds.")
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@common
def command(target: str, where: str | None, force: bool) -> None:
    """Write notebooks, scraps, parameters, problems and DataFrames as parquet files, for DuckDB, Spark or polars.

    DIR is a new or empty directory, or a URL such as s3://bucket/results. A directory is there when all of it is.
    """
    exported = database().export(target, where=where, force=force)
    for error in exported.errors:
        say(f"Warning: {error}")
    counts = ", ".join(f"{rows:,} {table}" for table, rows in exported.rows.items())
    say(f"{counts}, {exported.frames:,} DataFrames → {target}")
    if exported.errors:
        raise click.exceptions.Exit(1)
