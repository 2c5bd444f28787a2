"""Python values to JSON values, and back.

JSON has no dates, tuples or arrays. Such a value is written as the JSON value that says most of it, and what it was is
said beside it, by its place (a JSON Pointer, RFC 6901):

    {"name": "run", "data": {"day": "2026-11-21"}, "types": {"/day": "date"}, "encoder": "json", "version": 1}

scrapbook and the index read the JSON value; scrapdb's `read_notebook` gives the value itself. Only the kinds of `KINDS`
are ever made; nothing is imported because a payload names it.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections import abc
from collections.abc import Iterable
from collections.abc import Mapping
from importlib import import_module
from io import IOBase
from numbers import Integral
from numbers import Real
from typing import Any
from typing import NamedTuple

from scrapdb.encoders import kinds
from scrapdb.errors import ScrapbookDataException

_JSON = frozenset({str, bool, int, float, type(None)})
_COLLECTIONS = (abc.Sequence, abc.Set, abc.ValuesView, abc.Iterator)


class Plain(NamedTuple):
    """A value as JSON can hold it, and what its parts were."""

    value: Any
    types: dict[str, str]


class Prepared(NamedTuple):
    """A value made ready for an encoder, and what its parts were."""

    encoder: str
    value: Any
    types: dict[str, str]


def plain(value: Any) -> Plain:
    """Make a value plain.

    Raises:
        ScrapbookDataException: JSON cannot say some part of it.
    """
    types: dict[str, str] = {}
    try:
        return Plain(_plain(value, "", types), types)
    except RecursionError as error:
        raise ScrapbookDataException("The value is nested too deeply, or holds itself.") from error
    except OverflowError as error:
        raise ScrapbookDataException(f"JSON cannot hold the value: {error}; glue it as text.") from error


def restored(value: Any, types: Mapping[str, str], at: str = "") -> Any:
    """Make a value again of the kinds that its parts had; a kind that is not known stays as it is.

    Raises:
        ValueError, TypeError, ArithmeticError, AttributeError: a part is not what its kind says.
    """
    if not types:
        return value
    if isinstance(value, dict):
        value = {key: restored(item, types, f"{at}/{_escaped(key)}") for key, item in value.items()}
    elif isinstance(value, list):
        value = [restored(item, types, f"{at}/{index}") for index, item in enumerate(value)]
    name, _, detail = types.get(at, "").partition(" ")
    return kinds.BY_NAME[name].read(value, detail) if name in kinds.BY_NAME else value


def widened(value: Any) -> Prepared | None:
    """Prepare a value of a kind that scrapbook has no encoder for, or None if scrapdb has none either.

    Raises:
        ScrapbookDataException: JSON cannot say some part of it.
    """
    if isinstance(value, _arrow_tables()):
        return Prepared("pandas", value, {})
    if column := _column(value):
        return column
    if isinstance(value, kinds.of("polars", "LazyFrame")):
        raise ScrapbookDataException(f"{type(value)} has no rows yet; glue what its collect() gives.")
    is_plain = _is_missing(value) or isinstance(value, (Mapping, Real, *kinds.of("numpy", "bool_")))
    if not is_plain and not kinds.kind_of(value):
        _refuse_richer_array(value)
        return None
    simple = plain(value)
    return Prepared("text" if isinstance(simple.value, str) else "json", *simple)


def advice(value: Any) -> str:
    """Say what can be glued of a value that no encoder takes."""
    members = 'its members with encoder="json", ' if _is_collection(value) else ""
    return f'glue what it is made of, {members}or what it shows with encoder="display"'


def is_frame(value: Any) -> bool:
    """Return whether a value is a pandas.DataFrame, without loading pandas."""
    return isinstance(value, kinds.of("pandas", "DataFrame"))


def _column(value: Any) -> Prepared | None:
    """Prepare a column, alone, as a table."""
    if isinstance(value, kinds.of("polars", "Series")):
        return _table("Series", value, value.name or None)
    if isinstance(value, kinds.of("pandas", "Series")):
        return _table("Series", value, value.name)
    is_array = isinstance(value, kinds.of("pandas.api.extensions", "ExtensionArray"))
    if is_array or (isinstance(value, kinds.of("pandas", "Index")) and value.nlevels == 1):
        series = import_module("pandas").Series(value)
        return _table("array" if is_array else "Index", series, series.name)
    return None


def _table(kind: str, series: Any, name: Any) -> Prepared:
    if name is None:
        return Prepared("pandas", series.to_frame("value"), {"": f"{kind} unnamed"})
    return Prepared("pandas", series.to_frame(), {"": kind})


def _plain(value: Any, at: str, types: dict[str, str]) -> Any:
    if type(value) in _JSON:
        return value
    if isinstance(value, list):
        return [_plain(item, f"{at}/{index}", types) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return _object(value, at, types)
    if _is_missing(value):
        return None
    if kind := kinds.kind_of(value):
        types[at] = f"{kind.name} {kind.detail(value)}".rstrip()
        return _plain(kind.write(value), at, types)
    if isinstance(value, (str, Real, *kinds.of("numpy", "bool_"))):
        return _base(value, at)
    return _plain(_listed(value, at), at, types)


def _object(mapping: Mapping[Any, Any], at: str, types: dict[str, str]) -> dict[str, Any]:
    found = {key: _plain(item, f"{at}/{_escaped(key)}", types) for key, item in _with_text_keys(mapping, at)}
    if len(found) != len(mapping):
        raise ScrapbookDataException(f"Keys at {at or 'the top'} are the same as text; give them texts that differ.")
    return found


def _base(value: Any, at: str) -> Any:
    """Return the value of a subclass, or of numpy's scalar, as JSON's own type."""
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, Real):
        return bool(value)
    number = int(value) if isinstance(value, Integral) else float(value)
    if number != value and value == value:  # noqa: PLR0124 - NaN is none of those that would be rounded
        raise ScrapbookDataException(f"JSON cannot hold {_place(value, at)} exactly; glue it as float(…), or as text.")
    return number


def _listed(value: Any, at: str) -> list[Any]:
    """Make a list of a collection, as Jupyter's kernel client does."""
    _refuse_richer_array(value, at)
    if not _is_collection(value):
        instead = "glue it under a name of its own" if at else advice(value)
        raise ScrapbookDataException(f"JSON cannot hold {_place(value, at)}; {instead}.")
    to_list = getattr(type(value), "tolist", getattr(type(value), "to_list", list))
    members: list[Any] = to_list(value)
    return members


def _is_collection(value: Any) -> bool:
    """Return whether a value is its members: a table is more, as is an open file, and most that can be looped over."""
    class_ = type(value)
    has_list = hasattr(class_, "tolist") or hasattr(class_, "to_list")
    return has_list or (isinstance(value, _COLLECTIONS) and not isinstance(value, IOBase))


def _refuse_richer_array(value: Any, at: str = "") -> None:
    """Refuse an array of numpy that has more than its members: names of fields, a unit, a mask of texts."""
    if not isinstance(value, kinds.of("numpy", "ndarray") + kinds.of("numpy", "void")):
        return
    if value.dtype.names:
        raise ScrapbookDataException(f"JSON cannot hold the fields of {_place(value, at)}; glue it as a DataFrame.")
    if type(value) not in kinds.plain_arrays():
        message = f"JSON cannot hold what {_place(value, at)} has beside its members"
        raise ScrapbookDataException(f"{message}; glue numpy.asarray(…) of it, and the rest under a name of its own.")


def _place(value: Any, at: str) -> str:
    return f"{type(value)} at {at}" if at else f"{type(value)}"


def _with_text_keys(mapping: Mapping[Any, Any], at: str) -> Iterable[tuple[str, Any]]:
    """Write keys as `json` does."""
    for key, item in mapping.items():
        if isinstance(key, str):
            yield str(key), item
        elif key is None or isinstance(key, bool):
            yield {None: "null", True: "true", False: "false"}[key], item
        elif isinstance(key, Real):
            yield str(_base(key, at)), item
        elif isinstance(key, dt.date):
            yield key.isoformat(), item
        else:
            message = f"A key at {at or 'the top'} is not text but {type(key)}; give it a text for a key."
            raise ScrapbookDataException(message)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _arrow_tables() -> tuple[type, ...]:
    return kinds.of("pyarrow", "Table") + kinds.of("pyarrow", "RecordBatch") + kinds.of("polars", "DataFrame")


def _is_missing(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return value is None or (pandas is not None and (value is pandas.NaT or value is pandas.NA))
