"""myst-nb's `glue`: a MIME bundle that holds reprs, hidden behind a prefix or shown plainly.

    {"data": {"application/papermill.record/text/plain": "'hidden'"},
     "metadata": {"scrapbook": {"name": "x", "mime_prefix": "application/papermill.record/"}}}

What was glued is the value's repr, not the value. A repr that is a Python literal, or a numpy scalar as numpy 2 writes
it, gives the value back; any other stays a display. Source: executablebooks/MyST-NB, `myst_nb/ext/glue/__init__.py`.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks.wire import payload

MIME_PREFIX = "application/papermill.record/"
METADATA_KEY = "scrapbook"
_LONGEST_REPR = 100_000  # characters; parsing a repr takes a hundred times its memory
_LARGEST_INTEGER = 10**4000  # Python writes none of more than 4300 digits
_NOT_LITERALS = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def wrote(note_keys: Collection[str]) -> bool:
    """Return whether it may have written an output, by the keys of its note there."""
    return "mime_prefix" in note_keys


def read(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Sequence[Glued | Problem]:
    """Return the scrap of one output, if myst-nb glued it."""
    glued = payload.note(metadata, METADATA_KEY)
    name, prefix = glued.get("name"), glued.get("mime_prefix")
    if not (isinstance(name, str) and isinstance(prefix, str)):
        return ()
    bundle = {mime.removeprefix(prefix): part for mime, part in data.items()}
    value = _value(bundle.get("text/plain"))
    encoder = "display" if value is UNSET else "text" if isinstance(value, str) else "json"
    return [Glued(name, encoder, value, bundle)]


def _value(lines: Any) -> Any:
    """Return the JSON value whose repr this is, or UNSET."""
    text = payload.joined(lines)
    if not isinstance(text, str) or len(text) > _LONGEST_REPR:
        return UNSET
    if text.strip() in _NOT_LITERALS:
        return _NOT_LITERALS[text.strip()]
    try:
        with warnings.catch_warnings(action="ignore"):  # of a stranger's code
            value = ast.literal_eval(_unwrapped(ast.parse(text.strip(), mode="eval").body))
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return UNSET
    value = list(value) if isinstance(value, tuple) else value
    return value if _is_json(value) else UNSET


def _unwrapped(node: ast.expr) -> ast.expr:
    """Return the literal in numpy 2's `np.float64(0.9)`; any other expression as it is."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np")), args=[literal], keywords=[]):
            return literal
    return node


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_is_json(item) for item in value)
    if isinstance(value, int):
        return abs(value) < _LARGEST_INTEGER
    return value is None or isinstance(value, float | str)
