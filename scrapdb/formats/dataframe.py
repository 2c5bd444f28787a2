"""The parquet file of a DataFrame: its columns as `reset_index` gives them, their values, and the way back to pandas.

What parquet has no word for stands in the metadata that pandas writes: which columns are the index, an index that only
counts, dtypes, and names of columns that are no text. Types of pandas' own are known to Arrow when pandas is loaded.
Source: https://pandas.pydata.org/docs/development/developer.html.
"""

from __future__ import annotations

import ast
import functools
import json
import warnings
from collections import Counter
from collections import defaultdict
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb.text import composed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet as pq

_PANDAS, _ATTRS, _EXTENSION = b"pandas", b"PANDAS_ATTRS", b"ARROW:extension:name"
_OF_PANDAS = ("period[", "interval[")  # dtypes whose types are pandas' own
_BATCH, _LARGEST = 1024, 2**26  # rows that are read at once, and bytes of the first ones
_UNREAD = (AttributeError, LookupError, MemoryError, RuntimeError, SyntaxError, TypeError, ValueError)


class Column(NamedTuple):
    """A column of a frame: the nth of those that the file calls `stored`, or one that counts and is not in the file.

    `type` is Arrow's name of its type, or pandas' of one of its own; `is_index`: pandas had it as the index.
    """

    name: str
    stored: str
    type: str
    nth: int = 0
    counted: range | None = None
    is_index: bool = False


class Said(NamedTuple):
    """What pandas says of a frame: its index, each column by its name in the file, each level of columns' names."""

    index_columns: list[Any]
    columns: dict[str, dict[str, Any]]
    column_indexes: list[dict[str, Any]]

    def metadata(self) -> dict[bytes, bytes]:
        """Return it as a schema's metadata."""
        unknown = {"pandas_type": "object", "numpy_type": "object", "metadata": None}
        columns = [{"name": name} | unknown | column | {"field_name": name} for name, column in self.columns.items()]
        return {_PANDAS: json.dumps(self._asdict() | {"columns": columns}).encode()}


def said(schema: pa.Schema) -> Said:
    """Read what pandas says, and nothing of what it would not have written."""
    return _parsed((schema.metadata or {}).get(_PANDAS, b""))


@functools.lru_cache(maxsize=64)
def _parsed(metadata: bytes) -> Said:
    try:
        found = json.loads(metadata)
    except ValueError:
        found = None
    parts = found if isinstance(found, dict) else {}
    index, columns, levels = (part if isinstance(part := parts.get(name), list) else [] for name in Said._fields)
    named = {
        str(column.get("field_name", column.get("name"))): column for column in columns if isinstance(column, dict)
    }
    return Said(index, named, [level for level in levels if isinstance(level, dict)])


def open_file(source: Any) -> pq.ParquetFile:
    """Open a file, and load pandas if there are types of its own in it.

    Args:
        source: a file of Arrow's own: one of Python's may make the process abort at its end, apache/arrow#34314.
    """
    from pyarrow import parquet as pq

    file = pq.ParquetFile(source)
    if any((field.metadata or {}).get(_EXTENSION, b"").startswith(b"pandas.") for field in file.schema_arrow):
        import pandas as pd
        import pyarrow as pa

        pa.array(pd.PeriodIndex([], freq="D"))  # tells Arrow of pandas' types
        file = pq.ParquetFile(source)
    return file


def columns(file: pq.ParquetFile) -> list[Column]:
    """Return the columns, those of the index in front, with names that differ."""
    schema = file.schema_arrow
    pandas = said(schema)
    seen: Counter[str] = Counter()
    stored = []
    for name, type_ in zip(schema.names, types(schema), strict=True):
        stored.append(Column(name, name, type_, seen[name]))
        seen[name] += 1
    data = [column for column in stored if column.stored not in pandas.index_columns]
    found = _distinct([*data, *_levels(pandas, stored, file.metadata.num_rows)])
    return found[len(data) :] + found[: len(data)]


def _levels(pandas: Said, stored: Sequence[Column], rows: int) -> Iterator[Column]:
    """Find the levels of the index; one that numbers the rows from 0 and has no name says nothing."""
    waiting = defaultdict(list)
    for column in stored:
        waiting[column.stored].append(column)
    for number, level in enumerate(pandas.index_columns):
        default = "index" if len(pandas.index_columns) == 1 and "index" not in waiting else f"level_{number}"
        if isinstance(level, dict):
            name, counted = level["name"], range(level["start"], level["stop"], level["step"])
            column = Column("", "", "int64", counted=counted)
            if len(counted) != rows or (name is None and counted == range(rows)):
                continue
        elif waiting.get(level):
            name, column = pandas.columns.get(level, {}).get("name", level), waiting[level].pop(0)
        else:
            continue
        yield column._replace(name=default if name is None else str(name), is_index=True)


def named(column: str, names: Collection[str]) -> list[str]:
    """Find the column that is called so, or else in quotes or with other accents; of levels also `price.mean`."""
    wanted = composed(_dotted(column))
    return [column] if column in names else [name for name in names if composed(_dotted(name)) == wanted]


def _dotted(name: str) -> str:
    """Join the levels of a name with dots, and take quotes away; a file has the Python of a tuple for levels."""
    try:
        written = ast.literal_eval(name) if name[:1] in {"(", "'", '"'} else name
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return name
    return ".".join(str(level) for level in written if level != "") if isinstance(written, tuple) else str(written)


def types(schema: pa.Schema) -> list[str]:
    """Return the names of the types in a schema: Arrow's, and for pandas' own types pandas'."""
    dtypes = {name: str(column.get("numpy_type")) for name, column in said(schema).columns.items()}
    return [
        dtype if (dtype := dtypes.get(field.name, "")).startswith(_OF_PANDAS) else str(field.type) for field in schema
    ]


def read(file: pq.ParquetFile, wanted: Sequence[Column], *, empty: bool = False, first: int | None = None) -> pa.Table:
    """Read some of its `columns`, or none of their rows, or the first; what pandas says of the table is true of it."""
    import pyarrow as pa

    schema = file.schema_arrow
    stored = [column.stored for column in wanted if column.counted is None]
    # In this thread: a pool of Arrow's that is still starting when a short command ends brings the process down.
    if empty:
        table = schema.empty_table()
    else:
        table = file.read(columns=stored, use_threads=False) if first is None else _first(file, stored, first)
    arrays = iter(picked(table, [column for column in wanted if column.counted is None]))
    by_name = {
        column.name: next(arrays) if column.counted is None else pa.array(column.counted[: table.num_rows], pa.int64())
        for column in wanted
    }
    pandas = said(schema)
    known = {
        column.name: pandas.columns[column.stored] | {"name": column.name}
        for column in wanted
        if column.stored in pandas.columns
    }
    index = [column.name for column in wanted if column.is_index]
    return pa.table(by_name).replace_schema_metadata(Said(index, known, pandas.column_indexes).metadata())


def _first(file: pq.ParquetFile, stored: list[str], most: int) -> pa.Table:
    """Read the first rows only: a file of a few bytes may say that it has billions."""
    import pyarrow as pa

    batches, rows = [], 0
    for batch in file.iter_batches(_BATCH, columns=stored, use_threads=False):
        batches.append(batch)
        rows += batch.num_rows
        if rows >= most or sum(each.nbytes for each in batches) > _LARGEST:
            break
    return pa.Table.from_batches(batches, batches[0].schema if batches else file.schema_arrow).slice(0, most)


def picked(table: pa.Table, columns: Iterable[Column]) -> list[pa.ChunkedArray]:
    """Pick columns by their exact names; parquet's readers also give `a.b` to who asks for `a`."""
    places = defaultdict(list)
    for place, name in enumerate(table.schema.names):
        places[name].append(place)
    return [_without_views(table.column(places[column.stored][column.nth])) for column in columns]


def _without_views(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column if (type_ := without_views(column.type)) == column.type else column.cast(type_)


def without_views(type_: pa.DataType) -> pa.DataType:
    """Return the type of text and bytes in place of polars' views of them, which pandas and many a function refuse."""
    import pyarrow as pa

    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(without_views(field.type)) for field in type_.fields])
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        make = pa.list_ if pa.types.is_list(type_) else pa.large_list
        return make(type_.value_field.with_type(without_views(type_.value_type)))
    return {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}.get(type_, type_)


def as_columns(schema: pa.Schema, with_gaps: Collection[str] = ()) -> pa.Schema:
    """Let a schema of `read` say that no column is an index, that names are text, and that some columns have gaps."""
    columns = {name: column for name, column in said(schema).columns.items() if not _is_unread(column)}
    nullable = {
        field.name: columns.get(field.name, {}) | {"numpy_type": dtype}
        for field in schema
        if field.name in with_gaps and (dtype := _nullable(field.type))
    }
    return schema.with_metadata(Said([], columns | nullable, []).metadata())


def _is_unread(column: dict[str, Any]) -> bool:
    """Return whether pandas refuses to read a file for the name of a dtype; it writes some that it does not read."""
    dtype = str(column.get("numpy_type"))
    if not dtype.endswith("[pyarrow]"):
        return False
    import pandas as pd

    try:
        pd.api.types.pandas_dtype(dtype)
    except (NotImplementedError, TypeError, ValueError):
        return True
    return False


def values(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Return the values for Python: each says by `str` what pandas prints of it, and None is missing."""
    import pyarrow as pa

    if not pa.types.is_duration(column.type) and not is_of_pandas(column.type):
        try:
            found: list[Any] = column.to_pylist()
        except (OverflowError, ValueError):  # Python's times have no year 10,000
            pass
        else:
            return found
    present = iter(column.drop_null().to_pandas(date_as_object=False))
    return [next(present) if is_valid else None for is_valid in column.is_valid().to_pylist()]


def is_of_pandas(type_: pa.DataType) -> bool:
    """Return whether a type is of periods or intervals."""
    return str(getattr(type_, "extension_name", "")).startswith("pandas.")


def glued(file: pq.ParquetFile) -> pd.DataFrame:
    """Read a frame as it was glued; if pandas does not read it back, as columns that have text as names."""
    import pyarrow as pa

    schema = file.schema_arrow
    pandas = said(schema)
    table = file.read()
    table = pa.table(list(map(_without_views, table.columns)), names=table.schema.names, metadata=table.schema.metadata)
    try:
        frame = _frame(table, pandas.index_columns)
        frame.index = _index_with_gaps(frame.index, table, pandas.index_columns)
        frame.columns = _labels([name for name in table.schema.names if name not in pandas.index_columns], pandas)
    except _UNREAD as error:
        warnings.warn(f"pandas does not read this DataFrame back as it was ({error}).", stacklevel=4)
        flat = read(file, columns(file))
        frame = to_pandas(flat.replace_schema_metadata(as_columns(flat.schema).metadata))
    if attributes := (schema.metadata or {}).get(_ATTRS):
        frame.attrs = json.loads(attributes)
    return frame


def _index_with_gaps(index: pd.Index[Any], table: pa.Table, levels: list[Any]) -> pd.Index[Any]:
    """Let levels of integers keep theirs where some are missing; of these pandas reads none but floats."""
    import pandas as pd
    import pyarrow as pa

    found: list[Any] = [index.get_level_values(place) for place in range(index.nlevels)]
    gaps = {
        place: column
        for place, level in enumerate(levels)
        if isinstance(level, str) and (column := table.column(level)).null_count and pa.types.is_integer(column.type)
    }
    if not gaps:
        return index
    for place, column in gaps.items():
        found[place] = pd.Index(pd.Series(values(column), dtype=_nullable(column.type)), name=index.names[place])
    return found[0] if len(found) == 1 else pd.MultiIndex.from_arrays(found, names=index.names)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """Make a DataFrame of a table that `read` gave: the frame as it was glued after `reset_index`."""
    frame = _frame(table, [])
    frame.columns = _labels_in_front(table.schema.names, said(table.schema))
    return frame


def _labels_in_front(names: list[str], pandas: Said) -> pd.Index[Any]:
    """Read names of columns, among which those of the index are text, in the first level as `reset_index` has them."""
    import pandas as pd

    index = set(pandas.index_columns)
    labels = _labels([name for name in names if name not in index], pandas)
    rest = iter(labels)
    padding = [""] * (labels.nlevels - 1)
    found: list[Any] = [((name, *padding) if padding else name) if name in index else next(rest) for name in names]
    return pd.MultiIndex.from_tuples(found, names=labels.names) if padding else pd.Index(found, name=labels.name)


def _has_gaps_inside(column: pa.ChunkedArray) -> bool:
    """Return whether there are integers inside of values of which some are missing: pandas would make floats of them.

    Those of intervals, and of lists of one length, it makes from nowhere where the whole value is missing.
    """
    import pyarrow as pa

    if column.null_count and (_is_interval_of_integers(column.type) or pa.types.is_fixed_size_list(column.type)):
        return True
    parts = _parts(column)
    return any((part.null_count and pa.types.is_integer(part.type)) or _has_gaps_inside(part) for part in parts)


def _parts(column: pa.ChunkedArray) -> list[pa.ChunkedArray]:
    """Return the columns of what is inside of dicts, maps and lists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_ = pa.types
    if is_.is_struct(column.type):
        return list(column.flatten())
    if is_.is_map(column.type):
        return [pa.chunked_array([chunk.items for chunk in column.chunks], column.type.item_type)]
    lists = (is_.is_list, is_.is_large_list, is_.is_fixed_size_list, is_.is_list_view, is_.is_large_list_view)
    return [pc.list_flatten(column)] if any(is_list(column.type) for is_list in lists) else []


def _is_interval_of_integers(type_: pa.DataType) -> bool:
    subtype = getattr(type_.to_pandas_dtype(), "subtype", None) if is_of_pandas(type_) else None
    return subtype is not None and subtype.kind in "iu"


def _distinct(columns: Sequence[Column]) -> list[Column]:
    """Add as many `_` to a name as make it differ from those before it."""
    taken: dict[str, Column] = {}
    for column in columns:
        name = column.name
        while name in taken:
            name += "_"
        taken[name] = column._replace(name=name)
    return list(taken.values())


def _frame(table: pa.Table, index: list[Any]) -> pd.DataFrame:
    """Make a DataFrame with dtypes and index as pandas had them; its columns may have other names."""
    import pandas as pd
    import pyarrow as pa

    known = said(table.schema).columns
    gaps = {place: values(column) for place, column in enumerate(table.columns) if _has_gaps_inside(column)}
    for place in gaps:
        table = table.set_column(place, table.schema.names[place], pa.nulls(table.num_rows))
    columns = {
        field.name: known.get(field.name, {})
        | {"numpy_type": _dtype(column, known.get(field.name, {}).get("numpy_type"))}
        for field, column in zip(table.schema, table.columns, strict=True)
    }
    described = table.replace_schema_metadata(Said(index, columns, []).metadata())
    try:
        frame: pd.DataFrame = described.to_pandas()
    except (OverflowError, ValueError):  # Python's dates have no year 10,000
        frame = described.to_pandas(date_as_object=False)
    in_index = [name in index for name in table.schema.names]
    for place, found in gaps.items():
        frame.isetitem(place - sum(in_index[:place]), pd.Series(found, frame.index, dtype=object))  # type: ignore[arg-type]
    return frame


def _dtype(column: pa.ChunkedArray, claimed: str | None) -> str:
    """Name a column's dtype: as pandas says, if that can be had; integers and booleans with gaps stay what they are."""
    import pandas as pd
    import pyarrow as pa

    try:
        dtype = pd.api.types.pandas_dtype("object" if claimed is None or claimed.startswith(_OF_PANDAS) else claimed)
        if isinstance(dtype, pd.api.extensions.ExtensionDtype):
            dtype.__from_arrow__(column.slice(length=1))  # type: ignore[attr-defined]
            return str(dtype)
    except (AttributeError, NotImplementedError, TypeError, ValueError, pa.ArrowException):
        dtype = pd.api.types.pandas_dtype("object")
    nullable = _nullable(column.type) if column.null_count else None
    return str(dtype) if nullable is None or (nullable, claimed) == ("boolean", "object") else nullable


def _nullable(type_: pa.DataType) -> str | None:
    """Name the dtype in which integers or booleans have gaps."""
    import pyarrow as pa

    if pa.types.is_integer(type_):
        return f"{'U' if pa.types.is_unsigned_integer(type_) else ''}Int{type_.bit_width}"
    return "boolean" if pa.types.is_boolean(type_) else None


def _labels(names: list[str], pandas: Said) -> pd.Index[Any]:
    """Read names of columns as pandas had them, or as text if pandas does not read these back."""
    if not names:
        return _read_labels(
            [], pandas._replace(column_indexes=pandas.column_indexes if len(pandas.column_indexes) == 1 else [])
        )
    booleans = [number for number, level in enumerate(pandas.column_indexes) if level.get("pandas_type") == "bool"]
    texts = [level | {"pandas_type": "unicode", "numpy_type": "object"} for level in pandas.column_indexes]
    mended = [texts[number] if number in booleans else level for number, level in enumerate(pandas.column_indexes)]
    for levels in (mended, texts):
        try:
            labels = _read_labels(names, pandas._replace(column_indexes=levels))
        except _UNREAD:
            kinds = ", ".join(str(level.get("pandas_type")) for level in levels)
            warnings.warn(f"Names of columns are text here: pandas reads back none that were {kinds}.", stacklevel=5)
        else:
            return functools.reduce(_with_booleans, booleans, labels)
    return _read_labels(names, pandas._replace(column_indexes=[]))


def _read_labels(names: list[str], pandas: Said) -> pd.Index[Any]:
    """Let pandas read names of columns."""
    import pyarrow as pa

    columns = {name: pandas.columns[name] | {"numpy_type": "object"} for name in names if name in pandas.columns}
    schema = pa.schema([(name, pa.null()) for name in names], Said([], columns, pandas.column_indexes).metadata())
    labels: pd.Index[Any] = schema.empty_table().to_pandas().columns
    return labels


def _with_booleans(labels: pd.Index[Any], level: int) -> pd.Index[Any]:
    """Read the names of one level that were booleans: of any text but the empty one pandas would make True."""
    import pandas as pd

    meanings = {"True": True, "False": False}
    if not isinstance(labels, pd.MultiIndex):
        return labels.map(meanings)
    levels: Any = labels.levels[level].map(meanings)
    return labels.set_levels(levels, level=level)
