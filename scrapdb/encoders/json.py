"""JSON: the payload is the value itself.

Two habits of the field are undone here. scrapbook reads a payload that is a text as JSON where it can. And Jupyter's
kernel client turns NaN and infinities, which JSON has no word for, into the texts "nan", "inf" and "-inf".
"""

from __future__ import annotations

import json
from typing import Any

NAME = "json"
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})


def decode(data: Any) -> Any:
    """Give the JSON value that was glued."""
    if not isinstance(data, str):
        return data
    if data in _NOT_FINITE:
        return float(data)
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data
