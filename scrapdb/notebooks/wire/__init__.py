"""Notebook output to scraps: one module per format found in the wild, one ordered table.

A format is a module with `MIME_PREFIX`, the start of the MIME types it owns, `METADATA_KEY`, the key under which it
leaves a note in an output's metadata, `wrote(note_keys)`, which knows its notes from those of others by their keys, and
`read(data, metadata)`, which returns the scraps that one output holds, and a Problem for each that is malformed. `data`
is the output's MIME bundle as JSON values. A new format is one file and one line in `FORMATS`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Protocol

from scrapdb.facts import Glued
from scrapdb.facts import Problem
from scrapdb.notebooks.wire import myst_nb
from scrapdb.notebooks.wire import notebook_utils
from scrapdb.notebooks.wire import papermill
from scrapdb.notebooks.wire import scrapbook
from scrapdb.notebooks.wire import scrapbook_01


class Format(Protocol):
    """A way of writing scraps into outputs."""

    MIME_PREFIX: str
    METADATA_KEY: str

    def wrote(self, note_keys: Collection[str]) -> bool:
        """Return whether it may have written an output, by the keys of its note there."""

    def read(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterable[Glued | Problem]:
        """Return the scraps of one output."""


FORMATS: tuple[Format, ...] = (scrapbook, scrapbook_01, papermill, myst_nb, notebook_utils)


def read(
    data: Mapping[str, Any], metadata: Mapping[str, Any], value: Callable[[Any], Any] = lambda part: part
) -> list[Glued | Problem]:
    """Return the scraps of one output, in whichever formats it holds them.

    Args:
        data: its MIME bundle.
        metadata: its metadata.
        value: decodes a part of the bundle; it is called for outputs that hold scraps only.
    """
    owners = _owners(tuple(data), tuple([(key, *note) for key, note in metadata.items() if isinstance(note, dict)]))
    if not owners:
        return []
    bundle = {mime: value(part) for mime, part in data.items()}
    return [item for format_ in owners for item in format_.read(bundle, metadata)]


@functools.lru_cache(maxsize=256)
def _owners(mimes: tuple[str, ...], notes: tuple[tuple[str, ...], ...]) -> tuple[Format, ...]:
    """Find the formats that may have written an output; the outputs of a directory look much the same."""
    note_keys = {key: keys for key, *keys in notes}
    return tuple(
        format_
        for format_ in FORMATS
        if format_.wrote(note_keys.get(format_.METADATA_KEY, ()))
        or any(mime.startswith(format_.MIME_PREFIX) for mime in mimes)
    )
