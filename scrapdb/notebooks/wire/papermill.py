"""papermill before 1.0: `pm.record` and `pm.display`.

    {"data": {"application/papermill.record+json": {"x": 1}}, "metadata": {}}
    {"data": {"image/png": "…"}, "metadata": {"papermill": {"name": "chart"}}}

Source: nteract/papermill at tag 0.18.2, `api.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks.wire.payload import note
from scrapdb.notebooks.wire.payload import without

MIME_PREFIX = "application/papermill.record+json"
METADATA_KEY = "papermill"


def wrote(note_keys: Collection[str]) -> bool:
    """Return whether it may have written an output, by the keys of its note there."""
    return "name" in note_keys


def read(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[Glued | Problem]:
    """Yield the scraps of one output, and a Problem if its payload is malformed."""
    payload = data.get(MIME_PREFIX, {})
    if isinstance(payload, dict):
        yield from (Glued(name, "json", value) for name, value in payload.items())
    else:
        yield Problem("malformed", f"A record's payload is not a JSON object but {payload!r:.60}.")
    name, display = note(metadata, METADATA_KEY).get("name"), without(data, MIME_PREFIX)
    if isinstance(name, str) and display:
        yield Glued(name, "display", display=display)
