"""Full-text search over paths, errors and texts: the table `search`, made on request and from then on kept.

Its rowid is the notebook's id. It holds the effective texts of a notebook, scraps and parameters, each cut after
`LONGEST` characters, and is written with all else of the notebook in one transaction. A store without it costs nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from scrapdb.store import past

LONGEST = 4_096  # characters of one text
_CREATE = "CREATE VIRTUAL TABLE search USING fts5(path, error, texts, tokenize = 'unicode61 remove_diacritics 2')"
_INSERT = f"""
INSERT INTO search (rowid, path, error, texts)
SELECT id, path, nullif(coalesce(error_name, '') || ' ' || coalesce(error_value, ''), ' '),
       (SELECT group_concat(substr(text, 1, {LONGEST}), char(10))
          FROM (SELECT text FROM scraps WHERE notebook_id = notebooks.id
                 UNION ALL
                SELECT text FROM parameters WHERE notebook_id = notebooks.id AND NOT shadowed))
  FROM notebooks"""


def is_there(connection: sqlite3.Connection) -> bool:
    """Return whether the store has the table, which tells of the present only."""
    return (
        past.of(connection) is None
        and connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search'").fetchone() is not None
    )


def make(connection: sqlite3.Connection) -> None:
    """Make the table anew, inside the caller's transaction; without FTS5 in SQLite there is none."""
    if connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone():
        connection.execute("DROP TABLE IF EXISTS search")
        connection.execute(_CREATE)
        connection.execute(_INSERT)


def add(connection: sqlite3.Connection, notebook_ids: Iterable[int]) -> None:
    """Add notebooks whose values are written and which the table does not have."""
    connection.executemany(f"{_INSERT} WHERE id = ?", [(notebook_id,) for notebook_id in notebook_ids])


def remove(connection: sqlite3.Connection, notebook_id: int) -> None:
    """Remove a notebook."""
    connection.execute("DELETE FROM search WHERE rowid = ?", (notebook_id,))
