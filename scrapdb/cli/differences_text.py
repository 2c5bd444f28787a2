"""What differs between notebooks, as lines for a terminal. The notebooks are A, B, C, …, and all are compared with A.

Changes of long texts are marked as `git diff --word-diff` marks them, those of code as `diff -u`. Long values are cut.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import groupby
from string import ascii_uppercase
from typing import Any

from msgspec import UNSET

from scrapdb.database import changed_rows
from scrapdb.database import differences
from scrapdb.database.changed_code import CodeChange
from scrapdb.database.equality import Step
from scrapdb.database.pixels import Pixels
from scrapdb.formats.table import display_width
from scrapdb.formats.values import escaped
from scrapdb.formats.values import escaped_but_lines
from scrapdb.formats.values import json_text
from scrapdb.formats.values import short

_WIDEST_LABEL = 24
_MOST_LINES = 200  # of one cell
_ALONE = ("code", "markdown")  # sections of one name
_LONGEST_LINE = 500  # characters of a line of code
_MOST_WORDS = 400  # characters of what differs in a text, and five times as many of all of it
_AROUND = 30  # characters of what is equal before and after what differs
_SHOWN_HASH = 8
_MARKS = {"equal": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}


def lines(notebooks: Sequence[str], found: Sequence[differences.Line], width: int) -> Iterator[str]:
    """Yield the lines that tell what differs.

    Args:
        notebooks: paths of the notebooks.
        found: what differs between them.
        width: of the terminal.
    """
    letters = list(map(_letter, range(len(notebooks))))
    yield from (f"{letter}  {escaped(path)}" for letter, path in zip(letters, notebooks, strict=True))
    for section, of_section in groupby(found, key=lambda line: line.section):
        yield from ("", section)
        group = list(of_section)
        label = min(max(display_width(_label(line)) for line in group), _WIDEST_LABEL)
        for line in group:
            yield from _two(line, letters, label, width) if len(letters) == 2 else _many(line, letters, width)  # noqa: PLR2004


def _letter(place: int) -> str:
    return ascii_uppercase[place] if place < len(ascii_uppercase) else f"#{place + 1}"


def _label(line: differences.Line) -> str:
    return escaped(f"{line.name}{line.path}")


def _two(line: differences.Line, letters: Sequence[str], label: int, width: int) -> Iterator[str]:
    """Tell of one value of two notebooks: on one line if there is room."""
    name, (first, second) = _label(line), line.entries
    if details := list(_details(first, second, letters[0], letters[1], width - 4)):
        is_alone = line.section in _ALONE
        indent = "  " if is_alone else "    "
        yield from [] if is_alone else [_cut(f"  {name}", width)]
        yield from (f"{indent}{detail}" for detail in details)
        return
    before, after = _texts(line)
    inline = f"  {name}{' ' * (label - display_width(name))}  {before} → {after}{_step(second)}"
    if display_width(inline) <= width:
        yield inline
        return
    yield from (_cut(f"  {name}", width), _cut(f"    {before}", width), _cut(f"    → {after}{_step(second)}", width))


def _many(line: differences.Line, letters: Sequence[str], width: int) -> Iterator[str]:
    """Tell of one value of three or more notebooks, each on lines of its own."""
    texts = _texts(line)
    yield from (_cut(f"  {_label(line)}", width), _cut(f"    {letters[0]}  {texts[0]}", width))
    for letter, entry, text in zip(letters[1:], line.entries[1:], texts[1:], strict=True):
        told = [f"{text}{_step(entry)}"] if entry.differs else ["="]
        first, *more = list(_details(line.entries[0], entry, letters[0], letter, width - 7)) or told
        yield _cut(f"    {letter}  {first}", max(width, _LONGEST_LINE if entry.cells else 0))
        yield from (f"       {detail}" for detail in more)


def _texts(line: differences.Line) -> list[str]:
    """Write the values of a line; texts in quotes where not all are texts, or where one would not be seen."""
    return _written([entry.value for entry in line.entries])


def _written(values: Sequence[Any]) -> list[str]:
    is_plain = all(isinstance(value, str) and value.strip() == value != "" for value in values if value is not UNSET)
    texts = [_text(value, is_plain=is_plain) for value in values]
    exact = [repr(value) if isinstance(value, float) else text for value, text in zip(values, texts, strict=True)]
    return texts if len(set(texts)) == len(set(exact)) else exact


def _text(value: Any, *, is_plain: bool = True) -> str:
    if value is UNSET:
        return "–"
    if isinstance(value, differences.Frame):
        return f"DataFrame {value.rows:,} × {value.columns}"
    if isinstance(value, differences.Code):
        return f"{len(value.sources)} cells"
    if isinstance(value, differences.DisplayHashes):
        return ", ".join(f"{mime} {digest[:_SHOWN_HASH]}" for mime, digest in value.hashes.items())
    if value is None or (isinstance(value, str) and not is_plain):
        return escaped(json_text(value))
    return short(value)


def _step(entry: differences.Entry | changed_rows.CellChange) -> str:
    found = entry.step if isinstance(entry, changed_rows.CellChange) else Step(entry.difference, entry.ratio)
    parts = [] if found.difference is None else [f"{'+' if found.difference > 0 else ''}{short(found.difference)}"]
    parts += [] if found.ratio is None else [f"× {_written([1.0, found.ratio])[1]}"]
    return f"  ({', '.join(parts)})" if parts else ""


def _details(first: differences.Entry, second: differences.Entry, old: str, new: str, width: int) -> Iterator[str]:
    """Tell what needs more than the two values: lines of at most so many characters, but for code."""
    for change in second.cells:
        yield from _code(change, old, new)
    if second.pieces:
        yield from textwrap.wrap(_words(second.pieces), width, drop_whitespace=False)
    if second.rows:
        yield from (_cut(told, width) for told in _rows(first.value, second.value, second.rows, old, new))
    if isinstance(first.value, differences.DisplayHashes) and isinstance(second.value, differences.DisplayHashes):
        yield from (_cut(told, width) for told in _display(first.value, second.value, second.pixels))


def _code(change: CodeChange, old: str, new: str) -> Iterator[str]:
    if change.before is None or change.after is None:
        only, cell = (new, change.after) if change.before is None else (old, change.before)
        yield f"cell {cell}, only in {only}"
    else:
        yield f"cell {change.before}" + (f" → {change.after}" if change.before != change.after else "")
    yield from (f"  {_cut(escaped_but_lines(line), _LONGEST_LINE)}" for line in change.lines[:_MOST_LINES])
    if more := len(change.lines) - _MOST_LINES:
        yield from [f"  … {more:,} more lines"] if more > 0 else []


def _words(pieces: Sequence[differences.Piece]) -> str:
    """Write a text with what was removed and added; of what is equal, only what stands around it."""
    told = ""
    for place, piece in enumerate(pieces):
        text = escaped(piece.text)
        if piece.kind == "equal" and len(text) > 2 * _AROUND:
            before = text[:_AROUND] if place else ""
            after = text[-_AROUND:] if place < len(pieces) - 1 else ""
            text = f"{before}…{after}"
        told += _MARKS[piece.kind].format(_cut(text, _MOST_WORDS))
    return _cut(told, 5 * _MOST_WORDS)


def _rows(
    first: differences.Frame, second: differences.Frame, rows: changed_rows.Rows, old: str, new: str
) -> Iterator[str]:
    shape = f" → {second.rows:,} × {second.columns}" if _text(second) != _text(first) else ""
    yield f"{_text(first)}{shape}, {_found_by(rows.by)}"
    for only, names in ((old, rows.removed_columns), (new, rows.added_columns)):
        if names:
            yield f"{'column' if len(names) == 1 else 'columns'} only in {only}: {', '.join(map(escaped, names))}"
    for column, before, after in rows.retyped:
        yield f"column {escaped(column)}: {before} → {after}"
    if rows.reordered:
        yield "the columns stand in another order"
    for only, count, keys in ((old, rows.removed, rows.first_removed), (new, rows.added, rows.first_added)):
        if count:
            listed = ", ".join(_key(key) for key in keys)
            yield f"{_counted(count)} only in {only}: {listed}{', …' if count > len(keys) else ''}"
    yield from _changed(rows)


def _changed(rows: changed_rows.Rows) -> Iterator[str]:
    if not rows.changed:
        return
    yield f"{_counted(rows.changed)} changed:"
    wide = max(display_width(_place(cell)) for cell in rows.cells)
    for cell in rows.cells:
        place = _place(cell)
        before, after = _written([cell.before, cell.after])
        yield f"  {place}{' ' * (wide - display_width(place))}  {before} → {after}{_step(cell)}"
    if more := rows.changed - len({cell.row for cell in rows.cells}):
        yield f"  … and {more:,} more"


def _place(cell: changed_rows.CellChange) -> str:
    return f"{_key(cell.row)}  {escaped(cell.column)}"


def _key(key: changed_rows.Key) -> str:
    return " / ".join(_text(level) for level in key)


def _counted(rows: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"


def _found_by(index: Sequence[str]) -> str:
    return f"rows by {', '.join(map(escaped, index))}" if index else "rows by position"


def _display(
    first: differences.DisplayHashes, second: differences.DisplayHashes, pixels: Pixels | None
) -> Iterator[str]:
    for mime in dict.fromkeys([*first.hashes, *second.hashes]):
        before, after = (each.hashes.get(mime, "–")[:_SHOWN_HASH] for each in (first, second))
        if before != after:
            told = f"; {_pixels(pixels)}" if mime == differences.PNG and pixels else ""
            yield f"{escaped(mime)}  {before} → {after}{told}"


def _pixels(pixels: Pixels) -> str:
    sizes = [f"{width:,} × {height:,}" for width, height in pixels.sizes]
    if pixels.differ is None:
        return escaped(f"{pixels.reason}{f': {sizes[0]} → {sizes[1]}' if sizes else ''}")
    width, height = pixels.sizes[0]
    return f"{pixels.differ:,} of {width * height:,} pixels differ"


def _cut(text: str, width: int) -> str:
    """Cut a text that is too wide, and end it with an ellipsis."""
    if display_width(text) <= width:
        return text
    kept = text[: width - 1]
    while display_width(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept}…"
