"""The store's tables as others read them: paths and names in place of ids, one type in each column."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from scrapdb.store.runs import quoted
from scrapdb.store.schema import tables

# The bytes of displays, and of frames, which are exported as what they are; cells; what ids stand for; what follows
# from the others; and what is of no notebook.
LEFT_OUT = frozenset(
    {
        *("displays", "blobs", "frames", "cells", "names", "name_types", "run_columns", "runs", "executions"),
        *("version_displays", "version_frames", "version_name_types", "settings"),
    }
)
_OF_VERSIONS = "version"  # so the names of tables begin
VERSIONS = tuple(table for table in tables() if table.startswith(_OF_VERSIONS) and table not in LEFT_OUT)
TABLES = tuple(table for table in tables() if table not in LEFT_OUT and table not in VERSIONS)
WIDE = "runs"


class Column(NamedTuple):
    """A column: its name, its type (TEXT, INTEGER, REAL, BLOB or BOOLEAN), and the SQL that gives it."""

    name: str
    type: str
    sql: str


_KEY = ("id", "INTEGER")  # which stands for nothing outside the store
# What a column becomes. Of `number`, which holds integers and floats, two are made: no digit is lost. The source of an
# expression, which is no value in the store, is read as text.
_COLUMNS = {
    "path": (Column("notebook", "TEXT", "t.path"),),
    "notebook_id": (Column("notebook", "TEXT", "n.path"),),
    "name_id": (Column("name", "TEXT", "names.name"),),
    "number": (
        Column("number", "REAL", "CAST(t.number AS REAL)"),
        Column("integer", "INTEGER", "iif(t.type = 'integer' AND typeof(t.number) = 'integer', t.number, NULL)"),
    ),
    "text": (Column("text", "TEXT", "iif(t.type = 'expression', json_extract(t.exact, '$'), t.text)"),),
}
_PATHS = "SELECT notebooks.path FROM json_each(?) JOIN notebooks ON notebooks.id = value"
_VERSION = Column("version", "INTEGER", "n.version")
# Of a version what its ids stand for: whether it is there now, and the version before it.
_COLUMNS_OF_A_VERSION = _COLUMNS | {
    "notebook_id": (Column("is_there", "BOOLEAN", "t.notebook_id IS NOT NULL"),),
    "previous": (
        Column("previous_notebook", "TEXT", "(SELECT path FROM main.versions WHERE id = t.previous)"),
        Column("previous", "INTEGER", "(SELECT version FROM main.versions WHERE id = t.previous)"),
    ),
}
# Of each column of numbers in the wide table what they are: booleans, integers, or any, as where not all can be told.
_TYPES_OF_NUMBERS = """
SELECT "column", CASE WHEN NOT min(whole) OR max(name_types.type = 'float') THEN 'REAL'
                      WHEN min(name_types.type = 'boolean') THEN 'BOOLEAN' ELSE 'INTEGER' END
  FROM run_columns JOIN names ON names.id = run_columns.name_id
  JOIN name_types ON name_types.name_id = run_columns.name_id
 WHERE kind = 'number' AND notebooks > 0 AND name_types.type IN ('boolean', 'integer', 'float') GROUP BY "column"
"""


def columns(connection: sqlite3.Connection, table: str, *, ids: bool = False) -> list[Column]:
    """Return the columns of a table; on request also `notebook_id`, or `version_id`, which joins them."""
    if table == WIDE:
        return _wide(connection)
    present = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    same = [(name, Column(name, type_, f"t.{name}")) for name, type_ in present]
    known = _COLUMNS_OF_A_VERSION if table == "versions" else _COLUMNS
    found = [column for name, kept in same if kept[:2] != _KEY for column in known.get(name, (kept,))]
    if table in VERSIONS and table != "versions":
        found[1:1] = [_VERSION]
    id_ = "version_id" if table in VERSIONS else "notebook_id"
    return [*found[:1], Column(id_, "INTEGER", f"t.{_key(table)}"), *found[1:]] if ids else found


def _wide(connection: sqlite3.Connection) -> list[Column]:
    """Return the columns of the wide table; those of numbers are as narrow as the numbers let them."""
    types = dict(connection.execute(_TYPES_OF_NUMBERS))
    present = connection.execute("SELECT name, type FROM pragma_table_info(?)", (WIDE,))
    found = [(name, types.get(name, "REAL") if type_ == "NUMERIC" else type_) for name, type_ in present]
    return [
        Column(name, type_, f"CAST(t.{quoted(name)} AS REAL)" if type_ == "REAL" else f"t.{quoted(name)}")
        for name, type_ in found
    ]


def rows(
    connection: sqlite3.Connection,
    table: str,
    notebooks: Sequence[int] | None,
    wanted: Sequence[Column] | None = None,
) -> Iterator[tuple[Any, ...]]:
    """Read a table in the order of `columns`, or of those wanted: rows of some notebooks, by their ids, or of all."""
    shown = ", ".join(column.sql for column in wanted or columns(connection, table))
    source, key, of = f"main.{table} AS t" if table in VERSIONS else f"{table} AS t", f"t.{_key(table)}", "notebooks"
    chosen = f"{key} IN (SELECT value FROM json_each(?))"
    if table in VERSIONS:
        of, chosen = "main.versions", f"n.path IN ({_PATHS})"
    if table not in {"notebooks", WIDE}:
        # CROSS, so that SQLite begins with the table, and reads it in the order in which it is stored.
        source += f" CROSS JOIN {of} AS n ON n.id = {key}"
    if table.removeprefix(f"{_OF_VERSIONS}_") in {"scraps", "parameters"}:
        source += " CROSS JOIN names ON names.id = t.name_id"
    where, values = ("", ()) if notebooks is None else (f" WHERE {chosen}", (json.dumps(notebooks),))
    yield from connection.execute(f"SELECT {shown} FROM {source}{where}", values)


def _key(table: str) -> str:
    return {"notebooks": "id", "version_notebooks": "id", "versions": "id", WIDE: "nb_id"}.get(table, "notebook_id")
