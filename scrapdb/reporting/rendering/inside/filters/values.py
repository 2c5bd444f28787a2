"""What filters share: which values are missing, and how a sentence names the others."""

from __future__ import annotations

import math
import reprlib
from datetime import datetime
from typing import Any

from jinja2 import Undefined

MISSING = "–"


def is_missing(value: Any) -> bool:
    """Return whether there is no value: null, or not a number."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def is_time(value: Any) -> bool:
    """Return whether a value is a date or a time as ISO 8601 writes it."""
    if not isinstance(value, str):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return "-" in value


def shown(value: Any) -> str:
    """Return a value as a sentence shows it.

    Raises:
        UndefinedError: there is none.
    """
    return str(value) if isinstance(value, Undefined) else reprlib.repr(str(value) if isinstance(value, str) else value)


def is_number(value: Any) -> bool:
    """Return whether a value is a number, which yes and no are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
