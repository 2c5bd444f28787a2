"""A sentence beside a pattern: all that every way of cutting it would find, in a time that does not run away."""

from __future__ import annotations

import random

import pytest

from scrapdb.reporting.bundles import asks
from scrapdb.reporting.service.asking import folding
from scrapdb.reporting.service.asking import matching
from scrapdb.reporting.service.asking.matching import Values

WORDS = ("a", "b", "of", "to")


def read(slot: asks.Slot, text: str) -> list[Values] | str:
    """Take words without `b`; what has one is wrong."""
    return f"{text} is none" if "b" in text.split() else [{slot.names[0]: text}]


def cut(pattern: list[str], words: list[str]) -> list[dict[str, str]]:
    """Lay words beside a pattern in every way, by trying all ends of its slots."""
    slots = [place for place, each in enumerate(pattern) if each.startswith("(")]
    found = []
    for lengths in _lengths(len(slots), len(words)):
        at, values = 0, {}
        for place, each in enumerate(pattern):
            if place in slots:
                size = lengths[slots.index(place)]
                values[each.strip("()")] = " ".join(words[at : at + size])
                at += size
            elif words[at : at + 1] == [each]:
                at += 1
            else:
                at = -1
                break
        if at == len(words):
            found.append(values)
    return found


def _lengths(slots: int, words: int) -> list[tuple[int, ...]]:
    if not slots:
        return [()]
    return [(first, *rest) for first in range(1, words + 1) for rest in _lengths(slots - 1, words - first)]


@pytest.mark.parametrize("seed", range(200))
def test_what_all_cuts_find_is_found(seed: int) -> None:
    chosen = random.Random(seed)  # noqa: S311 - the same each time
    pattern = [chosen.choice(["of", "to", "a", "(*)"]) for _ in range(chosen.randint(1, 5))]
    pattern = [f"(p{place})" if each == "(*)" else each for place, each in enumerate(pattern)]
    words = [chosen.choice(WORDS) for _ in range(chosen.randint(1, 7))]
    expected = cut(pattern, words)
    parsed = asks.parsed(" ".join(pattern), [each.strip("()") for each in pattern])
    said = folding.sentence(" ".join(words))
    found = matching.ways(parsed, said, read, matching.Steps(10_000))
    wrong = [sum("b" in value.split() for value in values.values()) for values in expected]
    good = [values for values, count in zip(expected, wrong, strict=True) if not count]
    assert bool(found) == bool(expected)
    if found:
        assert len(found[0].wrong) == min(wrong)
    if good:
        assert len(found) == min(2, len(good))
        assert all(dict(way.values) in good for way in found)


def test_too_many_ways_are_given_up() -> None:
    pattern = asks.parsed(" ".join(f"(p{number})" for number in range(16)), [f"p{number}" for number in range(16)])
    with pytest.raises(matching.TooLongError):
        matching.ways(pattern, folding.sentence("a " * 249), read, matching.Steps(20_000))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Voltage  of\tNorth?", "voltage of north"),
        ("«Tensió» d’Olot…", "tensio d'olot"),  # noqa: RUF001 - as phones write it
        ("STRASSE, straße", "strasse strasse"),
        ("Ångström — fin", "angstrom - fin"),
        ("ﬁ １２", "fi 12"),  # noqa: RUF001 - a ligature, and wide digits
        ("ガ カ", "ガ カ"),
        ("שָׁלוֹם", "שלום"),
        ("", ""),
        ("¿¡?!…", ""),
    ],
)
def test_what_is_folded(text: str, folded: str) -> None:
    assert folding.folded(text) == folded
    said = folding.sentence(folding.cleaned(text))
    assert len(said.text) == len(said.places)
