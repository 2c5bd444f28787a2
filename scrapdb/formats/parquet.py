"""Rows as a parquet file, or as a pyarrow.Table."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any
from typing import BinaryIO

from scrapdb.formats.values import plain


def write(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], file: BinaryIO, _: int, times: Collection[str] = ()
) -> None:
    """Write a parquet file; rows may be a pyarrow.Table, whose types are kept."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(rows if isinstance(rows, pa.Table) else arrow_table(columns, rows, times), file)


def arrow_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], times: Collection[str] = ()) -> Any:
    """Return a pyarrow.Table. A column of numbers is numeric; one that mixes kinds is text, each value as in CSV.

    Those that `times` names are of `arrow_time`.
    """
    import pyarrow as pa

    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [
        pa.array(values, pa.string()).cast(arrow_time()) if name in times else _array(pa, values)
        for name, values in zip(columns, by_column, strict=True)
    ]
    return pa.Table.from_arrays(arrays, names=list(columns))


def arrow_time() -> Any:
    """Return the type of times: microseconds in UTC."""
    import pyarrow as pa

    return pa.timestamp("us", "UTC")


def _array(pa: Any, values: Sequence[Any]) -> Any:
    try:
        return pa.array([plain(value) if isinstance(value, list | dict) else value for value in values])
    except (pa.ArrowException, OverflowError, UnicodeError):
        from scrapdb.text import valid_text

        return pa.array([None if value is None else valid_text(plain(value)) for value in values], pa.string())
