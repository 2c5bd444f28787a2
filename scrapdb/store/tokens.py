"""What the wide table shows of a value: itself, or a token that stands for a frame or a display; and reading tokens."""

from __future__ import annotations

import re
from typing import Any
from typing import NamedTuple

from scrapdb.store.values import Stored
from scrapdb.store.values import load
from scrapdb.text import valid_text

# Characters. A page of Datasette has a hundred rows, each of up to a hundred such cells.
_LONGEST_CELL = 4_096
_FRAME = re.compile(r"frame:([0-9]{1,18})x([0-9]{1,18}):([0-9a-f]{64})")
_DISPLAY = re.compile(r"display:([\w.+-]+/[\w.+-]+):([0-9a-f]{64})")
# Whether `cell` shows a row `v` of scraps or parameters: the same in SQL, for counting without reading all values.
IS_SHOWN = """(v.number IS NOT NULL OR CASE v.type
  WHEN 'null' THEN 0
  WHEN 'float' THEN 0
  WHEN 'display' THEN EXISTS (SELECT 1 FROM displays AS d WHERE d.notebook_id = v.notebook_id AND d.name_id = v.name_id)
  ELSE 1 END)"""
# Whether `is_whole` is false of a row of scraps or parameters.
IS_PART = f"""(exact IS NOT NULL AND type <> 'expression' OR type = 'float' AND number IS NULL
  OR length(coalesce(text, json)) > {_LONGEST_CELL})"""


class FrameToken(NamedTuple):
    """What a token says of a frame."""

    rows: int
    columns: int
    hash: str


class DisplayToken(NamedTuple):
    """What a token says of a display."""

    mime_type: str
    hash: str


def cell(name: str, stored: Stored, token: str | None) -> tuple[str, str, Any] | None:
    """Return the cell of the wide table that shows a value, if it shows: nulls and NaN do not."""
    if stored.number is not None:
        return name, "number", stored.number
    kind, shown = "text", token or stored.text or stored.json
    if stored.type == "expression":
        kind, shown = "expression", valid_text(str(load(*stored)))
    if shown is None:
        return None if stored.text is None else (name, "text", "")
    return name, kind, shown if len(shown) <= _LONGEST_CELL else f"{shown[: _LONGEST_CELL - 1]}…"


def is_whole(stored: Stored) -> bool:
    """Return whether `cell` tells all of a value but its type; it does not of NaN, and need not of an expression."""
    if stored.exact is not None:
        return stored.type == "expression"
    is_nan = stored.type == "float" and stored.number is None
    return not is_nan and len(stored.text or stored.json or "") <= _LONGEST_CELL


def frame_token(rows: int, columns: int, digest: str) -> str:
    """Write what stands for a frame in the wide table."""
    return f"frame:{rows}x{columns}:{digest}"


def display_token(shown: dict[str, str]) -> str | None:
    """Write what stands for a display, SHA-256 by MIME type, in the wide table: a picture, else the first type."""
    for mime in sorted(shown, key=lambda mime: (not mime.startswith("image/"), mime)):
        return f"display:{mime}:{shown[mime]}"
    return None


def read_frame_token(text: str) -> FrameToken | None:
    """Read what stands for a frame; None if a text is no such token. A text may look like one, so it proves nothing."""
    parts = _FRAME.fullmatch(text)
    return FrameToken(int(parts[1]), int(parts[2]), parts[3]) if parts else None


def read_display_token(text: str) -> DisplayToken | None:
    """Read what stands for a display; None if a text is no such token, or of a MIME type that could not be one."""
    parts = _DISPLAY.fullmatch(text)
    return DisplayToken(parts[1], parts[2]) if parts else None
