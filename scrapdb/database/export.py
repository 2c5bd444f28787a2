"""A store as a parquet data set, for DuckDB, Spark, polars and whatever else reads one.

    notebooks.parquet   scraps.parquet   parameters.parquet   problems.parquet
    frames/name=prices/part-0.parquet    all DataFrames of a name, the column `notebook` in front

Rows go through in batches, so memory does not grow with the store.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO
from typing import TYPE_CHECKING
from typing import Self
from urllib.parse import quote

import msgspec

from scrapdb.database.frames import AlignedFrames
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files import remote
from scrapdb.files.whole import whole_directory
from scrapdb.store import exported
from scrapdb.store.readers.frames import StoredFrame
from scrapdb.store.readers.frames import frame_names
from scrapdb.store.readers.frames import frames_of_name

if TYPE_CHECKING:
    import pyarrow as pa

OpenFile = Callable[[str], IO[bytes]]  # a file of the data set, by its path in it
_FRAMES = "frames"
_PARTITION = "name"
_ROW_GROUP_ROWS = 100_000
_ROW_GROUP_BYTES = 64 * 2**20
_ROWS_AT_ONCE = 1_000
_LONGEST_NAME = 200  # bytes of a directory's name; file systems take 255
_KEPT = 10  # characters of a longer one, each of which may take twelve bytes


class Exported(msgspec.Struct):
    """What was written: rows by table, how many DataFrames, and sentences about those that could not be."""

    rows: dict[str, int] = {}
    frames: int = 0
    errors: list[str] = []


def export(
    connection: sqlite3.Connection, target: str, notebooks: Sequence[int] | None = None, *, force: bool = False
) -> Exported:
    """Write a store as a parquet data set.

    Args:
        connection: of the store, with a snapshot.
        target: a directory that is not there or empty, or a URL below which nothing is.
        notebooks: ids of those to write; None for all.
        force: whether to replace an earlier export.

    Raises:
        UsageError: something else is there.
        ScrapdbError: it cannot be written.
    """
    written = Exported()
    with _destination(target, force=force) as open_:
        for table in exported.TABLES:
            written.rows[table] = _write_table(connection, table, notebooks, open_)
        wanted = None if notebooks is None else set(notebooks)
        for name in frame_names(connection):
            frames = frames_of_name(connection, name)
            chosen = [frame for frame in frames if wanted is None or frame.notebook_id in wanted]
            _write_frames(connection, name, chosen, open_, written)
    return written


def _write_table(connection: sqlite3.Connection, table: str, notebooks: Sequence[int] | None, open_: OpenFile) -> int:
    import pyarrow as pa

    types = {"TEXT": pa.string(), "INTEGER": pa.int64(), "REAL": pa.float64(), "BLOB": pa.binary()}
    schema = pa.schema([(column.name, types[column.type]) for column in exported.columns(connection, table)])
    rows = exported.rows(connection, table, notebooks)
    with _Writer(open_(f"{table}.parquet"), schema) as writer:
        while batch := list(islice(rows, _ROWS_AT_ONCE)):
            values = zip(zip(*batch, strict=True), schema.types, strict=True)
            writer.write(pa.table([pa.array(column, type_) for column, type_ in values], schema))
    return writer.rows


def _write_frames(
    connection: sqlite3.Connection, name: str, frames: Iterable[StoredFrame], open_: OpenFile, written: Exported
) -> None:
    """Write the frames of one name; what is damaged is left out."""
    aligned = AlignedFrames(connection, frames, (_PARTITION,))
    written.errors += aligned.errors
    if not aligned.frames:
        return
    with _Writer(open_(f"{_FRAMES}/{_PARTITION}={_partition_value(name)}/part-0.parquet"), aligned.schema) as writer:
        for frame in aligned.frames:
            try:
                writer.write(aligned.table(frame))
                written.frames += 1
            except ScrapdbError as error:
                written.errors.append(str(error))


def _partition_value(name: str) -> str:
    """Return a name as Hive writes a partition's value; one that is too long is cut, and ends in a hash."""
    encoded = quote(name, safe="")
    if len(encoded) <= _LONGEST_NAME:
        return encoded
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"{quote(name[:_KEPT], safe='')}-{digest[:16]}"


class _Writer:
    """A parquet file that is written in groups of rows. Use it as a context manager, which closes the file too."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        from pyarrow import parquet as pq

        self.rows = 0
        self._file = file
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")
        self._waiting: list[pa.Table] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file, self._writer:
            if kind is None:
                self._flush()

    def write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._waiting.append(table)
        rows = sum(waiting.num_rows for waiting in self._waiting)
        if rows >= _ROW_GROUP_ROWS or sum(waiting.nbytes for waiting in self._waiting) >= _ROW_GROUP_BYTES:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=_ROW_GROUP_ROWS)
            self._waiting = []


def _destination(target: str, *, force: bool) -> AbstractContextManager[OpenFile]:
    return _objects(target, force=force) if remote.is_url(target) else _directory(Path(target).resolve(), force=force)


@contextmanager
def _directory(target: Path, *, force: bool) -> Iterator[OpenFile]:
    """Write into a directory, which is there when it is whole."""
    if target.exists():
        if not target.is_dir():
            raise UsageError(f"{target} is a file; name a directory.")
        _refuse_others(str(target), [path.name for path in target.iterdir()], force=force)
    with whole_directory(target, replace=force) as new:
        yield lambda path: _with_parents(new / path).open("wb")


@contextmanager
def _objects(url: str, *, force: bool) -> Iterator[OpenFile]:
    """Write objects, each of which appears when it is whole; those of an earlier export go at the end."""
    system, path = remote.file_system(url)
    top = path.rstrip("/")
    written: set[str] = set()

    def open_(name: str) -> IO[bytes]:
        written.add(f"{top}/{name}")
        file: IO[bytes] = system.open(f"{top}/{name}", "wb")
        return file

    with remote.sentences(url, "written"):
        system.invalidate_cache()
        before = set(system.find(path))
        _refuse_others(url, [name.removeprefix(f"{top}/").partition("/")[0] for name in before], force=force)
        try:
            yield open_
        except BaseException:
            system.rm([name for name in written if system.exists(name)])
            raise
        if before - written:
            system.rm(sorted(before - written))


def _refuse_others(target: str, names: Collection[str], *, force: bool) -> None:
    """Refuse a place that is not empty, or, with `force`, that has what is not of an export."""
    others = set(names) - {_FRAMES, *(f"{table}.parquet" for table in exported.TABLES)}
    if others:
        raise UsageError(f"{target} has other files ({min(others)}, …); name a new directory.")
    if names and not force:
        raise UsageError(f"{target} has an export already; --force replaces it.")


def _with_parents(path: Path) -> Path:
    """Make the directories above a path, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
