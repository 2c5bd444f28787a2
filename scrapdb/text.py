"""Text and JSON that UTF-8 and SQLite can hold, and names that are the same in two spellings.

They cannot hold lone surrogates, from JSON escapes and from names of files; nor SQLite NaN in JSON, and many levels.
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import TypeVar

_SURROGATE = "[\ud800-\udfff]"  # compiled when a text is not ASCII: most commands see none
_DEEPEST = 200  # levels; SQLite's JSON functions refuse more than 1000, and Python's recursion ends too
_NESTED = (dict, list)
_V = TypeVar("_V")


def has_surrogates(text: str) -> bool:
    """Return whether a text holds lone surrogates, which neither UTF-8 nor SQLite can."""
    return not text.isascii() and re.search(_SURROGATE, text) is not None


def composed(name: str) -> str:
    """Return a name in NFC: one that looks the same is the same, whether its accents are characters or marks."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def spelling(name: str, known: Iterable[str]) -> str:
    """Return the last of the known names that is this one but for how its accents are written; itself if none is."""
    wanted = composed(name)
    return next((other for other in reversed(list(known)) if composed(other) == wanted), name)


class Named(dict[str, _V]):
    """Values by name, which are found by a name that looks the same, however its accents are written."""

    def __missing__(self, name: str) -> _V:
        """Find the value of the name that looks the same."""
        known = spelling(name, self)
        if known == name:
            raise KeyError(name)
        return self[known]

    def __contains__(self, name: object) -> bool:
        """Return whether there is a name that looks the same."""
        return super().__contains__(name) or (isinstance(name, str) and super().__contains__(spelling(name, self)))

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of the name that looks the same, or something else if there is none."""
        try:
            return self[name]
        except KeyError:
            return default


def valid_text(text: str) -> str:
    r"""Replace lone surrogates by the way JSON writes them: \ud800."""
    if text.isascii():
        return text
    return re.sub(_SURROGATE, lambda match: f"\\u{ord(match[0]):04x}", text)


def valid_json(value: Any) -> str:
    """Write compact JSON that SQLite's functions accept: NaN and infinities are null, lone surrogates escaped.

    Raises:
        RecursionError: the value is nested too deeply.
        TypeError: it holds something that JSON has no word for.
    """
    return valid_text(finite_json(value)[0])


def finite_json(value: Any) -> tuple[str, bool]:
    """Write compact JSON without NaN and infinities, and say whether there were none.

    Raises:
        RecursionError, TypeError: as `valid_json`.
    """
    try:
        text, finite = _encoder()(value), True
    except ValueError:
        text, finite = _encoder()(without_nan(value)), False
    if is_deep(value, text):
        raise RecursionError("nested too deeply")
    return text, finite


def without_nan(value: Any) -> Any:
    """Put null for NaN and infinities, for which JSON has no word."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    return [without_nan(item) for item in value] if isinstance(value, list) else value


def is_deep(value: Any, text: str) -> bool:
    """Return whether a value, written as this JSON, has more levels of lists and dicts than are kept."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    depth, level = 0, [value] if isinstance(value, _NESTED) else []
    while level and depth <= _DEEPEST:
        items = [item for part in level for item in (part.values() if isinstance(part, dict) else part)]
        depth += bool(items)
        level = [item for item in items if isinstance(item, _NESTED)]
    return depth > _DEEPEST


@functools.cache
def _encoder() -> Callable[[Any], str]:
    import json  # takes longer than many a query, which writes none

    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
