"""A store as a parquet data set, for DuckDB, Spark, polars and whatever else reads one.

    notebooks.parquet   scraps.parquet   parameters.parquet   problems.parquet
    frames/name=prices/part-0.parquet    all DataFrames of a name, the column `notebook` in front
    versions.parquet   version_scraps.parquet   version_frames/…    the same of versions, if the store keeps some

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
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import quote

import msgspec

from scrapdb.database.frames import AlignedFrames
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files import remote
from scrapdb.files.whole import whole_directory
from scrapdb.formats.parquet import arrow_time
from scrapdb.query.fields import ATTRIBUTES
from scrapdb.store import exported
from scrapdb.store.connection import file_of
from scrapdb.store.connection import reading
from scrapdb.store.past import EVERY_VERSION
from scrapdb.store.readers.frames import StoredFrame
from scrapdb.store.readers.frames import frame_names
from scrapdb.store.readers.frames import frames_of_name
from scrapdb.store.readers.versions import are_there

if TYPE_CHECKING:
    import pyarrow as pa

OpenFile = Callable[[str], IO[bytes]]  # a file of the data set, by its path in it
_WITH_TIMES = frozenset({"notebooks", "records", "reports"})
_TIMES_OF_VERSIONS = frozenset({"since", "until", "authored_at"})
_TIMES = frozenset({"nb_started_at"})  # of `runs`
_FRAMES, _FRAMES_OF_VERSIONS = "frames", "version_frames"
_PATH = (exported.Column("notebook", "TEXT", "t.path"),)
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
    frames_of_versions: int = 0
    errors: list[str] = []


def export(
    connection: sqlite3.Connection,
    target: str,
    notebooks: Sequence[int] | None = None,
    *,
    force: bool = False,
    versions: bool = True,
) -> Exported:
    """Write the notebooks of these ids, or all, as a parquet data set, with the errors of `Database.export`.

    The connection has a snapshot.
    """
    written = Exported()
    destination = _objects if remote.is_url(target) else _directory
    with destination(target, force=force) as open_:
        of_versions = exported.VERSIONS if versions and are_there(connection) else ()
        for table in (*exported.TABLES, *of_versions):
            written.rows[table] = _write_table(connection, table, notebooks, open_)
        wanted = None if notebooks is None else set(notebooks)
        for name in frame_names(connection):
            frames = frames_of_name(connection, name)
            chosen = [frame for frame in frames if wanted is None or frame.notebook_id in wanted]
            written.frames += _write_frames(connection, _place(_FRAMES, name), chosen, open_, written.errors)
        if of_versions:
            _write_frames_of_versions(connection, notebooks, open_, written)
    return written


def _write_frames_of_versions(
    connection: sqlite3.Connection, notebooks: Sequence[int] | None, open_: OpenFile, written: Exported
) -> None:
    """Write the frames of versions, each row with its version; errors of frames that are there still are told once."""
    paths = (
        None if notebooks is None else {path for (path,) in exported.rows(connection, "notebooks", notebooks, _PATH)}
    )
    errors: list[str] = []
    with reading(file_of(connection), EVERY_VERSION) as past:
        for name in frame_names(past):
            chosen = [frame for frame in frames_of_name(past, name) if paths is None or frame.notebook in paths]
            to = _place(_FRAMES_OF_VERSIONS, name)
            written.frames_of_versions += _write_frames(past, to, chosen, open_, errors)
    written.errors += [error for error in dict.fromkeys(errors) if error not in written.errors]


def _write_table(connection: sqlite3.Connection, table: str, notebooks: Sequence[int] | None, open_: OpenFile) -> int:
    schema = schema_of(table, exported.columns(connection, table))
    return _write(open_(f"{table}.parquet"), schema, tables_of(exported.rows(connection, table, notebooks), schema))


def schema_of(table: str, columns: Iterable[exported.Column]) -> pa.Schema:
    """Return the types that columns of a table have."""
    import pyarrow as pa

    types = {
        "TEXT": pa.string(),
        "INTEGER": pa.int64(),
        "REAL": pa.float64(),
        "BLOB": pa.binary(),
        "BOOLEAN": pa.bool_(),
    }
    times = _times(table)
    return pa.schema([(name, arrow_time() if name in times else types[type_]) for name, type_, _ in columns])


def _times(table: str) -> Collection[str]:
    """Name the columns of a table that hold times."""
    if table == "versions":
        return _TIMES_OF_VERSIONS
    has_times = table.removeprefix("version_") in _WITH_TIMES
    return {attribute.column for attribute in ATTRIBUTES if attribute.kind == "time"} if has_times else _TIMES


def tables_of(rows: Iterator[tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.Table]:
    """Put rows of a table together, some at a time."""
    import pyarrow as pa

    stored = {arrow_time(): pa.string(), pa.bool_(): pa.int64()}
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        columns = zip(zip(*batch, strict=True), schema, strict=True)
        arrays = [pa.array(values, stored.get(field.type, field.type)).cast(field.type) for values, field in columns]
        yield pa.table(arrays, schema=schema)


def _write_frames(
    connection: sqlite3.Connection, to: str, frames: Iterable[StoredFrame], open_: OpenFile, errors: list[str]
) -> int:
    """Write the frames of one name, and return how many; what is damaged is left out, and told."""
    aligned = AlignedFrames(connection, frames, (_PARTITION,))
    errors += aligned.errors
    if not aligned.frames:
        return 0
    damaged = 0

    def tables() -> Iterator[pa.Table]:
        nonlocal damaged
        for frame in aligned.frames:
            try:
                table = aligned.table(frame)
            except ScrapdbError as error:
                errors.append(str(error))
                damaged += 1
                continue
            yield table

    _write(open_(to), aligned.schema, tables())
    return len(aligned.frames) - damaged


def _place(directory: str, name: str) -> str:
    """Return where the frames of a name are written."""
    return f"{directory}/{_PARTITION}={_partition_value(name)}/part-0.parquet"


def _partition_value(name: str) -> str:
    """Return a name as Hive writes a partition's value; one that is too long is cut, and ends in a hash."""
    encoded = quote(name, safe="")
    if len(encoded) <= _LONGEST_NAME:
        return encoded
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"{quote(name[:_KEPT], safe='')}-{digest[:16]}"


def _write(file: IO[bytes], schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Write tables into a parquet file, and close it; return how many rows there are."""
    from pyarrow import parquet as pq

    rows = 0
    with file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(tables):
            rows += group.num_rows
            writer.write_table(group, row_group_size=_ROW_GROUP_ROWS)
    return rows


def _groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Put small tables together, so that a group of rows is large."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        rows, size = sum(each.num_rows for each in waiting), sum(each.nbytes for each in waiting)
        if rows >= _ROW_GROUP_ROWS or size >= _ROW_GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


@contextmanager
def _directory(target: str, *, force: bool) -> Iterator[OpenFile]:
    """Write into a directory, which is there when it is whole."""
    directory = Path(target).resolve()
    if directory.exists():
        if not directory.is_dir():
            raise UsageError(f"{directory} is a file; name a directory.")
        _refuse_others(str(directory), [path.name for path in directory.iterdir()], force=force)
    with whole_directory(directory, replace=force) as new:

        def open_(name: str) -> IO[bytes]:
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            return (new / name).open("wb")

        yield open_


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
    ours = (f"{table}.parquet" for table in (*exported.TABLES, *exported.VERSIONS))
    others = set(names) - {_FRAMES, _FRAMES_OF_VERSIONS, *ours}
    if others:
        raise UsageError(f"{target} has other files ({min(others)}, …); name a new directory.")
    if names and not force:
        raise UsageError(f"{target} has an export already; --force replaces it.")
