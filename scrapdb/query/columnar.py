"""The rows of one DataFrame, asked: what `max(prices.price)` gives, calculated by Arrow on the columns that it names.

It is a function of SQL, `of_rows(expression, hash, content, store, notebook, …)`. In the expression a name is a column,
and `param.0` the first of the values that follow. A value that is missing makes a comparison neither true nor false, as
anywhere in the language, and NaN is missing; what is asked is told of the rows that have it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.query import nodes
from scrapdb.query import times
from scrapdb.query.fields import Kind
from scrapdb.query.parser import parse_columns
from scrapdb.store import sidecars
from scrapdb.store.connection import file_of
from scrapdb.store.errors import remembered

if TYPE_CHECKING:
    from scrapdb.formats import dataframe

_MOST = 100_000  # answers that are remembered; equal DataFrames are asked once
_LARGEST = 2**63 - 1
_RELATIONS = {"=": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
_CHECKED = {"+": "add_checked", "-": "subtract_checked", "*": "multiply_checked"}
_MATCHES = {"contains": "match_substring", "like": "match_like", "~": "match_substring_regex"}
# One DataFrame of each schema: that of the notebook that MIN finds.
_SCHEMAS = """
SELECT schema, frames.hash, (SELECT data FROM blobs WHERE blobs.hash = frames.hash), path, min(notebook_id)
  FROM {0}frames AS frames JOIN {0}notebooks AS notebooks ON notebooks.id = notebook_id WHERE name_id = ?
 GROUP BY schema
"""
_WORDS: Mapping[Kind, tuple[str, ...]] = {
    "number": ("int", "uint", "float", "double", "halffloat", "decimal", "bool"),
    "text": ("string", "large_string"),
    "time": ("timestamp", "date"),
}
_answers: dict[tuple[Any, ...], Any] = {}


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the function `of_rows`."""
    connection.create_function("of_rows", -1, partial(_of_rows, file_of(connection)), deterministic=True)


def _of_rows(store: Path, expression: str, digest: str, content: bytes | None, notebook: str, *given: Any) -> Any:
    key = expression, digest, given, tuple(map(type, given))  # 1 is equal to True
    with remembered():
        if key not in _answers:
            if len(_answers) >= _MOST:
                _answers.clear()
            _answers[key] = _answer(expression, _Source(store, digest, content, notebook), given)
        return _answers[key]


class _Source:
    """The parquet file of a frame, and the columns of it that were asked for."""

    def __init__(self, store: Path, digest: str, content: bytes | None, notebook: str) -> None:
        self._path = sidecars.location(store, digest)
        self._digest, self._content, self._notebook = digest, content, notebook

    def read(self, names: Sequence[str]) -> dict[str, Any] | None:
        """Read columns by what they are called; None if there is none of a name.

        Raises:
            ScrapdbError: the file is damaged or missing.
        """
        from scrapdb.formats import dataframe

        with self._opened() as file:
            schema = file.schema_arrow
            index = dataframe.said(schema).index_columns
            if all(schema.names.count(name) == 1 and name not in index for name in names):  # as of most
                table = file.read(columns=list(names), use_threads=False)
                return {name: _plain(table.column(name)) for name in names}
            found = dataframe.columns(file)
            known = [column.name for column in found]
            called = {name: dataframe.named(name, known)[:1] for name in names}
            if not all(called.values()):
                return None
            table = dataframe.read(file, [column for column in found if [column.name] in called.values()])
            return {name: _plain(table.column(own)) for name, (own,) in called.items()}

    def columns(self) -> list[dataframe.Column]:
        """Read which columns there are, those of the index among them, with the errors of `read`."""
        from scrapdb.formats import dataframe

        with self._opened() as file:
            return dataframe.columns(file)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        import pyarrow as pa

        from scrapdb.formats import dataframe

        try:
            yield dataframe.open_file(pa.BufferReader(self._content or self._checked()))
        except (
            pa.ArrowException,
            ArithmeticError,
            AttributeError,
            LookupError,
            OSError,
            TypeError,
            ValueError,
        ) as error:
            reason = " ".join(str(error).rstrip(".\n").split())
            raise ScrapdbError(
                f"The DataFrame of {self._notebook} is damaged: {reason}. Index again with --force."
            ) from error

    def _checked(self) -> bytes:
        import hashlib

        content = self._path.read_bytes()
        if hashlib.sha256(content).hexdigest() != self._digest:
            raise ValueError("its file is not what was glued")
        return content


def _plain(column: Any) -> Any:
    """Make numbers, booleans, texts and times in UTC of a column, with NaN missing; of others nothing is known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    is_ = pa.types
    if is_.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if is_.is_floating(column.type) or is_.is_decimal(column.type):
        column = column.cast(pa.float64())
        return pc.if_else(pc.is_nan(column), pa.scalar(None, pa.float64()), column)
    if is_.is_integer(column.type):
        return column.cast(pa.float64() if column.type == pa.uint64() else pa.int64())
    if is_.is_date(column.type) or is_.is_timestamp(column.type):
        utc = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
        return pc.assume_timezone(utc, "UTC") if utc.type.tz is None else utc.cast(pa.timestamp("us", "UTC"))
    if is_.is_string(column.type) or is_.is_large_string(column.type) or is_.is_string_view(column.type):
        return column.cast(pa.large_string())
    return column if is_.is_boolean(column.type) else pa.chunked_array([pa.nulls(len(column))])


def columns(connection: sqlite3.Connection, name_id: int, kept: str = "") -> dict[str, frozenset[Kind]]:
    """Read which columns DataFrames of a name have, and what is in them; an index is looked for in one of each kind.

    Args:
        connection: a store.
        name_id: the id of the name.
        kept: what the names of tables begin with: nothing, or `cells.OF_VERSIONS` for what notebooks were.
    """
    import json

    found: dict[str, set[Kind]] = {}
    store = file_of(connection)
    for columns_, digest, content, notebook, _ in connection.execute(_SCHEMAS.format(kept), (name_id,)):
        listed = [(column["name"], column["type"]) for column in json.loads(columns_)]
        with suppress(ScrapdbError):  # which is told where it is read
            listed += [(each.name, each.type) for each in _Source(store, digest, content, notebook).columns()]
        for name, type_ in listed:
            found.setdefault(name, set()).update(_kinds_of(type_))
    return {name: frozenset(kinds) for name, kinds in found.items()}


def _kinds_of(type_: str) -> frozenset[Kind]:
    """Tell what is in a column by Arrow's name of its type."""
    word = type_.removeprefix("dictionary<values=")
    return frozenset(kind for kind, words in _WORDS.items() if word.startswith(words))


def _answer(expression: str, source: _Source, given: Sequence[Any]) -> Any:
    (column,) = parse_columns(expression)
    node = column.node
    if not isinstance(node, nodes.Aggregate):
        raise TypeError(node)
    (argument,) = node.arguments
    columns = source.read([name.name for name in nodes.names(argument) if not name.role])
    if columns is None:
        return None
    length = len(next(iter(columns.values())))
    return _aggregate(node.function, _Rows(columns, given, length).of(argument))


class _Rows:
    """Calculation with columns: each method gives one, or a scalar."""

    def __init__(self, columns: Mapping[str, Any], given: Sequence[Any], length: int) -> None:
        self._columns, self._given, self._length = columns, given, length

    def of(self, node: nodes.Node) -> Any:
        """Calculate a column with a value for each row."""
        import pyarrow as pa

        found = self.any(node)
        if isinstance(found, pa.Scalar):
            return pa.chunked_array([pa.repeat(found, self._length)])
        return found

    def any(self, node: nodes.Node) -> Any:
        """Calculate a column, or a scalar."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if isinstance(node, nodes.Name):
            return pa.scalar(self._given[int(node.name)]) if node.role else self._columns[node.name]
        if isinstance(node, nodes.Constant):
            return pa.scalar(float(node.value) if _is_long(node.value) else node.value)
        if isinstance(node, nodes.Not):
            return pc.invert(self.truth(node.operand))
        if isinstance(node, nodes.And | nodes.Or):
            join = pc.and_kleene if isinstance(node, nodes.And) else pc.or_kleene
            found = self.truth(node.terms[0])
            for term in node.terms[1:]:
                found = join(found, self.truth(term))
            return found
        if isinstance(node, nodes.IsNull | nodes.IsNeither):
            return pc.is_null(self.any(node.operand))
        if isinstance(node, nodes.Holds):
            return pc.not_equal(_number(self.any(node.operand)), 0)
        if isinstance(node, nodes.In):
            return self.truth(nodes.Or(tuple(nodes.Comparison("=", node.operand, item) for item in node.items)))
        if isinstance(node, nodes.Comparison):
            return self.compared(node)
        return self.calculated(node)

    def truth(self, node: nodes.Node) -> Any:
        """Calculate what is true, false or neither."""
        import pyarrow as pa

        found = self.any(node)
        return found.cast(pa.bool_()) if pa.types.is_null(found.type) else found

    def compared(self, node: nodes.Comparison) -> Any:
        """Compare two columns: a text beside a time is one, and nothing is known of others of two kinds."""
        import pyarrow as pa
        import pyarrow.compute as pc

        left, right = self.any(node.left), self.any(node.right)
        if node.operator in _MATCHES:
            return _match(node.operator, left, right.as_py())
        left, right = _as_time(left, right), _as_time(right, left)
        if _kind(left) != _kind(right):
            is_other = node.operator == "!=" and "null" not in (_kind(left), _kind(right))
            both = pc.and_(pc.is_valid(left), pc.is_valid(right)) if is_other else None
            return (
                pc.if_else(both, pa.scalar(value=True), pa.scalar(None, pa.bool_()))
                if is_other
                else _nothing(left, right)
            )
        if _kind(left) == "number":
            left, right = _number(left), _number(right)
        return pc.call_function(_RELATIONS[node.operator], [left, right])

    def calculated(self, node: nodes.Node) -> Any:
        """Calculate with numbers; integers that become too large are floats."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if isinstance(node, nodes.Negative):
            return self.calculated(nodes.Arithmetic("-", nodes.Constant(0), node.operand))
        if isinstance(node, nodes.Call):
            return _CALLS[node.function](*map(self.any, node.arguments))
        if not isinstance(node, nodes.Arithmetic):
            raise TypeError(node)
        left, right = self.any(node.left), self.any(node.right)
        if "time" in (_kind(left), _kind(right)):
            left, right = _as_time(left, right), _as_time(right, left)
            return pc.divide(pc.microseconds_between(right, left).cast(pa.float64()), 1e6)
        left, right = _number(left), _number(right)
        if node.operator in _CHECKED:
            try:
                return pc.call_function(_CHECKED[node.operator], [left, right])
            except pa.ArrowInvalid:
                return _finite(pc.call_function(_CHECKED[node.operator], [_float(left), _float(right)]))
        none = pa.scalar(None, pa.float64())
        divisor = pc.if_else(pc.equal(right, 0), none, _float(right))
        whole = pc.divide(_float(left), divisor)
        return whole if node.operator == "/" else pc.subtract(_float(left), pc.multiply(pc.floor(whole), divisor))


def _match(operator: str, found: Any, pattern: Any) -> Any:
    import pyarrow.compute as pc

    if not (_is_text(found) and isinstance(pattern, str)):
        return _nothing(found)
    match = getattr(pc, _MATCHES[operator])
    return match(found, pattern.replace("\\", "\\\\") if operator == "like" else pattern)


def _kind(found: Any) -> str:
    import pyarrow as pa

    is_, type_ = pa.types, found.type
    if is_.is_null(type_):
        return "null"
    return "time" if is_.is_timestamp(type_) else "text" if _is_text(found) else "number"


def _is_text(found: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(found.type) or pa.types.is_large_string(found.type))


def _as_time(found: Any, other: Any) -> Any:
    """Read a text beside a time as one."""
    import pyarrow as pa

    if _kind(other) != "time" or not (isinstance(found, pa.Scalar) and _is_text(found)):
        return found
    return pa.scalar(times.parse_time(found.as_py()), pa.timestamp("us", "UTC"))


def _number(found: Any) -> Any:
    import pyarrow as pa

    return found.cast(pa.int64()) if pa.types.is_boolean(found.type) or pa.types.is_null(found.type) else found


def _float(found: Any) -> Any:
    import pyarrow as pa

    return (
        found.cast(pa.float64(), safe=False)
        if isinstance(found, pa.ChunkedArray)
        else pa.scalar(_as_float(found), pa.float64())
    )


def _as_float(found: Any) -> float | None:
    value = found.as_py()
    return None if value is None else float(value)


def _finite(found: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pc.is_nan(found), pa.scalar(None, pa.float64()), found)


def _is_long(value: Any) -> bool:
    return type(value) is int and abs(value) > _LARGEST


def _nothing(*found: Any) -> Any:
    import pyarrow as pa

    columns = [each for each in found if isinstance(each, pa.ChunkedArray)]
    none = pa.scalar(None, pa.bool_())
    return pa.chunked_array([pa.repeat(none, len(columns[0]))]) if columns else none


def _rounded(found: Any, digits: Any = None) -> Any:
    import pyarrow.compute as pc

    count = 0 if digits is None else int(digits.as_py() or 0)
    return pc.round(_float(found), count, "half_towards_infinity")


def _of_text(name: str, found: Any) -> Any:
    import pyarrow.compute as pc

    return pc.call_function(name, [found]) if _is_text(found) else _nothing(found)


def _absolute(found: Any) -> Any:
    import pyarrow.compute as pc

    return pc.abs(_number(found))


_CALLS: Mapping[str, Callable[..., Any]] = {
    "abs": _absolute,
    "round": _rounded,
    "length": partial(_of_text, "utf8_length"),
    "lower": partial(_of_text, "utf8_lower"),
    "upper": partial(_of_text, "utf8_upper"),
}
CALLS = tuple(_CALLS)


def _aggregate(function: str, column: Any) -> Any:
    """Tell what a function gives of the values that are there."""
    import pyarrow.compute as pc

    found = column.drop_null()
    if function in ("any", "all"):
        truths = pc.not_equal(_number(found), 0) if len(found) else found
        return int(pc.call_function(function, [truths]).as_py()) if len(found) else int(function == "all")
    if function == "count":
        return len(found)
    if function in ("min", "max"):
        return _stored(pc.call_function(function, [found])) if len(found) else None
    if function in ("first", "last"):
        return _stored(found[0 if function == "first" else -1]) if len(found) else None
    if _kind(found) == "null" or not len(found):
        return 0 if function == "sum" else None
    if _kind(found) != "number":
        return None
    return _of_numbers(function, _number(found))


def _of_numbers(function: str, numbers: Any) -> float | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    if function == "stdev":
        return pc.stddev(numbers, ddof=1, min_count=2).as_py()  # type: ignore[no-any-return]
    if function == "median":
        return pc.quantile(numbers, 0.5)[0].as_py()  # type: ignore[no-any-return]
    total = _exact(numbers) if pa.types.is_integer(numbers.type) else pc.sum(numbers).as_py()
    if function == "mean":
        return total / len(numbers)
    return total if abs(total) <= _LARGEST else float(total)


def _exact(numbers: Any) -> int:
    """Add up integers; Arrow's sum begins anew where it is too large."""
    import pyarrow.compute as pc

    ends = pc.min_max(numbers).as_py().values()
    if max(map(abs, ends)) * len(numbers) <= _LARGEST:
        return int(pc.sum(numbers).as_py())
    return sum(numbers.to_pylist())


def _stored(value: Any) -> Any:
    """Write a value as the store does."""
    found = value.as_py()
    return times.format_time(found) if isinstance(found, datetime) else found
