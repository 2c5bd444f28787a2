"""Values of DataFrames in a page: times plain, long text cut, lists and dicts as trees."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

from markupsafe import Markup
from markupsafe import escape

from scrapdb.datasette.cells import tree
from scrapdb.formats.values import short

LONGEST_TEXT = 300  # characters
_MOST_ITEMS = 200  # of a list or dict that are shown
_MIDNIGHT = " 00:00:00"


def frame_cell(value: Any, longest: int = LONGEST_TEXT) -> Markup:
    """Show one value of a DataFrame, one of `formats.dataframe.values`; text beyond so many characters is cut."""
    if value is None:
        return Markup('<span class="scrapdb-null">null</span>')
    if isinstance(value, float):
        return Markup('<span class="scrapdb-null">NaN</span>') if math.isnan(value) else escape(short(value))
    if isinstance(value, str):
        return _text(value, longest)
    if isinstance(value, datetime):
        return Markup('<span class="scrapdb-time">{}</span>').format(str(value).removesuffix(_MIDNIGHT))
    if isinstance(value, list | dict):
        return Markup('<div class="scrapdb-tree">{}</div>').format(tree(_jsonable(value)))
    if isinstance(value, bytes):
        return Markup('<span class="scrapdb-null">{:,} bytes</span>').format(len(value))
    return escape(short(value))


def _text(value: str, longest: int) -> Markup:
    if value[:1] in "[{" and value[-1:] in "]}":
        try:
            return Markup('<div class="scrapdb-tree">{}</div>').format(tree(_jsonable(json.loads(value))))
        except (ValueError, RecursionError):
            pass
    if len(value) > longest:
        return Markup('{}… <span class="scrapdb-null">{:,} characters</span>').format(value[:longest], len(value))
    return escape(value)


def _jsonable(value: Any) -> Any:
    """Make a nested value one that JSON has words for, and cut what is too long to be read."""
    if isinstance(value, dict):
        items = list(value.items())[:_MOST_ITEMS]
        return {str(key): _jsonable(item) for key, item in items} | _rest(len(value))
    if isinstance(value, list):
        return [_jsonable(item) for item in value[:_MOST_ITEMS]] + list(_rest(len(value)))
    return value if isinstance(value, str | int | float | None) else str(value)


def _rest(length: int) -> dict[str, str]:
    return {f"… {length - _MOST_ITEMS:,} more": "…"} if length > _MOST_ITEMS else {}
