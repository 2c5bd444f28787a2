"""Reprs to JSON values: what IPython prints of a value, parsed and never executed.

Literals are read, and calls of the names in `_CALLS`, which make values of the standard library, or plain ones in place
of numpy's and pandas'. The JSON value is the one that `glue` writes of such a value.
"""

from __future__ import annotations

import ast
import datetime as dt
import re
import warnings
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

from msgspec import UNSET

from scrapdb.encoders.python_types import plain
from scrapdb.notebooks import syntax

_LONGEST = 100_000  # characters; parsing a repr takes a hundred times its memory
_LARGEST_INTEGER = 10**4000  # Python writes none of more than 4300 digits
# Patterns are compiled when a repr is read: every kernel that glues imports this.
_NUMBER = r"np\.(?:bool_?|u?int(?:c|p|\d+)|u?(?:byte|short|long|longlong)|float\d+)"
_DTYPE = r"[<>=|]?(?:[biufUO]\d*|M8\[\w+\])|bool|object|str|u?int\d+|float\d+|datetime64\[\w+\]"
_STAMP = r"(-?\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:([+-]\d\d):?(\d\d))?"
_SPAN = r"(-?\d+) days(?: \+?(\d\d):(\d\d):(\d\d(?:\.\d+)?))?"
_SECONDS = {"W": 604800, "D": 86400, "h": 3600, "m": 60, "s": 1}
_PARTS = {"ms": 10**3, "us": 10**6, "ns": 10**9, "ps": 10**12, "fs": 10**15, "as": 10**18}  # of a second


def read(text: str) -> Any:
    """Return the JSON value that `glue` writes of the value whose repr this is, or UNSET."""
    if len(text) > _LONGEST:
        return UNSET
    if text.strip() == "<NA>":
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of a stranger's code
            value = plain(_value(syntax.expression(text.strip()))).value
    except Exception:  # noqa: BLE001 - a stranger's repr may be wrong in any way, and is a display then
        return UNSET
    return value if _is_writable(value) else UNSET


def _value(node: ast.expr | None) -> Any:
    """Make the value of an expression; any error means that it is none of a known kind."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() | None as value):
            return value
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Set(elts=items):
            return {_value(item) for item in items}
        case ast.Dict(keys=keys, values=values):
            return {_text(_value(key)): _value(value) for key, value in zip(keys, values, strict=True)}
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() | ast.Name() | ast.Attribute() as operand):
            return -_value(operand)
        case ast.Name() | ast.Attribute():
            return _NAMES[_name(node)]
        case ast.Call(func=ast.Name() | ast.Attribute() as function):
            return _called(_name(function), node)
    raise ValueError(f"{node} is no value.")


def _name(node: ast.expr) -> str:
    return re.sub(r"^numpy\.", "np.", ast.unparse(node))


def _called(name: str, call: ast.Call) -> Any:
    if name in {"array", "np.array"}:
        return _array(*call.args, **{str(keyword.arg): keyword.value for keyword in call.keywords})
    args = call.args[1:] if name == "defaultdict" else call.args  # after what makes the missing ones
    make = _number if re.fullmatch(_NUMBER, name) else _CALLS[name]
    return make(*map(_value, args), **{str(keyword.arg): _value(keyword.value) for keyword in call.keywords})


def _array(members: ast.expr, dtype: ast.expr | None = None, shape: ast.expr | None = None) -> Any:
    """Make the list of a numpy array; its shape is written where it is empty, or parts of it are left out."""
    name = "float64" if dtype is None else ast.unparse(dtype).strip("'")
    if not re.fullmatch(_DTYPE, name) or (shape and _value(shape)[0] != 0):
        raise ValueError(f"{name} is no type whose members can be listed.")
    return _value(members)


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number.")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text.")
    return value


def _zone(key: str) -> dt.tzinfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(key)


def _range(start: int, stop: int, step: int = 1) -> range:
    """Make a range that is no longer than a list whose repr can be read."""
    numbers = range(start, stop, step)
    if len(numbers) > _LONGEST:
        raise ValueError("It is too long.")
    return numbers


def _dict(items: Any = ()) -> dict[str, Any]:
    return {_text(key): value for key, value in dict(items).items()}


def _moment(text: str, _: str = "") -> str | None:
    return None if text == "NaT" else _text(text)


def _stamp(text: str, **_: Any) -> str:
    """Write pandas' Timestamp in ISO 8601."""
    date, time, hours, minutes = _matched(_STAMP, text)
    return f"{date}T{time}{hours}:{minutes}" if hours else f"{date}T{time}"


def _span(text: str) -> float:
    """Return the seconds of pandas' Timedelta."""
    days, hours, minutes, seconds = _matched(_SPAN, text)
    return float(int(days) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + Decimal(seconds or 0))


def _matched(pattern: str, text: str) -> tuple[str, ...]:
    match = re.fullmatch(pattern, text)
    if match is None:
        raise ValueError(f"{text!r} is not of the form {pattern}.")
    return match.groups()


def _duration(count: Any, unit: str = "") -> float:
    """Return the seconds of numpy's timedelta64."""
    if count == "NaT":
        return float("nan")
    return count / _PARTS[unit] if unit in _PARTS else float(count * _SECONDS[unit])


def _is_writable(value: Any) -> bool:
    """Return whether no integer in it is too large for JSON."""
    if isinstance(value, dict):
        return all(map(_is_writable, value.values()))
    if isinstance(value, list):
        return all(map(_is_writable, value))
    return not isinstance(value, int) or abs(value) < _LARGEST_INTEGER


_NAMES: dict[str, Any] = {
    "nan": float("nan"),
    "inf": float("inf"),
    "np.nan": float("nan"),
    "np.inf": float("inf"),
    "np.True_": True,
    "np.False_": False,
    "NaT": None,
    "datetime.timezone.utc": dt.UTC,
}
_CALLS: dict[str, Callable[..., Any]] = {
    "set": set,
    "frozenset": frozenset,
    "deque": deque,
    "range": _range,
    "OrderedDict": _dict,
    "Counter": _dict,
    "defaultdict": _dict,
    "Decimal": Decimal,
    "Fraction": lambda *parts: import_module("fractions").Fraction(*parts),
    "UUID": _text,
    "PosixPath": _text,
    "WindowsPath": _text,
    "datetime.datetime": dt.datetime,
    "datetime.date": dt.date,
    "datetime.time": dt.time,
    "datetime.timedelta": dt.timedelta,
    "datetime.timezone": dt.timezone,
    "zoneinfo.ZoneInfo": _zone,
    "np.longdouble": float,
    "np.str_": _text,
    "np.datetime64": _moment,
    "np.timedelta64": _duration,
    "Timestamp": _stamp,
    "Timedelta": _span,
    "Period": lambda text, _: _text(text),
}
