"""Which rows of a frame, in which order: filters and sorting as Datasette writes them in an address."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from datetime import time
from decimal import Decimal
from functools import reduce
from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb.datasette.frames.parquet import RECENT
from scrapdb.datasette.frames.parquet import Parquet
from scrapdb.errors import UsageError
from scrapdb.formats.dataframe import is_of_pandas

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

MOST_SORTED = 5_000_000  # rows
# Words of Datasette's filters, and what they are called in the form. The first is meant where none is given.
OPERATORS = {
    "exact": "=",
    "not": "!=",
    "gt": ">",
    "gte": "≥",
    "lt": "<",
    "lte": "≤",
    "contains": "contains",
    "isnull": "is null",
    "notnull": "is not null",
}
_COMPARISONS = {
    "exact": "equal",
    "not": "not_equal",
    "gt": "greater",
    "gte": "greater_equal",
    "lt": "less",
    "lte": "less_equal",
}
_FALSE = frozenset({"", "0", "false", "no", "off"})
_TRUE = frozenset({"1", "true", "yes", "on"})


class Filter(NamedTuple):
    """A condition on one column: `word` is a key of `OPERATORS`, `text` as it was typed."""

    column: str
    word: str
    text: str


class Selection(NamedTuple):
    """Rows of a frame: those that pass all filters, in the order of a column, or as they stand in the frame."""

    filters: tuple[Filter, ...] = ()
    sort: str | None = None
    descending: bool = False


def read_filter(name: str, text: str, columns: Sequence[str]) -> Filter:
    """Read a filter from a parameter of an address: `price=3` or, with one of the words, `price__gt=3`.

    Raises:
        UsageError: the name is that of no column, or of no condition.
    """
    if name in columns:
        return Filter(name, "exact", text)
    column, separator, word = name.rpartition("__")
    if not separator or column not in columns:
        raise UsageError(f"There is no column {column or name!r}.")
    if word not in OPERATORS:
        raise UsageError(f"{name}: a filter is one of {', '.join(OPERATORS)}.")
    return Filter(column, word, text)


def numbers(file: Parquet, selection: Selection) -> np.ndarray[Any, Any] | None:
    """Find the numbers of the selected rows in their order; None stands for all of them as they are.

    Raises:
        UsageError: a value does not fit its column, or there are too many rows to sort.
        ScrapdbError: it takes too long, or the file is damaged.
    """
    if selection == Selection():
        return None
    key = (file.key, selection)
    rows: np.ndarray[Any, Any] | None = RECENT.get(key)
    if rows is None:
        if selection.sort is not None and not selection.filters:
            _check_sortable(file.rows)
        rows = _matching(file, selection.filters)
        if selection.sort is not None:
            rows = _sorted(file, rows, selection.sort, descending=selection.descending)
        RECENT.keep(key, rows, rows.nbytes)
    return rows


def pieces(file: Parquet, columns: Sequence[str], filters: Sequence[Filter]) -> Iterator[pa.Table]:
    """Return the rows that pass the filters, in the order of the file, some thousands at a time.

    Raises:
        UsageError: a value does not fit its column.
    """
    needed = list(dict.fromkeys([*columns, *(filter_.column for filter_ in filters)]))
    mask = _mask(file, filters)
    for piece in file.batches(needed):
        kept = piece.filter(mask(piece)) if filters else piece
        yield kept.select(columns)


def _matching(file: Parquet, filters: Sequence[Filter]) -> np.ndarray[Any, Any]:
    import numpy as np

    if not filters:
        return np.arange(file.rows, dtype=np.uint32 if file.rows < 2**32 else np.uint64)
    mask = _mask(file, filters)
    matching, first = [np.empty(0, np.int64)], 0
    for piece in file.pieces([filter_.column for filter_ in filters]):
        matching.append(np.flatnonzero(mask(piece).to_numpy()) + first)
        first += len(piece)
    return np.concatenate(matching)


def _sorted(file: Parquet, rows: np.ndarray[Any, Any], column: str, *, descending: bool) -> np.ndarray[Any, Any]:
    """Order rows by a column, those without a value last, equal ones as they stand in the frame."""
    import pyarrow as pa
    import pyarrow.compute as pc

    _check_sortable(len(rows))
    if not len(rows):
        return rows
    values = _comparable(pa.concat_tables(file.pieces([column])).column(0))
    if len(rows) < file.rows:
        values = values.take(pa.array(rows))
    table = pa.table([values.combine_chunks()], names=["by"])  # of which Arrow sorts dicts and bounds of intervals too
    try:
        order = pc.sort_indices(table, sort_keys=[("by", "descending" if descending else "ascending")])
    except (pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise UsageError(f"The column {column!r} has values without an order ({file.type_of(column)}).") from error
    ordered: np.ndarray[Any, Any] = rows[order.to_numpy()]
    return ordered


def _check_sortable(rows: int) -> None:
    if rows > MOST_SORTED:
        raise UsageError(
            f"{rows:,} rows are too many to sort here: at most {MOST_SORTED:,}. Filter them first, or download the"
            " parquet file."
        )


def _mask(file: Parquet, filters: Sequence[Filter]) -> Callable[[pa.Table], pa.ChunkedArray]:
    """Make the function of all filters, of which there is one or more."""
    import pyarrow.compute as pc

    conditions = [(filter_.column, _condition(file, filter_)) for filter_ in filters]
    return lambda piece: reduce(
        pc.and_, (condition(_comparable(piece.column(column))) for column, condition in conditions)
    )


def _comparable(array: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return what Arrow compares: of types that are not its own what they are made of, numbers for periods."""
    import pyarrow as pa

    is_extension = isinstance(array.type, pa.BaseExtensionType)
    return array.cast(array.type.storage_type) if is_extension else array


def _condition(file: Parquet, filter_: Filter) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    """Make a filter's function: an array to an array of booleans, false where there is no value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column, word, text = filter_
    type_ = file.type_of(column)
    if word in {"isnull", "notnull"}:
        missing = (word == "isnull") == (text.lower() not in _FALSE)
        return lambda array: pc.equal(pc.is_null(array, nan_is_null=True), pa.scalar(missing))
    if word == "contains":
        if not file.is_text(column):
            raise UsageError(f"{column!r} is no column of text ({type_}): `contains` cannot be asked.")
        return lambda array: pc.fill_null(pc.match_substring(array, text), fill_value=False)
    value = pa.scalar(text, type_) if file.is_text(column) else _value(column, text, type_)
    compare = getattr(pc, _COMPARISONS[word])
    return lambda array: pc.fill_null(compare(array, value), fill_value=False)


def _value(column: str, text: str, type_: pa.DataType) -> pa.Scalar:
    """Read a filter's value as one of its column; a time without an offset is UTC."""
    import pyarrow as pa

    if pa.types.is_boolean(type_) and text.lower() in _TRUE | _FALSE:
        return pa.scalar(text.lower() in _TRUE)
    readings: list[Callable[[], pa.Scalar]] = [lambda: pa.scalar(text.strip()).cast(type_)]
    if is_of_pandas(type_):
        import pandas as pd

        frequency = getattr(type_.to_pandas_dtype(), "freq", None)  # of periods, not of intervals
        readings = [lambda: pa.scalar(pd.Period(text.strip(), frequency).ordinal)]
    if pa.types.is_integer(type_) or pa.types.is_decimal(type_):
        readings.append(lambda: _number(text, type_))
    if pa.types.is_time(type_):
        readings.append(lambda: pa.scalar(time.fromisoformat(text.strip())))
    if pa.types.is_duration(type_):
        readings.append(lambda: pa.scalar(import_module("pandas").Timedelta(text).to_pytimedelta()))
    if pa.types.is_timestamp(type_):
        readings.append(lambda: pa.scalar(_time(text), pa.timestamp("us", "UTC" if type_.tz else None)))
    for reading in readings:
        try:
            return reading()
        except (ArithmeticError, TypeError, ValueError, pa.ArrowException):
            continue
    raise UsageError(f"{text!r} is no value that the column {column!r} ({type_}) can have.")


def _number(text: str, type_: pa.DataType) -> pa.Scalar:
    """Read a number that the type may not hold: integers are compared with it exactly, which floats are not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    number = pa.scalar(Decimal(text.strip()))
    pc.equal(pa.array([], type_), number)  # they may have too many digits together
    return number


def _time(text: str) -> datetime:
    given = datetime.fromisoformat(text.strip())
    return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
