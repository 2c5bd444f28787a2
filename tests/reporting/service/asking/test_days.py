"""Days and ranges in words: what they are was counted by hand, or is counted by dateutil and the calendar."""

from __future__ import annotations

import calendar
import datetime as dt

import pytest
from dateutil.relativedelta import MO
from dateutil.relativedelta import relativedelta

from scrapdb.errors import UsageError
from scrapdb.reporting.service.asking import days

MONDAY = dt.date(2026, 11, 30)
EVERY_DAY = [dt.date(2023, 12, 28) + dt.timedelta(days=number) for number in range(0, 800, 13)]


def day(text: str, language: str = "en", today: dt.date = MONDAY) -> list[str]:
    return [found.isoformat() for found in days.days(text, today, (language,))]


def span(text: str, language: str = "en", today: dt.date = MONDAY) -> list[str]:
    return [f"{first}..{last}" for first, last in days.spans(text, today, (language,))]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "2025-02-01", "2025-02-01"),
        ("en", "yesterday", "2026-11-29"),
        ("en", "The day before yesterday", "2026-11-28"),
        ("en", "Tomorrow", "2026-12-01"),
        ("en", "last monday", "2026-11-23"),
        ("en", "1st February 2025", "2025-02-01"),
        ("en", "Feb. 1, 2025", "2025-02-01"),
        ("en", "1 of February, 2025", "2025-02-01"),
        ("en", "13/02/2025", "2025-02-13"),
        ("en_GB", "01/02/2025", "2025-02-01"),
        ("en_US", "01/02/2025", "2025-01-02"),
        ("en", "3 days ago", "2026-11-27"),
        ("en", "today - 7 days", "2026-11-23"),
        ("en", "yesterday+1 week", "2026-12-06"),
        ("ca", "ahir", "2026-11-29"),
        ("ca", "d’ahir", "2026-11-29"),  # noqa: RUF001 - as phones write it
        ("ca", "abans-d'ahir", "2026-11-28"),
        ("ca", "1 de febrer de 2025", "2025-02-01"),
        ("ca", "l'1 d'abril del 2025", "2025-04-01"),
        ("ca", "1/2/25", "2025-02-01"),
        ("ca", "dilluns passat", "2026-11-23"),
        ("ca", "fa 3 dies", "2026-11-27"),
        ("es", "el 1 de marzo de 2025", "2025-03-01"),
        ("es", "anteayer", "2026-11-28"),
        ("de", "1. Februar 2025", "2025-02-01"),
        ("de", "01.02.2025", "2025-02-01"),
        ("de", "letzten Montag", "2026-11-23"),
        ("fr", "1er février 2025", "2025-02-01"),
        ("fr", "aujourd'hui", "2026-11-30"),
        ("pt_BR", "ontem", "2026-11-29"),
        ("hu", "2025. 02. 01.", "2025-02-01"),
        ("ja", "2025/02/01", "2025-02-01"),
        ("ar", "٠١/٠٢/٢٠٢٥", "2025-02-01"),  # noqa: RUF001 - digits
    ],
)
def test_a_day_in_words(language: str, text: str, expected: str) -> None:
    assert day(text, language) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "may",
            "March 2025",
            "2025",
            "last month",
            "last week",
            "5",
            "2025-02-30",
            "1234567890",
            "10:30",
            "north",
        ),
        *("31 February 2025", "2 hours ago", "0/0/0000", "2 February", "9" * 50, "1 " * 200, "today - 99999999 days"),
    ],
)
def test_what_is_no_day(text: str) -> None:
    assert day(text) == []


def test_numbers_that_are_two_days_in_english() -> None:
    assert day("01/02/2025") == ["2025-01-02", "2025-02-01"]
    assert day("02/02/2025") == ["2025-02-02"]


def test_the_clock_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    assert day("3 days ago", today=dt.date(2000, 3, 1)) == ["2000-02-27"]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "last month", "2026-10-01..2026-10-31"),
        ("en", "this week", "2026-11-30..2026-12-06"),
        ("en", "the past 3 months", "2026-08-01..2026-10-31"),
        ("en", "yesterday", "2026-11-29..2026-11-29"),
        ("en", "last 7 days", "2026-11-23..2026-11-29"),
        ("en", "Q1 2025", "2025-01-01..2025-03-31"),
        ("en", "2025-Q4", "2025-10-01..2025-12-31"),
        ("en", "the first quarter of 2025", "2025-01-01..2025-03-31"),
        ("en", "March, 2025", "2025-03-01..2025-03-31"),
        ("en", "in February 2024", "2024-02-01..2024-02-29"),
        ("en", "2025", "2025-01-01..2025-12-31"),
        ("en", "2025-03", "2025-03-01..2025-03-31"),
        ("en", "2020-W53", "2020-12-28..2021-01-03"),
        ("en", "year to date", "2026-01-01..2026-11-30"),
        ("en", "from 2025-01-01 to 2025-02-01", "2025-01-01..2025-02-01"),
        ("en", "2025-01-01..2025-02-01", "2025-01-01..2025-02-01"),
        ("en", "2025-01-01 – 2025-02-01", "2025-01-01..2025-02-01"),
        ("en", "1 to 8 February 2025", "2025-02-01..2025-02-08"),
        ("en", "1 January to 15 February 2025", "2025-01-01..2025-02-15"),
        ("en", "January to March 2025", "2025-01-01..2025-03-31"),
        ("en", "15 December 2024 to 15 January 2025", "2024-12-15..2025-01-15"),
        ("ca", "de l'1 al 8 de febrer de 2025", "2025-02-01..2025-02-08"),
        ("de", "vom 1. bis 8. Februar 2025", "2025-02-01..2025-02-08"),
        ("fr", "du 1er au 8 février 2025", "2025-02-01..2025-02-08"),
        ("en", "March 2025 until May 2025", "2025-03-01..2025-05-31"),
        ("ca", "el mes passat", "2026-10-01..2026-10-31"),
        ("ca", "MES PASSAT", "2026-10-01..2026-10-31"),
        ("ca", "darrera setmana", "2026-11-23..2026-11-29"),
        ("ca", "els últims 7 dies", "2026-11-23..2026-11-29"),
        ("ca", "els 7 ultims dies", "2026-11-23..2026-11-29"),
        ("ca", "març del 2025", "2025-03-01..2025-03-31"),
        ("ca", "l'abril de 2025", "2025-04-01..2025-04-30"),
        ("ca", "primer trimestre de 2025", "2025-01-01..2025-03-31"),
        ("ca", "1r trimestre del 2025", "2025-01-01..2025-03-31"),
        ("ca", "l'any passat", "2025-01-01..2025-12-31"),
        ("ca", "de l'1 de març de 2025 al 3 de març de 2025", "2025-03-01..2025-03-03"),
        ("es", "la semana pasada", "2026-11-23..2026-11-29"),
        ("es", "este año", "2026-01-01..2026-12-31"),
        ("es", "desde el 1 de marzo de 2025 hasta el 3 de marzo de 2025", "2025-03-01..2025-03-03"),
        ("de", "letzten Monat", "2026-10-01..2026-10-31"),
        ("de", "die letzten 7 Tage", "2026-11-23..2026-11-29"),
        ("de", "1. Quartal 2025", "2025-01-01..2025-03-31"),
        ("de", "vom 1. März 2025 bis zum 3. März 2025", "2025-03-01..2025-03-03"),
        ("fr", "le mois dernier", "2026-10-01..2026-10-31"),
        ("fr", "les 7 derniers jours", "2026-11-23..2026-11-29"),
        ("fr", "ce mois-ci", "2026-11-01..2026-11-30"),
        ("fr", "T1 2025", "2025-01-01..2025-03-31"),
        ("it", "quest'anno", "2026-01-01..2026-12-31"),
        ("pt_BR", "mês passado", "2026-10-01..2026-10-31"),
    ],
)
def test_a_range_in_words(language: str, text: str, expected: str) -> None:
    assert span(text, language) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "last 0 days",
        "last 9999 years",
        "2025-02-01 to 2025-01-01",
        "Q5 2025",
        "2025-W60",
        "13/2025",
        "March",
        "to",
        "15 December to 15 January 2025",
    ],
)
def test_what_is_no_range(text: str) -> None:
    assert span(text) == []


def test_months_weeks_and_years_of_all_days() -> None:
    for today in EVERY_DAY:
        before = today - relativedelta(months=1)
        last = calendar.monthrange(before.year, before.month)[1]
        assert span("last month", today=today) == [f"{before:%Y-%m}-01..{before:%Y-%m}-{last}"]
        monday = today + relativedelta(weekday=MO(-1))
        assert span("this week", today=today) == [f"{monday}..{monday + relativedelta(days=6)}"]
        assert span("last 2 weeks", today=today) == [
            f"{monday - relativedelta(days=14)}..{monday - relativedelta(days=1)}"
        ]
        assert span("last year", today=today) == [f"{today.year - 1}-01-01..{today.year - 1}-12-31"]
        assert day("today - 1 month", today=today) == [str(before)]
        ((first, end),) = days.spans("this quarter", today, ("en",))
        assert first.month in {1, 4, 7, 10}
        assert first <= today <= end == first + relativedelta(months=3, days=-1)


@pytest.mark.parametrize("name", ["Mars/Base", "", "../etc/passwd", "Europe"])
def test_there_is_no_such_zone(name: str) -> None:
    with pytest.raises(UsageError, match="There is no time zone"):
        days.zone(name)
