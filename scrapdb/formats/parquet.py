"""Rows as a parquet file, or as a pyarrow.Table."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import BinaryIO

from scrapdb.formats.values import plain


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], file: BinaryIO, _: int) -> None:
    """Write a parquet file."""
    import pyarrow.parquet as pq

    pq.write_table(arrow_table(columns, rows), file)


def arrow_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Any:
    """Return a pyarrow.Table. A column of numbers is numeric; one that mixes kinds is text, each value as in CSV."""
    import pyarrow as pa

    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.Table.from_arrays([_array(pa, values) for values in by_column], names=list(columns))


def _array(pa: Any, values: Sequence[Any]) -> Any:
    try:
        return pa.array([plain(value) if isinstance(value, list | dict) else value for value in values])
    except (pa.ArrowException, OverflowError, UnicodeError):
        from scrapdb.text import valid_text

        return pa.array([None if value is None else valid_text(plain(value)) for value in values], pa.string())
