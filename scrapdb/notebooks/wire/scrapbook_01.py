"""scrapbook 0.1: payloads without version or encoder, displays without flags.

    {"data": {"application/scrapbook.scrap+json": {"x": 1}}, "metadata": {}}
    {"data": {"image/png": "…"}, "metadata": {"scrapbook": {"name": "chart"}}}

Source: nteract/scrapbook at tag 0.1.0, `api.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks.wire import payload

MIME_PREFIX = "application/scrapbook.scrap+json"
METADATA_KEY = "scrapbook"
_LATER_KEYS = frozenset({"data", "display", "mime_prefix"})  # of scrapbook 0.2 and myst-nb
_LATER_MIME_PREFIX = "application/scrapbook.scrap."


def wrote(note_keys: Collection[str]) -> bool:
    """Return whether it may have written an output, by the keys of its note there."""
    return "name" in note_keys and _LATER_KEYS.isdisjoint(note_keys)


def read(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Glued | Problem]:
    """Return the scraps of one output, and a Problem if its payload is malformed."""
    if (values := data.get(MIME_PREFIX)) is not None:
        return payload.by_name(values, "scrap")
    note_ = payload.note(metadata, METADATA_KEY)
    return payload.only_shown(note_, data, _LATER_MIME_PREFIX) if _LATER_KEYS.isdisjoint(note_) else []
