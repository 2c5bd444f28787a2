"""The store's tables as others read them: paths and names in place of ids, one type in each column."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from scrapdb.store.schema import tables

# The bytes of displays, and of frames, which are exported as what they are; cells; what ids stand for; what follows
# from the others; and what is of no notebook.
LEFT_OUT = frozenset(
    {"displays", "blobs", "frames", "cells", "names", "name_types", "run_columns", "runs", "executions"}
)
TABLES = tuple(table for table in tables() if table not in LEFT_OUT)


class Column(NamedTuple):
    """A column: its name, its type (TEXT, INTEGER, REAL or BLOB), and the SQL that gives it."""

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


def columns(connection: sqlite3.Connection, table: str) -> list[Column]:
    """Return the columns of a table."""
    present = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
    same = [(name, Column(name, type_, f"t.{name}")) for name, type_ in present]
    return [column for name, kept in same if kept[:2] != _KEY for column in _COLUMNS.get(name, (kept,))]


def rows(connection: sqlite3.Connection, table: str, notebooks: Sequence[int] | None) -> Iterator[tuple[Any, ...]]:
    """Read one of `TABLES` in the order of `columns`: the rows of some notebooks, by their ids, or of all."""
    shown = ", ".join(column.sql for column in columns(connection, table))
    source = f"{table} AS t"
    if table != "notebooks":
        # CROSS, so that SQLite begins with the table, and reads it in the order in which it is stored.
        source += " CROSS JOIN notebooks AS n ON n.id = t.notebook_id"
    if table in {"scraps", "parameters"}:
        source += " CROSS JOIN names ON names.id = t.name_id"
    key = "id" if table == "notebooks" else "notebook_id"
    wanted = "" if notebooks is None else f" WHERE t.{key} IN (SELECT value FROM json_each(?))"
    values = () if notebooks is None else (json.dumps(notebooks),)
    yield from connection.execute(f"SELECT {shown} FROM {source}{wanted}", values)
