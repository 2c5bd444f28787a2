"""Two notebooks' code: which cells differ, and in which lines. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

_ALIKE = 0.5  # of the lines of two cells, from which on one became the other


class Source(NamedTuple):
    """The code of a cell, and its number, as `show` counts."""

    cell: int
    source: str


class CodeChange(NamedTuple):
    """A cell that differs: its numbers, None where there is none, and the lines of a unified diff."""

    before: int | None
    after: int | None
    lines: tuple[str, ...]


def changed_code(first: Sequence[Source], second: Sequence[Source]) -> Iterator[CodeChange]:
    """Yield the cells of two notebooks that differ; cells that are in another place are the same ones."""
    matcher = difflib.SequenceMatcher(None, _texts(first), _texts(second), autojunk=False)
    for tag, start, end, other, other_end in matcher.get_opcodes():
        if tag != "equal":
            for before, after in _paired(first[start:end], second[other:other_end]):
                yield CodeChange(before and before.cell, after and after.cell, _unified(before, after))


def _texts(cells: Sequence[Source]) -> list[str]:
    return [cell.source for cell in cells]


def _paired(first: Sequence[Source], second: Sequence[Source]) -> Iterator[tuple[Source | None, Source | None]]:
    """Pair cells: one by one if they are as many, otherwise each with the next that it is like."""
    if len(first) == len(second):
        yield from zip(first, second, strict=True)
        return
    waiting = list(second)
    for before in first:
        place = next((place for place, after in enumerate(waiting) if _are_alike(before, after)), None)
        if place is None:
            yield before, None
            continue
        yield from ((None, after) for after in waiting[:place])
        yield before, waiting[place]
        del waiting[: place + 1]
    yield from ((None, after) for after in waiting)


def _are_alike(one: Source, other: Source) -> bool:
    return difflib.SequenceMatcher(None, one.source.splitlines(), other.source.splitlines()).ratio() >= _ALIKE


def _unified(before: Source | None, after: Source | None) -> tuple[str, ...]:
    old, new = (cell.source.split("\n") if cell else [] for cell in (before, after))
    return tuple(difflib.unified_diff(old, new, lineterm=""))[2:]  # without the names of files
