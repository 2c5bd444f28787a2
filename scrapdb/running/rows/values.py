"""Values of parameters: a type that a notebook asks for, and a value made to fit it, or refused.

A value comes as `Text`, which somebody typed and is of no type yet, or with a type of its own, which is then only
checked, and changed where the other type says the same: 1.0 is 1 where an integer is wanted.
"""

from __future__ import annotations

import ast
import datetime as dt
import enum
import json
import os
import re
import sys
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from decimal import Decimal
from numbers import Integral
from numbers import Real
from typing import Any

import msgspec

from scrapdb.notebooks import syntax

_PLAIN = frozenset({str, int, float, bool, type(None), dt.date, dt.datetime, dt.time})
_GROUPED = r"[0-9]{1,3}(?:_[0-9]{3})+"
_INTEGER = re.compile(rf"[+-]?(?:{_GROUPED}|[0-9]+)")
_FLOAT = re.compile(rf"[+-]?(?:{_GROUPED}(?:\.[0-9]*)?|[^_]+)")
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_NANOSECONDS = re.compile(r"[.,][0-9]{6}0*[1-9]")
_TRUTHS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_WORDS = {"None": None, "null": None, "True": True, "true": True, "False": False, "false": False}
_EXACT = 2**53  # integers up to here are floats, too
_MOST_SHOWN = 60  # characters of a value in a sentence


class Text(str):
    """A value as somebody typed it on a command line, in a cell of CSV, or in YAML: of no type yet."""

    __slots__ = ()


class RefusedError(ValueError):
    """The value is none of the wanted type."""


class Type(msgspec.Struct, frozen=True):
    """What a parameter takes.

    Args:
        kind: a key of `_KINDS`.
        parts: the alternatives of a union; of a list and a dict, what is in it.
        choices: of a `Literal`.
    """

    kind: str
    parts: tuple[Type, ...] = ()
    choices: tuple[Any, ...] = ()


def union(types: list[Type]) -> Type:
    """Return the type of what is of one of these types."""
    flat = [part for each in types for part in (each.parts if each.kind == "union" else [each])]
    distinct = tuple(each for place, each in enumerate(flat) if each not in flat[:place])
    return distinct[0] if len(distinct) == 1 else Type("union", distinct)


def read(value: Any, type_: Type) -> Any:
    """Make a value fit a type.

    Args:
        value: `Text`, or what `plain` gives.
        type_: the type.

    Raises:
        RefusedError: it is none of that type.
    """
    try:
        return _KINDS[type_.kind][1](value, type_)
    except RefusedError:
        raise
    except (ValueError, TypeError, ArithmeticError, SyntaxError, RecursionError, MemoryError) as error:
        raise RefusedError(str(error)) from error


def wanted(type_: Type) -> str:
    """Say what a type takes: `an integer or None`."""
    said = _KINDS[type_.kind][0]
    if type_.kind == "union":
        return " or ".join(wanted(part) for part in type_.parts)
    if type_.kind == "literal":
        return " or ".join(map(repr, type_.choices))
    if type_.parts and type_.parts[0].kind != "any":
        return f"{said}, each {wanted(type_.parts[0])}"
    return said


def shown(value: Any) -> str:
    """Write a value in a sentence."""
    text = repr(str(value)) if isinstance(value, str) else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def literal(text: str) -> Any:
    """Read a text for which no type is known: a JSON value if it can be nothing else, else the text as it is.

    007, 1e5, 3.10 and yes are texts: as numbers they would not be written so.
    """
    if text in _WORDS:
        return _WORDS[text]
    try:
        if text[:1] in {"[", "{"}:
            return _parsed(text)
        if _JSON_NUMBER.fullmatch(text):
            number = json.loads(text)
            return number if "e-" in text or "e+" in text or json.dumps(number) == text else str(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        pass
    return str(text)


def plain(value: Any) -> Any:
    """Make a Python value one of those that a notebook can be given: JSON values, `Text`, dates and times.

    Scalars of numpy and pandas become Python's, tuples and arrays lists, missing values None.

    Raises:
        RefusedError: it is something else, or would lose a part.
    """
    if type(value) in _PLAIN or isinstance(value, Text):
        return value
    if isinstance(value, Mapping):
        if strange := [key for key in value if not isinstance(key, str)]:
            raise RefusedError(f"the key {strange[0]!r} is not text")
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if _is_missing(value):
        return None
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if type(value).__module__ == "numpy":
        return _of_numpy(value)
    if isinstance(value, str):
        return str(value)
    for kind in (dt.datetime, dt.date, dt.time):  # of whom pandas and others have classes of their own
        if isinstance(value, kind):
            return kind.fromisoformat(_microseconds(value.isoformat()))
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, Decimal):
        return _of_decimal(value)
    if isinstance(value, os.PathLike | uuid.UUID):
        return os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    raise RefusedError(f"a {type(value).__name__} cannot be written into a notebook; give numbers, texts, lists, dates")


def _microseconds(text: str) -> str:
    """Return an ISO 8601 text that `fromisoformat` reads without leaving out digits."""
    if _NANOSECONDS.search(text):
        raise RefusedError("nanoseconds would be lost")
    return text.strip()


def _of_decimal(value: Decimal) -> int | float:
    if value == value.to_integral_value():
        return int(value)
    if Decimal(repr(float(value))) == value:
        return float(value)
    raise RefusedError("a float would lose digits; give it as text")


def _of_numpy(value: Any) -> Any:
    if not hasattr(value, "dtype") or value.dtype.kind not in "biufUOM":
        raise RefusedError(f"a {type(value).__name__} of numpy cannot be written into a notebook")
    if value.dtype.kind == "M":  # of which item() gives the nanoseconds
        rounded = value.astype("datetime64[us]")
        if (rounded != value).any():
            raise RefusedError("nanoseconds would be lost")
        value = value if value.dtype == "datetime64[D]" else rounded
    return plain(value.tolist())


def _is_missing(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NaT or value is pandas.NA)


def _parsed(text: str) -> Any:
    """Read a list or dict, as JSON or as Python writes it."""
    try:
        value = json.loads(text)
    except ValueError:
        if text.strip()[:1] not in {"[", "(", "{"}:
            raise
        value = ast.literal_eval(syntax.expression(text.strip()))
    return plain(value)


def _any(value: Any, _: Type) -> Any:
    if isinstance(value, Text):
        return literal(value)
    if isinstance(value, list):
        return [_any(item, _) for item in value]
    return {key: _any(item, _) for key, item in value.items()} if isinstance(value, dict) else value


def _str(value: Any, _: Type) -> str:
    if isinstance(value, str):
        return str(value)
    raise RefusedError


def _integer(value: Any, _: Type) -> int:
    number = _number(value, _)
    if isinstance(number, float):
        raise RefusedError
    return number


def _number(value: Any, _: Type) -> int | float:
    """Read a number: an integer wherever it is whole."""
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    number = value if isinstance(value, int) and not isinstance(value, bool) else _as_float(value)
    whole = isinstance(number, float) and number.is_integer() and abs(number) <= _EXACT
    return int(number) if whole and repr(number) != "-0.0" else number  # whose sign no integer has


def _float(value: Any, _: Type) -> float:
    """Read a float; an integer that no float is stays one."""
    number = _number(value, _)
    return float(number) if abs(number) <= _EXACT or _is_float(number) else number


def _is_float(number: float) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False


def _as_float(value: Any) -> float:
    if isinstance(value, str) and _FLOAT.fullmatch(value.strip()):
        return float(value)
    if isinstance(value, float):
        return value
    raise RefusedError


def _bool(value: Any, _: Type) -> bool:
    if isinstance(value, str):
        value = _TRUTHS.get(value.strip().lower())
    if value not in {True, False}:
        raise RefusedError
    return bool(value)


def _none(value: Any, _: Type) -> None:
    if value is not None and value not in {"None", "null"}:
        raise RefusedError


def _date(value: Any, _: Type) -> dt.date:
    if isinstance(value, str):
        with_time = len(value.strip()) > len("2026-01-31")
        value = (dt.datetime if with_time else dt.date).fromisoformat(_microseconds(value))
    if isinstance(value, dt.datetime) and (value.time() != dt.time() or value.tzinfo):
        raise RefusedError
    if not isinstance(value, dt.date):
        raise RefusedError
    return value.date() if isinstance(value, dt.datetime) else value


def _datetime(value: Any, _: Type) -> dt.datetime:
    if isinstance(value, str):
        return dt.datetime.fromisoformat(_microseconds(value))
    if isinstance(value, dt.datetime):
        return value
    return dt.datetime.combine(value, dt.time())


def _time(value: Any, _: Type) -> dt.time:
    if isinstance(value, str):
        return dt.time.fromisoformat(_microseconds(value))
    if isinstance(value, dt.time):
        return value
    raise RefusedError


def _list(value: Any, type_: Type) -> list[Any]:
    value = _parsed(value) if isinstance(value, str) else value
    if not isinstance(value, list):
        raise RefusedError
    return [read(item, type_.parts[0]) for item in value]


def _dict(value: Any, type_: Type) -> dict[str, Any]:
    value = _parsed(value) if isinstance(value, str) else value
    if not isinstance(value, dict):
        raise RefusedError
    return {key: read(item, type_.parts[0]) for key, item in value.items()}


def _choice(value: Any, type_: Type) -> Any:
    """Find the choice that a value is; a text may say a choice of any type, as it is written or otherwise."""
    for choice in sorted(type_.choices, key=lambda each: (str(each) != str(value), not isinstance(each, str))):
        try:
            if read(value, _OF_PYTHON.get(type(choice), ANY)) == choice:
                return choice
        except RefusedError:
            pass
    raise RefusedError


def _union(value: Any, type_: Type) -> Any:
    others = [part for part in sorted(type_.parts, key=lambda part: _ORDER.index(part.kind)) if part.kind != "str"]
    if isinstance(value, str) and STR in type_.parts:
        return _text_or(value, others)
    for part in (STR, *others) if STR in type_.parts else others:
        try:
            return read(value, part)
        except RefusedError:
            pass
    raise RefusedError


def _text_or(value: str, others: list[Type]) -> Any:
    """Read a text where one is welcome: it is something else only if it can be nothing but that."""
    for part in others:
        if part.kind == "literal" or (isinstance(value, Text) and part in TIMES and value[4:5] == "-"):
            found: Any = value
        else:
            found = literal(value) if isinstance(value, Text) else value
            if isinstance(found, str):
                continue
        try:
            return read(found, part)
        except RefusedError:
            pass
    return str(value)


# What each kind takes, in words, and what reads it. In a union, those that stand first are tried first.
_KINDS: dict[str, tuple[str, Callable[[Any, Type], Any]]] = {
    "none": ("None", _none),
    "literal": ("", _choice),
    "int": ("an integer", _integer),
    "number": ("a number", _number),
    "float": ("a number", _float),
    "bool": ("true or false (yes or no, 1 or 0)", _bool),
    "date": ("a date (2026-01-31)", _date),
    "datetime": ("a date and time (2026-01-31T12:30)", _datetime),
    "time": ("a time (12:30)", _time),
    "list": ('a list as JSON writes it ([1, "a"])', _list),
    "dict": ('an object as JSON writes it ({"a": 1})', _dict),
    "str": ("a text", _str),
    "any": ("anything", _any),
    "union": ("", _union),
}
_ORDER = [*_KINDS]
ANY, NONE, STR, INT, NUMBER, FLOAT, BOOL = map(Type, ("any", "none", "str", "int", "number", "float", "bool"))
DATE, DATETIME, TIME = map(Type, ("date", "datetime", "time"))
TIMES = (DATE, DATETIME, TIME)
LIST, DICT = Type("list", (ANY,)), Type("dict", (ANY,))
_OF_PYTHON = {str: STR, int: INT, float: FLOAT, bool: BOOL, type(None): NONE}
