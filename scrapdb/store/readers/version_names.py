"""Reading names of versions: which they have, and what these stood for."""

from __future__ import annotations

import sqlite3


def roles_of(connection: sqlite3.Connection, name: str) -> list[tuple[int, str, str, str, int]]:
    """Read what a name stood for: its id, itself, a role, a type, and how many versions have both."""
    return connection.execute(
        """SELECT names.id, names.name, had.role, had.type, had.notebooks
             FROM main.names JOIN main.version_name_types AS had ON had.name_id = names.id WHERE names.name = ?""",
        (name,),
    ).fetchall()


def used(connection: sqlite3.Connection) -> list[str]:
    """Read the names that some version has, the first ones first."""
    rows = connection.execute(
        """SELECT name FROM main.names
            WHERE id IN (SELECT name_id FROM main.version_name_types WHERE notebooks > 0) ORDER BY id"""
    )
    return [name for (name,) in rows]
