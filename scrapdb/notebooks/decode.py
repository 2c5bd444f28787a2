"""A scrap as it was glued to what it holds: a JSON value, a frame, the bytes of displays. Pure.

What cannot be decoded stays as it is, with a problem that says why.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from scrapdb import facts
from scrapdb.encoders import ENCODERS
from scrapdb.encoders import base64
from scrapdb.encoders import pandas
from scrapdb.errors import EncoderError
from scrapdb.notebooks.wire.payload import joined
from scrapdb.text import is_deep
from scrapdb.text import valid_json
from scrapdb.text import valid_text

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TEXT_MIME_TYPES = ("text/", "application/javascript", "image/svg+xml", "application/xml")
_JSON_MIME_TYPES = ("application/json", "+json")
_NESTED = (dict, list)
_TOO_DEEP = "The value is nested too deeply."
_DECODE = {encoder.NAME: encoder.decode for encoder in ENCODERS} | {pandas.NAME: pandas.frame}  # which stays a file


def decoded(found: facts.Found) -> facts.Decoded:
    """Decode a scrap and its displays."""
    glued = found.glued
    text = _text(glued.data)
    value, problems = (UNSET, ()) if glued.data is UNSET else _payload(found, text)
    if not glued.display:
        return facts.Decoded(glued.name, glued.encoder, found.place, value, {}, _bytes(text), problems)
    displays, left_out = _displays(found, glued.display)
    size = _bytes(text) + sum(_bytes(_text(part)) for part in glued.display.values())
    return facts.Decoded(glued.name, glued.encoder, found.place, value, displays, size, problems + left_out)


def _payload(found: facts.Found, text: str | None) -> tuple[Any, tuple[facts.Problem, ...]]:
    """Decode a payload; `text` is what `_text` made of it."""
    encoder, data = found.glued.encoder, found.glued.data
    decode = _DECODE.get(encoder)
    problems: tuple[facts.Problem, ...] = ()
    if decode is None:
        message = f"No encoder is called {encoder!r}; the payload is kept as it is."
        problems = (_problem(found, "encoder", message),)
    try:
        value = decode(data) if decode else data
        reason = _TOO_DEEP if isinstance(value, _NESTED) and _is_deep(value, text) else None
    except RecursionError:
        reason = _TOO_DEEP
    except (EncoderError, TypeError, ValueError) as error:
        reason = str(error)
    if reason is None:
        return value, problems
    return None if _is_deep(data, text) else data, (*problems, _problem(found, "payload", reason))


def _is_deep(value: Any, text: str | None) -> bool:
    return isinstance(value, _NESTED) and (text is None or is_deep(value, text))


def _displays(found: facts.Found, display: Mapping[str, Any]) -> tuple[dict[str, bytes], tuple[facts.Problem, ...]]:
    displays: dict[str, bytes] = {}
    problems: tuple[facts.Problem, ...] = ()
    for mime, part in display.items():
        try:
            displays[mime] = _display(mime, part)
        except RecursionError:
            message = f"The display {mime} is nested too deeply; it is left out."
            problems += (_problem(found, "payload", message),)
    return displays, problems


def _problem(found: facts.Found, kind: str, message: str) -> facts.Problem:
    return facts.Problem(kind, message, found.glued.name, found.place.cell, found.place.output)


def _display(mime: str, part: Any) -> bytes:
    """Return the bytes of one MIME type: text as UTF-8, JSON as compact JSON, everything else decoded from base64."""
    is_json = mime.endswith(_JSON_MIME_TYPES)
    if not is_json:
        part = joined(part)
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
