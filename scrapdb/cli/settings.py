"""What may stand before or after the name of any command: where the store is, and how much is said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import NamedTuple

import typer

if TYPE_CHECKING:
    from scrapdb.database import Database


class Settings(NamedTuple):
    """The options of every command."""

    db: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, help="The store.  [default: $SCRAPDB_DB, else scraps.db here or above]"
        ),
    ] = None
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Name unreadable notebooks, show where errors come from.")
    ] = False


def settings_of(context: typer.Context) -> Settings:
    """Return the settings before and after the command's name; the latter count."""
    before, after = context.find_root().params, context.params
    db, quiet, verbose = (after.get(name) or before.get(name) for name in Settings._fields)
    return Settings(Path(db) if db else None, bool(quiet), bool(verbose))


def store_path(settings: Settings, *, create: bool = False) -> Path:
    """Return the store's path: --db, else $SCRAPDB_DB, else scraps.db here, or, for reading only, here or above.

    Raises:
        StoreNotFoundError: there is none to read.
    """
    from scrapdb.store.connection import DEFAULT_NAME
    from scrapdb.store.connection import find

    if named := settings.db or os.environ.get("SCRAPDB_DB"):
        return Path(os.path.expanduser(named))  # noqa: PTH111 - pathlib's fails where there is no such user
    return Path(DEFAULT_NAME) if create else find(Path.cwd())


def database(settings: Settings) -> Database:
    """Open the store for reading.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    from scrapdb.database import Database

    return Database(store_path(settings))


def say(settings: Settings, message: str) -> None:
    """Tell the person at the terminal something that is no data."""
    if not settings.quiet:
        complain(message)


def complain(message: str) -> None:
    """Print on standard error, quiet or not; control characters from notebooks are escaped."""
    from scrapdb.formats.values import escaped

    typer.echo("\n".join(map(escaped, message.split("\n"))), err=True)
