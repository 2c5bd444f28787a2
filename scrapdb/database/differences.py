"""Two or more notebooks side by side: what differs between them, and by how much. Pure: rows in, lines out.

Everything is compared with the first notebook. Dicts and lists are compared by key path, so that of a large one only
the parts that differ are told; a DataFrame stands as a dict of its shape, its columns and their numbers.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import msgspec
from msgspec import UNSET

MOST_LINES = 200  # of one name
_LONG_TEXT = 40  # characters, from which on a text is told by what changed in it
_LONGEST_DIFF = 20_000  # characters of both texts together: the time grows with the square
_WORDS = re.compile(r"\w+|\s+|.", re.DOTALL)
_PLAIN_KEY = re.compile(r"[^\W\d]\w*")


class DisplayHashes(msgspec.Struct, frozen=True):
    """What was shown for a scrap: SHA-256 of the bytes by MIME type. Equal if the bytes are."""

    hashes: dict[str, str]


class NotebookValues(msgspec.Struct, frozen=True):
    """One notebook as it is compared: by section (`run`, `parameters`, `scraps`, …) its values by name."""

    path: str
    sections: Mapping[str, Mapping[str, Any]]


class Piece(NamedTuple):
    """A part of a text: `kind` is `equal`, `added` or `removed`, against the text of the first notebook."""

    kind: str
    text: str


class Entry(NamedTuple):
    """The value of one notebook on a line; UNSET where it has none.

    `difference` and `ratio` are set for numbers, `pieces` for long texts, where they are not equal to the first's.
    """

    value: Any = UNSET
    difference: float | None = None
    ratio: float | None = None
    pieces: tuple[Piece, ...] = ()


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


def compare(notebooks: Sequence[NotebookValues], *, everything: bool = False) -> Differences:
    """Compare notebooks with the first of them.

    Args:
        notebooks: two or more notebooks.
        everything: whether to return the lines on which all are equal, too.
    """
    lines: list[Line] = []
    equal = cut = 0
    for section in dict.fromkeys(section for notebook in notebooks for section in notebook.sections):
        by_notebook = [notebook.sections.get(section, {}) for notebook in notebooks]
        for name in dict.fromkeys(name for values in by_notebook for name in values):
            of_name = list(_lines(section, name, [values.get(name, UNSET) for values in by_notebook]))
            differing = [line for line in of_name if line.differs]
            wanted = of_name if everything else differing
            lines += wanted[:MOST_LINES]
            equal += len(of_name) - len(differing)
            cut += len(wanted[MOST_LINES:])
    return Differences(lines, equal, cut)


def _lines(section: str, name: str, values: Sequence[Any]) -> Iterator[Line]:
    flat = [dict(_leaves(value)) for value in values]
    for path in dict.fromkeys(path for leaves in flat for path in leaves):
        values_at = [leaves.get(path, UNSET) for leaves in flat]
        differs = any(not _is_same(values_at[0], value) for value in values_at[1:])
        entries = (Entry(values_at[0]), *(_entry(values_at[0], value) for value in values_at[1:]))
        yield Line(section, name, path, entries, differs)


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


def _entry(first: Any, value: Any) -> Entry:
    if _is_same(first, value):
        return Entry(value)
    if _is_number(first) and _is_number(value):
        return Entry(value, _finite(lambda: value - first), _finite(lambda: value / first))
    if isinstance(first, str) and isinstance(value, str) and max(len(first), len(value)) > _LONG_TEXT:
        return Entry(value, pieces=tuple(_pieces(first, value)))
    return Entry(value)


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


def _is_same(first: Any, second: Any) -> bool:
    """Return whether two values are equal: 1 and 1.0 are, True and 1 are not, NaN is NaN."""
    if isinstance(first, float) and isinstance(second, float) and math.isnan(first):
        return math.isnan(second)
    return isinstance(first, bool) == isinstance(second, bool) and bool(first == second)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(number: Callable[[], float]) -> float | None:
    try:
        result = number()
    except (OverflowError, ZeroDivisionError):
        return None
    return result if isinstance(result, int) or math.isfinite(result) else None
