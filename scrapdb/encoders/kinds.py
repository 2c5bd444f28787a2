"""The kinds of values that JSON does not have: how each is written as a JSON value, and read again.

One ordered table. Libraries, and modules that take long to import, are not loaded for it: while a class is not there,
no value can be of it.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import sys
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from decimal import Decimal
from importlib import import_module
from typing import Any
from typing import NamedTuple

from scrapdb.encoders import base64

_DTYPE = r"[<>|=][biuf]\d{1,2}|[<>=]M8\[\w+\]|\|O|[<>=]U\d+"  # compiled when an array is glued


class Kind(NamedTuple):
    """A kind of value that JSON does not have.

    Args:
        name: the word for it in `types`, before a blank and its detail.
        classes: gives its classes; those of libraries that are not loaded are not there.
        write: makes the JSON value, or a value nearer to it.
        read: makes the value again from the JSON value and the detail.
        detail: says what the JSON value does not.
        takes: whether it is a kind of this value of its classes.
    """

    name: str
    classes: Callable[[], tuple[type, ...]]
    write: Callable[[Any], Any]
    read: Callable[[Any, str], Any]
    detail: Callable[[Any], str] = lambda value: ""  # noqa: ARG005
    takes: Callable[[Any], object] = lambda value: True  # noqa: ARG005


def of(module: str, name: str) -> tuple[Any, ...]:
    """Return a library's class if the library is loaded; if it is not, no value can be of the class."""
    found = getattr(sys.modules.get(module), name, None)
    return (found,) if isinstance(found, type) else ()


def _sorted(value: Iterable[Any]) -> list[Any]:
    """Order a set's members, so that the same set is written the same way in every run."""
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=repr)


def _array_list(array: Any) -> Any:
    import numpy as np

    return (np.datetime_as_string(array) if array.dtype.kind == "M" else array).tolist()


def _array_detail(array: Any) -> str:
    """Return the type of an array's members, and its shape if its list has lost that."""
    lost = array.size == 0 and array.ndim > 1
    return " ".join([array.dtype.str, ",".join(map(str, array.shape))] if lost else [array.dtype.str])


def _array(value: Any, detail: str) -> Any:
    import numpy as np

    dtype, _, shape = detail.partition(" ")
    if not re.fullmatch(_DTYPE, dtype):
        raise ValueError(f"{dtype!r} is not a type of an array's members.")
    array = np.array(value, dtype=str if "U" in dtype else dtype)
    return array.reshape([int(length) for length in shape.split(",")]) if shape else array


def _masked(value: Any, detail: str) -> Any:
    import numpy as np

    members = np.array(value, dtype=object)
    mask = np.array([member is None for member in members.flat]).reshape(members.shape)
    array = _array(np.where(mask, 0, members).tolist(), detail)
    return np.ma.array(array, mask=mask.reshape(array.shape))


def plain_arrays() -> tuple[type, ...]:
    """Return the classes of arrays that have nothing but their members."""
    return tuple(found for name in ("ndarray", "memmap", "matrix") for found in of("numpy", name))


def _by(module: str, name: str) -> Callable[[Any, str], Any]:
    """Return what reads a value by a library's class, which is loaded only then."""
    return lambda value, _: getattr(import_module(module), name)(value)


def _microseconds(span: dt.timedelta) -> str:
    """Return its length where the number of seconds is rounded, as it is for centuries."""
    exact = dt.timedelta(seconds=span.total_seconds()) == span
    return "" if exact else str(span // dt.timedelta(microseconds=1))


def _timedelta(seconds: Any, microseconds: str) -> dt.timedelta:
    return dt.timedelta(microseconds=int(microseconds)) if microseconds else dt.timedelta(seconds=seconds)


def _seconds(duration: Any) -> float:
    import numpy as np

    return float(duration / np.timedelta64(1, "s"))


def _moment(moment: Any) -> str | None:
    text = str(moment)
    return None if text == "NaT" else text


def _datetime64(moment: Any, _: str) -> Any:
    import numpy as np

    missing = moment is None or moment == "NaT"
    return np.datetime64("NaT", "s") if missing else np.datetime64(moment)  # without a unit it is deprecated


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
    Kind(
        "deque",
        lambda: (deque,),
        list,
        lambda items, longest: deque(items, int(longest) if longest else None),
        lambda items: "" if items.maxlen is None else str(items.maxlen),
    ),
    Kind("bytes", lambda: (bytes, bytearray, memoryview), base64.encode, lambda text, _: base64.decode(text)),
    Kind("Decimal", lambda: (Decimal,), float, lambda _, digits: Decimal(digits), str),
    Kind(
        "Fraction",
        lambda: of("fractions", "Fraction"),
        float,
        lambda _, quotient: import_module("fractions").Fraction(quotient),
        str,
    ),
    Kind("UUID", lambda: of("uuid", "UUID"), str, _by("uuid", "UUID")),
    Kind("Path", lambda: of("pathlib", "Path"), str, _by("pathlib", "Path")),
    Kind("Timestamp", lambda: of("pandas", "Timestamp"), lambda stamp: stamp.isoformat(), _by("pandas", "Timestamp")),
    Kind(
        "Timedelta",
        lambda: of("pandas", "Timedelta"),
        lambda span: span.total_seconds(),
        lambda _, count: import_module("pandas").Timedelta(_timedelta64(_, count)),
        lambda span: _count(span.to_timedelta64()),
    ),
    Kind(
        "Period",
        lambda: of("pandas", "Period"),
        str,
        lambda text, frequency: import_module("pandas").Period(text, freq=frequency),
        lambda period: period.freqstr,
    ),
    Kind("datetime", lambda: (dt.datetime,), dt.datetime.isoformat, lambda iso, _: dt.datetime.fromisoformat(iso)),
    Kind("date", lambda: (dt.date,), dt.date.isoformat, lambda iso, _: dt.date.fromisoformat(iso)),
    Kind("time", lambda: (dt.time,), dt.time.isoformat, lambda iso, _: dt.time.fromisoformat(iso)),
    Kind("timedelta", lambda: (dt.timedelta,), dt.timedelta.total_seconds, _timedelta, _microseconds),
    Kind(
        "masked",
        lambda: of("numpy.ma", "MaskedArray"),
        lambda array: array.tolist(),
        _masked,
        _array_detail,
        takes=lambda array: array.dtype.kind in "biuf",
    ),
    Kind(
        "ndarray",
        plain_arrays,
        _array_list,
        _array,
        _array_detail,
        takes=lambda array: type(array) in plain_arrays() and re.fullmatch(_DTYPE, array.dtype.str),
    ),
    Kind("datetime64", lambda: of("numpy", "datetime64"), _moment, _datetime64),
    Kind("timedelta64", lambda: of("numpy", "timedelta64"), _seconds, _timedelta64, _count),
    # Written by `widened`, as a DataFrame.
    Kind("Series", tuple, lambda series: series, _series),
    Kind("Index", tuple, lambda index: index, lambda frame, name: import_module("pandas").Index(_series(frame, name))),
    Kind("array", tuple, lambda array: array, lambda frame, name: _series(frame, name).array),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def kind_of(value: Any) -> Kind | None:
    """Return a value's kind, or None if it has none."""
    class_: type = type(value)
    return next((kind for kind in _kinds_of(class_) if kind.takes(value)), None)


@functools.lru_cache(maxsize=256)
def _kinds_of(class_: type) -> tuple[Kind, ...]:
    """Find the kinds of a class once: a list may have a million of numpy's numbers."""
    return tuple(kind for kind in KINDS if issubclass(class_, kind.classes()))
