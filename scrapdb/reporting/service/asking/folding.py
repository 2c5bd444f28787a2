"""Sentences without what makes no difference: case, accents, blanks, quotes, and marks at their ends.

https://www.unicode.org/reports/tr15/ for how characters are taken apart.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from scrapdb.text import has_surrogates

_JOINERS = "\u200c\u200d"  # without which some words and pictures fall apart
_QUOTES = frozenset('"“”„‟«»')
_APOSTROPHES = frozenset("'’‘ʼ`´")  # noqa: RUF001 - those that people type
_DASHES = frozenset("-‐‑‒–—−")  # noqa: RUF001 - those that people type
_PAUSES = frozenset(",;:،、")
_FIRST, _LAST = "¿¡ ", " .?!…。？！؟"  # noqa: RUF001 - those that people type
_KEPT = "\0"  # a blank between quotes, which is none of the sentence
_ABOVE, _POINTS = 200, range(10, 36)  # classes of marks: accents, and the points of Hebrew and Arabic


class Folded(NamedTuple):
    """A sentence as it is compared, with the place of each character in what was typed."""

    text: str
    typed: str
    places: tuple[int, ...]

    def said(self, start: int, end: int) -> str:
        """Return what was typed from one character to another, without quotes around it."""
        first = self.places[start - 1] + 1 if start else 0  # marks that are not compared belong to what they stand at
        last = self.places[end] if end < len(self.places) else len(self.typed)
        typed = self.typed[first:last]
        return unquoted(typed.rstrip(_LAST) if end == len(self.places) else typed)


def cleaned(text: str) -> str:
    """Return a sentence without what nobody sees; other control characters and line ends are blanks."""
    if has_surrogates(text):
        text = text.encode("utf-8", "replace").decode()
    return "".join(
        " " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char) != "Cf" or char in _JOINERS
    )


def sentence(text: str) -> Folded:
    """Fold a cleaned sentence; what stands between quotes holds together, but for quotes around all of it."""
    bare = text.strip(_FIRST + _LAST)
    if bare[:1] in _QUOTES and bare[-1:] in _QUOTES and sum(char in _QUOTES for char in text) == 2:  # noqa: PLR2004
        text = bare[1:-1]
    characters: list[str] = []
    places: list[int] = []
    balanced, quoted = sum(char in _QUOTES for char in text) % 2 == 0, False
    for place, (char, following) in enumerate(pairwise(f"{text} ")):
        if char in _QUOTES:
            quoted = balanced and not quoted
            continue
        for folded in _folded(char, following, characters[-1] if characters else " "):
            characters.append(_KEPT if quoted and folded == " " else folded)
            places.append(place)
    folded_text = "".join(characters)
    begin = len(folded_text) - len(folded_text.lstrip(_FIRST))
    end = max(begin, len(folded_text.rstrip(_LAST)))
    return Folded(folded_text[begin:end], text, tuple(places[begin:end]))


def literal(text: str, *, first: bool, last: bool) -> str:
    """Fold what stands as it is in a pattern, at its beginning or its end."""
    characters = [" "] if first else [""]
    for char, following in pairwise(f"{cleaned(text)} "):
        characters += "" if char in _QUOTES else _folded(char, following, characters[-1])
    folded = "".join(characters)
    folded = folded.lstrip(_FIRST) if first else folded
    return folded.rstrip(_LAST) if last else folded


@lru_cache(maxsize=10_000)
def folded(text: str) -> str:
    """Fold a name or a word, with single blanks."""
    return sentence(cleaned(text)).text.replace(_KEPT, " ")


def unquoted(text: str) -> str:
    """Return a text without blanks, pauses and a pair of quotes around it."""
    text = text.strip().strip("".join(_PAUSES)).strip()
    for marks in (_QUOTES, _APOSTROPHES):
        if text[:1] in marks and text[-1:] in marks and marks.isdisjoint(text[1:-1]):
            return text[1:-1].strip()
    return text


def _folded(char: str, following: str, before: str) -> str:
    if char.isspace():
        return "" if before == " " else " "
    if char in _PAUSES and following.isspace():
        return ""
    if char in _APOSTROPHES:
        return "'"
    return "-" if char in _DASHES else plain(char)


@lru_cache(maxsize=10_000)
def plain(char: str) -> str:
    """Return a character in lower case and without accents."""
    apart = unicodedata.normalize("NFKD", char.casefold())
    kept = (each for each in apart if (mark := unicodedata.combining(each)) < _ABOVE and mark not in _POINTS)
    return unicodedata.normalize("NFC", "".join(kept))
