"""A sentence laid beside a pattern: every way in which it can be said by it, in time that does not run away.

Each slot may end wherever the next text of the pattern begins. What follows from a slot and a place is worked out
once, so that the time grows with slots and places, and never with their combinations. No regular expression is made of
what anybody wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from functools import cache
from typing import Any
from typing import NamedTuple

from scrapdb.reporting.bundles.asks import Pattern
from scrapdb.reporting.bundles.asks import Slot
from scrapdb.reporting.service.asking.folding import Folded
from scrapdb.reporting.service.asking.folding import literal

Values = dict[str, Any]


class NoChoice(NamedTuple):
    """A text that is none of the choices of a parameter."""

    name: str
    text: str


Refusal = str | NoChoice  # why a text is nothing: in a sentence, or what makes one
Read = Callable[[Slot, str], "list[Values] | Refusal"]  # what a text can be for a slot
_MOST_READINGS = 2  # more than one are too many


class Way(NamedTuple):
    """A way to read a sentence: values by name, and why others are none."""

    values: tuple[tuple[str, Any], ...] = ()
    wrong: tuple[Refusal, ...] = ()


class TooLongError(Exception):
    """There are too many ways to lay the sentence beside a pattern."""


class Steps:
    """How many more ends of slots may be tried."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self) -> None:
        """Take one.

        Raises:
            TooLongError: there is none left.
        """
        self._left -= 1
        if self._left < 0:
            raise TooLongError


def texts(pattern: Pattern) -> tuple[str, ...]:
    """Return what stands as it is in a pattern, folded."""
    last = len(pattern.texts) - 1
    return tuple(literal(text, first=not place, last=place == last) for place, text in enumerate(pattern.texts))


def ways(pattern: Pattern, said: Folded, read: Read, steps: Steps) -> list[Way]:
    """Return the ways in which a sentence follows a pattern, at most two; of all, those with the least that is wrong.

    Args:
        pattern: of a bundle.
        said: the sentence.
        read: reads a value.
        steps: that are left.

    Raises:
        TooLongError: none is left.
    """
    fixed, text = texts(pattern), said.text
    if not pattern.slots:
        return [Way()] if text == fixed[0] else []
    if not text.startswith(fixed[0]) or not _in_order(fixed, text):
        return []
    known: dict[tuple[int, int, int], list[Way]] = {}

    def value(place: int, start: int, end: int) -> list[Way]:
        if (key := (place, start, end)) not in known:
            slot, typed = pattern.slots[place], said.said(start, end)
            found = read(slot, typed)
            known[key] = (
                [Way(tuple(each.items())) for each in found] if isinstance(found, list) else [Way((), (found,))]
            )
        return known[key]

    @cache
    def after(place: int, start: int) -> list[Way]:
        if place == len(pattern.slots):
            return [Way()] if start == len(text) else []
        best: list[Way] = []
        for end in _ends(text, fixed[place + 1], start, is_last=place + 1 == len(pattern.slots)):
            steps.take()
            if rest := after(place + 1, end + len(fixed[place + 1])):
                best = _best([*best, *(_joined(one, two) for one in value(place, start, end) for two in rest)])
        return best

    return after(0, len(fixed[0]))


def _ends(text: str, following: str, start: int, *, is_last: bool) -> Iterator[int]:
    """Yield where a slot can end that begins at a place: where the text behind it begins."""
    if is_last:
        end = len(text) - len(following)
        if end > start and text.endswith(following):
            yield end
        return
    end = text.find(following, start + 1)
    while end >= 0:
        yield end
        end = text.find(following, end + 1)


def _in_order(fixed: tuple[str, ...], text: str) -> bool:
    at = 0
    for each in fixed:
        at = text.find(each, at)
        if at < 0:
            return False
        at += len(each)
    return True


def _joined(one: Way, two: Way) -> Way:
    return Way((*one.values, *two.values), (*one.wrong, *two.wrong))


def _best(found: list[Way]) -> list[Way]:
    least = min((len(way.wrong) for way in found), default=0)
    return list(dict.fromkeys(way for way in found if len(way.wrong) == least))[:_MOST_READINGS]
