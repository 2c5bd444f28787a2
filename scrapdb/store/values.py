"""A Python value to the columns `type, number, text, json, exact` that hold it in a store, and back.

The rules stand in the head of `schema.sql`. Pure functions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import NamedTuple

from scrapdb.text import finite_json
from scrapdb.text import has_surrogates
from scrapdb.text import valid_text

Kind = Literal["number", "text", "json", "frame", "display"]

# What can be done with a value of a stored type; a null is of no kind, nor is an expression, whose value is not known.
KINDS: dict[str, Kind] = {
    "boolean": "number",
    "integer": "number",
    "float": "number",
    "text": "text",
    "json": "json",
    "frame": "frame",
    "display": "display",
}
# The branches of SQL's CASE that tell the kind of a name by a type of its values; people tell booleans from numbers.
KINDS_IN_SQL = " ".join(f"WHEN '{type_}' THEN '{kind}'" for type_, kind in (KINDS | {"boolean": "boolean"}).items())
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


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
        return _store_text(value)
    if isinstance(value, bool):
        return Stored("boolean", int(value))
    if isinstance(value, float):
        return Stored("float", None if math.isnan(value) else value)
    if isinstance(value, int):
        return _store_integer(value)
    if value is None:
        return Stored("null")
    from scrapdb.facts import Expression  # with msgspec, which a query does without

    if isinstance(value, Expression):
        return Stored("expression", exact=_exact(value.source))
    return _store_json(value)


def load(type_: str, number: float | None, text: str | None, json: str | None, exact: str | None) -> Any:
    """Return the value that `store` laid out; frames, displays and nulls are None here."""
    if exact is not None:
        value = _parsed(exact)
    elif type_ == "boolean":
        value = bool(number)
    elif type_ == "float":
        value = float("nan") if number is None else float(number)
    elif type_ == "json":
        value = _parsed(json or "null")
    else:
        value = number if number is not None else text
    if type_ == "expression":
        from scrapdb.facts import Expression

        return Expression(value)
    return value


def ids_as_json(ids: Sequence[int]) -> str:
    """Write ids as JSON: as Python writes them, since importing `json` takes longer than many a query."""
    return str([*ids])


def _store_text(text: str) -> Stored:
    if has_surrogates(text) or "\0" in text:
        return Stored("text", text=valid_text(text).replace("\0", "\\u0000"), exact=_exact(text))
    return Stored("text", None, text)


def _store_integer(value: int) -> Stored:
    if _SMALLEST <= value <= _LARGEST:
        return Stored("integer", value)
    try:
        nearest = float(value)
    except OverflowError:
        nearest = math.inf if value > 0 else -math.inf
    return Stored("integer", number=nearest, exact=str(value))


def _store_json(value: Any) -> Stored:
    text, finite = finite_json(value)
    if finite and not has_surrogates(text):
        return Stored("json", None, None, text)
    return Stored("json", json=valid_text(text), exact=_exact(value))


def _exact(value: Any) -> str:
    import json  # takes longer than many a query, of which few need it

    return json.dumps(value, separators=(",", ":"))


def _parsed(text: str) -> Any:
    import json

    return json.loads(text)
