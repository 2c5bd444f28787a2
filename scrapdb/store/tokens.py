"""What the wide table shows of a value: itself, or a token that stands for a frame or a display."""

from __future__ import annotations

from typing import Any

from scrapdb.store.values import Stored

_LONGEST_CELL = 4_096


def cell(name: str, stored: Stored, token: str | None) -> tuple[str, str, Any] | None:
    """Return the cell of the wide table that shows a value, if it shows: nulls and NaN do not."""
    if stored.number is not None:
        return name, "number", stored.number
    shown = token or stored.text or stored.json
    if shown is None:
        return None if stored.text is None else (name, "text", "")
    return name, "text", shown if len(shown) <= _LONGEST_CELL else f"{shown[: _LONGEST_CELL - 1]}…"


def frame_token(rows_: int, columns: int, digest: str) -> str:
    """Write what stands for a frame in the wide table."""
    return f"frame:{rows_}x{columns}:{digest}"


def display_token(shown: dict[str, str]) -> str | None:
    """Write what stands for a display in the wide table: the first picture, else the first MIME type.

    Args:
        shown: SHA-256 by MIME type.
    """
    for mime in sorted(shown, key=lambda mime: (not mime.startswith("image/"), mime)):
        return f"display:{mime}:{shown[mime]}"
    return None
