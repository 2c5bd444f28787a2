"""JSON: the payload is the value itself.

Two habits of the field are undone here. scrapbook reads a payload that is a text as JSON where it can. And Jupyter's
kernel client turns NaN and infinities, which JSON has no word for, into the texts "nan", "inf" and "-inf".
"""

from __future__ import annotations

import json
from typing import Any

from scrapdb.encoders.python_types import plain
from scrapdb.errors import ScrapbookDataException

NAME = "json"
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})


def decode(data: Any) -> Any:
    """Return the JSON value that was glued."""
    if not isinstance(data, str):
        return data
    if data in _NOT_FINITE:
        return float(data)
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data


def encode(value: Any) -> Any:
    """Write a value.

    A text is taken for JSON, as scrapbook takes it. NaN, infinities and a lone null, which a payload must not hold,
    become JSON text, which scrapbook reads as well.

    Raises:
        json.JSONDecodeError: a text is not JSON.
        ScrapbookDataException: JSON cannot hold the value.
    """
    value = json.loads(value) if isinstance(value, str) else plain(value).value
    return value if isinstance(value, str) else payload(value)


def payload(value: Any) -> Any:
    """Write a JSON value as it stands, or as JSON text if a payload must not hold it.

    Raises:
        ScrapbookDataException: JSON cannot hold it.
    """
    if value is None:
        return "null"
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return _text(value)
    return value


def _text(value: Any) -> str:
    try:
        return json.dumps(value)
    except ValueError as error:  # an integer of more digits than Python writes
        raise ScrapbookDataException(f"JSON cannot hold the value: {error}; glue it as text.") from error
