"""DataFrames for a page: the first rows of Arrow's table as JSON values, and what each column holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.formats import dataframe
from scrapdb.formats.values import plain
from scrapdb.reporting.rendering.given import Column
from scrapdb.reporting.rendering.given import Table

if TYPE_CHECKING:
    import pyarrow as pa


def table(frame: pa.Table, first: int, total: int | None = None) -> Table:
    """Return the first rows of a frame.

    Args:
        frame: as `database.frames` reads it; what pandas says of it tells which columns are its index.
        first: the most rows.
        total: how many rows there are, if the frame has not got all of them.
    """
    index = dataframe.said(frame.schema).index_columns
    shown = frame.slice(0, first)
    columns, values = [], []
    for field, column in zip(shown.schema, shown.columns, strict=True):
        kind, written = _column(_kind(field.type), dataframe.values(column))
        columns.append(Column(name=field.name, type=kind, is_index=field.name in index))
        values.append(written)
    rows = [list(row) for row in zip(*values, strict=True)]
    return Table(columns=tuple(columns), rows=rows, total=frame.num_rows if total is None else total)


def _kind(type_: pa.DataType) -> str:
    """Say what a column of an Arrow type holds, in the words of `Column`."""
    import pyarrow as pa

    is_ = pa.types
    if is_.is_dictionary(type_):
        return _kind(type_.value_type)
    kinds = {
        "boolean": is_.is_boolean(type_),
        "integer": is_.is_integer(type_),
        "number": is_.is_floating(type_) or is_.is_decimal(type_),
        "date": is_.is_date(type_),
        "time": is_.is_timestamp(type_),
        "duration": is_.is_duration(type_),
    }
    return next((kind for kind, is_so in kinds.items() if is_so), "text")


def _column(kind: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Write the values of a column; times that are all at midnight are dates, as pandas prints them."""
    if kind == "time" and all(value is None or _is_day(value) for value in values):
        kind = "date"
    write: Callable[[Any], Any] = _WRITERS.get(kind, _text)
    return kind, [None if value is None else write(value) for value in values]


def _is_day(value: Any) -> bool:
    return value.tzinfo is None and value.time() == dt.time(0)


def _date(value: Any) -> str:
    """Write a date. Those beyond Python's years come as numpy's or as texts."""
    return str(value)[:10] if isinstance(value, dt.date) else str(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else plain(value)


_WRITERS: dict[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "integer": int,
    "number": float,
    "date": _date,
    "time": lambda value: value.isoformat(),
    "duration": lambda value: value.total_seconds(),
}
