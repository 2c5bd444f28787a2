"""Two DataFrames: which columns and which rows differ. Pure: Arrow's tables in, what differs out.

Rows are found by the index, where both have one of the same names whose values differ from row to row; otherwise by
their position. Rows that only one of them has are counted as added or removed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb.database.equality import Step
from scrapdb.database.equality import is_same
from scrapdb.database.equality import step
from scrapdb.formats import dataframe

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS = 5  # of those that changed, and of those that were added or removed
Key = tuple[Any, ...]


class CellChange(NamedTuple):
    """A value that differs in a row that both have."""

    row: Key
    column: str
    before: Any
    after: Any
    step: Step


class Retyped(NamedTuple):
    """A column of another type."""

    column: str
    before: str
    after: str


class Rows(NamedTuple):
    """What differs between two DataFrames.

    Args:
        by: names of the index by which rows are found; none if it is by position.
        removed_columns, added_columns: names of those that only one has.
        retyped: of those that both have.
        reordered: whether these stand in another order.
        removed, added, changed: how many rows only one has, and how many differ.
        first_removed, first_added: the index, or the position, of the first of these.
        cells: what differs in the first of the changed rows.
    """

    by: tuple[str, ...]
    removed_columns: tuple[str, ...]
    added_columns: tuple[str, ...]
    retyped: tuple[Retyped, ...]
    reordered: bool
    removed: int
    added: int
    changed: int
    first_removed: tuple[Key, ...]
    first_added: tuple[Key, ...]
    cells: tuple[CellChange, ...]

    def differ(self) -> bool:
        """Return whether there is any difference."""
        schema = self.removed_columns or self.added_columns or self.retyped or self.reordered
        return bool(schema or self.removed or self.added or self.changed)


class _Pairs(NamedTuple):
    """Rows of the first table with those of the second, by position; and those that only one has."""

    by: tuple[str, ...]
    keys: Sequence[Key]
    both: list[tuple[int, int]]
    removed: list[Key]
    added: list[Key]


def compare(first: pa.Table, second: pa.Table, tolerance: float = 0.0) -> Rows:
    """Compare two tables as `dataframe.read` gives them."""
    names, others = first.schema.names, second.schema.names
    common = [name for name in names if name in others]
    types = (dict(zip(table.schema.names, dataframe.types(table.schema), strict=True)) for table in (first, second))
    before, after = types
    pairs = _pairs(first, second)
    compared = [name for name in common if name not in pairs.by]
    changed, cells = _changed(first, second, compared, pairs, tolerance)
    return Rows(
        by=pairs.by,
        removed_columns=tuple(name for name in names if name not in others),
        added_columns=tuple(name for name in others if name not in names),
        retyped=tuple(Retyped(name, before[name], after[name]) for name in common if before[name] != after[name]),
        reordered=common != [name for name in others if name in names],
        removed=len(pairs.removed),
        added=len(pairs.added),
        changed=changed,
        first_removed=tuple(pairs.removed[:SHOWN_ROWS]),
        first_added=tuple(pairs.added[:SHOWN_ROWS]),
        cells=cells,
    )


def _pairs(first: pa.Table, second: pa.Table) -> _Pairs:
    index, other = (tuple(dataframe.said(table.schema).index_columns) for table in (first, second))
    if index and index == other:
        keys, others = _keys(first, index), _keys(second, index)
        places, known = ({key: place for place, key in enumerate(each)} for each in (keys, others))
        if len(places) == len(keys) and len(known) == len(others):
            return _Pairs(
                by=index,
                keys=keys,
                both=[(place, known[key]) for key, place in places.items() if key in known],
                removed=[key for key in keys if key not in known],
                added=[key for key in others if key not in places],
            )
    rows, others_rows = first.num_rows, second.num_rows
    return _Pairs(
        by=(),
        keys=_Positions(rows),
        both=[(place, place) for place in range(min(rows, others_rows))],
        removed=[(place,) for place in range(others_rows, rows)],
        added=[(place,) for place in range(rows, others_rows)],
    )


class _Positions(Sequence[Key]):
    """The positions of so many rows, each as a key."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, place: Any) -> Any:
        return (range(self._rows)[place],)


def _keys(table: pa.Table, index: Iterable[str]) -> list[Key]:
    """Return the index of each row; a missing value is one, and what cannot be looked up is its text."""
    levels = [map(_key, dataframe.values(table.column(name))) for name in index]
    return list(zip(*levels, strict=True))


def _key(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    return str(value) if isinstance(value, list | dict) else value


def _changed(
    first: pa.Table, second: pa.Table, names: Iterable[str], pairs: _Pairs, tolerance: float
) -> tuple[int, tuple[CellChange, ...]]:
    """Count the rows that differ, and tell what differs in the first of them."""
    rows: set[int] = set()
    cells: list[tuple[int, CellChange]] = []
    in_place = _is_in_place(pairs)
    for name in names:
        if in_place and first.column(name).equals(second.column(name)):
            continue
        before, after = dataframe.values(first.column(name)), dataframe.values(second.column(name))
        differ = [pair for pair in pairs.both if not is_same(before[pair[0]], after[pair[1]], tolerance)]
        rows.update(place for place, _ in differ)
        for place, other in differ[:SHOWN_ROWS]:
            old, new = before[place], after[other]
            cells.append((place, CellChange(pairs.keys[place], name, old, new, step(old, new))))
    shown = set(sorted(rows)[:SHOWN_ROWS])
    found = sorted((cell for cell in cells if cell[0] in shown), key=lambda cell: cell[0])
    return len(rows), tuple(change for _, change in found)


def _is_in_place(pairs: _Pairs) -> bool:
    """Return whether every row has its own position in both."""
    return not pairs.removed and not pairs.added and all(place == other for place, other in pairs.both)
