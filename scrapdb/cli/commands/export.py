"""scrapdb export: the store as parquet files."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.looking_back import AsOf
from scrapdb.cli.options import Settings
from scrapdb.cli.options import Where


def command(
    target: Annotated[str, typer.Argument(metavar="DIR", hidden=True)],
    *,
    where: Where = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    versions: Annotated[
        bool, typer.Option("--versions/--no-versions", help="Whether to write versions, too, if any are kept.")
    ] = True,
    past: AsOf,
    settings: Settings,
) -> None:
    """Write notebooks, scraps, parameters, problems and DataFrames as parquet files, for DuckDB, Spark or polars.

    DIR is a new or empty directory, or a URL such as s3://bucket/results. A directory is there when all of it is.
    Versions of notebooks, if any are kept, have tables of their own, such as version_scraps.parquet.
    """
    from scrapdb.store.exported import TABLES

    db = past.database(settings)
    exported = db.export(target, where=where, force=force, versions=versions)
    for error in exported.errors:
        settings.say(f"Warning: {error}")
    counts = ", ".join(f"{rows:,} {table}" for table, rows in exported.rows.items() if table in TABLES)
    if "versions" in exported.rows:
        counts += f", {exported.rows['versions']:,} versions"
    settings.say(f"{counts}, {exported.frames + exported.frames_of_versions:,} DataFrames → {target}")
    settings.remark(db, where)
    if exported.errors:
        raise typer.Exit(1)
