"""What the commands share: where the store is, how rows are printed, how much is said."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import click

if TYPE_CHECKING:
    from scrapdb.database import Database
    from scrapdb.database.table import Table

Command = TypeVar("Command", bound=Callable[..., Any])
_FORMATS = ("table", "json", "jsonl", "csv", "tsv", "md", "parquet")


def common(command: Command) -> Command:
    """Add --db, --quiet and --verbose, which may stand before or after the command's name."""
    for option in (
        _setting("-v", "--verbose", is_flag=True, help="Name unreadable notebooks, show where errors come from."),
        _setting("-q", "--quiet", is_flag=True, help="Say nothing but errors."),
        _setting(
            "--db",
            type=click.Path(dir_okay=False, path_type=Path),
            help="The store.  [default: $SCRAPDB_DB, else scraps.db here or above]",
        ),
    ):
        command = option(command)
    return command


def rows(command: Command) -> Command:
    """Add the options of a command that prints rows: a format, and a file to write to."""
    for format_ in reversed(_FORMATS[1:-1]):
        short = click.option(f"--{format_}", "format_", flag_value=format_, help=f"Short for -f {format_}.")
        command = short(command)
    file = click.Path(dir_okay=False, path_type=Path)
    choice = click.Choice(_FORMATS)
    command = click.option("-o", "--output", "output", type=file, help="Write to a file.")(command)
    how = "How to print.  [default: table, csv when piped]"
    return click.option("-f", "--format", "format_", type=choice, help=how)(command)


def store_path(*, create: bool = False) -> Path:
    """Return the store's path: --db, else $SCRAPDB_DB, else scraps.db here, or, for reading only, here or above.

    Raises:
        StoreNotFoundError: there is none to read.
    """
    from scrapdb.store.connection import DEFAULT_NAME
    from scrapdb.store.connection import find

    named = setting("db") or os.environ.get("SCRAPDB_DB")
    if named:
        return Path(os.path.expanduser(named))  # noqa: PTH111 - pathlib's fails where there is no such user
    return Path(DEFAULT_NAME) if create else find(Path.cwd())


def database() -> Database:
    """Open the store for reading.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    from scrapdb.database import Database

    return Database(store_path())


def setting(name: str) -> Any:
    """Return the value of a common option, or None."""
    return click.get_current_context().find_root().meta.get(f"scrapdb.{name}")


def say(message: str) -> None:
    """Tell the person at the terminal something that is no data."""
    if not setting("quiet"):
        complain(message)


def complain(message: str) -> None:
    """Print on standard error, quiet or not; control characters from notebooks are escaped."""
    from scrapdb.formats.values import escaped

    click.echo("\n".join(map(escaped, message.split("\n"))), err=True)


def print_rows(found: Table, format_: str | None, output: Path | None) -> None:
    """Print rows in the format asked for; a table on a terminal and CSV elsewhere, or what a file's suffix says."""
    from scrapdb.formats.rows import write

    terminal = output is None and sys.stdout.isatty()
    by_suffix = output.suffix.lstrip(".").lower() if output else ""
    default = by_suffix if by_suffix in _FORMATS else "table" if terminal else "csv"
    write(format_ or default, found.columns, found.rows(), output, _width() if terminal else 0)


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def field_names(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the last word of an expression or of a list of columns with names of fields.

    Only with plain words: a name like `$(command)` that somebody glued must not get into a shell's line.
    """
    import re

    from scrapdb.errors import ScrapdbError

    match = re.search(r"[\w.]*$", incomplete)
    start = match.start() if match else len(incomplete)
    try:
        with context.scope(cleanup=False):  # completion asks outside of any command
            names = database().completions(incomplete[start:])
    except ScrapdbError:
        return []
    return [incomplete[:start] + name for name in names if re.fullmatch(r"[\w.]+", name)]


def _setting(*names: str, **attributes: Any) -> Callable[[Command], Command]:
    return click.option(*names, expose_value=False, callback=_remember, **attributes)


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        ctx.find_root().meta[f"scrapdb.{parameter.name}"] = value
