"""Days and ranges of days in words, by the language in which they are said: yesterday, 1 de febrer de 2025, last month.

Whatever moves is counted from a day that is given, never from the clock. A week begins on Monday (ISO 8601). The last
7 days are those before today; the last 3 months, weeks, quarters or years are whole, and before the present one.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import unicodedata
from collections.abc import Iterable
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple
from zoneinfo import ZoneInfo
from zoneinfo import ZoneInfoNotFoundError

from scrapdb.errors import UsageError
from scrapdb.reporting.service.asking import words
from scrapdb.reporting.service.asking.folding import folded

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_NUMERIC = re.compile(r"(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{1,4})\.?")
_MONTH_ISO = re.compile(r"(\d{4})-(\d{1,2})|(\d{1,2})[/.](\d{4})")
_WEEK_ISO = re.compile(r"(\d{4})-?w(\d{1,2})")
_QUARTER = re.compile(r"(?:(?=q|t|\d[qt])[qt]?(?P<a>[1-4])[qt]?)[ /-]?(?P<c>\d{4})|(?P<d>\d{4})[ /-]?[qt](?P<b>[1-4])")
_MOVED = re.compile(r"(.{1,30}?) ?([+-]) ?(\d{1,4}) ?([^\W\d]{1,12})")
_YEAR = re.compile(r"\d{4}")
_MOST_SHARED = 4  # words: de febrer de 2025
_LONGEST = 60  # characters of a day or a range
_MOST = 1_000  # units in the last so many
_CENTURY = 2000
_TWO_DIGITS = 2
_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_lock = threading.Lock()  # dateparser's caches are shared


class Span(NamedTuple):
    """A first and a last day."""

    first: dt.date
    last: dt.date


def zone(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"There is no time zone {name!r}; write one as Europe/Madrid, or UTC.") from None


def days(text: str, today: dt.date, languages: Sequence[str]) -> list[dt.date]:
    """Return the days that a text can be: none, one, or two if what is written is read in two ways.

    Args:
        text: as it was typed.
        today: from which the moving ones are counted.
        languages: in which it may be, the likeliest first.
    """
    text = digits(text.strip())
    if len(text) > _LONGEST:
        return []
    try:
        return _days(text, folded(text), today, languages)
    except (ValueError, OverflowError):  # no such day
        return []


def spans(text: str, today: dt.date, languages: Sequence[str]) -> list[Span]:
    """Return the ranges of days that a text can be; arguments are those of `days`."""
    text = digits(text.strip())
    if len(text) > _LONGEST:
        return []
    try:
        found = [span for name in languages if (span := _period(folded(text), today, name))][:1]
        return found or _alone(text, today, languages) or _between(text, today, languages)
    except (ValueError, OverflowError):
        return []


def first_day(unit: str, today: dt.date, shift: int) -> dt.date:
    """Return the first day of the day, week, month, quarter or year that is so many after the present one."""
    if unit in _DAYS:
        back = today.weekday() if unit == "week" else 0
        return today + dt.timedelta(days=_DAYS[unit] * shift - back)
    months = _MONTHS[unit]
    count = (today.year * 12 + today.month - 1) // months * months + months * shift
    return dt.date(count // 12, count % 12 + 1, 1)


def _days(text: str, said: str, today: dt.date, languages: Sequence[str]) -> list[dt.date]:
    if match := _ISO.fullmatch(text):
        return [dt.date(*map(int, match.groups()))]
    if match := _NUMERIC.fullmatch(text):
        return _numeric(match, languages[0])
    for language in languages:
        if (found := _day(said, today, language)) is not None:
            return [found]
    if any(_period(said, today, language) for language in languages):  # several days are none
        return []
    found = next(filter(None, (_by_dateparser(text, today, language) for language in languages)), None)
    return [found] if found else []


def _numeric(match: re.Match[str], language: str) -> list[dt.date]:
    """Read 01/02/2025 in the order of the language; English without a country has two."""
    numbers = [match[1], match[3], match[4]]
    found = {}
    for order in _orders(language) if len(match[1]) <= _TWO_DIGITS else ("YMD",):
        parts = dict(zip(order, numbers, strict=True))
        if len(parts["Y"]) not in {_TWO_DIGITS, 4} or len(parts["D"]) > _TWO_DIGITS:
            continue
        year = int(parts["Y"]) + (_CENTURY if len(parts["Y"]) == _TWO_DIGITS else 0)
        try:
            found[dt.date(year, int(parts["M"]), int(parts["D"]))] = order
        except ValueError:
            continue
    return list(found)


@lru_cache(maxsize=100)
def _orders(language: str) -> tuple[str, ...]:
    from babel import Locale  # heavy

    if language == "en":  # of which country is not known
        return "MDY", "DMY"
    letters = [char.upper() for char in Locale.parse(language).date_formats["short"].pattern if char in "dMy"]
    return ("".join(dict.fromkeys(letters)),)


def _day(said: str, today: dt.date, language: str) -> dt.date | None:
    """Read a day by the table: yesterday, Monday, 1 February 2025, today - 7 days."""
    table = _table(language)
    for form in _forms(said, table.small):
        if form in table.days:
            return today + dt.timedelta(days=table.days[form])
        if form in table.weekdays:
            return today - dt.timedelta(days=(today.weekday() - table.weekdays[form] - 1) % 7 + 1)
        if (match := table.date.fullmatch(form)) and (month := table.months.get(match["m1"] or match["m2"])):
            return dt.date(int(match["y1"] or match["y2"]), month, int(match["d1"] or match["d2"]))
        if (match := _MOVED.fullmatch(form)) and match[4] in table.units and match[1] in table.days:
            count = int(match[3]) * (-1 if match[2] == "-" else 1)
            return _moved(today + dt.timedelta(days=table.days[match[1]]), table.units[match[4]], count)
    return None


def _moved(day: dt.date, unit: str, count: int) -> dt.date:
    """Return the day so many units later; of a shorter month the last, if it has none of that number."""
    if unit in _DAYS:
        return day + dt.timedelta(days=_DAYS[unit] * count)
    first = first_day("month", day, _MONTHS[unit] * count)
    return min(first + dt.timedelta(days=day.day - 1), first_day("month", first, 1) - dt.timedelta(days=1))


def _period(said: str, today: dt.date, language: str) -> Span | None:
    """Read a range by the table: last month, last 7 days, March 2025, Q1 2025, 2025."""
    table = _table(language)
    for form in _forms(said, table.small):
        if moving := table.moving.get(form):
            return _whole(*moving, today)
        if form in table.to_date:
            return Span(first_day(table.to_date[form], today, 0), today)
        if match := table.lasting.fullmatch(form):
            count, unit = int(match["n1"] or match["n2"] or match["n3"]), match["u1"] or match["u2"] or match["u3"]
            return _lasting(count, table.units[unit], today) if 0 < count <= _MOST else None
        if fixed := _fixed(form, table):
            return _whole(*fixed)
    return None


def _lasting(count: int, unit: str, today: dt.date) -> Span:
    return Span(first_day(unit, today, -count), first_day(unit, today, 0) - dt.timedelta(days=1))


def _whole(unit: str, shift: int, today: dt.date) -> Span:
    return Span(first_day(unit, today, shift), first_day(unit, today, shift + 1) - dt.timedelta(days=1))


def _fixed(form: str, table: _Table) -> tuple[str, int, dt.date] | None:
    """Read a range that does not move, as the unit around a day."""
    if _YEAR.fullmatch(form):
        return "year", 0, dt.date(int(form), 1, 1)
    if match := _MONTH_ISO.fullmatch(form):
        return "month", 0, dt.date(int(match[1] or match[4]), int(match[2] or match[3]), 1)
    if match := _WEEK_ISO.fullmatch(form):
        return "week", 0, dt.date.fromisocalendar(int(match[1]), int(match[2]), 1)
    if match := _QUARTER.fullmatch(form) or table.quarter.fullmatch(form):
        said = match.groupdict()
        number = int(said["a"] or said["b"] or table.quarters[said["word"]])
        return "quarter", 0, dt.date(int(said["c"] or said["d"]), number * 3, 1)
    if (match := table.month.fullmatch(form)) and match[1] in table.months:
        return "month", 0, dt.date(int(match[2]), table.months[match[1]], 1)
    return None


def _alone(text: str, today: dt.date, languages: Sequence[str]) -> list[Span]:
    return [Span(day, day) for day in days(text, today, languages)]


def _between(text: str, today: dt.date, languages: Sequence[str]) -> list[Span]:
    """Read two ends: from 2025-01-01 to 2025-01-31, March 2025 to May 2025, 2025-01-01..2025-01-31."""
    pairs = [*(pair for language in languages for pair in _table(language).between), ("", ".."), ("", " - ")]
    low = folded(text)
    for before, between in pairs:
        if between not in low or not low.startswith(before):
            continue
        one, _, two = low.removeprefix(before).partition(between)
        lasts = _period_or_day(two.strip(), today, languages)
        firsts = next(filter(None, (_period_or_day(each, today, languages) for each in _whole_ends(one, two))), [])
        found = [Span(first.first, last.last) for first, last in product(firsts, lasts) if first.first <= last.last]
        if found:
            return found
    return []


def _whole_ends(one: str, two: str) -> Iterable[str]:
    """Yield the first end of a range, and the same with what only the last one says: 1 to 8 February 2025."""
    yield one.strip()
    tail = two.split()
    for number in range(1, min(len(tail), _MOST_SHARED) + 1):
        yield f"{one.strip()} {' '.join(tail[-number:])}"


def _period_or_day(text: str, today: dt.date, languages: Sequence[str]) -> list[Span]:
    found = [span for name in languages if (span := _period(text, today, name))][:1]
    return found or _alone(text, today, languages)


def _by_dateparser(text: str, today: dt.date, language: str) -> dt.date | None:
    """Have dateparser read what the table has not: 3 days ago, fa 3 dies."""
    if not any(char.isdigit() for char in text) or len(text.split()) > 6:  # noqa: PLR2004 - a few words
        return None
    try:
        import dateparser  # heavy, and an extra
    except ImportError:
        return None
    settings = {
        "RELATIVE_BASE": dt.datetime.combine(today, dt.time()),
        "TIMEZONE": "UTC",  # of the base, which has none: days stay as they are
        "RETURN_AS_TIMEZONE_AWARE": False,
        "STRICT_PARSING": True,
        "PARSERS": ["relative-time", "absolute-time"],
        "PREFER_DATES_FROM": "past",
        "DATE_ORDER": _orders(language)[0],
    }
    try:
        with _lock:
            found = dateparser.parse(text, languages=[language.partition("_")[0]], settings=settings)
    except Exception:  # noqa: BLE001 - a language that it does not know, or whatever it stumbles over
        return None
    return found.date() if found and found.time() == dt.time() else None


class _Table(NamedTuple):
    """The words of a language, made ready."""

    days: dict[str, int]
    units: dict[str, str]
    weekdays: dict[str, int]
    months: dict[str, int]
    moving: dict[str, tuple[str, int]]
    to_date: dict[str, str]
    lasting: re.Pattern[str]
    month: re.Pattern[str]
    date: re.Pattern[str]
    quarter: re.Pattern[str]
    quarters: dict[str, int]
    between: tuple[tuple[str, str], ...]
    small: tuple[str, ...]


@lru_cache(maxsize=100)
def _table(language: str) -> _Table:
    said = words.of(language)
    units = {folded(form): unit for unit, forms in said.units.items() for form in forms}
    shifts = [(word, shift) for words_, shift in ((said.this, 0), (said.last, -1), (said.next, 1)) for word in words_]
    moving = {
        order: (unit, shift)
        for (word, shift), (form, unit) in product(shifts, units.items())
        for order in (f"{folded(word)} {form}", f"{form} {folded(word)}")
    }
    moving |= {folded(word) + form: (unit, 0) for word in said.this if word[-1] == "'" for form, unit in units.items()}
    lasts, small = _any(said.last), (*map(folded, said.small),)
    unit = _any(units)
    between = rf"(?:{_any(said.small)} |[dl]')?"
    months, weekdays = _names(language)
    name = r"([^\W\d]+)\.?"
    ordinal, quarter = _any(said.number), _any(said.units["quarter"])
    return _Table(
        days={folded(word): shift for word, shift in said.days.items()},
        units=units,
        weekdays={**weekdays, **{f"{one} {day}": n for day, n in weekdays.items() for one in map(folded, said.last)}}
        | {f"{day} {one}": n for day, n in weekdays.items() for one in map(folded, said.last)},
        months=months,
        moving=moving,
        to_date={f"{form} {folded(word)}": unit_ for word in said.to_date for form, unit_ in units.items()},
        lasting=re.compile(
            rf"{lasts} (?P<n1>\d{{1,4}}) (?P<u1>{unit})|(?P<n2>\d{{1,4}}) {lasts} (?P<u2>{unit})"
            rf"|(?P<n3>\d{{1,4}}) (?P<u3>{unit}) {lasts}"
        ),
        month=re.compile(rf"{name},? {between}(\d{{4}})"),
        date=re.compile(
            rf"(?P<d1>\d{{1,2}})(?: ?{ordinal})?,? {between}(?P<m1>[^\W\d]+)\.?,? {between}(?P<y1>\d{{4}})"
            rf"|(?P<m2>[^\W\d]+)\.? (?P<d2>\d{{1,2}})(?: ?{ordinal})?,? (?P<y2>\d{{4}})"
        ),
        quarter=re.compile(
            rf"(?:(?P<a>[1-4])(?: ?{ordinal})?|(?P<word>{_any(said.quarters)})) {quarter} {between}(?P<c>\d{{4}})"
            rf"|{quarter} (?P<b>[1-4]) {between}(?P<d>\d{{4}})"
        ),
        quarters={folded(word): number for number, word in enumerate(said.quarters, 1)},
        between=tuple(pair for one, two in said.between for pair in _connectors(folded(one), folded(two))),
        small=small,
    )


def _connectors(one: str, two: str) -> list[tuple[str, str]]:
    ending = "" if two.endswith("'") else " "
    return [(f"{one} ", f" {two}{ending}"), ("", f" {two}{ending}")]


def _any(forms: Iterable[str]) -> str:
    return f"(?:{'|'.join(re.escape(folded(form) or form) for form in sorted(forms, key=len, reverse=True))})"


def _names(language: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return the names of months, from 1, and of weekdays, from 0, Monday."""
    from babel import Locale  # heavy

    locale = Locale.parse(language)
    months: dict[str, int] = {}
    weekdays: dict[str, int] = {}
    for found, kinds in ((months, locale.months), (weekdays, locale.days)):
        for context, width in product(("format", "stand-alone"), ("abbreviated", "wide")):
            for number, name in kinds.get(context, {}).get(width, {}).items():
                for form in (name, name.removeprefix("de "), name.removeprefix("d\N{RIGHT SINGLE QUOTATION MARK}")):
                    found[folded(form).rstrip(".")] = number
    return months, weekdays


def _forms(said: str, small: Sequence[str]) -> Iterable[str]:
    """Yield a text, and the same without the small words before it, one after the other."""
    yield said
    for _ in range(3):
        word = next((each for each in small if said.startswith(each if each[-1] == "'" else f"{each} ")), None)
        if word is None:
            return
        said = said.removeprefix(word).strip()
        yield said


def digits(text: str) -> str:
    """Return a text with the digits of other scripts as ours."""
    return "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in text)
