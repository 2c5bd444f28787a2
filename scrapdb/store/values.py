"""A Python value to the columns `type, number, text, json, exact` that hold it in a store; `loading` is the way back.

The rules stand in the head of `schema.sql`. Pure functions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

from scrapdb.text import has_surrogates
from scrapdb.text import valid_text

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_DEEPEST = (
    200  # levels of lists and dicts; SQLite's JSON functions refuse more than 1000, and Python's recursion ends too
)


class Stored(NamedTuple):
    """A value as the columns of `scraps` and `parameters` hold it."""

    type: str
    number: float | None = None
    text: str | None = None
    json: str | None = None
    exact: str | None = None


def store(value: Any) -> Stored:
    """Lay out a JSON value (None, bool, int, float, str, list, dict) or an Expression as columns.

    Raises:
        RecursionError: a list or dict is nested too deeply.
        TypeError: the value is of none of these types.
    """
    if isinstance(value, str):
        return _store_text("text", value)
    if isinstance(value, bool):
        return Stored("boolean", number=int(value))
    if isinstance(value, float):
        return Stored("float", number=None if math.isnan(value) else value)
    if isinstance(value, int):
        return _store_integer(value)
    if value is None:
        return Stored("null")
    from scrapdb.facts import Expression  # with msgspec, which a query does without

    if isinstance(value, Expression):
        return _store_text("expression", value.source)
    return _store_json(value)


def valid_json(value: Any) -> str:
    """Write JSON that SQLite's functions accept: NaN and infinities are null, lone surrogates escaped.

    Raises:
        RecursionError: the value is nested too deeply.
        TypeError: it holds something that JSON has no word for.
    """
    return valid_text(_dumps(value)[0])


def _store_text(type_: str, text: str) -> Stored:
    if has_surrogates(text) or "\0" in text:
        return Stored(type_, text=valid_text(text).replace("\0", "\\u0000"), exact=json.dumps(text))
    return Stored(type_, text=text)


def _store_integer(value: int) -> Stored:
    if _SMALLEST <= value <= _LARGEST:
        return Stored("integer", number=value)
    try:
        nearest = float(value)
    except OverflowError:
        nearest = math.inf if value > 0 else -math.inf
    return Stored("integer", number=nearest, exact=str(value))


def _store_json(value: Any) -> Stored:
    text, finite = _dumps(value)
    if finite and not has_surrogates(text):
        return Stored("json", json=text)
    return Stored("json", json=valid_text(text), exact=json.dumps(value, separators=(",", ":")))


def _dumps(value: Any) -> tuple[str, bool]:
    """Write JSON without NaN and infinities, and say whether there were none."""
    try:
        text, finite = _encode(value), True
    except ValueError:
        text, finite = _encode(_without_nan(value)), False
    if text.count("[") + text.count("{") > _DEEPEST and _depth(value) > _DEEPEST:
        raise RecursionError("nested too deeply")
    return text, finite


def _depth(value: Any) -> int:
    """Count the levels of lists and dicts, without recursion."""
    depth, level = 0, [value]
    while level := [item for part in level if isinstance(part, dict | list) for item in _items(part)]:
        depth += 1
    return depth


def _items(part: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return part.values() if isinstance(part, dict) else part


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return value
