"""What stands in a store, read with plain SQL and by names instead of ids, so that two stores can be compared."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from proof.comparing import whole

_OF_NAMES = {
    "scraps": "type, number, text, json, exact, encoder, size, cell, cell_id, output, execution_count",
    "parameters": "type, number, text, json, exact, source, shadowed",
    "displays": "mime_type, hash, size",
    "frames": "rows, columns, schema, hash, size, stored",
}
_COUNTED = """
SELECT name, role, name_types.type, notebooks FROM name_types JOIN names ON names.id = name_id WHERE notebooks <> 0"""


def query(store: Path, sql: str, *bound: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(sql, bound).fetchall()


def runs(store: Path) -> dict[str, dict[str, Any]]:
    """The wide table: by notebook the columns that are set."""
    with closing(sqlite3.connect(store)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM runs")]
    return {row["notebook"]: {column: value for column, value in row.items() if value is not None} for row in rows}


def contents(store: Path, notebooks: str = "*") -> dict[str, Any]:
    """Everything in a store but for ids and the order of columns."""
    found: dict[str, Any] = {"runs": runs(store)}
    with closing(sqlite3.connect(store)) as connection:
        connection.row_factory = sqlite3.Row
        found["notebooks"] = {
            row["path"]: {key: row[key] for key in row.keys() if key != "id"}  # noqa: SIM118 (a Row iterates its values)
            for row in connection.execute(f"SELECT {notebooks} FROM notebooks")
        }
        connection.row_factory = None
        for table, columns in _OF_NAMES.items():
            plain = ", ".join(f"{table}.{column.strip()}" for column in columns.split(","))
            sql = f"""SELECT path, name, {plain} FROM {table}
                        JOIN notebooks ON notebooks.id = notebook_id JOIN names ON names.id = name_id"""
            found[table] = _sorted(connection, sql)
        found["problems"] = _sorted(
            connection,
            "SELECT path, cell, output, name, kind, message FROM problems JOIN notebooks ON notebooks.id = notebook_id",
        )
        found["cells"] = _sorted(
            connection,
            """SELECT path, cell, cell_id, execution_count, cells.seconds, cells.source FROM cells
                 JOIN notebooks ON notebooks.id = notebook_id""",
        )
        found["search"] = _searched(connection)
        found["blobs"] = _sorted(connection, "SELECT hash, data FROM blobs")
        found["names"] = _sorted(connection, "SELECT name, type, scraps, parameters FROM names")
        found["name_types"] = _sorted(connection, _COUNTED)
        found["run_columns"] = _sorted(
            connection, 'SELECT name, kind, "column" FROM run_columns JOIN names ON names.id = name_id'
        )
    for row in found["runs"].values():
        del row["nb_id"]
    return found


def check(store: Path) -> None:
    """Show that a store is whole, as proofs see it: no damage, no dangling row, right counts, `runs` as the values."""
    whole(store)


def _searched(connection: sqlite3.Connection) -> Any:
    """The texts of each notebook in the search table, if there is one, in no order."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search'").fetchone():
        return None
    rows = connection.execute("SELECT path, error, texts FROM search").fetchall()
    return sorted((path, error, sorted((texts or "").split("\n"))) for path, error, texts in rows)


def _sorted(connection: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(sql).fetchall(), key=repr)
