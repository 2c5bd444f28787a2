"""What was typed where a pattern takes a parameter, read as its type wants it; or in a sentence, why it is none."""

from __future__ import annotations

import datetime as dt
import gettext
import io
import re
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.errors import suggestion
from scrapdb.reporting.bundles import asks
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import translate
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.config import Parameter
from scrapdb.reporting.service.asking import days
from scrapdb.reporting.service.asking import words
from scrapdb.reporting.service.asking.folding import folded
from scrapdb.reporting.service.asking.folding import unquoted
from scrapdb.reporting.service.asking.matching import NoChoice
from scrapdb.reporting.service.asking.matching import Refusal
from scrapdb.reporting.service.asking.matching import Values
from scrapdb.running.rows import values

_SPACED = re.compile(r"(?<=\d)\s(?=\d{3}(?!\d))")  # between thousands
_MOST_DATES = 300  # texts that are looked at as days, for one sentence
_MARKS = str.maketrans({"−": "-", "–": "-", "٫": ".", "٬": ","})  # noqa: RUF001 - those that people type
_ISO = "write days as 2025-02-01"


class Looks:
    """How many more texts may be looked at as days, which takes the longest."""

    def __init__(self, left: int = _MOST_DATES) -> None:
        self._left = left

    def take(self) -> bool:
        """Take one, and return whether there was one left."""
        self._left -= 1
        return self._left >= 0


class Reader:
    """Reads values of one bundle in one language.

    Args:
        bundle: of which.
        language: in which the sentence is.
        today: from which days are counted.
        looks: that are left.
    """

    def __init__(self, bundle: Bundle, language: str, today: dt.date, looks: Looks) -> None:
        self._bundle, self._language, self._today, self._looks = bundle, language, today, looks
        self._languages = (language, *(name for name in bundle.config.languages if name != language))
        self._named: dict[str, Choices] = {}

    def __call__(self, slot: asks.Slot, text: str) -> list[Values] | Refusal:
        """Return what a text can be for a slot; two are too many."""
        if not text:
            return f"{' and '.join(slot.names)} is left out."
        if len(slot.names) > 1:
            return self._spans(slot, text)
        name = slot.names[0]
        if name == asks.LANGUAGE and name not in self._bundle.config.parameters:
            return [{name: each} for each in self._choices(name).find(text)] or NoChoice(name, text)
        parameter = self._bundle.config.parameters[name]
        found = self._values(name, parameter, text)
        if not isinstance(found, list):
            return found
        if wrong := next(filter(None, (config.refusal(parameter, value) for value in found)), ""):
            return f"The parameter {name} cannot be {values.shown(text)}: {wrong}."
        return [{name: value.isoformat() if isinstance(value, dt.date) else value} for value in found]

    def told(self, refusal: Refusal) -> str:
        """Say why a text is nothing."""
        if isinstance(refusal, str):
            return refusal
        near = suggestion(refusal.text, self._choices(refusal.name).names)
        return f"{values.shown(refusal.text)} is no {refusal.name}: {near}"

    def _values(self, name: str, parameter: Parameter, text: str) -> list[Any] | Refusal:
        match parameter.type:
            case "text":
                return [text]
            case "choice":
                return self._choices(name).find(text) or NoChoice(name, text)
            case "boolean":
                found: list[Any] = self._truths(text)
            case "date":
                return self._days(name, text)
            case _:
                found = _numbers(text, self._language, parameter)
        return found or f"The parameter {name} cannot be {values.shown(text)}: it takes {config.wanted(parameter)}."

    def _days(self, name: str, text: str) -> list[Any] | str:
        found = days.days(text, self._today, self._languages) if self._looks.take() else []
        if not found:
            several = self._looks.take() and days.spans(text, self._today, self._languages)
            why = "it takes one day, and these are several" if several else "it takes a date"
            return f"The parameter {name} cannot be {values.shown(text)}: {why}; {_ISO}."
        return [*found]

    def _spans(self, slot: asks.Slot, text: str) -> list[Values] | str:
        told = " and ".join(slot.names)
        found = days.spans(text, self._today, self._languages) if self._looks.take() else []
        if not found:
            return f"{told} cannot be {values.shown(text)}: they take days, as last month, or 2025-02-01 to 2025-02-28."
        for name, day in ((name, day) for span in found for name, day in zip(slot.names, span, strict=True)):
            if wrong := config.refusal(self._bundle.config.parameters[name], day):
                return f"The parameter {name} cannot be {values.shown(day.isoformat())}: {wrong}."
        return [dict(zip(slot.names, (day.isoformat() for day in span), strict=True)) for span in found]

    def _truths(self, text: str) -> list[bool]:
        said = folded(text)
        for table in (*map(words.of, self._languages), words.TABLE["en"]):
            for truth, forms in ((True, table.truths), (False, table.lies)):
                if said in map(folded, forms):
                    return [truth]
        with suppress(values.RefusedError):
            return [values.read(values.Text(text), values.BOOL)]
        return []

    def _choices(self, name: str) -> Choices:
        """Return what the choices of a parameter are called: themselves, and their translations."""
        if name not in self._named:
            parameter = self._bundle.config.parameters.get(name)
            self._named[name] = Choices(
                self._languages_of_pages() if parameter is None else self._translated(parameter)
            )
        return self._named[name]

    def _translated(self, parameter: Parameter) -> Iterator[tuple[str, Any]]:
        texts = [_translations(self._bundle, language) for language in self._languages]
        for choice in parameter.choices:
            yield str(choice), choice
            yield from ((told, choice) for each in texts if (told := each.get(str(choice))))

    def _languages_of_pages(self) -> Iterator[tuple[str, str]]:
        from babel import Locale  # heavy

        for name in self._bundle.config.languages:
            yield name, name
            told = (Locale.parse(name).get_display_name(Locale.parse(each)) for each in (name, *self._languages))
            yield from ((each, name) for each in told if each)


class Choices:
    """Choices by what they are called: exactly, and but for case and accents."""

    def __init__(self, named: Iterable[tuple[str, Any]]) -> None:
        self._exact: dict[str, list[Any]] = {}
        self._folded: dict[str, list[Any]] = {}
        for name, choice in named:
            for table, key in ((self._exact, name), (self._folded, folded(name))):
                if choice not in table.setdefault(key, []):
                    table[key].append(choice)

    @property
    def names(self) -> Iterable[str]:
        """All that they are called."""
        return self._exact

    def find(self, text: str) -> list[Any]:
        """Return which of them a text names."""
        return self._exact.get(text) or self._folded.get(folded(text)) or []


def _numbers(text: str, language: str, parameter: Parameter) -> list[Any]:
    """Read a number as the language writes it, else as programs do."""
    from babel.numbers import NumberFormatError  # heavy
    from babel.numbers import parse_decimal

    typed = days.digits(unquoted(text).removesuffix("%").strip()).translate(_MARKS)
    for read in (
        lambda: _plain(parse_decimal(_SPACED.sub("", typed), language, strict=True)),
        lambda: values.Text(typed),
    ):
        with suppress(NumberFormatError, values.RefusedError, ArithmeticError, ValueError):
            return [values.read(read(), parameter.takes)]
    return []


def _plain(number: Decimal) -> int | float:
    whole = number == number.to_integral_value()
    return int(number) if whole and abs(number) < 10**18 else float(number)


def _translations(bundle: Bundle, language: str) -> Mapping[str, str]:
    content = bundle.files.get(translate.mo(language))
    if content is None and translate.po(language) in bundle.files:
        with suppress(ScrapdbError):  # which `report check` tells
            content = translate.as_mo(translate.read(bundle, language))
    return _catalogue(content) if content else {}


@lru_cache(maxsize=100)
def _catalogue(content: bytes) -> Mapping[str, str]:
    try:
        read: Any = gettext.GNUTranslations(io.BytesIO(content))
    except Exception:  # noqa: BLE001 - catalogues break in many ways, which `report check` tells
        return {}
    texts = read._catalog.items()  # noqa: SLF001 - it has no other way to list them
    return {name: told for name, told in texts if isinstance(name, str) and name and told}
