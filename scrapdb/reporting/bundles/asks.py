"""The sentences of config.json by which a report is asked for: `voltage of (site) from (from_day) to (to_day)`.

What stands in brackets takes a parameter: `(site)` that one, `(language)` the language of the page, `(*)` the next in
the order of config.json that no brackets name, and `(from_day..to_day)` two dates at once, the first and the last day
of what somebody says: last month. All else is said as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Container
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

MOST_SLOTS = 16  # of a sentence
MOST_STARS = 6  # of which some are too many
_MOST_LEFT_OUT = 4
LANGUAGE = "language"  # by which brackets take that of the page
_SLOT = re.compile(r"\((\*|\w+)(?:\.\.(\*|\w+))?\)")
_ANY, _STAR = "*", "(*)"


class Slot(NamedTuple):
    """What takes one parameter, or two: the first and the last day; `is_star` if it is written as `(*)`."""

    names: tuple[str, ...]
    is_star: bool = False


class Pattern(NamedTuple):
    """A sentence: what is said as it stands, and the slots between; there is one more text than slots."""

    text: str
    texts: tuple[str, ...]
    slots: tuple[Slot, ...]

    @property
    def names(self) -> set[str]:
        """The parameters that it takes."""
        return {name for slot in self.slots for name in slot.names}


class PatternError(ValueError):
    """A sentence that cannot work; its words go on after the place: takes site twice."""


def named(text: str) -> Iterator[str]:
    """Yield the names that stand in the brackets of a sentence."""
    for match in _SLOT.finditer(text):
        yield from (name for name in match.groups() if name not in {None, _ANY})


def parsed(text: str, parameters: Sequence[str]) -> Pattern:
    """Take a sentence apart.

    Args:
        text: the sentence.
        parameters: the names of all, in the order of config.json.

    Raises:
        PatternError: it cannot work.
    """
    taken = set(named(text))
    free = (name for name in parameters if name not in taken)
    texts, slots, at = list[str](), list[Slot](), 0
    for match in _SLOT.finditer(text):
        texts.append(text[at : match.start()])
        names = tuple(next(free, "") if name == _ANY else name for name in match.groups() if name)
        slots.append(Slot(names, is_star=match[0] == _STAR))
        at = match.end()
    pattern = Pattern(text, (*texts, text[at:]), tuple(slots))
    if why := _wrong(pattern, parameters):
        raise PatternError(why)
    return pattern


def patterns(text: str, parameters: Sequence[str], optional: Container[str]) -> Iterator[Pattern]:
    """Yield all that can be said by a sentence, since a `(*)` may be nothing.

    It may if its parameter needs no value. If there are more of them than parameters, so many have to be nothing.

    Args:
        text: the sentence.
        parameters: the names of all, in the order of config.json.
        optional: those that need no value.

    Raises:
        PatternError: it cannot work.
    """
    over = surplus(text, parameters)
    if over <= 0:
        yield from _shorter(parsed(text, parameters), optional)
        return
    stars = [match.span() for match in _SLOT.finditer(text) if match[0] == _STAR]
    if over > len(stars) or len(stars) > MOST_STARS:
        parsed(text, parameters)
    for kept in combinations(stars, len(stars) - over):
        left = text
        for begin, end in reversed([star for star in stars if star not in kept]):
            left = left[:begin] + left[end:]
        yield parsed(left, parameters)._replace(text=text)


def surplus(text: str, parameters: Sequence[str]) -> int:
    """Return how many (*) there are beyond the parameters that no name takes."""
    free = len({*parameters} - {*named(text)})
    return sum(match.groups().count(_ANY) for match in _SLOT.finditer(text)) - free


def _shorter(pattern: Pattern, optional: Container[str]) -> Iterator[Pattern]:
    stars = [place for place, slot in enumerate(pattern.slots) if slot.is_star and slot.names[0] in optional]
    stars = stars[:_MOST_LEFT_OUT]
    for count in range(len(stars) + 1):
        for left_out in combinations(stars, count):
            yield _without(pattern, left_out)


def _without(pattern: Pattern, left_out: Container[int]) -> Pattern:
    texts = [pattern.texts[0]]
    slots = []
    for place, slot in enumerate(pattern.slots):
        if place in left_out:
            texts[-1] += pattern.texts[place + 1]
        else:
            slots.append(slot)
            texts.append(pattern.texts[place + 1])
    return Pattern(pattern.text, tuple(texts), tuple(slots))


def _wrong(pattern: Pattern, parameters: Sequence[str]) -> str:
    names = [name for slot in pattern.slots for name in slot.names]
    if "" in names:
        return f"has more (*) than there are parameters left: {len(parameters)} in all."
    if unknown := [name for name in names if name not in {*parameters, LANGUAGE}]:
        return f"asks for ({unknown[0]}), which is no parameter."
    if twice := [name for name in names if names.count(name) > 1]:
        return f"takes {twice[0]} twice."
    if len(pattern.slots) > MOST_SLOTS:
        return f"takes {len(pattern.slots)} values; at most {MOST_SLOTS} can be told apart."
    if not all(pattern.texts[1:-1]):
        return "has brackets with nothing between them. Write at least a blank."
    return "" if any(char.isalnum() for char in "".join(pattern.texts)) or names else "says nothing."
