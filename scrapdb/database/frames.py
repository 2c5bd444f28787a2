"""One DataFrame across notebooks: the parquet files of a name, one below the other, each row with its notebook."""

from __future__ import annotations

import hashlib
import itertools
import re
import sqlite3
from collections.abc import Collection
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb import errors
from scrapdb.database import schemas
from scrapdb.database.table import Table
from scrapdb.formats import dataframe
from scrapdb.formats.dataframe import named
from scrapdb.store.readers.frames import StoredFrame
from scrapdb.store.readers.frames import frame_names
from scrapdb.store.readers.frames import frames_of_name
from scrapdb.store.readers.frames import parquet_of_frame
from scrapdb.text import valid_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NOTEBOOK, VERSION = "notebook", "version"
_BATCH_ROWS = 10_000
# One of the names between commas: in quotes or as it is, and with commas where there are brackets around them.
_ASKED = re.compile(r"""\s*("[^"]*"|'[^']*'|(?:[(\[](?:"[^"]*"|'[^']*'|[^)\]])*[)\]]|[^,])+)(?=\s*(?:,|$))""")


def load(
    connection: sqlite3.Connection, frame: StoredFrame, columns: Sequence[str] | None = None, *, empty: bool = False
) -> pa.Table:
    """Read one frame, its index as columns in front of the others, as `DataFrame.reset_index` does.

    Args:
        connection: of the store.
        frame: where the frame is.
        columns: the columns to read, those that it has, as `named` understands them.
        empty: whether to read none of its rows.

    Raises:
        ScrapdbError: its bytes are damaged or missing.
    """
    with _open_parquet(connection, frame) as file:
        found = dataframe.columns(file)
        if columns is not None:
            names = [column.name for column in found]
            wanted = {name for column in columns for name in named(column, names)}
            found = [column for column in found if column.name in wanted]
        return dataframe.read(file, found, empty=empty)


def glued(connection: sqlite3.Connection, frame: StoredFrame) -> pd.DataFrame:
    """Read one frame as it was glued.

    Raises:
        ScrapdbError: its bytes are damaged or missing.
    """
    with _open_parquet(connection, frame) as file:
        return dataframe.glued(file)


@contextmanager
def _open_parquet(connection: sqlite3.Connection, frame: StoredFrame) -> Iterator[Any]:
    """Open a frame, and tell of what goes wrong inside."""
    import pyarrow as pa

    place = parquet_of_frame(connection, frame)
    try:
        if isinstance(place, Path):
            _check(place, frame.hash)
        yield dataframe.open_file(pa.OSFile(str(place)) if isinstance(place, Path) else pa.BufferReader(place))
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
    """Read the frames of a name one below the other, the path of the notebook in front, and of each version its number.

    Columns are put together by name; a type that differs is widened, or becomes text where nothing else holds all
    values of both. What pandas says of the table is what all frames agree about.

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
    table = _concatenated(connection, kept or of_name[:1], columns)
    return table if kept else table.slice(length=0)


def _concatenated(
    connection: sqlite3.Connection, frames: Sequence[StoredFrame], columns: Sequence[str] | None
) -> pa.Table:
    import pyarrow as pa

    tables = [load(connection, frame, columns) for frame in frames]
    names = dict.fromkeys(name for table in tables for name in table.schema.names)
    front = [NOTEBOOK] if frames[0].version is None else [NOTEBOOK, VERSION]
    if missing := [column for column in columns or () if column not in front and not named(column, names)]:
        known = ", ".join(
            dict.fromkeys(name for frame in frames for name in load(connection, frame, empty=True).schema.names)
        )
        raise errors.UsageError(f"No such DataFrame has a column {', '.join(missing)}; there are {known}.")
    called = [next(name for tail in itertools.count() if not named(name := told + "_" * tail, names)) for told in front]
    pieces = [_with_place(table, called, frame) for table, frame in zip(tables, frames, strict=True)]
    schema = schemas.unified([piece.schema for piece in pieces], lambda _: pieces)
    fitted = [schemas.fitted(piece, schema) for piece in pieces]
    return schemas.with_one_set_of_categories(pa.concat_tables(fitted))


def asked(columns: str | Sequence[Hashable]) -> list[str] | None:
    """Read which columns are wanted: a list, or a text with commas between names; None if it names none.

    A comma in quotes or brackets belongs to a name, as in `"('price', 'mean'), day"`.
    """
    if isinstance(columns, str):
        return [name for name in map(str.strip, _ASKED.findall(columns)) if name] or None
    return [str(tuple(map(str, name)) if isinstance(name, tuple) else name) for name in columns]


class AlignedFrames:
    """Frames one after another, all with one schema: put together as by `across`, but read one at a time.

    Attributes:
        frames: those that can be read.
        errors: a sentence about each of the others.
        schema: of every table that `table` returns; the path of the notebook is in front, of versions also their
            numbers, and what only pandas knows is text.

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
        empty: dict[tuple[Any, ...], pa.Table] = {}
        for frame in frames:
            try:
                table = load(connection, frame, empty=True)
                empty.setdefault((table.schema.remove_metadata(), *table.schema.metadata.values()), table)
                self.frames.append(frame)
            except errors.ScrapdbError as error:
                self.errors.append(str(error))
        names = dict.fromkeys(name for table in empty.values() for name in table.schema.names)
        self._front = [NOTEBOOK, VERSION] if self.frames and self.frames[0].version is not None else [NOTEBOOK]
        self._names = _free_names(names, (*reserved, *self._front))
        if self.frames:
            found = [self._renamed(table, self.frames[0]).schema for table in empty.values()]
            schema = schemas.unified(found, self._columns)
            self.schema = schemas.of_arrow(dataframe.as_columns(schema, schemas.with_gaps(schema, found)))

    def table(self, frame: StoredFrame, columns: Collection[str] | None = None) -> pa.Table:
        """Read one of `frames`, or some of its columns.

        Raises:
            ScrapdbError: it is damaged.
        """
        import pyarrow as pa

        if columns is None:
            return schemas.fitted(self._renamed(load(self._connection, frame), frame), self.schema)
        wanted = pa.schema([field for field in self.schema if field.name in columns])
        return schemas.fitted(self._renamed(load(self._connection, frame, self._stored(columns)), frame), wanted)

    def _columns(self, names: Collection[str]) -> Iterator[pa.Table]:
        """Read some columns of all frames; `table` tells of a frame that is damaged."""
        for frame in self.frames:
            with suppress(errors.ScrapdbError):
                yield self._renamed(load(self._connection, frame, self._stored(names)), frame)

    def _stored(self, names: Collection[str]) -> list[str]:
        return [name for name, free in self._names.items() if free in names]

    def _renamed(self, table: pa.Table, frame: StoredFrame) -> pa.Table:
        pandas = dataframe.said(table.schema)
        known = {self._names[name]: column for name, column in pandas.columns.items()}
        renamed = schemas.without_categories(table).rename_columns([self._names[name] for name in table.schema.names])
        metadata = pandas._replace(index_columns=[], columns=known).metadata()
        return _with_place(renamed.replace_schema_metadata(metadata), self._front, frame)


class Rows(Table):
    """What `load` or `across` read, as rows; for Arrow and pandas they keep their types."""

    def __init__(self, table: pa.Table) -> None:
        times = [field.name for field in table.schema if getattr(field.type, "tz", None)]
        super().__init__(table.schema.names, lambda: rows(table), times=times)
        self._table = table

    def to_arrow(self) -> pa.Table:
        """Return the rows as Arrow's."""
        columns = zip(self._table.schema.names, self._table.columns, strict=True)
        with_gaps = {name for name, column in columns if column.null_count}
        return self._table.replace_schema_metadata(dataframe.as_columns(self._table.schema, with_gaps).metadata)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as pandas', with text as names of columns."""
        return dataframe.to_pandas(self.to_arrow())


def rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a table as tuples of Python values."""
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        yield from zip(*map(dataframe.values, batch.columns), strict=True)


def _with_place(table: pa.Table, names: Sequence[str], frame: StoredFrame) -> pa.Table:
    """Put the path of the notebook in front, and if there are two names the number of the version."""
    import pyarrow as pa

    columns = dict(zip(table.schema.names, table.columns, strict=True))
    length = table.num_rows if columns else frame.rows  # it may have none of the columns asked for
    place = zip(names, (frame.notebook, frame.version), strict=False)
    with_place = pa.table({name: pa.repeat(pa.scalar(value), length) for name, value in place} | columns)
    pandas = dataframe.said(table.schema)
    return with_place.replace_schema_metadata(pandas._replace(index_columns=[*names, *pandas.index_columns]).metadata())


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
