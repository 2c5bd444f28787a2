"""A report that is asked for: of which bundle, with which parameters, in which language, and where it goes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.running.rows.parameters import canonical


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A report that is asked for.

    Args:
        id: the path of its directory below that of all reports.
        directory: its own.
        bundle: of which it is made, as it was when it was asked for.
        parameters: typed, without the language, which the run is given too if its notebook takes it.
        language: of the page.
        pages: kinds of pages that are wanted: `html`, `pdf`.
        push: where the pages go, without their suffixes.
    """

    id: str
    directory: Path
    bundle: Bundle
    parameters: dict[str, Any]
    language: str
    pages: tuple[str, ...] = ("html",)
    push: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What `--resume` goes by: the hash of all that the pages are made of."""
        return hashed(self.bundle, self.parameters, self.language, self.pages)


def fields(bundle: str, version: str, language: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the patterns of names can use: what is said of a bundle, and the parameters, which count."""
    return {"bundle": bundle, "version": version, "lang": language, "language": language, **parameters}


def hashed(bundle: Bundle, parameters: dict[str, Any], language: str, pages: tuple[str, ...] = ()) -> str:
    """Return the SHA-256 of what makes a report what it is."""
    parts = (bundle.hash, canonical(parameters), language, *pages)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
