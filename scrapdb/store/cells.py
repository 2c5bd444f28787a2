"""Reading the code cells of a run: how long each took, and the source of those that glued something or failed."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


class Cell(NamedTuple):
    """A code cell: `cell` counts as in a scrap's place; what is not known is None."""

    cell: int
    cell_id: str | None
    execution_count: int | None
    seconds: float | None
    source: str | None


def cells(connection: sqlite3.Connection, notebook_id: int) -> list[Cell]:
    """Read the code cells of a notebook in their order."""
    rows = connection.execute(
        "SELECT cell, cell_id, execution_count, seconds, source FROM cells WHERE notebook_id = ? ORDER BY cell",
        (notebook_id,),
    )
    return [Cell(*row) for row in rows]
