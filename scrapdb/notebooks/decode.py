"""A scrap as it was glued to what it holds: a JSON value, a frame, the bytes of displays. Pure.

What cannot be decoded stays as it is, with a problem that says why.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from scrapdb import encoders
from scrapdb.encoders import base64
from scrapdb.encoders import pandas
from scrapdb.errors import EncoderError
from scrapdb.facts import Decoded
from scrapdb.facts import Found
from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.text import is_deep
from scrapdb.text import valid_json
from scrapdb.text import valid_text

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TEXT_MIME_TYPES = ("text/", "application/javascript", "image/svg+xml", "application/xml")
_JSON_MIME_TYPES = ("application/json", "+json")
_UNREADABLE = (EncoderError, TypeError, ValueError, RecursionError)
_Reason = tuple[str, str]  # kind and message of a problem


def decoded(found: Found) -> Decoded:
    """Decode a scrap and its displays."""
    glued, place = found.glued, found.place
    text = _text(glued.data)
    value, reasons = _payload(glued, text)
    size = _bytes(text)
    displays: dict[str, bytes] = {}
    if glued.display:
        displays, left_out = _displays(glued.display)
        reasons += left_out
        size += sum(_bytes(_text(part)) for part in glued.display.values())
    problems = tuple(Problem(kind, message, glued.name, place.cell, place.output) for kind, message in reasons)
    return Decoded(glued.name, glued.encoder, place, value, displays, size, problems)


def _payload(glued: Glued, text: str | None) -> tuple[Any, list[_Reason]]:
    """Decode a payload; `text` is what `_text` made of it."""
    if glued.data is UNSET:
        return UNSET, []
    reasons = []
    if glued.encoder not in encoders.BY_NAME:
        reasons.append(("encoder", f"No encoder is called {glued.encoder!r}; the payload is kept as it is."))
    try:
        return _value(glued, text), reasons
    except _UNREADABLE as error:
        message = "The value is nested too deeply." if isinstance(error, RecursionError) else str(error)
        reasons.append(("payload", message))
    return None if _is_deep(glued.data, text) else glued.data, reasons


def _value(glued: Glued, text: str | None) -> Any:
    if glued.encoder == pandas.NAME:
        return pandas.frame(glued.data)
    encoder = encoders.BY_NAME.get(glued.encoder)
    value = encoder.decode(glued.data) if encoder else glued.data
    if _is_deep(value, text):
        raise RecursionError
    return value


def _is_deep(value: Any, text: str | None) -> bool:
    return isinstance(value, dict | list) and (text is None or is_deep(value, text))


def _displays(display: Mapping[str, Any]) -> tuple[dict[str, bytes], list[_Reason]]:
    shown: dict[str, bytes] = {}
    reasons = []
    for mime, part in display.items():
        try:
            shown[mime] = _display(mime, part)
        except RecursionError:
            reasons.append(("payload", f"The display {mime} is nested too deeply; it is left out."))
    return shown, reasons


def _display(mime: str, part: Any) -> bytes:
    """Return the bytes of one MIME type: text as UTF-8, JSON as compact JSON, everything else decoded from base64."""
    is_json = mime.endswith(_JSON_MIME_TYPES)
    if isinstance(part, list) and not is_json and all(isinstance(line, str) for line in part):
        part = "".join(part)
    if is_json or not isinstance(part, str):
        return valid_json(part).encode()
    if not mime.startswith(_TEXT_MIME_TYPES):
        try:
            return base64.decode(part)
        except ValueError:
            return valid_text(part).encode()
    return valid_text(part).encode()


def _text(data: Any) -> str | None:
    """Write what is counted: a text itself, anything else as compact JSON; None for what is nested too deeply."""
    if isinstance(data, str):
        return data
    if isinstance(data, int) or (isinstance(data, float) and math.isfinite(data)):
        return repr(data)  # True is as long as true
    if data is UNSET:
        return ""
    try:
        return _encode(data)
    except RecursionError:
        return None


def _bytes(text: str | None) -> int:
    if text is None:
        return 0
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
