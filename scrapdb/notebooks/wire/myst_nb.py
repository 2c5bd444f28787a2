"""myst-nb's `glue`: a MIME bundle that holds reprs, hidden behind a prefix or shown plainly.

    {"data": {"application/papermill.record/text/plain": "'hidden'"},
     "metadata": {"scrapbook": {"name": "x", "mime_prefix": "application/papermill.record/"}}}

What was glued is the value's repr, not the value. A repr that `reprs` can read gives the JSON value that `glue` would
have written; any other stays a display. Source: executablebooks/MyST-NB, `myst_nb/ext/glue/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks.wire import payload
from scrapdb.notebooks.wire import reprs

MIME_PREFIX = "application/papermill.record/"
METADATA_KEY = "scrapbook"


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
    text = payload.joined(bundle.get("text/plain"))
    value = reprs.read(text) if isinstance(text, str) else UNSET
    encoder = "display" if value is UNSET else "text" if isinstance(value, str) else "json"
    return [Glued(name, encoder, value, bundle)]
