"""Rows with named columns, as every question to a store is answered."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.errors import StoreError
from scrapdb.formats.parquet import arrow_table
from scrapdb.formats.values import short
from scrapdb.query.select import Selection
from scrapdb.store.connection import open_reader
from scrapdb.store.errors import sentences
from scrapdb.text import Named

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from scrapdb.store.past import Past

    Rows = tuple[Sequence[str], Iterator[Sequence[Any]]]  # the names of the columns, and the rows
    Answer = Rows | Selection
    Ask = Callable[[sqlite3.Connection], Answer]

_SHOWN = 100  # rows, in Jupyter
_EXACT = 2**53  # the largest integers that floats keep apart


class Table:
    """Columns and rows. The store is asked when rows are taken, and asked again when they are taken again.

    Iterating gives each row as a dict by column name, `rows()` as a tuple.

    Args:
        columns: names of the columns.
        rows: returns the rows, each time it is called.
        optional: how many of the last columns may be left out where there is no room.
        times: names of the columns that hold times with a zone: ISO 8601 texts, or in a DataFrame times of Python's.
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Callable[[], Iterator[Sequence[Any]]],
        optional: int = 0,
        times: Collection[str] = (),
    ) -> None:
        self.columns = tuple(columns)
        self.optional = optional
        self.times = frozenset(times)
        self._rows = rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows():
            yield Named(zip(self.columns, row, strict=True))

    def rows(self) -> Iterator[Sequence[Any]]:
        """Return the rows in the order of `columns`."""
        return self._rows()

    def to_pandas(self) -> pd.DataFrame:
        """Make a DataFrame: a column of booleans, integers, numbers or text gets pandas' nullable dtype for it.

        Times are timestamps in UTC.
        """
        import pandas as pd

        by_column = list(zip(*self._rows(), strict=True)) or [()] * len(self.columns)
        frame = pd.DataFrame(
            {
                place: _times(values) if self.columns[place] in self.times else _series(values)
                for place, values in enumerate(by_column)
            }
        )
        frame.columns = pd.Index(self.columns)
        return frame

    def to_arrow(self) -> pa.Table:
        """Make a pyarrow.Table; a column that mixes numbers and text is text, times are timestamps in UTC."""
        table: pa.Table = arrow_table(self.columns, self._rows(), self.times)
        return table

    def __repr__(self) -> str:
        return f"<Table {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        from scrapdb.formats.html import table

        rows = list(islice(self._rows(), _SHOWN + 1))
        more = f"<p>The first {_SHOWN} rows.</p>" if len(rows) > _SHOWN else ""
        return table(self.columns, (map(short, row) for row in rows[:_SHOWN])) + more


def asked(store: Path, ask: Ask, past: Past | None = None) -> Table:
    """Ask a store at once, for the columns of the answer and mistakes in the question; again for rows taken again.

    Args:
        store: the database file.
        ask: returns the names of the columns, and the rows while the store is open.
        past: what is looked back at; by default it is the present.

    Raises:
        StoreError: there is no store, or it cannot be read; also while rows are taken.
    """
    first = _answer(store, ask, past)
    columns, optional, times = next(first)
    waiting = [first]

    def rows() -> Iterator[Sequence[Any]]:
        if waiting:
            return waiting.pop()
        again = _answer(store, ask, past)
        if next(again)[0] != columns:
            raise StoreError(f"The columns of the answer are not {', '.join(columns)} any more; ask anew.")
        return again

    return Table(columns, rows, optional, times)


def _answer(store: Path, ask: Ask, past: Past | None) -> Iterator[Sequence[Any]]:
    """Return the names of the columns, how many are optional, and which hold times; then the rows.

    The store is open until the last of them, or until nobody wants more.
    """
    with closing(open_reader(store, past)) as connection, sentences(store):
        answer = ask(connection)
        columns, rows = answer[:2]
        yield tuple(columns), *((answer.optional, answer.times) if isinstance(answer, Selection) else (0, frozenset()))
        yield from rows


def _times(values: Sequence[str | None]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(list(values), dtype="datetime64[us, UTC]")


def _series(values: Sequence[Any]) -> pd.Series[Any]:
    """Make a column. pandas would turn integers with a gap into floats, and 1.0 into 1; a NaN is no gap."""
    import numpy as np
    import pandas as pd

    from scrapdb.facts import Expression

    values = [value.source if isinstance(value, Expression) else value for value in values]
    types = {type(value) for value in values if value is not None}
    integers = [value for value in values if type(value) is int]
    if types == {bool}:
        return pd.Series(list(values), dtype="boolean")
    if types == {str}:
        return pd.Series(list(values), dtype="string")
    if types == {int} and all(-(2**63) <= value < 2**63 for value in integers):
        return pd.Series(list(values), dtype="Int64")
    if float in types and types <= {int, float} and all(abs(value) <= _EXACT for value in integers):
        numbers = np.array([0.0 if value is None else value for value in values], dtype=float)
        missing = np.array([value is None for value in values], dtype=bool)
        return pd.Series(pd.arrays.FloatingArray(numbers, missing))
    series = pd.Series(list(values), dtype=object)
    return series if integers else series.infer_objects()  # times become pandas' own
