"""Rows as a table of aligned columns, narrowed to the width of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from collections.abc import Sequence
from typing import IO
from typing import Any

from scrapdb.formats.values import escaped
from scrapdb.formats.values import short

_NARROWEST = 8  # characters of a column, below which nothing can be told from them


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: IO[str], width: int) -> None:
    """Write a table; numbers stand to the right."""
    values = [list(row) for row in rows]
    if not columns:
        return
    cells = [[escaped(column) for column in columns], *([short(value) for value in row] for row in values)]
    right = [_is_numeric([row[index] for row in values]) for index in range(len(columns))]
    widths = _fitting([max(map(display_width, column)) for column in zip(*cells, strict=True)], width)
    for row in cells:
        line = "  ".join(
            _padded(cell, wide, right=to_right) for cell, wide, to_right in zip(row, widths, right, strict=True)
        )
        stream.write(f"{line.rstrip()}\n")


def display_width(text: str) -> int:
    """Return how many columns a text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values)


def _fitting(widths: list[int], limit: int) -> list[int]:
    """Narrow the widest columns until all fit, none below a readable width."""
    if not limit:
        return widths
    room = limit - 2 * (len(widths) - 1)
    widest = min(max(widths), max(room, _NARROWEST))
    while widest > _NARROWEST and sum(min(width, widest) for width in widths) > room:
        widest -= 1
    return [min(width, widest) for width in widths]


def _char_width(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:  # accents, joiners and variation selectors
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _padded(text: str, width: int, *, right: bool) -> str:
    if display_width(text) > width:
        # Paths of notebooks differ at their end.
        text = _clipped(text[::-1], width)[::-1] if text.endswith(".ipynb") else _clipped(text, width)
    blanks = " " * (width - display_width(text))
    return blanks + text if right else text + blanks


def _clipped(text: str, width: int) -> str:
    """Cut a text that is too wide, and end it with an ellipsis."""
    taken = 0
    for index, char in enumerate(text):
        taken += _char_width(char)
        if taken >= width:
            return f"{text[:index]}…"
    return text
