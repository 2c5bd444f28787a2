"""The columns `type, number, text, json, exact` back to the Python value that `values` laid out in them.

It stands apart, since a query needs no more than this. A pure function.
"""

from __future__ import annotations

from typing import Any


def load(type_: str, number: float | None, text: str | None, json_: str | None, exact: str | None) -> Any:
    """Return the value that `store` laid out; frames, displays and nulls are None here."""
    if exact is not None:
        value = _parsed(exact)
    elif type_ == "boolean":
        value = bool(number)
    elif type_ == "float":
        value = float("nan") if number is None else float(number)
    elif type_ == "json":
        value = _parsed(json_ or "null")
    else:
        value = number if number is not None else text
    if type_ == "expression":
        from scrapdb.facts import Expression  # with msgspec, which a query does without

        return Expression(value)
    return value


def _parsed(text: str) -> Any:
    import json  # takes longer than many a query, and few have a value for it

    return json.loads(text)
