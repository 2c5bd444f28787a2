"""Sizes and durations as people write them."""

from __future__ import annotations


def size(text: str | float) -> int:
    """Read bytes: `1000`, `512M`, `2GB`, `1GiB`."""
    raise NotImplementedError


def duration(text: str | float) -> float:
    """Read seconds: `90`, `90s`, `5m`, `1h30m`, `30d`."""
    raise NotImplementedError
