"""Rows as a table of aligned columns, narrowed to the width of a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from collections.abc import Sequence
from typing import IO
from typing import Any
from typing import NamedTuple

from scrapdb.formats.values import Marked
from scrapdb.formats.values import escaped
from scrapdb.formats.values import short

_NARROWEST = 8  # characters of a column, below which nothing can be told from them
_SHORT = 16  # of the first column; and of the name of any, of which what is longer is cut before values are
_WIDEST = 80  # of a column where no terminal is, and of the name of any
_GAP = "  "
_NOTEBOOK = ".ipynb"


class _Column(NamedTuple):
    """How wide its name and its values are, and how narrow it may become; numbers stand to the right.

    Texts are cut first. Of a number nothing can be cut; where there is no other way it is rounded, as 9.01e+15.
    """

    name: int
    values: int
    least: int
    is_numeric: bool


def write(columns: Sequence[str], rows: Iterable[Sequence[Any]], stream: IO[str], width: int) -> None:
    """Write a table; numbers stand to the right. If a terminal has no room for it, each row is a list of its values."""
    values = [list(row) for row in rows]
    if not columns:
        return
    names, cells = list(map(escaped, columns)), [list(map(short, row)) for row in values]
    measured = [
        _measured(names[index], [row[index] for row in cells], numeric=_is_numeric([row[index] for row in values]))
        for index in range(len(columns))
    ]
    # The first column says what a row is of.
    measured[0] = measured[0]._replace(least=max(measured[0].least, min(measured[0].values, _SHORT)))
    if width and _taken([column.least for column in measured]) > width:
        _write_lists(names, cells, stream, width)
        return
    widths = _fitting(measured, width)
    for row in [names, *cells]:
        line = _GAP.join(
            padded(cell, wide, right=column.is_numeric)
            for cell, wide, column in zip(row, widths, measured, strict=True)
        )
        stream.write(f"{line.rstrip()}\n")


def room(columns: Sequence[str], rows: Iterable[Sequence[Any]], width: int) -> int:
    """Return how many of the first columns stand side by side in a terminal.

    Half of it is enough for the first one, which says what a row is of, and a third for each of the others, but of a
    number nothing can be cut.
    """
    found = list(zip(*rows, strict=True)) or [()] * len(columns)
    parts = (width // 2, *[width // 3] * len(columns))
    widths = [_wanted(*column) for column in zip(columns, found, parts, strict=False)]
    return next((count for count in range(len(widths), 0, -1) if _taken(widths[:count]) <= width), 0)


def _wanted(name: str, values: Sequence[Any], part: int) -> int:
    """Return how wide a column wants to be: up to a part of the terminal, unless it is numeric."""
    head = min(display_width(escaped(name)), _SHORT)
    widest = max((display_width(short(value)) for value in values), default=0)
    return max(widest, min(head, part)) if _is_numeric(values) else min(max(head, widest), part)


def _write_lists(names: Sequence[str], cells: Iterable[Sequence[str]], stream: IO[str], width: int) -> None:
    """Write a line for each value that is there, and an empty one between rows."""
    label = min(max(map(display_width, names)), width // 3)
    for number, row in enumerate(cells):
        stream.write("\n" * (number > 0))
        for name, cell in zip(names, row, strict=True):
            if cell:
                value = padded(cell, max(width - label - len(_GAP), _NARROWEST), right=False)
                stream.write(f"{padded(name, label, right=False)}{_GAP}{value}".rstrip() + "\n")


def display_width(text: str) -> int:
    """Return how many columns a text takes in a terminal."""
    return len(text) if text.isascii() else sum(map(_char_width, text))


def _measured(name: str, cells: Sequence[str], *, numeric: bool) -> _Column:
    head, widest = min(display_width(name), _WIDEST), max(map(display_width, cells), default=0)
    return _Column(head, widest, min(max(head, widest), _NARROWEST), numeric)


def _is_numeric(values: Sequence[Any]) -> bool:
    bare = (value.value if isinstance(value, Marked) else value for value in values)
    return all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in bare)


def _taken(widths: Sequence[int]) -> int:
    """Return how wide columns are side by side."""
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _fitting(columns: Sequence[_Column], limit: int) -> list[int]:
    """Narrow long names, then the widest columns, until all fit."""
    if not limit:
        return [min(max(column.name, column.values), _WIDEST) for column in columns]
    for longest in range(_WIDEST, _SHORT - 1, -1):
        widths = [max(column.values, min(column.name, longest)) for column in columns]
        if _taken(widths) <= limit:
            return widths
    least = [column.least for column in columns]
    whole = [max(column.least, column.values) if column.is_numeric else column.least for column in columns]
    for narrowest in (whole, least):
        for widest in range(limit, _NARROWEST, -1):
            narrowed = [max(least, min(wide, widest)) for least, wide in zip(narrowest, widths, strict=True)]
            if _taken(narrowed) <= limit:
                return narrowed
    return least


def _char_width(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:  # accents, joiners and variation selectors
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Fill a text up to a width, or cut it; a number that stands to the right is rounded."""
    if display_width(text) > width and right:
        text = _rounded(text, width)
    if display_width(text) > width:
        # Paths of notebooks differ at their end.
        text = _clipped(text[::-1], width)[::-1] if text.endswith(_NOTEBOOK) else _clipped(text, width)
    blanks = " " * (width - display_width(text))
    return blanks + text if right else text + blanks


def _rounded(text: str, width: int) -> str:
    """Write a number with the digits that there is room for, and an exponent that tells so."""
    from decimal import Decimal
    from decimal import InvalidOperation

    try:
        number = Decimal(text)
    except InvalidOperation:  # the name of a column of numbers
        return text
    rounded = (f"{number:.{digits}e}" for digits in range(width, -1, -1))
    return next((shorter for shorter in rounded if len(shorter) <= width), text)


def _clipped(text: str, width: int) -> str:
    """Cut a text that is too wide, and end it with an ellipsis."""
    taken = 0
    for index, char in enumerate(text):
        taken += _char_width(char)
        if taken >= width:
            return f"{text[:index]}…"
    return text
