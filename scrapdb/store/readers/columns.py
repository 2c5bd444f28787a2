"""Reading which columns of `runs` one wants to see first: of a hundred, the pictures may be the last."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from collections.abc import Sequence
from typing import Any

from scrapdb.store.runs import FIXED
from scrapdb.store.runs import quoted

_ROWS = 100  # that are looked at, the last that were indexed
_LONGEST = 40  # characters of a value that are looked at
_FEW_ROWS = 20
_PICTURES, _FRAMES, _PARAMETERS, _ALL = 2, 1, 3, 9
_BEGIN, _END = ("notebook", "nb_status"), ("nb_started_at",)
_FOLDED = ("display:", "frame:", "{", "[")


def first(connection: sqlite3.Connection, fields: Collection[str] = ()) -> list[str]:
    """Read the columns of `runs` that are seen first, and those of `fields`: columns, scraps or parameters."""
    columns = names(connection)
    shown = ", ".join(f"substr({quoted(column)}, 1, {_LONGEST})" for column in columns)
    rows = connection.execute(f"SELECT {shown} FROM runs ORDER BY nb_id DESC LIMIT {_ROWS}").fetchall()
    named = connection.execute(
        'SELECT name, "column", parameters > 0 FROM run_columns JOIN names ON names.id = run_columns.name_id'
    ).fetchall()
    parameters = {column for _, column, is_parameter in named if is_parameter}
    chosen = choose(columns, rows, parameters)
    besides = {column for name, column, _ in named if name in fields}.union(fields)
    return chosen + [column for column in columns if column in besides and column not in chosen]


def length(connection: sqlite3.Connection) -> float:
    """Read how many characters a row of `runs` has, by the last few."""
    lengths = " + ".join(f"ifnull(length({quoted(column)}), 0)" for column in names(connection))
    last = f"SELECT {lengths} AS length FROM runs ORDER BY nb_id DESC LIMIT {_FEW_ROWS}"
    return float(connection.execute(f"SELECT ifnull(avg(length), 0) FROM ({last})").fetchone()[0])


def names(connection: sqlite3.Connection) -> list[str]:
    """Read the names of the columns of `runs`, but for its key."""
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info('runs')")][1:]


def choose(columns: Sequence[str], rows: Sequence[Sequence[Any]], parameters: Collection[str]) -> list[str]:
    """Choose the columns that are seen first: what a run is, its pictures, what it was given and what came out. Pure.

    Args:
        columns: all of them.
        rows: some rows of them; texts may be cut.
        parameters: the columns of what notebooks were given.
    """
    values = {
        column: [row[place] for row in rows if row[place] is not None]
        for place, column in enumerate(columns)
        if column not in FIXED
    }
    common = sorted(filter(values.get, values), key=lambda column: -len(values[column]))
    begins = {column: str(values[column][0]) for column in common}
    varying = [column for column in common if len(set(values[column])) > 1]
    plain = [column for column in common if not begins[column].startswith(_FOLDED)]
    chosen = [
        *_BEGIN,
        *[column for column in common if begins[column].startswith("display:image/")][:_PICTURES],
        *[column for column in common if begins[column].startswith("frame:")][:_FRAMES],
        *[column for column in plain if column in parameters and column in varying][:_PARAMETERS],
    ]
    others = [column for column in sorted(plain, key=lambda column: column not in varying) if column not in chosen]
    return [*chosen, *others[: max(0, _ALL - len(_END) - len(chosen))], *_END]
