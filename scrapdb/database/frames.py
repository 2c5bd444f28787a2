"""One DataFrame across notebooks: the parquet files of a name, one below the other, each row with its notebook."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import re
import sqlite3
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb import errors
from scrapdb.formats.values import plain
from scrapdb.store.readers.frames import StoredFrame
from scrapdb.store.readers.frames import frame_names
from scrapdb.store.readers.frames import frames_of_name
from scrapdb.store.readers.frames import parquet_of_frame
from scrapdb.text import valid_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet as pq

NOTEBOOK = "notebook"
_LEVEL = re.compile(r"__index_level_(\d+)__")  # as pandas writes an index without a name
_BATCH_ROWS = 10_000


def load(
    connection: sqlite3.Connection, frame: StoredFrame, columns: Sequence[str] | None = None, *, empty: bool = False
) -> pa.Table:
    """Read one frame, its index as columns in front of the others, as `DataFrame.reset_index` does.

    Args:
        connection: of the store.
        frame: where the frame is.
        columns: the columns to read, those that it has.
        empty: whether to read none of its rows.

    Raises:
        ScrapdbError: its bytes are damaged or missing.
    """
    from pyarrow import parquet as pq

    with _open_parquet(connection, frame) as file:
        return _read(pq.ParquetFile(file), columns, empty=empty)


def glued(connection: sqlite3.Connection, frame: StoredFrame) -> pd.DataFrame:
    """Read one frame as it was glued.

    Raises:
        ScrapdbError: its bytes are damaged or missing.
    """
    import pandas as pd

    with _open_parquet(connection, frame) as file:
        return pd.read_parquet(file)


@contextmanager
def _open_parquet(connection: sqlite3.Connection, frame: StoredFrame) -> Iterator[Any]:
    """Open a frame as a file of Arrow's own, as in `encoders.pandas`, and tell of what goes wrong inside."""
    import pyarrow as pa

    place = parquet_of_frame(connection, frame)
    try:
        if isinstance(place, Path):
            _check(place, frame.hash)
        yield pa.OSFile(str(place)) if isinstance(place, Path) else pa.BufferReader(place)
    except (pa.ArrowException, ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        reason = " ".join(str(error).rstrip(".\n").split())
        raise errors.ScrapdbError(
            f"The DataFrame of {frame.notebook} is damaged: {reason}. Index again with --force."
        ) from error


def _check(sidecar: Path, digest: str) -> None:
    """Make sure that a file is what its name says: Arrow would read many a damaged one as other numbers."""
    with sidecar.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            raise ValueError("its file is not what was glued")


def across(
    connection: sqlite3.Connection,
    name: str,
    notebook_ids: Collection[int] | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Read the frames of a name one below the other, the path of the notebook in front.

    Columns are put together by name; a type that differs is widened, or becomes text where nothing else holds both.

    Raises:
        ScrapNotFoundError: no notebook glued a frame under that name.
        UsageError: no frame has one of the columns.
        ScrapdbError: a frame is damaged or missing.
    """
    of_name = list(frames_of_name(connection, valid_text(name)))
    if not of_name:
        names = frame_names(connection)
        reason = f"a DataFrame as {name!r}; {errors.suggestion(name, names)}" if names else "a DataFrame."
        raise errors.ScrapNotFoundError(f"No notebook has glued {reason}")
    wanted = None if notebook_ids is None else set(notebook_ids)
    kept = [frame for frame in of_name if wanted is None or frame.notebook_id in wanted]
    table = _concatenated_frames(connection, kept or of_name[:1], columns)
    return table if kept else table.slice(length=0)


def _concatenated_frames(
    connection: sqlite3.Connection, frames: Sequence[StoredFrame], columns: Sequence[str] | None
) -> pa.Table:
    tables = [load(connection, frame, columns) for frame in frames]
    names = {name for table in tables for name in table.schema.names}
    if missing := set(columns or ()) - names - {NOTEBOOK}:
        known = ", ".join(dict.fromkeys(name for frame in frames for name in load(connection, frame).schema.names))
        raise errors.UsageError(f"No such DataFrame has a column {', '.join(sorted(missing))}; there are {known}.")
    path = next(name for tail in itertools.count() if (name := NOTEBOOK + "_" * tail) not in names)
    return _concatenated([_with_path(table, path, frame) for table, frame in zip(tables, frames, strict=True)])


class AlignedFrames:
    """Frames one after another, all with one schema: put together as by `across`, but read one at a time.

    Attributes:
        frames: those that can be read.
        errors: a sentence about each of the others.

    Args:
        connection: of the store.
        frames: the frames.
        reserved: what no column may be called, in any case; one that is gets a `_` at its end.
    """

    def __init__(
        self, connection: sqlite3.Connection, frames: Iterable[StoredFrame], reserved: Sequence[str] = ()
    ) -> None:
        self._connection = connection
        self.frames: list[StoredFrame] = []
        self.errors: list[str] = []
        schemas: dict[pa.Schema, StoredFrame] = {}
        for frame in frames:
            try:
                schemas.setdefault(_decoded(load(connection, frame, empty=True)).schema, frame)
                self.frames.append(frame)
            except errors.ScrapdbError as error:
                self.errors.append(str(error))
        names = dict.fromkeys(name for schema in schemas for name in schema.names)
        self._names = _free_names(names, (*reserved, NOTEBOOK))
        if schemas:
            pieces = [self._renamed(schema.empty_table(), frame) for schema, frame in schemas.items()]
            self._empty = _concatenated(pieces).slice(length=0)

    @property
    def schema(self) -> pa.Schema:
        """The schema of every table that `table` returns; the path of the notebook is in front."""
        return self._empty.schema

    def table(self, frame: StoredFrame) -> pa.Table:
        """Read one of `frames`.

        Raises:
            ScrapdbError: it is damaged, or has a value that the type found for all does not hold.
        """
        import pyarrow as pa

        table = self._renamed(_decoded(load(self._connection, frame)), frame)
        clashing = [field.name for field in table.schema if _becomes_text(field, self.schema.field(field.name))]
        try:
            table = functools.reduce(_column_as_text, clashing, table)
            return pa.concat_tables([self._empty, table], promote_options="permissive").cast(self.schema)
        except pa.ArrowException as error:
            raise errors.ScrapdbError(
                f"The DataFrame of {frame.notebook} does not fit to the others: {error}."
            ) from error

    def _renamed(self, table: pa.Table, frame: StoredFrame) -> pa.Table:
        renamed = table.rename_columns([self._names[name] for name in table.schema.names])
        return _with_path(renamed, NOTEBOOK, frame)


def rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a table as tuples of Python values."""
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _concatenated(pieces: Sequence[pa.Table]) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.concat_tables(pieces, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.concat_tables(_as_text(pieces), promote_options="permissive")


def _with_path(table: pa.Table, name: str, frame: StoredFrame) -> pa.Table:
    import pyarrow as pa

    length = table.num_rows if table.num_columns else frame.rows  # it may have none of the columns asked for
    columns = dict(zip(table.schema.names, table.columns, strict=True))
    return pa.table({name: pa.repeat(pa.scalar(frame.notebook), length)} | columns)


def _as_text(pieces: Sequence[pa.Table]) -> list[pa.Table]:
    """Turn the columns whose types nothing else holds together into text."""
    types: dict[str, set[Any]] = {}
    for field in (field for piece in pieces for field in piece.schema):
        types.setdefault(field.name, set()).add(field.type)
    clashing = {name for name, of_name in types.items() if not _are_compatible(of_name)}
    return [
        functools.reduce(_column_as_text, (name for name in piece.schema.names if name in clashing), piece)
        for piece in pieces
    ]


def _are_compatible(types: Iterable[Any]) -> bool:
    import pyarrow as pa

    try:
        pa.unify_schemas([pa.schema([("column", type_)]) for type_ in types], promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return False
    return True


def _column_as_text(table: pa.Table, name: str) -> pa.Table:
    import pyarrow as pa

    texts = [None if value is None else plain(value) for value in table[name].to_pylist()]
    return table.set_column(table.schema.get_field_index(name), name, pa.array(texts, pa.string()))


def _decoded(table: pa.Table) -> pa.Table:
    """Turn categories into their values."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    return table


def _free_names(names: Iterable[str], reserved: Sequence[str]) -> dict[str, str]:
    """Return each name as it is, or with as many `_` at its end as make it no reserved and no other one."""
    taken = {name.casefold() for name in names}
    free: dict[str, str] = {}
    for name in names:
        free[name] = name
        if name.casefold() in reserved:
            tails = (name + "_" * tail for tail in itertools.count(1))
            free[name] = next(longer for longer in tails if longer.casefold() not in taken)
            taken.add(free[name].casefold())
    return free


def _becomes_text(column: pa.Field, whole: pa.Field) -> bool:
    import pyarrow as pa

    texts = {pa.string(), pa.large_string()}
    return whole.type in texts and column.type not in texts | {pa.null()}


def _read(file: pq.ParquetFile, columns: Sequence[str] | None, *, empty: bool) -> pa.Table:
    import pyarrow as pa

    named = _column_names(file.schema_arrow.names)
    wanted = [column for column, name in named.items() if columns is None or name in columns]
    # In this thread: a pool of Arrow's that is still starting when a short command ends brings the process down.
    table = file.schema_arrow.empty_table() if empty else file.read(columns=wanted, use_threads=False)
    columns_by_name = {
        name: pa.array(values[:0] if empty else values, pa.int64())
        for name, values in _ranges(file)
        if columns is None or name in columns
    }
    levels = _index(file)  # which pandas writes behind the columns
    for column in sorted(wanted, key=lambda column: column not in levels):
        columns_by_name[named[column]] = table[column]
    return pa.table(columns_by_name)


def _column_names(stored: Sequence[str]) -> dict[str, str]:
    """Return the name of each stored column, with names for the levels of an index that has none."""
    levels = [column for column in stored if _LEVEL.fullmatch(column)]
    if levels == ["__index_level_0__"] and "index" not in stored:
        return {column: "index" if column in levels else column for column in stored}
    return {column: _LEVEL.sub(r"level_\1", column) for column in stored}


def _index(file: pq.ParquetFile) -> list[Any]:
    """Read what pandas says of the index: the name of a column for each level, or a dict for one that counts rows."""
    metadata = json.loads((file.schema_arrow.metadata or {}).get(b"pandas", b"{}"))
    levels = metadata.get("index_columns") if isinstance(metadata, dict) else None
    return levels if isinstance(levels, list) else []


def _ranges(file: pq.ParquetFile) -> Iterator[tuple[str, range]]:
    """Find an index with a name that counts rows: pandas writes it as start, stop and step into the metadata."""
    for index in _index(file):
        if isinstance(index, dict) and index["name"] is not None:
            values = range(index["start"], index["stop"], index["step"])
            if len(values) == file.metadata.num_rows:
                yield index["name"], values
