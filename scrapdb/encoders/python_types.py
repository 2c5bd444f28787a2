"""Python values to JSON values, and back.

JSON has no dates, tuples or arrays. Such a value is written as the JSON value that says most of it, and what it was is
said beside it, by its place (a JSON Pointer, RFC 6901):

    {"name": "run", "data": {"day": "2026-11-21"}, "types": {"/day": "date"}, "encoder": "json", "version": 1}

scrapbook and the index read the JSON value; scrapdb's `read_notebook` gives the value itself. Only the kinds of this
table are ever made; nothing is imported because a payload names it.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from decimal import Decimal
from importlib import import_module
from numbers import Integral
from numbers import Real
from typing import Any
from typing import NamedTuple

from scrapdb.encoders import base64
from scrapdb.errors import ScrapbookDataException

_JSON = frozenset({str, bool, int, float, type(None)})
_DTYPE = re.compile(r"[<>|=][biuf]\d{1,2}|[<>=]M8\[\w+\]|\|O|[<>=]U\d+")


class Plain(NamedTuple):
    """A value as JSON can hold it, and what its parts were."""

    value: Any
    types: dict[str, str]


class Prepared(NamedTuple):
    """A value made ready for an encoder, and what its parts were."""

    encoder: str
    value: Any
    types: dict[str, str]


class Kind(NamedTuple):
    """A kind of value that JSON does not have.

    Args:
        name: the word for it in `types`, before a blank and its detail.
        classes: gives its classes; those of libraries that are not loaded are not there.
        write: makes the JSON value, or a value nearer to it.
        read: makes the value again from the JSON value and the detail.
        detail: says what the JSON value does not.
    """

    name: str
    classes: Callable[[], tuple[type, ...]]
    write: Callable[[Any], Any]
    read: Callable[[Any, str], Any]
    detail: Callable[[Any], str] = lambda value: ""  # noqa: ARG005


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
    return _BY_NAME[name].read(value, detail) if name in _BY_NAME else value


def widened(value: Any) -> Prepared | None:
    """Prepare a value of a kind that scrapbook has no encoder for, or None if scrapdb has none either."""
    if isinstance(value, _arrow_tables()):
        return Prepared("pandas", value, {})
    if isinstance(value, _of("pandas", "Series")):
        return _as_frame(value)
    if not (_kind(value) or _is_missing(value) or isinstance(value, (Mapping, Real, *_of("numpy", "bool_")))):
        return None
    simple = plain(value)
    return Prepared("text" if isinstance(simple.value, str) else "json", *simple)


def is_frame(value: Any) -> bool:
    """Return whether a value is a pandas.DataFrame, without loading pandas."""
    return isinstance(value, _of("pandas", "DataFrame"))


def _as_frame(series: Any) -> Prepared:
    if series.name is None:
        return Prepared("pandas", series.to_frame("value"), {"": "Series unnamed"})
    return Prepared("pandas", series.to_frame(), {"": "Series"})


def _plain(value: Any, at: str, types: dict[str, str]) -> Any:
    if type(value) in _JSON:
        return value
    if isinstance(value, list):
        return [_plain(item, f"{at}/{index}", types) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {key: _plain(item, f"{at}/{_escaped(key)}", types) for key, item in _with_text_keys(value, at)}
    if _is_missing(value):
        return None
    if kind := _kind(value):
        types[at] = f"{kind.name} {kind.detail(value)}".rstrip()
        return _plain(kind.write(value), at, types)
    return _base(value) if isinstance(value, (str, Real, *_of("numpy", "bool_"))) else _listed(value, at, types)


def _base(value: Any) -> Any:
    """Return the value of a subclass, or of numpy's scalar, as JSON's own type."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Real):
        return int(value) if isinstance(value, Integral) else float(value)
    return bool(value)


def _listed(value: Any, at: str, types: dict[str, str]) -> Any:
    """Make a list of a collection inside another value, as Jupyter's kernel client does."""
    if at and isinstance(value, Iterable) and not is_frame(value):
        return _plain(value.tolist() if hasattr(value, "tolist") else list(value), at, types)
    where = f" at {at}" if at else ""
    raise ScrapbookDataException(f"JSON cannot hold {type(value)}{where}; glue it under a name of its own.")


def _with_text_keys(mapping: Mapping[Any, Any], at: str) -> Iterable[tuple[str, Any]]:
    """Write keys as `json` does."""
    for key, item in mapping.items():
        if isinstance(key, str):
            yield str(key), item
        elif key is None or isinstance(key, bool):
            yield {None: "null", True: "true", False: "false"}[key], item
        elif isinstance(key, Real):
            yield str(_base(key)), item
        elif isinstance(key, dt.date):
            yield key.isoformat(), item
        else:
            raise ScrapbookDataException(f"A key at {at or 'the top'} is not text but {type(key)}.")


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _of(module: str, name: str) -> tuple[type, ...]:
    """Return a library's class if the library is loaded; if it is not, no value can be of the class."""
    found = getattr(sys.modules.get(module), name, None)
    return (found,) if isinstance(found, type) else ()


def _arrow_tables() -> tuple[type, ...]:
    return _of("pyarrow", "Table") + _of("pyarrow", "RecordBatch") + _of("polars", "DataFrame")


def _is_missing(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return value is None or (pandas is not None and (value is pandas.NaT or value is pandas.NA))


def _kind(value: Any) -> Kind | None:
    found = next((kind for kind in KINDS if isinstance(value, kind.classes())), None)
    if found is None or found.name != "ndarray" or _DTYPE.fullmatch(value.dtype.str):
        return found
    return None


def _sorted(value: Iterable[Any]) -> list[Any]:
    """Order a set's members, so that the same set is written the same way in every run."""
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=repr)


def _array_list(array: Any) -> Any:
    import numpy as np

    return (np.datetime_as_string(array) if array.dtype.kind == "M" else array).tolist()


def _array(value: Any, dtype: str) -> Any:
    import numpy as np

    if not _DTYPE.fullmatch(dtype):
        raise ValueError(f"{dtype!r} is not a type of an array's members.")
    return np.array(value) if "U" in dtype else np.array(value, dtype=dtype)


def _by(module: str, name: str) -> Callable[[Any, str], Any]:
    """Return what reads a value by a library's class, which is loaded only then."""
    return lambda value, _: getattr(import_module(module), name)(value)


def _seconds(duration: Any) -> float:
    import numpy as np

    return float(duration / np.timedelta64(1, "s"))


def _count(duration: Any) -> str:
    import numpy as np

    unit, step = np.datetime_data(duration.dtype)
    return f"{duration.astype(int) * step} {unit}"


def _timedelta64(_: Any, count: str) -> Any:
    import numpy as np

    number, unit = count.split()
    return np.timedelta64(int(number), unit)  # type: ignore[call-overload]


def _series(frame: Any, detail: str) -> Any:
    series = frame.iloc[:, 0]
    return series.rename(None) if detail else series


# A subclass stands before its base: pandas' Timestamp is a datetime, which is a date.
KINDS: tuple[Kind, ...] = (
    Kind("tuple", lambda: (tuple,), list, lambda items, _: tuple(items)),
    Kind("set", lambda: (set,), _sorted, lambda items, _: set(items)),
    Kind("frozenset", lambda: (frozenset,), _sorted, lambda items, _: frozenset(items)),
    Kind("bytes", lambda: (bytes, bytearray, memoryview), base64.encode, lambda text, _: base64.decode(text)),
    Kind("Decimal", lambda: (Decimal,), float, lambda _, digits: Decimal(digits), str),
    Kind("Timestamp", lambda: _of("pandas", "Timestamp"), lambda stamp: stamp.isoformat(), _by("pandas", "Timestamp")),
    Kind("datetime", lambda: (dt.datetime,), dt.datetime.isoformat, lambda iso, _: dt.datetime.fromisoformat(iso)),
    Kind("date", lambda: (dt.date,), dt.date.isoformat, lambda iso, _: dt.date.fromisoformat(iso)),
    Kind("time", lambda: (dt.time,), dt.time.isoformat, lambda iso, _: dt.time.fromisoformat(iso)),
    Kind("timedelta", lambda: (dt.timedelta,), dt.timedelta.total_seconds, lambda span, _: dt.timedelta(seconds=span)),
    Kind("ndarray", lambda: _of("numpy", "ndarray"), _array_list, _array, lambda array: str(array.dtype.str)),
    Kind("datetime64", lambda: _of("numpy", "datetime64"), str, _by("numpy", "datetime64")),
    Kind("timedelta64", lambda: _of("numpy", "timedelta64"), _seconds, _timedelta64, _count),
    Kind("Series", tuple, lambda series: series, _series),  # written by `widened`, as a DataFrame
)
_BY_NAME = {kind.name: kind for kind in KINDS}
