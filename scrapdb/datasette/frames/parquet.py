"""Rows of one parquet file by their number, without reading all of it.

pandas writes a million rows as one row group, and inside a row group a reader cannot jump: it decodes from the start.
So rows near the start of a row group are read by batches up to the last one wanted, and for rows farther in the wanted
columns of the row group are decoded whole and remembered, so that the next page, sort or filter finds them.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.formats.dataframe import columns
from scrapdb.formats.dataframe import open_file
from scrapdb.formats.dataframe import picked
from scrapdb.formats.dataframe import without_views

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

REMEMBERED = 192 * 2**20  # bytes
_OVERHEAD = 1000  # bytes that remembering a value takes, however small it is
_NEAR = 50_000  # rows from the start of a row group that are cheaper to read by batches
_BATCH_ROWS = 16_384
_REPEATED = 8  # bytes per row: a text column that takes less repeats itself, and is best kept as a dictionary
SECONDS = 10.0
_ODD = "This DataFrame holds what cannot be shown: {}. Download the parquet file."
_DAMAGED = "The parquet file of this DataFrame is damaged: {}. Make it anew with `scrapdb index --force`."


class Recent:
    """Values used last, as many as fit into so many bytes; threads may share it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Any, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """Return the value of a key, None if it is not there any more."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def keep(self, key: Any, value: Any, size: int) -> None:
        """Remember a value of so many bytes, and forget the oldest ones that no longer fit beside it."""
        size += _OVERHEAD
        if size > self._limit:
            return
        with self._lock:
            if key in self._values:
                return
            self._values[key] = value, size
            self._size += size
            while self._size > self._limit:
                _, (_, freed) = self._values.popitem(last=False)
                self._size -= freed


RECENT = Recent(REMEMBERED)


@contextmanager
def opened(place: bytes | Path) -> Iterator[Parquet]:
    """Open a parquet file: the bytes of a small one, or where it lies; its name says what is in it.

    Decoded columns are remembered by what was opened, not by a hash that a store claims: it may be somebody else's.

    Raises:
        ScrapdbError: it is damaged, or holds what Arrow or Python cannot do; also while it is read.
    """
    import pyarrow as pa

    try:
        source = pa.memory_map(str(place)) if isinstance(place, Path) else pa.BufferReader(place)
        with source, open_file(source) as file:
            yield Parquet(file, source, str(place) if isinstance(place, Path) else sha256(place).hexdigest())
    except ScrapdbError:
        raise
    except pa.ArrowNotImplementedError as error:
        raise ScrapdbError(_ODD.format(error)) from error
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0].replace(str(place), "it") if isinstance(place, Path) else str(error)
        raise ScrapdbError(_DAMAGED.format(reason.rstrip("."))) from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:  # of whoever wrote the file
        raise ScrapdbError(_ODD.format(error)) from error


class Parquet:
    """An open parquet file; `opened` gives it.

    Attributes:
        key: tells the file from others.
        rows: how many it has.
        columns: its columns, an index of pandas first.
    """

    def __init__(self, file: Any, source: Any, key: str) -> None:
        self._file = file
        self._source = source
        self.key = key
        self.rows: int = file.metadata.num_rows
        self.columns = columns(file)
        self._columns = {column.name: column for column in self.columns}
        self._groups = [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)]
        self._sizes = [_sizes(file.metadata.row_group(place)) for place in range(file.num_row_groups)]

    def type_of(self, column: str) -> pa.DataType:
        """Return the Arrow type of a column; a dictionary's is that of its values."""
        import pyarrow as pa

        _, stored, _, nth, counted, _ = self._columns[column]
        if counted is not None:
            return pa.int64()
        schema = self._file.schema_arrow
        type_ = schema.field(schema.get_all_field_indices(stored)[nth]).type
        type_ = without_views(type_.value_type if pa.types.is_dictionary(type_) else type_)
        return pa.float32() if pa.types.is_float16(type_) else type_  # which Arrow neither compares nor sorts

    def is_numeric(self, column: str) -> bool:
        """Return whether a column holds numbers."""
        import pyarrow as pa

        type_ = self.type_of(column)
        return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_))

    def is_text(self, column: str) -> bool:
        """Return whether a column holds text."""
        import pyarrow as pa

        type_ = self.type_of(column)
        return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))

    def take(self, columns: Sequence[str], numbers: Any, seconds: float = SECONDS) -> pa.Table:
        """Read rows by their numbers, a sequence or array of integers, in the order of the numbers.

        Raises:
            ScrapdbError: it takes too long.
        """
        import numpy as np
        import pyarrow as pa

        numbers = np.asarray(numbers, np.int64)
        order = np.argsort(numbers, kind="stable")
        ordered = numbers[order]
        parts: list[pa.Table] = []
        deadline = _Deadline(seconds)
        first = 0
        for group, length in enumerate(self._groups):
            inside = ordered[np.searchsorted(ordered, first) : np.searchsorted(ordered, first + length)] - first
            if len(inside):
                parts.extend(self._taken(group, columns, inside, deadline))
            first += length
        if not parts:
            return self._without_dictionaries(self._selected(self._file.schema_arrow.empty_table(), columns, 0))
        return pa.concat_tables(map(self._without_dictionaries, parts)).take(np.argsort(order))

    def pieces(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Return all rows in order, a piece at a time: a row group where its columns fit into memory, else batches.

        Raises:
            ScrapdbError: it takes too long.
        """
        deadline = _Deadline(SECONDS)
        for group in range(len(self._groups)):
            for piece in self._pieces(group, columns, whole=True):
                deadline.check()
                yield self._without_dictionaries(piece)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Return all rows in order, some thousands at a time, remembering none."""
        for piece in self._read_batches(range(len(self._groups)), columns):
            yield self._without_dictionaries(piece)

    def _taken(
        self, group: int, columns: Sequence[str], inside: np.ndarray[Any, Any], deadline: _Deadline
    ) -> Iterator[pa.Table]:
        import numpy as np

        last = int(inside[-1])
        first = 0
        for piece in self._pieces(group, columns, whole=last >= _NEAR):
            deadline.check()
            here = inside[np.searchsorted(inside, first) : np.searchsorted(inside, first + len(piece))] - first
            if len(here):
                yield piece.take(here)
            first += len(piece)
            if first > last:
                return

    def _pieces(self, group: int, columns: Sequence[str], *, whole: bool) -> Iterator[pa.Table]:
        """Return a row group in one piece if its columns are at hand, or are wanted whole and fit."""
        import pyarrow as pa

        kept = {name: RECENT.get((self.key, group, name)) for name in columns}
        missing = [name for name, array in kept.items() if array is None]
        if missing and not (whole and self._fits(group, columns)):
            yield from self._read_batches([group], columns)
            return
        if missing:
            kept |= self._decoded(group, missing)
        yield pa.Table.from_arrays([kept[name] for name in columns], names=list(columns))

    def _read_batches(self, groups: Sequence[int], columns: Sequence[str]) -> Iterator[pa.Table]:
        import pyarrow as pa

        first = sum(self._groups[: groups[0]]) if groups else 0
        for batch in self._file.iter_batches(_BATCH_ROWS, row_groups=list(groups), columns=self._stored(columns)):
            yield self._selected(pa.Table.from_batches([batch]), columns, first)
            first += len(batch)

    def _stored(self, names: Iterable[str]) -> list[str]:
        """Return what the file calls columns, without those that are not in it."""
        return [column.stored for name in names if (column := self._columns[name]).counted is None]

    def _selected(self, table: pa.Table, names: Sequence[str], first: int) -> pa.Table:
        """Pick columns of a table as the file has it, whose first row has that number, and add those that count."""
        import pyarrow as pa

        columns = [self._columns[name] for name in names]
        stored = iter(picked(table, [column for column in columns if column.counted is None]))
        arrays = [
            next(stored) if column.counted is None else pa.array(column.counted[first : first + len(table)], pa.int64())
            for column in columns
        ]
        arrays = [array.cast(pa.float32()) if pa.types.is_float16(array.type) else array for array in arrays]
        return pa.table(arrays, names=list(names))

    def _decoded(self, group: int, names: Sequence[str]) -> dict[str, pa.ChunkedArray]:
        import pyarrow.parquet as pq

        small = _REPEATED * self._groups[group]
        repeated = [name for name in names if self._size(group, name) < small and self.is_text(name)]
        file = pq.ParquetFile(self._source, metadata=self._file.metadata, read_dictionary=self._stored(repeated))
        table = file.read_row_group(group, columns=self._stored(names))
        table = self._selected(table, names, sum(self._groups[:group]))
        decoded = dict(zip(names, table.columns, strict=True))
        for name, array in decoded.items():
            RECENT.keep((self.key, group, name), array, array.nbytes)
        return decoded

    def _without_dictionaries(self, table: pa.Table) -> pa.Table:
        import pyarrow as pa

        for place, field in enumerate(table.schema):
            if pa.types.is_dictionary(field.type):
                table = table.set_column(place, field.name, table.column(place).cast(self.type_of(field.name)))
        return table

    def _fits(self, group: int, names: Sequence[str]) -> bool:
        """Return whether columns can be decoded whole; a row takes 8 bytes even where its encoding takes none."""
        size: int = sum(self._size(group, name) + 8 * self._groups[group] for name in names)
        return size <= REMEMBERED

    def _size(self, group: int, name: str) -> int:
        """Return the uncompressed bytes of a column; one that is not in the file has none."""
        return self._sizes[group][self._columns[name].stored]


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise ScrapdbError(
                f"This DataFrame is too large to answer that within {self._seconds:g} seconds. Show fewer columns, or"
                " download the parquet file."
            )


def _sizes(group: Any) -> dict[str, int]:
    """Sum the uncompressed bytes of a row group by column; `a.b` counts for `a` too, since it may be a part of it."""
    sizes: dict[str, int] = defaultdict(int)
    for place in range(group.num_columns):
        column = group.column(place)
        words = column.path_in_schema.split(".")
        for count in range(1, len(words) + 1):
            sizes[".".join(words[:count])] += column.total_uncompressed_size
    return sizes


def summary(file: Parquet) -> dict[str, dict[str, Any]]:
    """Summarize each column: its type, and of numbers `min`, `mean` and `max`.

    Raises:
        ScrapdbError: it takes too long, or the file is damaged.
    """
    columns: dict[str, dict[str, Any]] | None = RECENT.get((file.key, "summary"))
    if columns is None:
        deadline = _Deadline(SECONDS)
        columns = {}
        for column in file.columns:
            deadline.check()
            columns[column.name] = {"type": column.type} | _numbers(file, column.name)
        RECENT.keep((file.key, "summary"), columns, sum(map(len, columns)) * 8)
    return columns


def _numbers(file: Parquet, column: str) -> dict[str, float]:
    """Find the smallest, the mean and the largest number of a column, without NaN; nothing if it has none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not file.is_numeric(column):
        return {}
    smallest, largest, total, count = [], [], 0.0, 0
    for piece in file.pieces([column]):
        values = piece.column(0)
        values = values.filter(pc.is_finite(values)) if pa.types.is_floating(values.type) else values.drop_null()
        if len(values):
            bounds = pc.min_max(values).as_py()
            smallest.append(bounds["min"])
            largest.append(bounds["max"])
            total += float(pc.sum(values.cast(pa.float64(), safe=False)).as_py())
            count += len(values)
    return {"min": _number(min(smallest)), "mean": total / count, "max": _number(max(largest))} if count else {}


def _number(value: Any) -> float:
    return value if isinstance(value, int) else float(value)
