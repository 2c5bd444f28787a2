"""The indexes of the schema. An empty store gets them when it is full: sorting once is quicker than a million searches.

They are dropped and made in one transaction each, so that all of them are there, or none.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress

from scrapdb.store.connection import transaction
from scrapdb.store.schema import add_missing
from scrapdb.store.schema import statements

_NAME = re.compile(r"^CREATE INDEX (\w+)", re.MULTILINE)


@contextmanager
def postponed(connection: sqlite3.Connection) -> Iterator[None]:
    """Fill an empty store without indexes, and make them at the end; a store that holds notebooks keeps its own.

    Who is stopped in between leaves a store that answers slowly, until the next writer calls `ensure`.
    """
    with transaction(connection):
        if not connection.execute("SELECT EXISTS (SELECT * FROM notebooks)").fetchone()[0]:
            for name in _names():
                connection.execute(f"DROP INDEX IF EXISTS {name}")
    try:
        yield
    except Exception:
        with suppress(sqlite3.Error):  # what went wrong first is told
            ensure(connection)
        raise
    ensure(connection)


def ensure(connection: sqlite3.Connection) -> None:
    """Make the indexes, if they are not there."""
    if _are_there(connection):
        return
    with transaction(connection):
        if not _are_there(connection):  # another process may have made them meanwhile
            add_missing(connection)


def _are_there(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'scraps_by_value'").fetchone() is not None


def _names() -> list[str]:
    """Name the indexes that nobody needs who fills a store."""
    found = (match[1] for statement in statements() if (match := _NAME.search(statement)))
    return [name for name in found if not name.startswith("version")]
