"""The recommenders project's `store_metadata`, a scrapbook without versions.

    {"data": {"application/notebook_utils.json+json": {"name": "map", "data": 0.055, "encoder": "json"}},
     "metadata": {"notebook_utils": {"name": "map", "data": true, "display": false}}}

Source: recommenders-team/recommenders, `recommenders/utils/notebook_utils.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks.wire import payload

MIME_PREFIX = "application/notebook_utils."
METADATA_KEY = "notebook_utils"


def wrote(note_keys: Collection[str]) -> bool:
    """Return whether it may have written an output, by the keys of its note there."""
    return "display" in note_keys


def read(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Glued | Problem]:
    """Return the scraps of one output, and Problems for malformed ones."""
    scraps = [payload.named(part, "json") for mime, part in data.items() if mime.startswith(MIME_PREFIX)]
    return payload.with_display(scraps, payload.note(metadata, METADATA_KEY), data, MIME_PREFIX)
