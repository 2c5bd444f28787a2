"""DuckDB's SQL over a store: its tables, and all DataFrames of a name, as views that are read when they are asked for.

DuckDB stands in memory, behind a wall: no statement reaches a file, the network, an extension or a setting. It is
given what it reads as data sets of Arrow, of which it asks for the columns and rows that it needs; of SQLite and of
parquet files it knows nothing. Sources: https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview,
https://arrow.apache.org/docs/python/generated/pyarrow.dataset.Dataset.html.
"""

from __future__ import annotations

import itertools
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait
from contextlib import closing
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb import errors
from scrapdb.database import frames
from scrapdb.database import schemas
from scrapdb.database.export import schema_of
from scrapdb.database.export import tables_of
from scrapdb.database.table import Table
from scrapdb.database.table import asked
from scrapdb.store import exported
from scrapdb.store import users_sql
from scrapdb.store.connection import reading
from scrapdb.store.readers.frames import StoredFrame
from scrapdb.store.readers.frames import frame_names
from scrapdb.store.readers.frames import frames_of_name

if TYPE_CHECKING:
    import pyarrow as pa

    from scrapdb.database.table import Answer

# In this order: the last two forbid what comes before them, too.
_MEMORY = "2GB"
_WALL = (
    "SET temp_directory = ''",
    f"SET memory_limit = '{_MEMORY}'",
    "SET TimeZone = 'UTC'",
    "SET python_enable_replacements = false",
    "SET autoload_known_extensions = false",
    "SET autoinstall_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET allow_persistent_secrets = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_READING = frozenset({"EXPLAIN", "SELECT"})
_PREFIX = "frame_"
_NOTEBOOK_ID = "notebook_id"
_ROWS = 10_000  # that are read at once
_PATIENCE = 0.1  # seconds between two wishes that DuckDB stop
_TEXTS, _NUMBERS = ("view", "name", "notebook"), ("notebook_id", "rows", "columns", "bytes")
_PIVOT = re.compile(r"(?i)\s*(from|pivot|select|unpivot|with)\b")
# Where DuckDB's messages go into details: the line with carets, functions that take other types.
_DETAILS = re.compile(r"\n\n?LINE \d|\n\t|\n\n")
_UNKNOWN = re.compile(r"Table with name (.*?) does not exist!")
_LOCKED = "the configuration has been locked"
_CONTROL = re.compile(r"[\x00-\x1f]+")

Read = Callable[[Sequence[str], Any], Iterable[Any]]  # columns, and a filter that may leave out more: batches of rows


class Typed(Table):
    """What DuckDB answers, as rows; for Arrow they keep its types."""

    def __init__(self, answer: Table, arrow: Callable[[], pa.Table]) -> None:
        super().__init__(answer.columns, answer.rows)
        self.to_arrow = arrow  # type: ignore[method-assign]


def answer(store: Path, sql: str, parameters: Mapping[str, Any] | None, seconds: float) -> Table:
    """Answer one statement of DuckDB's SQL, with the errors of `Database.sql`.

    Args:
        store: the database file.
        sql: the statement.
        parameters: values for its `$named` parameters.
        seconds: after which it is stopped.
    """

    def arrow() -> pa.Table:
        with reading(store) as connection, closing(_Statement(connection, sql, parameters, seconds)) as statement:
            return statement.table()

    def ask(connection: sqlite3.Connection) -> Answer:
        statement = _Statement(connection, sql, parameters, seconds)
        return statement.columns, statement.rows()

    return Typed(asked(store, ask), arrow)


class _Statement:
    """One statement on a connection of DuckDB's own, from binding it to its last row, or until its time is over."""

    def __init__(
        self, connection: sqlite3.Connection, sql: str, parameters: Mapping[str, Any] | None, seconds: float
    ) -> None:
        self._duck = _walled()
        self._sql, self._parameters, self._seconds = sql, dict(parameters or {}), seconds
        self._end = time.monotonic() + seconds
        self._thread = ThreadPoolExecutor(1)
        self._failed: list[errors.ScrapdbError] = []
        self._views = {view.casefold(): name for name, view in views(frame_names(connection)).items()}
        try:
            with self._sentences():
                self._register(connection)
                self._check()
                relation = self._wait(self._duck.sql, sql, params=self._parameters)
        except BaseException:
            self.close()
            raise
        self.columns: list[str] = users_sql.distinct(relation.columns)
        self._types = list(map(str, relation.types))

    def close(self) -> None:
        """Let go of it."""
        self._thread.shutdown()
        self._duck.close()

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Run it, and return its rows as Python's values."""
        try:
            with self._sentences():
                result = self._wait(self._duck.execute, self._with_types(), self._parameters)
        except BaseException:
            self.close()
            raise
        return self._rows_of(result)

    def _rows_of(self, result: Any) -> Iterator[tuple[Any, ...]]:
        read = [_READ_AS.get(type_, (None, _same))[1] for type_ in self._types]
        with closing(self), self._sentences():
            while rows := self._wait(result.fetchmany, _ROWS):
                yield from rows if all(each is _same for each in read) else _read(rows, read)

    def table(self) -> pa.Table:
        """Run it, and return its rows as Arrow's."""
        with self._sentences():
            relation = self._wait(self._duck.sql, self._sql, params=self._parameters)
            return self._wait(relation.to_arrow_table).rename_columns(self.columns)

    def _wait(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do what takes time in a thread of its own, since DuckDB itself looks for Ctrl-C too seldom."""
        future = self._thread.submit(work, *arguments, **named)
        try:
            return future.result(max(0.0, self._end - time.monotonic()))
        finally:
            while not future.done():
                self._duck.interrupt()
                wait([future], _PATIENCE)

    def _with_types(self) -> str:
        """Write the statement so that what Python has no type for comes as one that it has."""
        if not set(self._types) & _READ_AS.keys():
            return self._sql
        shown = [_READ_AS.get(type_, ("{}", None))[0].format(f"#{n}") for n, type_ in enumerate(self._types, 1)]
        return f"SELECT {', '.join(shown)} FROM ({self._sql.rstrip().rstrip(';')}\n)"  # noqa: S608 - it is the user's own

    def _check(self) -> None:
        found = self._duck.extract_statements(self._sql)
        if len(found) > 1:
            raise errors.UsageError("SQL: there can be one statement only.")
        if not found:
            raise errors.UsageError("The SQL is empty.")
        kind = found[0].type.name
        if kind not in _READING and not (kind == "MULTI" and _PIVOT.match(self._sql)):
            raise errors.UsageError(f"`sql` only reads: this is {kind.replace('_', ' ')}.")

    def _register(self, connection: sqlite3.Connection) -> None:
        """Give it the views; those of DataFrames, whose files must be opened for it, if their names are in the SQL."""
        for table in (*exported.TABLES, *exported.VERSIONS, exported.WIDE):
            self._add(table, *_of_table(connection, table))
        self._add("frames", *_list_of_frames(connection))
        said = self._sql.casefold().replace('""', '"')
        for view, name in self._views.items():
            if view in said:
                self._add(view, *_of_frames(connection, self._in_time(frames_of_name(connection, name))))

    def _add(self, view: str, schema: pa.Schema, read: Read) -> None:
        self._duck.register(view, _data_set(schema, partial(self._guarded, read)))

    def _guarded(self, read: Read, columns: Sequence[str], condition: Any) -> Iterator[Any]:
        """Read, and keep what went wrong: through DuckDB there would come a text."""
        try:
            yield from self._in_time(read(columns, condition))
        except errors.ScrapdbError as error:
            self._failed.append(error)
            raise

    def _in_time(self, found: Iterable[Any]) -> Iterator[Any]:
        for each in found:
            if time.monotonic() > self._end:
                raise self._stopped()
            yield each

    def _stopped(self) -> errors.StoreError:
        return errors.StoreError(f"The statement was stopped after {self._seconds:g} seconds (--seconds).")

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        import duckdb

        try:
            yield
        except TimeoutError:
            raise self._stopped() from None
        except duckdb.Error as error:
            if self._failed:
                raise self._failed[0] from error
            raise self._sentence(error) from error

    def _sentence(self, error: Exception) -> errors.ScrapdbError:
        import duckdb

        message = " ".join(_DETAILS.split(str(error), maxsplit=1)[0].split())
        kind, _, what = message.partition(" Error: ")
        if isinstance(error, duckdb.OutOfMemoryException):
            return errors.StoreError(f"The statement needs more memory than the {_MEMORY} that it may have.")
        if isinstance(error, duckdb.PermissionException) or _LOCKED in message:
            return errors.UsageError(f"`sql` only reads what is in the store: {(what or kind).rstrip('.')}.")
        if unknown := _UNKNOWN.match(what):
            known = [*self._views, *exported.TABLES, *exported.VERSIONS, exported.WIDE, "frames"]
            what = f"there is no table {unknown[1]}; {errors.suggestion(unknown[1], known)}"
        return errors.UsageError(f"SQL: {what or kind}{'' if (what or kind)[-1:] in '.!?' else '.'}")


def views(names: Sequence[str]) -> dict[str, str]:
    """Call the view of each frame `frame_` and its name, and tell names by numbers that differ only in case. Pure."""
    return _distinct({name: f"{_PREFIX}{name}" for name in names})


def _distinct(wanted: Mapping[str, str]) -> dict[str, str]:
    """Give each key the name it wants; those that DuckDB would take for one another all get a number. Pure."""
    plain = {key: _CONTROL.sub(" ", name) for key, name in wanted.items()}
    asked_for = Counter(name.casefold() for name in plain.values())
    taken = set(asked_for)
    found = {}
    for key, name in plain.items():
        found[key] = name
        if asked_for[name.casefold()] > 1:
            numbered = (f"{name}_{number}" for number in itertools.count(1))
            found[key] = next(new for new in numbered if new.casefold() not in taken)
            taken.add(found[key].casefold())
    return found


def _walled() -> Any:
    try:
        import duckdb
    except ModuleNotFoundError:
        raise errors.UsageError(
            "This SQL is answered by DuckDB, which is not installed: `pip install 'scrapdb[duckdb]'`."
        ) from None
    connection = duckdb.connect(":memory:")
    for setting in _WALL:
        connection.execute(setting)
    return connection


def _data_set(schema: pa.Schema, read: Callable[[Sequence[str], Any], Iterator[Any]]) -> Any:
    """Make what DuckDB takes for a data set of Arrow's: it asks for columns, and for rows by a filter."""
    from pyarrow import dataset

    class Lazy(dataset.Dataset):  # type: ignore[misc]
        def __init__(self) -> None:  # pyarrow's own wants a data set of its own
            self.schema_ = schema

        @property
        def schema(self) -> pa.Schema:
            return schema

        def scanner(self, columns: list[str] | None = None, filter: Any = None, **_: Any) -> Any:  # noqa: A002
            # A filter does not tell which columns it needs, but by its text.
            needed = [name for name in schema.names if columns is None or name in columns or name in str(filter)]
            narrow = pa_schema([schema.field(name) for name in needed or schema.names[:1]])
            batches = read(narrow.names, filter)
            return dataset.Scanner.from_batches(batches, schema=narrow, columns=columns, filter=filter)

    from pyarrow import schema as pa_schema

    return Lazy()


def _of_table(connection: sqlite3.Connection, table: str) -> tuple[pa.Schema, Read]:
    by_name = {column.name: column for column in exported.columns(connection, table, ids=True)}
    names = _distinct({name: name for name in by_name})
    of = {free: by_name[name]._replace(name=free) for name, free in names.items()}

    def read(columns: Sequence[str], _: Any) -> Iterator[Any]:
        wanted = [of[name] for name in columns]
        return _batches(tables_of(exported.rows(connection, table, None, wanted), schema_of(table, wanted)))

    return schema_of(table, of.values()), read


def _batches(tables: Iterable[pa.Table]) -> Iterator[Any]:
    return (batch for table in tables for batch in table.to_batches())


def _list_of_frames(connection: sqlite3.Connection) -> tuple[pa.Schema, Read]:
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in _TEXTS] + [(name, pa.int64()) for name in _NUMBERS])

    def read(columns: Sequence[str], _: Any) -> Iterator[Any]:
        called = views(frame_names(connection))
        rows = (
            {"view": called[name], "name": name} | frame._asdict() | {"bytes": frame.size}
            for name in called
            for frame in frames_of_name(connection, name)
        )
        narrow = pa.schema([schema.field(name) for name in columns])
        return _batches(tables_of((tuple(row[name] for name in columns) for row in rows), narrow))

    return schema, read


def _of_frames(connection: sqlite3.Connection, found: Iterable[StoredFrame]) -> tuple[pa.Schema, Read]:
    import pyarrow as pa

    aligned = frames.AlignedFrames(connection, found, (_NOTEBOOK_ID,))
    if aligned.errors:
        raise errors.ScrapdbError(aligned.errors[0])
    names = _distinct({name: name for name in (_NOTEBOOK_ID, *aligned.schema.names)})
    stored = aligned.schema.insert(1, pa.field(_NOTEBOOK_ID, pa.int64()))
    schema = pa.schema([(names[field.name], _readable(field.type)) for field in stored])
    columns_of = {free: own for own, free in names.items()}

    def read(columns: Sequence[str], condition: Any) -> Iterator[Any]:
        narrow = pa.schema([schema.field(column) for column in columns])
        for frame in _chosen(aligned.frames, schema, condition):
            table = aligned.table(frame, [columns_of[column] for column in columns])
            ids = pa.repeat(pa.scalar(frame.notebook_id, pa.int64()), table.num_rows)
            table = table.append_column(_NOTEBOOK_ID, ids).select([columns_of[column] for column in columns])
            renamed = table.rename_columns(list(columns)).replace_schema_metadata(None)
            yield from schemas.fitted(renamed, narrow).to_batches()

    return schema, read


def _readable(type_: pa.DataType) -> pa.DataType:
    """Return the type in which DuckDB reads values of one: it does not know all of Arrow's."""
    import pyarrow as pa

    if pa.types.is_decimal256(type_):
        return pa.large_string()
    return pa.float32() if pa.types.is_float16(type_) else type_


def _chosen(found: Sequence[StoredFrame], schema: pa.Schema, condition: Any) -> list[StoredFrame]:
    """Leave out the frames of notebooks that a filter leaves out: as Arrow does it with partitions, opening no file."""
    if condition is None or not found:
        return list(found)
    import pyarrow.compute as pc
    from pyarrow import dataset
    from pyarrow import fs

    of_notebook = [
        (pc.field(frames.NOTEBOOK) == frame.notebook) & (pc.field(_NOTEBOOK_ID) == frame.notebook_id) for frame in found
    ]
    paths = [str(number) for number in range(len(found))]
    described = dataset.FileSystemDataset.from_paths(
        paths,
        schema=schema,
        format=dataset.ParquetFileFormat(),
        filesystem=fs.LocalFileSystem(),
        partitions=of_notebook,
    )
    return [found[int(fragment.path)] for fragment in described.get_fragments(condition)]


def _same(value: Any) -> Any:
    return value


def _nanoseconds(value: int | None) -> Any:
    import pandas as pd

    return None if value is None else pd.Timestamp(value)


def _nanoseconds_utc(value: int | None) -> Any:
    import pandas as pd

    return None if value is None else pd.Timestamp(value, tz="UTC")


def _read(rows: Iterable[Sequence[Any]], read: Sequence[Callable[[Any], Any]]) -> Iterator[tuple[Any, ...]]:
    return (tuple(of(value) for of, value in zip(read, row, strict=True)) for row in rows)


# DuckDB's types of which Python would have less: what is asked for in their place, and what is made of that.
_READ_AS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "INTERVAL": ("CAST({} AS VARCHAR)", _same),
    "BIT": ("CAST({} AS VARCHAR)", _same),
    "TIMESTAMP_NS": ("epoch_ns({})", _nanoseconds),
    "TIMESTAMPTZ_NS": ("epoch_ns({})", _nanoseconds_utc),
}
