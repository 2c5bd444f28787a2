"""Two or more notebooks side by side: what differs between them, and by how much. Values in, lines out.

Everything is compared with the first notebook. Dicts and lists are compared by key path, so that of a large one only
the parts that differ are told; code by cells and lines; a DataFrame by columns and rows, or, where only its shape, its
columns and their numbers are known, as a dict of these. Pure, but that tables and pictures that differ are read then.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from scrapdb.database import changed_rows
from scrapdb.database.changed_code import CodeChange
from scrapdb.database.changed_code import Source
from scrapdb.database.changed_code import changed_code
from scrapdb.database.equality import is_number
from scrapdb.database.equality import is_same
from scrapdb.database.equality import step
from scrapdb.database.pixels import Pixels
from scrapdb.database.pixels import changed_pixels
from scrapdb.text import composed

MOST_LINES = 200  # of one name
_LONG_TEXT = 40  # characters, from which on a text is told by what changed in it
_LONGEST_DIFF = 20_000  # characters of both texts together: the time grows with the square
_WORDS = re.compile(r"\w+|\s+|.", re.DOTALL)
_PLAIN_KEY = re.compile(r"[^\W\d]\w*")
PNG = "image/png"
_PREFIXES = {"run": "nb", "parameters": "param", "scraps": "scrap", "displays": "display"}  # as in expressions


class DisplayHashes(msgspec.Struct, frozen=True):
    """What was shown for a scrap: SHA-256 of the bytes by MIME type. Equal if the bytes are.

    `png` reads the bytes of a picture, if there is one and its pixels are to be compared.
    """

    hashes: dict[str, str]
    png: Callable[[], bytes] | None = None


class Code(msgspec.Struct, frozen=True):
    """The code cells of a notebook."""

    sources: tuple[Source, ...]


class Markdown(Code, frozen=True):
    """Its Markdown cells, which are compared as code is."""


class Frame(msgspec.Struct, frozen=True):
    """A DataFrame: its number of rows and columns, SHA-256 of its file, and what reads it as a table of Arrow."""

    rows: int
    columns: int
    hash: str
    table: Callable[[], Any]


class NotebookValues(msgspec.Struct, frozen=True):
    """One notebook as it is compared: by section (`run`, `parameters`, `scraps`, …) its values by name."""

    path: str
    sections: Mapping[str, Mapping[str, Any]]


class Piece(NamedTuple):
    """A part of a text: `kind` is `equal`, `added` or `removed`, against the text of the first notebook."""

    kind: str
    text: str


class Entry(NamedTuple):
    """The value of one notebook on a line; UNSET where it has none. `differs`: it is not equal to the first's.

    `difference` and `ratio` are set for numbers, `pieces` for long texts, `cells` for code, `rows` for a DataFrame,
    `pixels` for a picture, where they differ.
    """

    value: Any = UNSET
    difference: float | None = None
    ratio: float | None = None
    pieces: tuple[Piece, ...] = ()
    cells: tuple[CodeChange, ...] = ()
    rows: changed_rows.Rows | None = None
    pixels: Pixels | None = None
    differs: bool = False


class Line(NamedTuple):
    """One value of every notebook. `path` leads into a dict or list: `.optimizer.rate`, `[0]`; it may be empty."""

    section: str
    name: str
    path: str
    entries: tuple[Entry, ...]
    differs: bool


class Differences(NamedTuple):
    """The lines, and how many were left out: because all are equal, and because a name has too many."""

    lines: list[Line]
    equal: int
    cut: int


class Choice(NamedTuple):
    """What is compared: what matches one of the globs of `only`, or all if there is none; and none of `ignore`.

    A glob may mean a name, as in an expression also `scrap.loss` or `nb.status`, or a part of one, `model.depth`.
    """

    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def takes(self, section: str, name: str, path: str) -> bool:
        """Return whether a value is compared."""
        wanted = not self.only or any(_matches(section, name, path, glob) for glob in self.only)
        return wanted and not any(_matches(section, name, path, glob) for glob in self.ignore)


EVERYTHING = Choice()


def compare(
    notebooks: Sequence[NotebookValues],
    *,
    everything: bool = False,
    tolerance: float = 0.0,
    choice: Choice = EVERYTHING,
) -> Differences:
    """Compare notebooks with the first of them.

    Args:
        notebooks: two or more notebooks.
        everything: whether to return the lines on which all are equal, too.
        tolerance: numbers are equal that differ by no more than so many times the larger, as `math.isclose` says.
        choice: what to compare.
    """
    lines: list[Line] = []
    equal = cut = 0
    for section, name, values in _names(notebooks):
        flat = [{path: leaf for path, leaf in _leaves(value) if choice.takes(section, name, path)} for value in values]
        of_name = [_line(section, name, path, flat, tolerance) for path in _paths(flat)]
        differing = [line for line in of_name if line.differs]
        wanted = of_name if everything else differing
        lines += wanted[:MOST_LINES]
        equal += len(of_name) - len(differing)
        cut += len(wanted[MOST_LINES:])
    return Differences(lines, equal, cut)


def unmatched(notebooks: Sequence[NotebookValues], globs: Sequence[str]) -> list[str]:
    """Return which of some globs mean nothing that any of the notebooks has."""
    left = dict.fromkeys(globs)
    for section, name, values in _names(notebooks):
        paths = [path for value in values for path, _ in _leaves(value)] if left else []
        left = {glob: None for glob in left if not any(_matches(section, name, path, glob) for path in paths)}
    return list(left)


def _names(notebooks: Sequence[NotebookValues]) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield each section and name with its value in every notebook."""
    for section in dict.fromkeys(section for notebook in notebooks for section in notebook.sections):
        by_notebook = [notebook.sections.get(section, {}) for notebook in notebooks]
        for name in dict.fromkeys(name for values in by_notebook for name in values):
            yield section, name, [values.get(name, UNSET) for values in by_notebook]


def _paths(flat: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    return iter(dict.fromkeys(path for leaves in flat for path in leaves))


def _matches(section: str, name: str, path: str, glob: str) -> bool:
    prefix, glob = _PREFIXES.get(section), composed(glob)
    names = {name, f"{name}{path}"} | ({f"{prefix}.{name}", f"{prefix}.{name}{path}"} if prefix else set())
    return any(each == glob or fnmatchcase(each, glob) for each in names)


def _line(section: str, name: str, path: str, flat: Sequence[Mapping[str, Any]], tolerance: float) -> Line:
    first, *others = (leaves.get(path, UNSET) for leaves in flat)
    found = [(value, _entry(first, value, tolerance)) for value in others]
    entries = (Entry(value) if entry is None else entry for value, entry in found)
    return Line(section, name, path, (Entry(first), *entries), any(entry is not None for _, entry in found))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Return what stands in a value that is no dict or list itself, or is an empty one, by its path."""
    if value is UNSET:
        return
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if _PLAIN_KEY.fullmatch(str(key)) else f'{path}["{key}"]')
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    else:
        yield path, value


def _entry(first: Any, value: Any, tolerance: float) -> Entry | None:
    """Return what differs from the first notebook's value, None if nothing does."""
    if isinstance(first, Frame) and isinstance(value, Frame):
        return _frame(first, value, tolerance)
    if isinstance(first, DisplayHashes) and isinstance(value, DisplayHashes):
        return _display(first, value)
    if isinstance(first, Code) and isinstance(value, Code):
        changes = tuple(changed_code(first.sources, value.sources))
        return Entry(value, cells=changes, differs=True) if changes else None
    if is_same(first, value, tolerance):
        return None
    if is_number(first) and is_number(value):
        return Entry(value, *step(first, value), differs=True)
    if isinstance(first, str) and isinstance(value, str) and max(len(first), len(value)) > _LONG_TEXT:
        return Entry(value, pieces=tuple(_pieces(first, value)), differs=True)
    return Entry(value, differs=True)


def _frame(first: Frame, second: Frame, tolerance: float) -> Entry | None:
    if first.hash == second.hash:
        return None
    rows = changed_rows.compare(first.table(), second.table(), tolerance)
    return Entry(second, rows=rows, differs=True) if rows.differ() else None


def _display(first: DisplayHashes, second: DisplayHashes) -> Entry | None:
    if first.hashes == second.hashes:
        return None
    png, other = first.hashes.get(PNG), second.hashes.get(PNG)
    if not (png and other and first.png and second.png) or png == other:
        return Entry(second, differs=True)
    return Entry(second, pixels=changed_pixels(first.png(), second.png()), differs=True)


def _pieces(first: str, second: str) -> Iterator[Piece]:
    """Tell by words what was removed from the first text and added in the second; of very long ones, the whole."""
    if len(first) + len(second) > _LONGEST_DIFF:
        yield Piece("removed", first)
        yield Piece("added", second)
        return
    before, after = _WORDS.findall(first), _WORDS.findall(second)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            yield Piece("equal", "".join(before[start:end]))
        if tag in {"delete", "replace"}:
            yield Piece("removed", "".join(before[start:end]))
        if tag in {"insert", "replace"}:
            yield Piece("added", "".join(after[new_start:new_end]))
