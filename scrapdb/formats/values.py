"""One value as text: exactly, short for a table, or as JSON; nothing that moves a terminal's cursor. Pure."""

from __future__ import annotations

import math
import re
from typing import Any
from typing import NamedTuple

# C0 and C1 controls, line separators, and the marks that turn the direction of text around.
_DIRECTIONS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_CONTROLS = f"[\0-\x1f{_DIRECTIONS}]"
_CONTROLS_BUT_LINES = f"[\0-\x08\x0b-\x1f{_DIRECTIONS}]"


class Marked(NamedTuple):
    """A value of a table with a mark of one character behind it; without one there is a blank, so that all align."""

    value: Any
    mark: str = ""

    def __str__(self) -> str:
        return f"{short(self.value)} {self.mark or ' '}"


def escaped(text: str) -> str:
    r"""Write control characters as Python does (\x1b), so that a text cannot move a terminal's cursor."""
    return text if text.isprintable() else re.sub(_CONTROLS, _escape, text)


def escaped_but_lines(text: str) -> str:
    """Write control characters but for line ends and tabs as Python does."""
    return re.sub(_CONTROLS_BUT_LINES, _escape, text)


def plain(value: Any) -> str:
    """Write one value as text, exactly: None is empty, lists and dicts are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json_text(value)
    return _base64(value) if isinstance(value, bytes) else str(value)


def short(value: Any) -> str:
    """Write one value for a table: floats with six significant digits."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.6g}"
    return escaped(plain(value))


def size(count: float, kilo: int = 1000) -> str:
    """Write a number of bytes for people: 2.1 GB."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < kilo:
            return f"{count} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= kilo
    return f"{amount:.1f} TB"


def json_text(value: Any, *, allow_nan: bool = True) -> str:
    """Write a value as JSON; what JSON has no word for as Datasette does, or as it says it is."""
    import json  # takes longer than many a query, of which few print JSON

    return json.dumps(value, ensure_ascii=False, allow_nan=allow_nan, default=_jsonable)


def _jsonable(value: Any) -> Any:
    """Write bytes as Datasette does, a decimal as a number if that is the same, anything else as it says it is."""
    from decimal import Decimal

    if isinstance(value, Decimal) and value.is_finite():
        number = int(value) if value == value.to_integral_value() else float(value)
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, bytes):
        return {"$base64": True, "encoded": _base64(value)}
    return str(value)


def _base64(content: bytes) -> str:
    import binascii  # a library of its own, which only bytes need

    return binascii.b2a_base64(content, newline=False).decode()


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
