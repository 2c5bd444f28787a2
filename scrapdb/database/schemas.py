"""One schema for the frames of many notebooks, in which no value of any of them is lost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.formats import dataframe
from scrapdb.formats.values import plain

if TYPE_CHECKING:
    import pyarrow as pa

_UNITS = ("us", "ms", "s")  # of times, that reach farther than nanoseconds


def unified(schemas: Sequence[pa.Schema], pieces: Callable[[Collection[str]], Iterable[pa.Table]]) -> pa.Schema:
    """Find the schema that holds what tables of these schemas hold, every value exactly.

    Args:
        schemas: of the tables.
        pieces: reads columns of the tables, by their names: those whose type depends on the values.
    """
    import pyarrow as pa

    types = _types(itertools.chain.from_iterable(schemas))
    if clashing := [name for name, of_name in types.items() if len(of_name) > 1]:
        types |= _types(field for piece in pieces(clashing) for field in _with_values(piece) if field.name in clashing)
    ladders = {name: _ladder(of_name) for name, of_name in types.items()}
    if undecided := [name for name, ladder in ladders.items() if len(ladder) > 1]:
        for piece in pieces(undecided):
            for name in set(undecided).intersection(piece.schema.names):
                ladders[name] = [type_ for type_ in ladders[name] if _holds(type_, piece[name])]
    fields = [(name, ladder[0]) for name, ladder in ladders.items()]
    return pa.schema(fields, _agreed(schemas).metadata())


def of_arrow(schema: pa.Schema) -> pa.Schema:
    """Make periods and intervals text: of these, others than pandas would read the numbers that they are stored as."""
    import pyarrow as pa

    pandas = dataframe.said(schema)
    names = {field.name for field in schema if dataframe.is_of_pandas(field.type)}
    fields = [field.with_type(pa.large_string()) if field.name in names else field for field in schema]
    rest = {name: column for name, column in pandas.columns.items() if name not in names}
    return pa.schema(fields, pandas._replace(columns=rest).metadata())


def with_gaps(schema: pa.Schema, schemas: Sequence[pa.Schema]) -> set[str]:
    """Find the columns that may have gaps: pandas does not say by a dtype that each of the tables has all values."""
    import pyarrow as pa

    in_all = set(schema.names).intersection(
        *({field.name for field in each if not pa.types.is_null(field.type)} for each in schemas)
    )
    known = dataframe.said(schema).columns
    return {name for name in schema.names if name not in in_all or not _says_gaps(known.get(name, {}))}


def _says_gaps(column: Mapping[str, Any]) -> bool:
    """Return whether the dtype that pandas names for a column tells readers of integers whether there are gaps."""
    kind = column.get("pandas_type")
    return kind == "bool" or (column.get("numpy_type", "object") != "object" and kind != "categorical")


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a table the schema that `unified` found; a column that it has not is missing in all of its rows."""
    import pyarrow as pa

    columns = dict(zip(table.schema.names, table.columns, strict=True))
    missing = pa.chunked_array([pa.nulls(table.num_rows)])
    return pa.table([_as(columns.get(field.name, missing), field.type) for field in schema], schema=schema)


def with_one_set_of_categories(table: pa.Table) -> pa.Table:
    """Turn categories into their values, unless all frames have the same."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            chunks = [chunk for chunk in table.column(place).chunks if chunk.null_count < len(chunk)]
            if any(chunk.dictionary != chunks[0].dictionary for chunk in chunks):
                table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    return table


def without_categories(table: pa.Table) -> pa.Table:
    """Turn categories into their values."""
    import pyarrow as pa

    types = [(field.name, _plain(field.type)) for field in table.schema]
    return table.cast(pa.schema(types, table.schema.metadata))


def _types(fields: Iterable[pa.Field]) -> dict[str, list[pa.DataType]]:
    """Collect the types that columns of a name have."""
    types: dict[str, list[pa.DataType]] = {}
    for field in fields:
        of_name = types.setdefault(field.name, [])
        if field.type not in of_name:
            of_name.append(field.type)
    return types


def _with_values(table: pa.Table) -> Iterator[pa.Field]:
    """Find the columns that have a value: the type of the others is nobody's."""
    return (field for field, column in zip(table.schema, table.columns, strict=True) if not _is_empty(column))


def _is_empty(column: pa.ChunkedArray) -> bool:
    return bool(column.null_count == len(column))


def _ladder(types: Sequence[pa.DataType]) -> list[pa.DataType]:
    """Return the types that may hold values of all of these types, the best first; the last one does."""
    import pyarrow as pa

    known = [type_ for type_ in types if not pa.types.is_null(type_)]
    if len(known) > 1:
        known = list(dict.fromkeys(map(_plain, known)))
    if len(known) <= 1:
        return known or [pa.null()]
    if any(map(_is_text, known)):  # Arrow would make bytes of text beside bytes
        return [pa.large_string()]
    try:
        schemas = [pa.schema([("column", type_)]) for type_ in known]
        widest = pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except (pa.ArrowTypeError, pa.ArrowInvalid):
        return [pa.large_string()]
    if pa.types.is_floating(widest) and any(map(pa.types.is_decimal, known)):
        widest = pa.float64()
    return [widest, *_others(widest), pa.large_string()]


def _others(widest: pa.DataType) -> list[pa.DataType]:
    """Return types that hold values which the common one does not: long integers, years far away."""
    import pyarrow as pa

    if pa.types.is_integer(widest) or pa.types.is_floating(widest):
        return [pa.int64(), pa.uint64()]
    if pa.types.is_timestamp(widest):
        return [pa.timestamp(unit, widest.tz) for unit in _UNITS]
    return [pa.duration(unit) for unit in _UNITS] if pa.types.is_duration(widest) else []


def _holds(type_: pa.DataType, column: pa.ChunkedArray) -> bool:
    """Return whether a type holds the values of a column so that they come back from it."""
    import pyarrow as pa

    is_float = pa.types.is_floating
    own = _plain(column.type)
    if own == type_ or _is_text(type_) or _is_empty(column) or (is_float(own) and is_float(type_)):  # NaN is unlike NaN
        return True
    own_values = column.cast(own)
    try:
        back: bool = own_values.cast(type_, safe=False).cast(own).equals(own_values)
    except pa.ArrowException:
        return False
    return back


def _as(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """Give a column a type that holds its values; as text each is what it prints as."""
    import pyarrow as pa

    if column.type == type_:
        return column
    if _is_empty(column):
        return pa.chunked_array([pa.nulls(len(column), type_)])
    own = _plain(column.type)
    if _is_text(type_) and not _is_text(own):
        texts = [None if value is None else plain(value) for value in dataframe.values(column.cast(own))]
        return pa.chunked_array([pa.array(texts, type_)])
    return column.cast(own).cast(type_, safe=False)


def _is_text(type_: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return the type of the values of categories."""
    import pyarrow as pa

    return type_.value_type if pa.types.is_dictionary(type_) else type_


def _agreed(schemas: Sequence[pa.Schema]) -> dataframe.Said:
    """Find what pandas says of all tables, as far as they have a column."""
    import pyarrow as pa

    index: dict[str, None] = {}
    columns: dict[str, Any] = {}
    levels: list[list[dict[str, Any]]] = []
    for schema in schemas:
        pandas = dataframe.said(schema)
        index |= dict.fromkeys(pandas.index_columns)
        for field in schema:
            column = pandas.columns.get(field.name)
            if not pa.types.is_null(field.type) and columns.setdefault(field.name, column) != column:
                columns[field.name] = None
        if set(schema.names) - set(pandas.index_columns) and pandas.column_indexes not in levels:
            levels.append(pandas.column_indexes)
    if len(levels) > 1:
        unnamed = [[{**level, "name": None, "field_name": None} for level in of_one] for of_one in levels]
        levels = unnamed[:1] if all(of_one == unnamed[0] for of_one in unnamed) else []
    known = {name: column for name, column in columns.items() if column}
    return dataframe.Said(list(index), known, levels[0] if levels else [])
