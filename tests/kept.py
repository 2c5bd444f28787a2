"""Versions of notebooks, kept by plain SQL as the schema tells: of every notebook whose content is another one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

_OF_VALUES = ("scraps", "parameters", "displays", "frames", "records", "reports", "problems")
_NAME_TYPES = """
INSERT INTO version_name_types
SELECT name_id, 'scrap', type, count(*) FROM version_scraps GROUP BY 1, 3 UNION ALL
SELECT name_id, 'parameter', type, count(*) FROM version_parameters GROUP BY 1, 3"""


def keep(store: Path, since: str) -> None:
    """Make what the store has of notebooks their versions since a moment, and end those that are there no more."""
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO settings VALUES ('keep', '{}')")
        connection.execute(
            """UPDATE versions SET until = ?, notebook_id = NULL WHERE until IS NULL AND NOT EXISTS (
                 SELECT 1 FROM notebooks AS n JOIN version_notebooks AS v ON v.content_hash IS n.content_hash
                  WHERE n.path = versions.path AND v.id = versions.id)""",
            (since,),
        )
        fresh = connection.execute(
            "SELECT id, path FROM notebooks WHERE id NOT IN (SELECT ifnull(notebook_id, 0) FROM versions)"
        ).fetchall()
        for notebook, path in fresh:
            _keep(connection, notebook, path, since)
        connection.execute("DELETE FROM version_name_types")
        connection.execute(_NAME_TYPES)


def _keep(connection: sqlite3.Connection, notebook: int, path: str, since: str) -> None:
    version, previous = connection.execute(
        "SELECT count(*) + 1, max(id) FROM versions WHERE path = ?", (path,)
    ).fetchone()
    made = connection.execute(
        "INSERT INTO versions (path, version, notebook_id, previous, since) VALUES (?, ?, ?, ?, ?)",
        (path, version, notebook, previous, since),
    ).lastrowid
    for table, key in (("notebooks", "id"), *((table, "notebook_id") for table in _OF_VALUES)):
        columns = [column for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
        shown = [":made" if column == key else column for column in columns]
        shown = ["NULL" if column == "id" and table == "problems" else column for column in shown]
        connection.execute(
            f"INSERT INTO version_{table} SELECT {', '.join(shown)} FROM {table} WHERE {key} = :notebook",
            {"made": made, "notebook": notebook},
        )
