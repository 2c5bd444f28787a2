"""The plugin for sqlite-utils: `sqlite-utils scraps scraps.db EXPR`, and two SQL functions for tokens of `runs`.

sqlite-utils loads it by its entry point, in every process that opens a database with it; nothing else imports it.
"""

from __future__ import annotations

import io
import sqlite3
from functools import partial
from pathlib import Path

import click
from sqlite_utils import hookimpl

from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError

_HASH = 64  # characters at the end of a token


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `scraps`, with the options that the commands of sqlite-utils have."""
    cli.add_command(_scraps)


@hookimpl
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Add `scrap_display(token)`, `scrap_frame(token)` and `scrap_frame(token, rows)`.

    They read the database that the connection was opened with, through a connection of their own. What is no token of
    that database, or no store, gives NULL.
    """
    from scrapdb.store.connection import file_of

    path = file_of(conn)
    conn.create_function("scrap_display", 1, partial(_display, path), deterministic=True)
    conn.create_function("scrap_frame", 1, partial(_frame, path), deterministic=True)
    conn.create_function("scrap_frame", 2, partial(_frame, path), deterministic=True)


@click.command("scraps", short_help="Show the runs in a store of scrapdb for which an expression holds")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("expression", required=False)
@click.option("-c", "--column", "columns", multiple=True, help="Columns to return: names or expressions, * for all")
@click.option("--sort", multiple=True, help="Sort by a field, or by -field from the largest")
@click.option("--limit", type=click.IntRange(min=0), help="Number of rows to return - defaults to everything")
@click.option("--nl", "format_", flag_value="jsonl", help="Output newline-delimited JSON")
@click.option("--csv", "format_", flag_value="csv", help="Output CSV")
@click.option("--tsv", "format_", flag_value="tsv", help="Output TSV")
@click.option("-t", "--table", "format_", flag_value="table", help="Output as a table")
def _scraps(
    *,
    path: Path,
    expression: str | None,
    columns: tuple[str, ...],
    sort: tuple[str, ...],
    limit: int | None,
    format_: str | None,
) -> None:
    """Show the runs in a store of scrapdb for which an expression holds, as JSON.

    \b
    Example:
        sqlite-utils scraps scraps.db "distance < 0.1" \\
            -c symbol -c distance --sort distance
    """
    from scrapdb.cli.options import complain
    from scrapdb.database import Database
    from scrapdb.formats import write
    from scrapdb.query.remarks import remark

    try:
        table = Database(path).query(expression, columns or None, sort, limit, differing=True)
        write(format_ or "json", table.columns, table.rows())
        if told := remark(path, expression, columns=", ".join(columns) or None):
            complain(told)
    except ScrapdbError as error:
        complain(f"Error: {str(error).removesuffix(' Name another file with --db.')}")
        raise click.exceptions.Exit(error.exit_code) from None


def _is_store(path: Path) -> bool:
    from scrapdb.store.connection import check

    try:
        check(path)
    except StoreError:
        return False
    return True


def _display(path: Path, token: object) -> bytes | None:
    """Return the bytes of a display by its token or hash."""
    from scrapdb.store.connection import reading
    from scrapdb.store.readers.displays import display_of_hash

    if not isinstance(token, str) or not _is_store(path):
        return None
    with reading(path) as connection:
        display = display_of_hash(connection, token[-_HASH:])
    return display[1] if display else None


def _frame(path: Path, token: object, most: object = None) -> str | None:
    """Return the rows of a DataFrame by its token or hash, or the first of them, as a JSON array of objects."""
    from scrapdb.database import frames
    from scrapdb.formats import json
    from scrapdb.store.connection import reading
    from scrapdb.store.readers.frames import frames_of_hash

    if not isinstance(token, str) or not _is_store(path):
        return None
    with reading(path) as connection:
        glued = frames_of_hash(connection, token[-_HASH:], 1)
        if not glued:
            return None
        table = frames.load(connection, glued[0].frame)
    text = io.StringIO()
    json.write(table.schema.names, frames.rows(table[:most] if isinstance(most, int) else table), text, 0)
    return text.getvalue()
