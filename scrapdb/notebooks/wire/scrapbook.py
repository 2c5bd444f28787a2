"""scrapbook 0.2 and later ("v1"): one MIME type per encoder, data and display in outputs of their own.

    {"data": {"application/scrapbook.scrap.json+json": {"name": "x", "data": 1, "encoder": "json", "version": 1}},
     "metadata": {"scrapbook": {"name": "x", "data": true, "display": false}}}

scrapdb adds `types` where the payload alone does not say what the value was; scrapbook passes over it.

A display is any MIME bundle whose metadata says `"display": true`. The MIME type alone makes a scrap: `reglue` with
`unattached=True` leaves no metadata. Source: nteract/scrapbook, `schemas/scrap.v1.json` and `api.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks.wire import payload

MIME_PREFIX = "application/scrapbook.scrap."
METADATA_KEY = "scrapbook"


def wrote(note_keys: Collection[str]) -> bool:
    """Return whether it may have written an output, by the keys of its note there."""
    return "display" in note_keys


def read(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Glued | Problem]:
    """Return the scraps of one output, and Problems for malformed ones."""
    scraps = [payload.named(part, _encoder(mime)) for mime, part in data.items() if mime.startswith(MIME_PREFIX)]
    return payload.with_display(scraps, payload.note(metadata, METADATA_KEY), data, MIME_PREFIX)


@functools.lru_cache(maxsize=256)
def _encoder(mime: str) -> str:
    return mime.removeprefix(MIME_PREFIX).removesuffix("+json")


def data_output(scrap: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the output of a value: its MIME bundle and its metadata.

    Args:
        scrap: its payload: name, data, encoder and version.
    """
    note_ = {"name": scrap["name"], "data": True, "display": False}
    return {f"{MIME_PREFIX}{scrap['encoder']}+json": scrap}, {METADATA_KEY: note_}


def display_output(
    name: str, bundle: dict[str, Any], metadata: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the output of a display: its MIME bundle and its metadata.

    Args:
        name: name of the scrap.
        bundle: what is shown, by MIME type.
        metadata: what is said of it, such as the size of a picture.
    """
    return bundle, {**metadata, METADATA_KEY: {"name": name, "data": False, "display": True}}
