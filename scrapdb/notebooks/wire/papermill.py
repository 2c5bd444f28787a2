"""papermill before 1.0: `pm.record` and `pm.display`.

    {"data": {"application/papermill.record+json": {"x": 1}}, "metadata": {}}
    {"data": {"image/png": "…"}, "metadata": {"papermill": {"name": "chart"}}}

Source: nteract/papermill at tag 0.18.2, `api.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks.wire import payload

MIME_PREFIX = "application/papermill.record+json"
METADATA_KEY = "papermill"


def wrote(note_keys: Collection[str]) -> bool:
    """Return whether it may have written an output, by the keys of its note there."""
    return "name" in note_keys


def read(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Glued | Problem]:
    """Return the scraps of one output, and a Problem if its payload is malformed."""
    recorded = payload.by_name(data.get(MIME_PREFIX, {}), "record")
    return recorded + payload.only_shown(payload.note(metadata, METADATA_KEY), data, MIME_PREFIX)
