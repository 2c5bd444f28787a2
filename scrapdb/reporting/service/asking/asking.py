"""What a sentence asks for: one report of one bundle, or why that cannot be told, and what could be said instead."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from typing import NamedTuple

from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import asks
from scrapdb.reporting.bundles import parameters
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.service import access
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.asking import days
from scrapdb.reporting.service.asking import folding
from scrapdb.reporting.service.asking import matching
from scrapdb.reporting.service.asking.reading import Looks
from scrapdb.reporting.service.asking.reading import Reader
from scrapdb.reporting.service.desk import Desk

LONGEST = 500  # characters of a sentence
_MOST_STEPS = 50_000  # ends of slots that are tried for one sentence
_MOST_TOLD = 3  # patterns that are near


class Meaning(NamedTuple):
    """A report that a sentence asks for.

    Args:
        bundle: its name.
        parameters: those that were said, as JSON has them.
        language: of the page.
        sentence: what was typed.
        told: the meaning in words, to be shown to whoever asked.
    """

    bundle: str
    parameters: dict[str, Any]
    language: str
    sentence: str
    told: str


class Unclear(NamedTuple):
    """Why it cannot be told what a sentence asks for, and the patterns that are nearest to it."""

    reason: str
    nearest: tuple[str, ...] = ()


class _Pattern(NamedTuple):
    """A pattern of a bundle, in the language of its sentences."""

    name: str
    bundle: Bundle
    language: str
    pattern: asks.Pattern

    @property
    def fixed(self) -> str:
        """What stands in it as it is."""
        return " ".join("".join(matching.texts(self.pattern)).split())


class _Reading(NamedTuple):
    """What a sentence would mean by a pattern; `wrong` says why it means nothing."""

    of: _Pattern
    values: dict[str, Any]
    wrong: tuple[matching.Refusal, ...]
    reader: Reader

    @property
    def language(self) -> str:
        """Of the page."""
        return str(self.values.get(asks.LANGUAGE, self.of.language)) if self.is_page else self.of.language

    @property
    def is_page(self) -> bool:
        """Whether the language is asked for, and no parameter of that name."""
        return asks.LANGUAGE not in self.of.bundle.config.parameters

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of parameters."""
        return {name: value for name, value in self.values.items() if name != asks.LANGUAGE or not self.is_page}


def meaning(
    desk: Desk, who: Person, sentence: str, *, now: dt.datetime, zone: str | dt.tzinfo, language: str | None = None
) -> Meaning | Unclear:
    """Tell what somebody asks for, of the bundles of which he may.

    Args:
        desk: with the bundles.
        who: asks.
        sentence: as he typed it.
        now: the time, with a zone, from which days are counted.
        zone: in which days begin for him.
        language: his, if it is known: it decides between sentences that are the same in two.
    """
    bundles = {
        listed.name: listed.bundle
        for listed in desk.catalogue.all()
        if listed.bundle is not None and access.may(desk.host, who, "ask", listed.name)
    }
    return meaning_of(bundles, sentence, now=now, zone=zone, language=language)


def meaning_of(
    bundles: Mapping[str, Bundle],
    sentence: str,
    *,
    now: dt.datetime,
    zone: str | dt.tzinfo,
    language: str | None = None,
) -> Meaning | Unclear:
    """Tell what is asked for of some bundles, by name; arguments are those of `meaning`."""
    known = [pattern for name, bundle in bundles.items() for pattern in _patterns(name, bundle)]
    if not known:
        return Unclear("No report can be asked for in a sentence: no bundle lists any below `asks`.")
    said = folding.sentence(folding.cleaned(sentence[: LONGEST + 1]))
    if (length := max(len(sentence), len(said.text))) > LONGEST:
        return Unclear(f"A sentence has at most {LONGEST} characters; this one has {length:,}.")
    if not said.text:
        return Unclear("Nothing was said.", _nearest(said.text, known))
    today = now.astimezone(days.zone(zone) if isinstance(zone, str) else zone).date()
    try:
        readings = [*_readings(known, said, today)]
    except matching.TooLongError:
        return Unclear("This can be read in too many ways. Say it in fewer words.", _nearest(said.text, known))
    good = [reading for reading in readings if not reading.wrong]
    if good:
        return _one(good, sentence, language)
    reason = _why(readings) or "No report is asked for like this."
    near = [reading.of for reading in _longest(readings)] if readings else known
    return Unclear(reason, _nearest(said.text, near))


def _patterns(name: str, bundle: Bundle) -> Iterator[_Pattern]:
    said = bundle.config.parameters
    optional = {name for name, each in said.items() if not each.is_required}
    for language, texts in bundle.config.sentences.items():
        for text in texts:
            with suppress(asks.PatternError):  # which `report check` tells
                for pattern in asks.patterns(text, [*said], optional):
                    yield _Pattern(name, bundle, language, pattern)


def _readings(known: Iterable[_Pattern], said: folding.Folded, today: dt.date) -> Iterator[_Reading]:
    steps, looks = matching.Steps(_MOST_STEPS), Looks()
    readers: dict[tuple[str, str], Reader] = {}
    for each in known:
        read = readers.setdefault((each.name, each.language), Reader(each.bundle, each.language, today, looks))
        for way in matching.ways(each.pattern, said, read, steps):
            reading = _Reading(each, dict(way.values), way.wrong, read)
            yield reading._replace(wrong=reading.wrong or _incomplete(reading))


def _incomplete(reading: _Reading) -> tuple[str, ...]:
    """Say which parameter has to be given, too."""
    try:
        parameters.typed(reading.of.bundle.config, reading.parameters)
    except UsageError as error:
        return (str(error),)
    return ()


def _one(good: list[_Reading], sentence: str, language: str | None) -> Meaning | Unclear:
    """Return what is meant, if all that it can mean is the same."""
    best = [each for name in dict.fromkeys(each.of.name for each in good) for each in _best(name, good, language)]
    told = {_told(each): each for each in best}
    if len({(each.of.name, repr(sorted(each.parameters.items()))) for each in best}) > 1:
        reason = f"This can mean {' or '.join([*told][:_MOST_TOLD])}. Say it so that it can mean one only"
        how = ", with days as 2025-02-01." if len({each.of.pattern for each in best}) == 1 else "."
        return Unclear(f"{reason}{how}", tuple(dict.fromkeys(each.of.pattern.text for each in best))[:_MOST_TOLD])
    words, found = next(iter(told.items()))
    return Meaning(found.of.name, found.parameters, found.language, sentence, words)


def _best(name: str, good: list[_Reading], language: str | None) -> list[_Reading]:
    """Return the readings of a bundle that count: of the pattern that says most itself, in the asker's language."""
    own = _longest([each for each in good if each.of.name == name])
    return [each for each in own if each.of.language == language] or own


def _longest(readings: list[_Reading]) -> list[_Reading]:
    most = max((len(each.of.fixed) for each in readings), default=0)
    return [each for each in readings if len(each.of.fixed) == most]


def _why(readings: list[_Reading]) -> str:
    """Say what is wrong with the values, if a pattern has words of its own, by which it is known."""
    worded = [each for each in readings if any(char.isalnum() for char in each.of.fixed)]
    least = min((len(each.wrong) for each in worded), default=0)
    told = [each for each in _longest(worded) if len(each.wrong) == least] or worded
    return " ".join(dict.fromkeys(each.reader.told(why) for each in told[:1] for why in each.wrong))


def _told(reading: _Reading) -> str:
    kinds = reading.of.bundle.config.parameters
    said = [
        f"{name} {repr(value) if kinds[name].type == 'text' else _word(value)}"
        for name, value in reading.parameters.items()
    ]
    inside = f" in {reading.language}" if reading.language != reading.of.bundle.config.languages[0] else ""
    return f"{reading.of.name}{inside}{' with ' if said else ''}{', '.join(said)}"


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _nearest(text: str, known: Iterable[_Pattern]) -> tuple[str, ...]:
    """Return the patterns whose own words are nearest to those of a sentence."""
    own = set(text.split())

    def nearness(each: _Pattern) -> tuple[float, float]:
        fixed = each.fixed.split()
        shared = sum(word in own or bool(difflib.get_close_matches(word, own, n=1)) for word in fixed)
        return shared / max(1, len(fixed)), difflib.SequenceMatcher(None, text, each.fixed).quick_ratio()

    texts = {each.pattern.text: each for each in known}
    return tuple(sorted(texts, key=lambda name: nearness(texts[name]), reverse=True)[:_MOST_TOLD])
