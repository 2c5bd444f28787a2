from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.service import access
from scrapdb.reporting.service.asking import days
from scrapdb.reporting.service.asking.asking import Meaning
from scrapdb.reporting.service.asking.asking import Unclear
from scrapdb.reporting.service.asking.asking import meaning
from scrapdb.reporting.service.asking.asking import meaning_of
from scrapdb.reporting.service.catalogue import Catalogue
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.host import Rule
from scrapdb.reporting.service.ledger.ledger import Ledger
from tests.reporting import bundling

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
VOLTAGE = Path(__file__).parents[4] / "examples" / "voltage"
SITE = {"type": "choice", "choices": ["north", "south", "North Sea"]}
DAY = {"type": "date"}
PO = b"""msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

msgid "north"
msgstr "nord"
"""


def bundle(*patterns: str, files: dict[str, bytes] | None = None, **said: Any) -> Bundle:
    """Make a bundle of its config alone, as one that was opened."""
    made = {"title": "x", "asks": patterns, "languages": ["en", "ca"], **said}
    content = json.dumps(made).encode()
    return Bundle(
        name="x", where="x", config=config.read(content), files={config.FILE: content, **(files or {})}, hash=""
    )


def ask(
    sentence: str, *patterns: str, language: str | None = None, zone: str = "UTC", **said: Any
) -> Meaning | Unclear:
    return meaning_of({"x": bundle(*patterns, **said)}, sentence, now=NOW, zone=zone, language=language)


def values(sentence: str, *patterns: str, **said: Any) -> dict[str, Any]:
    found = ask(sentence, *patterns, **said)
    assert isinstance(found, Meaning), found
    return found.parameters


def reason(sentence: str, *patterns: str, **said: Any) -> str:
    found = ask(sentence, *patterns, **said)
    assert isinstance(found, Unclear), found
    return found.reason


SALES = {"shop": {}, "product": {}, "from_day": DAY, "to_day": DAY}


def test_the_sentence_of_the_talk() -> None:
    found = ask("north sales wine from 2025-01-01 to 2025-02-01", "(*) sales (*) from (*) to (*)", parameters=SALES)
    assert found == Meaning(
        "x",
        {"shop": "north", "product": "wine", "from_day": "2025-01-01", "to_day": "2025-02-01"},
        "en",
        "north sales wine from 2025-01-01 to 2025-02-01",
        "x with shop 'north', product 'wine', from_day 2025-01-01, to_day 2025-02-01",
    )


def test_a_star_may_be_nothing_if_its_parameter_needs_no_value() -> None:
    sentence, pattern = "north sales from 2025-01-01 to 2025-02-01", "(*) sales (*) from (*) to (*)"
    given = {"shop": "north", "from_day": "2025-01-01", "to_day": "2025-02-01"}
    assert values(sentence, pattern, parameters=SALES | {"product": {"default": "all"}}) == given
    assert isinstance(ask(sentence, pattern, parameters=SALES), Unclear)
    named = pattern.replace("(*) from", "(product) from")
    assert isinstance(ask(sentence, named, parameters=SALES | {"product": {"default": "all"}}), Unclear)
    everything = {name: {**each, "required": False} for name, each in SALES.items()}
    assert values("sales of", "(*) sales (*) of (*)", parameters=everything) == {}


def test_of_more_stars_than_parameters_some_are_nothing() -> None:
    """As in the talk, where a star is anything: whatever is said is taken, and nothing passed over."""
    pattern, three = "(*) sales (*) from (*) to (*)", {name: SALES[name] for name in ("shop", "from_day", "to_day")}
    given = {"shop": "north", "from_day": "2025-01-01", "to_day": "2025-02-01"}
    assert values("north sales from 2025-01-01 to 2025-02-01", pattern, parameters=three) == given
    assert values("sales north from 2025-01-01 to 2025-02-01", pattern, parameters=three) == given
    assert isinstance(ask("north sales wine from 2025-01-01 to 2025-02-01", pattern, parameters=three), Unclear)
    assert isinstance(ask("north sales", "(*) sales (*)", parameters={}), Unclear)
    assert values("sales", "(*) sales (*)", parameters={}) == {}


def test_stars_take_what_no_name_takes() -> None:
    pattern = "(*) of (shop) (from_day..to_day)"
    assert values("wine of Olot 2025", pattern, parameters=SALES) == {
        "product": "wine",
        "shop": "Olot",
        "from_day": "2025-01-01",
        "to_day": "2025-12-31",
    }


@pytest.mark.parametrize(
    "sentence",
    [
        "voltage of north",
        "  VOLTAGE\tof\u00a0 North. ",
        "Voltage of “north”!",
        '"voltage of north"',
        "¿Voltage of 'north'?",
        "voltage, of north…",
        "\uff56oltage of no\u200brth",
        "voltage of no\u0301rth",
        "voltage of \u202enorth\u202c",
        "voltage\nof\r\nnorth",
        "voltage of nord",
    ],
)
def test_what_makes_no_difference(sentence: str) -> None:
    files = {"languages/ca/LC_MESSAGES/messages.po": PO}
    found = values(sentence, "Voltage of (site)", parameters={"site": SITE}, files=files)
    assert found == {"site": "north"}


@pytest.mark.parametrize(
    ("parameter", "text", "language", "expected"),
    [
        ({}, "any text of (it) from <b>me</b>", "en", "any text of (it) from <b>me</b>"),
        ({}, "“d'Olot”", "en", "d'Olot"),
        (SITE, "NORTH SEA", "en", "North Sea"),
        ({"type": "choice", "choices": [3, 7]}, "7", "en", 7),
        ({"type": "choice", "choices": ["a", "A"]}, "A", "en", "A"),
        ({"type": "choice", "choices": ["Àvila"]}, "avila", "en", "Àvila"),
        ({"type": "integer"}, "1,500", "en", 1500),
        ({"type": "integer"}, "1.500", "ca", 1500),
        ({"type": "number"}, "1,5", "ca", 1.5),
        ({"type": "number"}, "1.234,5", "ca", 1234.5),
        ({"type": "number"}, "95.5", "ca", 95.5),
        ({"type": "number"}, "1.5", "en", 1.5),
        ({"type": "number"}, "95 %", "en", 95),
        ({"type": "number"}, "−5", "en", -5),  # noqa: RUF001 - as some type it
        ({"type": "number"}, "12 345,5", "fr", 12345.5),
        ({"type": "boolean"}, "Yes", "en", True),
        ({"type": "boolean"}, "sí", "ca", True),
        ({"type": "boolean"}, "nein", "de", False),
        ({"type": "boolean"}, "false", "de", False),
        (DAY, "ahir", "ca", "2026-11-29"),
        (DAY, "01/02/2025", "ca", "2025-02-01"),
        (DAY, "yesterday", "ca", "2026-11-29"),
    ],
)
def test_values_are_typed(parameter: dict[str, Any], text: str, language: str, expected: Any) -> None:
    languages = list(dict.fromkeys([language, "en"]))
    found = values(f"give {text}", "give (it)", parameters={"it": parameter}, languages=languages)
    assert found == {"it": expected}
    assert type(found["it"]) is type(expected)


@pytest.mark.parametrize(
    ("parameter", "text", "sentence"),
    [
        (SITE, "norht", "'norht' is no it: did you mean north"),
        ({"type": "integer"}, "1.5", "The parameter it cannot be '1.5': it takes an integer."),
        (
            {"type": "number", "range": [0, 100]},
            "120",
            "The parameter it cannot be '120': it takes a number from 0 to 100.",
        ),
        ({"type": "number"}, "1e999", "The parameter it cannot be '1e999': it takes a finite number."),
        ({"type": "boolean"}, "maybe", "The parameter it cannot be 'maybe': it takes true or false"),
        (DAY, "soon", "The parameter it cannot be 'soon': it takes a date; write days as 2025-02-01."),
        (DAY, "last week", "The parameter it cannot be 'last week': it takes one day, and these are several;"),
        (
            {"type": "date", "range": ["2026-01-01", None]},
            "2025-01-01",
            "The parameter it cannot be '2025-01-01': it takes",
        ),
    ],
)
def test_values_that_are_none(parameter: dict[str, Any], text: str, sentence: str) -> None:
    assert reason(f"give {text}", "give (it)", parameters={"it": parameter}).startswith(sentence)


def test_a_range_that_is_out_of_range_or_no_range() -> None:
    days = {"from_day": {"type": "date", "range": ["2026-01-01", None]}, "to_day": DAY}
    told = reason("of last year", "of (from_day..to_day)", parameters=days)
    assert told == "The parameter from_day cannot be '2025-01-01': it takes a date (2026-01-31) from 2026-01-01 on."
    told = reason("of the moon", "of (from_day..to_day)", parameters=days)
    assert (
        told == "from_day and to_day cannot be 'the moon': they take days, as last month, or 2025-02-01 to 2025-02-28."
    )


def test_days_begin_where_the_asker_is() -> None:
    def today(zone: str) -> Any:
        return values("on today", "on (day)", parameters={"day": DAY}, zone=zone)["day"]

    assert today("UTC") == "2026-11-30"
    assert today("Pacific/Kiritimati") == "2026-12-01"
    assert today("Etc/GMT+12") == "2026-11-30"


def test_languages_of_sentences_and_pages() -> None:
    asks = {"en": ["sales of (shop)", "sales (shop)"], "ca": ["vendes de (shop)", "sales (shop)"]}
    given: dict[str, Any] = {"asks": asks, "parameters": {"shop": {}}}

    def language(sentence: str, of: str | None = None) -> str:
        found = ask(sentence, language=of, **given)
        assert isinstance(found, Meaning)
        return found.language

    assert [language("sales of Vic"), language("vendes de Vic"), language("sales Vic")] == ["en", "ca", "en"]
    assert [language("sales Vic", "ca"), language("sales of Vic", "ca"), language("sales Vic", "de")] == [
        "ca",
        "en",
        "en",
    ]


@pytest.mark.parametrize("text", ["ca", "Catalan", "català", "CATALA"])
def test_the_language_of_the_page_can_be_said(text: str) -> None:
    found = ask(f"sales in {text}", "sales in (language)")
    assert isinstance(found, Meaning)
    assert (found.language, found.parameters, found.told) == ("ca", {}, "x in ca")
    assert reason("sales in klingon", "sales in (language)").startswith("'klingon' is no language: ")


def test_of_two_patterns_that_with_more_words_counts() -> None:
    parameters = {"shop": {}, "day": {**DAY, "required": False}}
    patterns = ("sales of (shop)", "sales of (shop) on (day)")
    assert values("sales of Vic on 2025-01-01", *patterns, parameters=parameters) == {
        "shop": "Vic",
        "day": "2025-01-01",
    }
    assert values("sales of Vic on Sunday", *patterns, parameters=parameters)["shop"] in {"Vic", "Vic on Sunday"}
    assert values("sales of “Vic on 2025-01-01”", *patterns, parameters=parameters) == {"shop": "Vic on 2025-01-01"}


def test_two_meanings_are_told_and_none_is_taken() -> None:
    shop: dict[str, Any] = {"shop": {}, "goods": {}}
    found = ask("sales of wine of Vic of old", "sales of (goods) of (shop)", parameters=shop)
    assert found == Unclear(
        "This can mean x with goods 'wine', shop 'Vic of old' or x with goods 'wine of Vic', shop 'old'."
        " Say it so that it can mean one only, with days as 2025-02-01.",
        ("sales of (goods) of (shop)",),
    )
    two = {name: bundle("sales of (shop)", parameters={"shop": {}}) for name in ("new", "old")}
    found = meaning_of(two, "sales of Vic", now=NOW, zone="UTC")
    assert isinstance(found, Unclear)
    assert found.reason.startswith("This can mean new with shop 'Vic' or old with shop 'Vic'. Say it so")
    assert "1-02" in reason("on 01/02/2025", "on (day)", parameters={"day": DAY})


def test_what_is_near_is_told() -> None:
    patterns = ("voltage of (site)", "interruptions of (site) (from_day..to_day)", "harmonics at (site)", "flicker")
    parameters = {"site": SITE, "from_day": {**DAY, "required": False}, "to_day": {**DAY, "required": False}}
    found = ask("voltge for north", *patterns, parameters=parameters)
    assert isinstance(found, Unclear)
    assert found.reason == "No report is asked for like this."
    assert found.nearest[0] == patterns[0]
    assert len(found.nearest) == 3
    found = ask("interruptions of norht last week", *patterns, parameters=parameters)
    assert isinstance(found, Unclear)
    assert found.reason.startswith("'norht' is no site: did you mean north?")
    assert found.nearest == (patterns[1],)


def test_what_has_to_be_given_is_told() -> None:
    told = reason("voltage of north", "voltage of (site)", parameters={"site": SITE, "day": DAY})
    assert told == "The report needs day (a date (2026-01-31)): no value is given, and there is no default."


def test_only_bundles_of_which_somebody_may_ask(tmp_path: Path) -> None:
    for name in ("open", "closed"):
        said = {"title": "x", "parameters": {"shop": {}}, "asks": [f"{name} of (shop)"]}
        bundling.bundle(tmp_path / "bundles" / name, config=said)
    host = Host(rules=(Rule(bundles="open", ask=("*",)), Rule(bundles="closed", read=("*",), ask=("anna",))))
    with Ledger(tmp_path / "reports") as ledger:
        desk = Desk(host, Catalogue(str(tmp_path / "bundles")), ledger, tmp_path / "reports", tmp_path / "scraps.db")

        def told(name: str, sentence: str) -> Meaning | Unclear:
            return meaning(desk, access.Person(name), sentence, now=NOW, zone="UTC")

        assert isinstance(told("anna", "closed of Vic"), Meaning)
        refused = told("bert", "closed of Vic")
        assert isinstance(refused, Unclear)
        assert refused.nearest == ("open of (shop)",)


HOSTILE = [
    "x" * 10_000,
    "voltage of " * 40,
    "voltage of " + "a from " * 60,
    "\x00\x1b[31mvoltage\x07 of\x7f north",
    "\u202e\u2066voltage of north",
    "voltage of <script>alert(1)</script>",
    "voltage of ${SITE} {{ 7*7 }} $(rm -rf) `ls` %(site)s %s",
    "voltage of \ud800",
    "voltage of \U0001f600\u0301\u0301\u0301",
    "((((((((((*)))))))) " * 20,
    " " * 400,
    "\\" * 400,
    "”“" * 200,
    "voltage of " + "1/1/1 " * 60,
    "İ" * 400,
    "ﷺ" * 400,  # of which each is 18 characters when taken apart
    "",
]


@pytest.mark.parametrize("sentence", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_sentences_are_refused(sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    original = days.days

    def look(text: str, *given: Any) -> list[dt.date]:
        looked.append(text)
        return original(text, *given)

    monkeypatch.setattr(days, "days", look)
    patterns = ("voltage of (site) from (from_day) to (to_day)", "(site) (from_day) (to_day)", "(site) from (from_day)")
    parameters = {"site": SITE, "from_day": DAY, "to_day": {**DAY, "required": False}}
    found = ask(sentence, *patterns, parameters=parameters)
    assert isinstance(found, Unclear)
    assert len(looked) <= 300  # texts that were looked at as dates: each may cost a millisecond
    found.reason.encode()
    assert len(found.reason) < 1000
    assert "\x1b" not in found.reason


def test_hostile_patterns_are_given_up() -> None:
    names = [f"a{number}" for number in range(16)]
    pattern = " ".join(f"({name})" for name in names)
    parameters: dict[str, Any] = {name: {} for name in names}
    told = reason("a " * 240, *[pattern, f"{pattern} b"] * 20, parameters=parameters)
    assert told == "This can be read in too many ways. Say it in fewer words."


def test_a_sentence_that_is_text_alone_keeps_its_text() -> None:
    text = "“Olot”, d'ahir – i més"
    assert values(f"note {text} end", "note (it) end", parameters={"it": {}}) == {"it": text}


def test_no_sentences_and_no_bundles() -> None:
    assert reason("voltage") == "No report can be asked for in a sentence: no bundle lists any below `asks`."
    assert isinstance(meaning_of({}, "voltage", now=NOW, zone="UTC"), Unclear)


def test_the_example_is_asked_for_in_two_languages() -> None:
    bundles = {"voltage": opening.opened(str(VOLTAGE))}

    def told(sentence: str) -> str:
        found = meaning_of(bundles, sentence, now=NOW, zone="UTC")
        assert isinstance(found, Meaning), found
        return found.told

    assert told("voltage of north from 2026-02-02 to 2026-02-08") == (
        "voltage with site north, from_day 2026-02-02, to_day 2026-02-08"
    )
    assert told("Voltage of south last week") == "voltage with site south, from_day 2026-11-23, to_day 2026-11-29"
    assert told("Tensió de nord de la setmana passada").startswith("voltage in ca with site north, from_day 2026-11-23")
    assert told("tensio de nord del 2 de febrer de 2026 al 8/2/2026") == (
        "voltage in ca with site north, from_day 2026-02-02, to_day 2026-02-08"
    )
