"""Notebook output to scraps: one module per format found in the wild, one ordered table.

A format is a module with `MIME_PREFIX`, the start of the MIME types it owns, `METADATA_KEY`, the key it leaves in an
output's metadata, and `read(data, metadata)`, which gives the scraps that one output holds, and a Problem for each
that is malformed. `data` is the output's MIME bundle as JSON values. A new format is one file and one line in
`FORMATS`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import Protocol

from scrapdb.scraps import Glued
from scrapdb.scraps import Problem
from scrapdb.wire import myst_nb
from scrapdb.wire import notebook_utils
from scrapdb.wire import papermill
from scrapdb.wire import scrapbook
from scrapdb.wire import scrapbook_01


class Format(Protocol):
    """A way of writing scraps into outputs."""

    MIME_PREFIX: str
    METADATA_KEY: str

    def read(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterable[Glued | Problem]:
        """Give the scraps of one output."""


FORMATS: tuple[Format, ...] = (scrapbook, scrapbook_01, papermill, myst_nb, notebook_utils)


def concerns(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Tell whether any format owns this output, by its MIME types and metadata keys alone."""
    return bool(_owners(tuple(data), tuple(metadata)))


def read(data: Mapping[str, Any], metadata: Mapping[str, Any]) -> list[Glued | Problem]:
    """Give the scraps of one output, in whichever formats it holds them."""
    found: list[Glued | Problem] = []
    for member in _owners(tuple(data), tuple(metadata)):
        found += member.read(data, metadata)
    return found


@functools.lru_cache(maxsize=256)
def _owners(mimes: tuple[str, ...], keys: tuple[str, ...]) -> tuple[Format, ...]:
    """Find the formats that may have written an output; the outputs of a directory look much the same."""
    return tuple(
        member
        for member in FORMATS
        if member.METADATA_KEY in keys or any(mime.startswith(member.MIME_PREFIX) for mime in mimes)
    )
