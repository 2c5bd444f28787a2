"""Rows with named columns, as every question to a store is answered."""

from __future__ import annotations

import html
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING
from typing import Any

from scrapdb import output

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_SHOWN = 100  # rows, in Jupyter


class Table:
    """Columns and rows. The store is asked when rows are taken, and asked again when they are taken again.

    Iterating gives each row as a dict by column name, `rows()` as a tuple.

    Args:
        columns: names of the columns.
        rows: gives the rows.
    """

    def __init__(self, columns: Sequence[str], rows: Callable[[], Iterator[Sequence[Any]]]) -> None:
        self.columns = tuple(columns)
        self._rows = rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows():
            yield dict(zip(self.columns, row, strict=True))

    def rows(self) -> Iterator[Sequence[Any]]:
        """Give the rows in the order of `columns`."""
        return self._rows()

    def to_pandas(self) -> pd.DataFrame:
        """Make a DataFrame: nullable dtypes where values are missing, so that integers and booleans stay what they are."""
        import pandas as pd

        by_column = list(zip(*self._rows(), strict=True)) or [()] * len(self.columns)
        frame = pd.DataFrame({place: list(values) for place, values in enumerate(by_column)}, dtype=object)
        frame.columns = pd.Index(self.columns)
        return frame.convert_dtypes(convert_floating=True)

    def to_arrow(self) -> pa.Table:
        """Make a pyarrow.Table; a column that mixes numbers and text is text."""
        table: pa.Table = output.arrow_table(self.columns, self._rows())
        return table

    def __repr__(self) -> str:
        return f"<Table {', '.join(self.columns)}>"

    def _repr_html_(self) -> str:
        found = list(islice(self._rows(), _SHOWN + 1))
        head = "".join(f"<th>{html.escape(column)}</th>" for column in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(output.short(value))}</td>" for value in row) + "</tr>"
            for row in found[:_SHOWN]
        )
        more = f"<p>The first {_SHOWN} rows.</p>" if len(found) > _SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
