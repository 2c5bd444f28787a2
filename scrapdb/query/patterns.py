"""Patterns: `like` as GLOB, which can use an index; regular expressions that cannot hang; the functions of SQL."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Mapping
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.query import aggregating
from scrapdb.query import columnar

_LAST = chr(0x10FFFF)
# Surrogates are no characters of UTF-8: these stand on both sides of them.
_BEFORE_SURROGATES, _AFTER_SURROGATES = "\ud7ff", "\ue000"
_WILD = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}


def glob(pattern: str) -> str:
    """Translate a LIKE pattern (`%` any text, `_` one character) to GLOB."""
    return "".join(_WILD.get(char, char) for char in pattern)


def prefix(pattern: str) -> str:
    """The text before the first wildcard of a LIKE pattern."""
    ends = [place for place in (pattern.find("%"), pattern.find("_")) if place >= 0]
    return pattern[: min(ends, default=len(pattern))]


def after(text: str) -> str | None:
    """The smallest text greater than all that start with this one; None if there is none."""
    text = text.rstrip(_LAST)
    if not text:
        return None
    last = text[-1]
    return text[:-1] + (_AFTER_SURROGATES if last == _BEFORE_SURROGATES else chr(ord(last) + 1))


def fault(pattern: str) -> str | None:
    """Return why a regular expression cannot be used, or None if it can.

    Raises:
        UsageError: google-re2 is not installed.
    """
    try:
        _compile(pattern)
    except _re2().error as error:
        reason = error.args[0]
        return reason.decode() if isinstance(reason, bytes) else str(error)
    return None


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the SQL functions that compiled expressions call.

    `regexp` is a search with google-re2, in time linear in the text; `text_lower` and `text_upper` know all letters,
    where SQLite's own know ASCII; `remainder` is Python's, where SQLite's `%` drops fractions.
    """
    connection.create_function("remainder", 2, _remainder, deterministic=True)
    connection.create_function("regexp", 2, _search, deterministic=True)
    connection.create_function(
        "text_lower", 1, lambda text: text.lower() if isinstance(text, str) else None, deterministic=True
    )
    connection.create_function(
        "text_upper", 1, lambda text: text.upper() if isinstance(text, str) else None, deterministic=True
    )
    aggregating.register(connection)
    columnar.register(connection)


def execute(connection: sqlite3.Connection, sql: str, values: Mapping[str, object]) -> sqlite3.Cursor:
    """Execute a compiled statement; a connection without our SQL functions is given them."""
    try:
        return connection.execute(sql, values)
    except sqlite3.OperationalError as error:
        if "no such function" not in str(error):  # SQLite has no code for it
            raise
        register(connection)
        return connection.execute(sql, values)


def _remainder(number: float | None, divisor: float | None) -> float | None:
    return number % divisor if number is not None and divisor else None


def _search(pattern: str, text: object) -> bool | None:
    return None if text is None else _compile(pattern).search(str(text)) is not None


@functools.lru_cache(maxsize=64)
def _compile(pattern: str) -> Any:
    options = _re2().Options()
    options.log_errors = False
    return _re2().compile(pattern, options)


def _re2() -> Any:
    """Import google-re2, only for those who search: it takes longer than most queries."""
    try:
        import re2
    except ImportError:
        raise UsageError(
            "`~` searches with google-re2, which is not installed: `pip install 'scrapdb[regex]'`."
        ) from None
    return re2
