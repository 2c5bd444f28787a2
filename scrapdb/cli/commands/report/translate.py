"""scrapdb report translate: not there yet."""

from __future__ import annotations

from scrapdb.cli.options import Settings


def command(*, settings: Settings) -> None:
    """Not there yet."""
    del settings
