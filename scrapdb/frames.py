"""One DataFrame across notebooks: the parquet files of a name, one below the other, each row with its notebook."""

from __future__ import annotations

import functools
import io
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.store import read

if TYPE_CHECKING:
    import pyarrow as pa

NOTEBOOK = "notebook"
_UNNAMED_INDEX = "__index_level_0__"  # as pandas writes it
_BATCH_ROWS = 10_000


def load(connection: sqlite3.Connection, frame: read.Frame, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one frame; an index that pandas stored without a name is the column `index`.

    Args:
        connection: of the store.
        frame: where the frame is.
        columns: the columns to read, those that it has.

    Raises:
        ScrapdbError: its bytes are damaged or missing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = read.parquet(connection, frame)
    try:
        file = pq.ParquetFile(place if isinstance(place, Path) else io.BytesIO(place))
        stored = file.schema_arrow.names
        wanted = [column for column in stored if columns is None or _shown(column) in columns]
        table = file.read(columns=wanted).replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise ScrapdbError(f"The DataFrame of {frame.notebook} is damaged: {error}. Index again with --force.") from error
    return table.rename_columns([_shown(column) for column in wanted])


def joined(connection: sqlite3.Connection, frames: Sequence[read.Frame], columns: Sequence[str] | None) -> pa.Table:
    """Read frames one below the other, the path of the notebook in front.

    Columns are put together by name; a type that differs is widened, or becomes text where nothing else holds both.

    Raises:
        UsageError: no frame has one of the columns.
        ScrapdbError: a frame is damaged or missing.
    """
    import pyarrow as pa

    pieces = [_with_notebook(load(connection, frame, columns), frame.notebook) for frame in frames]
    missing = set(columns or ()) - {name for piece in pieces for name in piece.schema.names}
    if missing and pieces:
        known = ", ".join(dict.fromkeys(name for frame in frames for name in _columns(frame, connection)))
        raise UsageError(f"No such DataFrame has a column {', '.join(sorted(missing))}; there are {known}.")
    try:
        return pa.concat_tables(pieces, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return pa.concat_tables(_as_text(pieces), promote_options="permissive")


def rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Give the rows of a table as tuples of Python values."""
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _with_notebook(table: pa.Table, path: str) -> pa.Table:
    import pyarrow as pa

    name = NOTEBOOK
    while name in table.schema.names:
        name = f"{name}_"
    return table.add_column(0, name, pa.repeat(pa.scalar(path), table.num_rows))


def _as_text(pieces: Sequence[pa.Table]) -> list[pa.Table]:
    """Turn the columns whose type differs between pieces into text."""
    types: dict[str, set[str]] = {}
    for field in (field for piece in pieces for field in piece.schema):
        types.setdefault(field.name, set()).add(str(field.type))
    return [
        functools.reduce(_column_as_text, (name for name in piece.schema.names if len(types[name]) > 1), piece)
        for piece in pieces
    ]


def _column_as_text(table: pa.Table, name: str) -> pa.Table:
    import pyarrow as pa

    texts = [None if value is None else str(value) for value in table[name].to_pylist()]
    return table.set_column(table.schema.get_field_index(name), name, pa.array(texts, pa.string()))


def _columns(frame: read.Frame, connection: sqlite3.Connection) -> list[str]:
    return load(connection, frame).schema.names


def _shown(column: str) -> str:
    return "index" if column == _UNNAMED_INDEX else column
