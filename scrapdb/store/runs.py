"""The wide table: which names have a column in `runs`, and what it is called.

Columns are only added while notebooks are written, `LIMIT` at most; `rechoose` takes the commonest names anew. What a
column is called follows from the names alone, so a store does not depend on the order in which notebooks were indexed.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from itertools import islice
from typing import Any

from scrapdb.store import tokens
from scrapdb.store.schema import statements
from scrapdb.store.values import Stored

# Columns for names. SQLite takes 2,000 (https://www.sqlite.org/limits.html#max_column), a page for people far fewer.
LIMIT = 100
_BATCH = 1000  # notebooks
FIXED = ("nb_id", "notebook", "nb_status", "nb_started_at", "nb_seconds", "nb_error")
_ENDED = frozenset({"timed out", "killed", "lost", "cancelled"})  # by others than their own code
_AFFINITY = {"number": "NUMERIC", "text": "TEXT", "expression": "TEXT"}
_SHOWN_AS = "CASE WHEN number IS NOT NULL THEN 'number' WHEN v.type = 'expression' THEN v.type ELSE 'text' END"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_LONGEST = 100  # characters of a column's name
Column = tuple[str, str]  # (name, number, text or expression)


def labels(columns: Collection[Column]) -> dict[Column, str]:
    """Call each column after its name. Pure.

    Text of a name that also has numbers is `name (text)`, and expressions are `name (expression)`. A name that differs
    from another only in case, or is that of a fixed column, gets a number: `Distance (2)`.
    """
    taken = {column.encode() for column in FIXED}
    found = {}
    for name, kind in sorted(columns):
        is_told = kind == "expression" or (kind == "text" and (name, "number") in columns)
        plain = _CONTROL.sub(" ", name)[:_LONGEST] or " "
        label = wanted = f"{plain} ({kind})" if is_told else plain
        number = 1
        while label.encode().lower() in taken:  # of bytes ASCII alone, as SQLite compares the names of columns
            number += 1
            label = f"{wanted} ({number})"
        taken.add(label.encode().lower())
        found[name, kind] = label
    return found


def read_columns(connection: sqlite3.Connection) -> dict[Column, str]:
    """Read which columns there are."""
    rows = connection.execute(
        'SELECT name, kind, "column" FROM run_columns JOIN names ON names.id = run_columns.name_id'
    )
    return {(name, kind): column for name, kind, column in rows}


def add_columns(
    connection: sqlite3.Connection, present: Mapping[Column, str], seen: Iterable[Column]
) -> dict[Column, str]:
    """Add columns for names that were seen, as long as there is room, and return all; they are called by `labels`."""
    fresh = list(islice((column for column in seen if column not in present), LIMIT - len(present)))
    if not fresh:
        return dict(present)
    wanted = labels({*present, *fresh})
    _rename(connection, {present[column]: wanted[column] for column in present if present[column] != wanted[column]})
    for column in fresh:
        connection.execute(f"ALTER TABLE runs ADD COLUMN {quoted(wanted[column])} {_AFFINITY[column[1]]}")
    connection.executemany(
        "INSERT OR REPLACE INTO run_columns SELECT id, ?, ? FROM names WHERE name = ?",
        [(kind, label, name) for (name, kind), label in wanted.items() if present.get((name, kind)) != label],
    )
    return wanted


def write_cells(
    connection: sqlite3.Connection,
    columns: Mapping[Column, str],
    runs: Iterable[tuple[tuple[Any, ...], Iterable[tuple[str, str, Any]]]],
) -> None:
    """Write rows of `runs`: the values of the fixed columns and the cells. Only the columns that are set are bound."""
    shaped: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for fixed, cells in runs:
        shown = {columns[name, kind]: value for name, kind, value in cells if (name, kind) in columns}
        shaped.setdefault(tuple(shown), []).append((*fixed, *shown.values()))
    for shape, rows in shaped.items():
        named = ", ".join([*FIXED, *map(quoted, shape)])
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT OR REPLACE INTO runs ({named}) VALUES ({marks})", rows)


def rechoose(connection: sqlite3.Connection) -> dict[Column, str]:
    """Make `runs` anew with the commonest names, inside the caller's transaction; return these, the commonest first."""
    chosen = _commonest(connection)
    connection.execute("DELETE FROM run_columns")
    connection.execute("DROP TABLE runs")
    connection.execute(next(statement for statement in statements() if "CREATE TABLE runs" in statement))
    columns = add_columns(connection, {}, chosen)
    mark_whole(connection)
    runs = connection.execute(
        """SELECT n.id, path, status, n.started_at, seconds, error_name, error_value, reason
             FROM notebooks AS n LEFT JOIN records ON notebook_id = n.id ORDER BY n.id"""
    )
    while batch := runs.fetchmany(_BATCH):
        cells = _cells(connection, batch[0][0], batch[-1][0])
        write_cells(connection, columns, [(fixed(run), cells.get(run[0], ())) for run in batch])
    return {column: columns[column] for column in chosen}


def mark_whole(connection: sqlite3.Connection) -> None:
    """Mark anew of which names the wide table could tell all; a writer only ever takes the mark away."""
    connection.execute(
        f"""UPDATE names SET whole = id NOT IN (
              SELECT name_id FROM scraps WHERE {tokens.IS_PART}
               UNION SELECT name_id FROM parameters WHERE {tokens.IS_PART})"""
    )


def are_indexed(connection: sqlite3.Connection) -> bool:
    """Return whether `runs` has the indexes that `optimize` makes."""
    return connection.execute("SELECT 1 FROM pragma_index_list('runs')").fetchone() is not None


def are_more_than(connection: sqlite3.Connection, number: int) -> bool:
    """Return whether there are more runs than so many, without counting the rest."""
    return connection.execute("SELECT 1 FROM notebooks LIMIT 1 OFFSET ?", (number,)).fetchone() is not None


def fixed(run: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the fixed columns of a run: id, path, status, start and seconds, and in one why it failed or was ended."""
    *first, error_name, error_value, reason = run
    error = ": ".join(part for part in (error_name, error_value) if part) or None
    if first[2] in _ENDED:  # the error, if there is one, is that of the interrupt
        return *first, reason or error
    return *first, error or (reason if first[2] == "failed" else None)


def _commonest(connection: sqlite3.Connection) -> list[Column]:
    """Count what `cell` would show, but for parameters behind a scrap."""
    rows = connection.execute(
        f"""SELECT name, kind
              FROM (SELECT name_id, {_SHOWN_AS} AS kind FROM scraps AS v WHERE {tokens.IS_SHOWN}
                     UNION ALL
                    SELECT name_id, {_SHOWN_AS} FROM parameters AS v WHERE NOT shadowed AND {tokens.IS_SHOWN})
              JOIN names ON names.id = name_id
             GROUP BY name, kind ORDER BY count(*) DESC, name, kind LIMIT ?""",
        (LIMIT,),
    )
    return rows.fetchall()


def _cells(connection: sqlite3.Connection, first: int, last: int) -> dict[int, list[tuple[str, str, Any]]]:
    """Read the cells of the notebooks whose ids lie between two."""
    shown: dict[tuple[int, str], dict[str, str]] = {}
    for notebook, name, mime, digest in connection.execute(
        """SELECT notebook_id, name, mime_type, hash FROM displays JOIN names ON names.id = name_id
            WHERE notebook_id BETWEEN ? AND ?""",
        (first, last),
    ):
        shown.setdefault((notebook, name), {})[mime] = digest
    values = connection.execute(
        """SELECT notebook_id, name, scraps.type, number, text, json, exact, frames.rows, frames.columns, frames.hash
             FROM scraps JOIN names ON names.id = name_id LEFT JOIN frames USING (notebook_id, name_id)
            WHERE notebook_id BETWEEN :first AND :last
            UNION ALL
           SELECT notebook_id, name, parameters.type, number, text, json, exact, NULL, NULL, NULL
             FROM parameters JOIN names ON names.id = name_id
            WHERE notebook_id BETWEEN :first AND :last AND NOT shadowed""",
        {"first": first, "last": last},
    )
    found: dict[int, list[tuple[str, str, Any]]] = {}
    for notebook, name, *stored, rows, columns, digest in values:
        token = tokens.frame_token(rows, columns, digest) if digest else None
        if stored[0] == "display":
            token = tokens.display_token(shown.get((notebook, name), {}))
        if visible := tokens.cell(name, Stored(*stored), token):
            found.setdefault(notebook, []).append(visible)
    return found


def _rename(connection: sqlite3.Connection, columns: Mapping[str, str]) -> None:
    # By way of names that no notebook can give, since one column may take the name that another is about to leave.
    passing = [f"\x01{number}" for number in range(len(columns))]
    for before, after in (*zip(columns, passing, strict=True), *zip(passing, columns.values(), strict=True)):
        connection.execute(f"ALTER TABLE runs RENAME COLUMN {quoted(before)} TO {quoted(after)}")


def quoted(identifier: str) -> str:
    """Quote a name for SQL."""
    return '"' + identifier.replace('"', '""') + '"'
