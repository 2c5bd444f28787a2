from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scrapdb.errors import BundleError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles.parameters import typed
from scrapdb.running.rows.values import Text

PUBLISHED = Path(__file__).parents[3] / "docs" / "report.schema.json"
WHOLE = {
    "$schema": "report.schema.json",
    "title": "Voltage",
    "version": "2.1",
    "parameters": {
        "site": {"type": "choice", "choices": ["north", "south", 3], "label": "Site"},
        "from_day": {"type": "date", "range": ["2025-01-01", None], "required": False},
        "nominal": {"type": "number", "default": 230, "range": [100, 400.5]},
        "phases": {"type": "integer", "default": 3, "range": [1, 3]},
        "draft": {"type": "boolean", "default": False},
        "remark": {"default": ""},
    },
    "languages": ["en", "ca", "pt_BR", "zh_Hant_TW", "es_419", "ar"],
    "kernel": "python3",
    "limits": {"timeout": "5m", "memory": "1GB", "cpu": 60, "disk": None},
    "network": True,
    "outputs": ["html", "pdf"],
    "asks": ["voltage of (site) from (from_day)", "(*) sales (*)", "in (language)"],
    "author": "mail:anna@example.com",
    "deliver": [{"to": "slack:#sales"}, {"to": "s3://b/{site}.html", "attach": ["html", "pdf"], "template": "letter"}],
    "deliver_if": "n_rows > 0 and result != previous.result",
}


def wrong(**said: Any) -> list[str]:
    return config.examined(json.dumps({"title": "Voltage", **said}).encode())[1]


def of(**parameters: Any) -> config.Config:
    return config.read(json.dumps({"title": "Voltage", "parameters": parameters}).encode())


def test_the_published_schema_is_that_of_the_struct() -> None:
    published = json.loads(PUBLISHED.read_text())
    assert published == json.loads(json.dumps(config.schema()))
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(WHOLE, published)


def test_all_that_can_be_said() -> None:
    read = config.read(b"\xef\xbb\xbf" + json.dumps(WHOLE).encode())
    assert read.title == "Voltage"
    assert read.parameters["site"].choices == ("north", "south", 3)
    assert read.parameters["nominal"].range == (100, 400.5)
    assert [name for name, each in read.parameters.items() if each.is_required] == ["site"]
    assert read.limits.timeout == "5m"
    assert read.outputs == ("html", "pdf")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"title": "a",\n "version": }', "config.json:2 is no JSON: expecting value at column 13."),
        (b'{"title": "a", "title": "b"}', "config.json is no JSON: title stands twice in one object."),
        (b'{"title": "a", "limits": {"timeout": NaN}}', "config.json is no JSON: NaN is no number of JSON."),
        (b"\xff", "config.json is no JSON: "),
        (b"[" * 100_000, "config.json is no JSON: "),
        (b"", "config.json:1 is no JSON: "),
        (b"[]", "config.json: the whole cannot be []: it has to be an object."),
        (b"{}", "config.json: title is missing. Add it."),
        (
            b'{"titel": "a"}',
            "config.json: titel is not known; did you mean title? 1 more is wrong, which `scrapdb report check` lists.",
        ),
        (b'{"title": "a", "\\ud800": 1}', "config.json: \\ud800 is not known; there are $schema, "),
    ],
)
def test_what_is_no_config(content: bytes, sentence: str) -> None:
    with pytest.raises(BundleError) as raised:
        config.read(content)
    assert str(raised.value).startswith(sentence)
    str(raised.value).encode()


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"title": ""}, "title is empty. Write something, or leave it out."),
        ({"title": 1}, "title cannot be 1: it has to be a text in quotes."),
        ({"version": 1.0}, "version cannot be 1.0: it has to be a text in quotes."),
        ({"network": "yes"}, 'network cannot be "yes": it has to be true or false.'),
        ({"outputs": ["htlm"]}, 'outputs[0] cannot be "htlm"; did you mean html?'),
        ({"outputs": []}, "outputs is empty. Write something, or leave it out."),
        ({"languages": "en"}, 'languages cannot be "en": it has to be a list.'),
        ({"languages": []}, "languages is empty. Write something, or leave it out."),
        ({"languages": ["en", "en"]}, "languages[1] is en again. Take it out."),
        (
            {"languages": ["pt-BR"]},
            'languages[0] cannot be "pt-BR": write a language that there is, as en, ca or pt_BR.',
        ),
        ({"languages": ["xx"]}, 'languages[0] cannot be "xx": write a language that there is, as en, ca or pt_BR.'),
        (
            {"languages": ["../en"]},
            'languages[0] cannot be "../en": write a language that there is, as en, ca or pt_BR.',
        ),
        ({"author": "anna@example.com"}, "author: anna@example.com is no target; write mail:anna@example.com."),
        (
            {"author": "mail:a@example.com,b@example.com"},
            "author: 'a@example.com,b@example.com' is no mail address; write one, as mail:anna@example.com.",
        ),
        (
            {"deliver": [{"to": "slack:sales"}]},
            "deliver[0].to: 'slack:sales' is no channel of Slack; write slack:#sales.",
        ),
        (
            {"deliver": [{"to": "x", "attach": ["doc"]}]},
            'deliver[0].attach[0] cannot be "doc"; there are html, link, pdf.',
        ),
        ({"deliver": [{}]}, "deliver[0].to is missing. Add it."),
        ({"deliver": [{"to": "x", "too": "x"}]}, "deliver[0].too is not known; did you mean to?"),
        (
            {"deliver_if": "n_rows >"},
            "deliver_if cannot be read: Expected a field or a value, not the end.",
        ),
        ({"limits": {"timout": 1}}, "limits.timout is not known; did you mean timeout or cell_timeout?"),
        ({"limits": {"memory": [1]}}, "limits.memory cannot be [1]: it has to be a number or a text in quotes."),
        (
            {"limits": {"memory": "2 gigs"}},
            "limits.memory: '2 gigs' is no size; write bytes like 1000, 512M, 2GB or 1.5GiB.",
        ),
        (
            {"limits": {"timeout": "5 minuts"}},
            "limits.timeout: '5 minuts' is no duration; write seconds like 90, or 90s, 5m, 1h30m or 30d.",
        ),
        (
            {"asks": ["of (sit)"], "parameters": {"site": {}}},
            "asks[0] asks for (sit), which is no parameter; did you mean site?",
        ),
    ],
)
def test_what_is_wrong_with_the_whole(said: dict[str, Any], sentence: str) -> None:
    assert wrong(**said) == [f"config.json: {sentence}"]


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        ({"type": "choise"}, '.type cannot be "choise"; did you mean choice?'),
        ({"labl": "x"}, ".labl is not known; did you mean label?"),
        ({"type": "choice"}, " of type choice has no choices; list them."),
        ({"choices": ["a"]}, " of type text has choices; a choice has them."),
        ({"type": "choice", "choices": ["a", "a"]}, ".choices names one twice. Take it out."),
        ({"type": "choice", "choices": ["1", 1]}, ".choices names one twice. Take it out."),
        ({"type": "choice", "choices": ["a"], "default": "b"}, ".default cannot be \"b\": it takes 'a'."),
        ({"default": 3}, ".default cannot be 3: it has to be a text in quotes."),
        ({"type": "number", "default": "3"}, '.default cannot be "3": it has to be a number.'),
        ({"type": "integer", "default": 1.5}, ".default cannot be 1.5: it has to be an integer."),
        ({"type": "integer", "default": True}, ".default cannot be true: it has to be an integer."),
        ({"type": "boolean", "default": 1}, ".default cannot be 1: it has to be true or false."),
        (
            {"type": "date", "default": "2026-02-30"},
            '.default cannot be "2026-02-30": it has to be a date that there is, as 2026-01-31.',
        ),
        ({"type": "number", "range": [5, 1]}, ".range [5, 1] has its greatest first. Turn it round."),
        (
            {"type": "number", "range": [1]},
            ".range has to have two values, the least and the greatest; null where there is no end.",
        ),
        (
            {"type": "number", "range": [1, 2, 3]},
            ".range has to have two values, the least and the greatest; null where there is no end.",
        ),
        ({"type": "number", "range": "1-2"}, '.range cannot be "1-2": it has to be a list.'),
        ({"type": "number", "range": ["a", 2]}, '.range cannot be ["a", 2]: each end has to be a number or null.'),
        ({"range": [1, 2]}, ".range: a text has none. Take it out."),
        ({"type": "number", "range": [1, 2], "default": 3}, ".default cannot be 3: it takes a number from 1 to 2."),
        ({"type": "integer", "range": [1, None], "default": 0}, ".default cannot be 0: it takes an integer from 1 on."),
        (
            {"type": "date", "range": [None, "2026-01-01"], "default": "2026-01-02"},
            '.default cannot be "2026-01-02": it takes a date (2026-01-31) up to 2026-01-01.',
        ),
    ],
)
def test_what_is_wrong_with_a_parameter(parameter: dict[str, Any], sentence: str) -> None:
    assert wrong(parameters={"site": parameter}) == [f"config.json: parameters.site{sentence}"]


@pytest.mark.parametrize("name", ["class", "a b", "1a", "", "e\u0301", "language", "TOKEN", "api_key", "\ud800"])
def test_names_that_no_parameter_has(name: str) -> None:
    (sentence,) = wrong(parameters={name: {}})
    assert sentence.startswith("config.json: parameters.")
    sentence.encode()


@pytest.mark.parametrize(
    ("parameter", "given", "value"),
    [
        ({}, "a\"b'\n$X{{ 7 }}", "a\"b'\n$X{{ 7 }}"),
        ({}, Text("007"), "007"),
        ({}, Text(""), ""),
        ({"type": "number"}, Text("1.50"), 1.5),
        ({"type": "number"}, Text("2"), 2),
        ({"type": "integer"}, Text("1_000"), 1_000),
        ({"type": "integer"}, 10**30, 10**30),
        ({"type": "boolean"}, Text("no"), False),
        ({"type": "boolean"}, 1, True),
        ({"type": "date"}, Text("2026-01-31"), "2026-01-31"),
        ({"type": "date"}, dt.date(2026, 1, 31), "2026-01-31"),
        ({"type": "date"}, dt.datetime.fromisoformat("2026-01-31"), "2026-01-31"),
        ({"type": "choice", "choices": ["a", 1, 2.5]}, Text("1"), 1),
        ({"type": "choice", "choices": ["a", 1, 2.5]}, Text("2.5"), 2.5),
    ],
)
def test_values_that_fit(parameter: dict[str, Any], given: Any, value: Any) -> None:
    made = typed(of(x=parameter), {"x": given})
    assert made == {"x": value}
    assert type(made["x"]) is type(value)


@pytest.mark.parametrize(
    ("parameter", "given", "sentence"),
    [
        ({"type": "number"}, Text("1e400"), "cannot be '1e400': it takes a finite number."),
        ({"type": "number"}, float("nan"), "cannot be nan: it takes a finite number."),
        ({"type": "number"}, Text("one"), "cannot be 'one': it takes a number."),
        ({"type": "integer", "range": [1, 3]}, Text("4"), "cannot be '4': it takes an integer from 1 to 3."),
        ({"type": "integer"}, Text("1.5"), "cannot be '1.5': it takes an integer."),
        ({"type": "date"}, Text("31/01/2026"), "cannot be '31/01/2026': it takes a date (2026-01-31)."),
        ({"type": "date"}, dt.datetime.fromisoformat("2026-01-31T12:00"), "it takes a date (2026-01-31)."),
        ({"type": "boolean"}, Text("maybe"), "cannot be 'maybe': it takes true or false (yes or no, 1 or 0)."),
        ({"type": "choice", "choices": ["a", "b"]}, Text("c"), "cannot be 'c': it takes 'a' or 'b'."),
        ({}, 3, "cannot be 3: it takes a text."),
        ({}, "\ud800", "it takes text that UTF-8 can hold."),
        ({}, object(), "it takes a text."),
        ({}, ["a"], "cannot be ['a']: it takes a text."),
    ],
)
def test_values_that_do_not_fit(parameter: dict[str, Any], given: Any, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        typed(of(x=parameter), {"x": given})
    assert str(raised.value).startswith("The parameter x cannot be ")
    assert str(raised.value).endswith(sentence)


def test_defaults_and_what_is_missing() -> None:
    read = config.read(json.dumps(WHOLE).encode())
    with pytest.raises(UsageError, match=r"The report needs site \('north' or 'south' or 3\): no value is given"):
        typed(read, {"site": None})
    with pytest.raises(UsageError, match=r"takes no parameter sit: did you mean site\?"):
        typed(read, {"sit": "north"})
    defaults = {"nominal": 230, "phases": 3, "draft": False, "remark": ""}
    assert typed(read, {"site": Text("north")}) == {"site": "north", **defaults}
    assert typed(of(), {"any": Text("1")}) == {"any": "1"}
    assert typed(of(é={}), {"e\u0301": "x"}) == {"\u00e9": "x"}


def test_a_default_and_what_has_to_be_given_nevertheless() -> None:
    with pytest.raises(UsageError, match="The report needs x"):
        typed(of(x={"default": "a", "required": True}), {})


def test_schedules_and_sentences_that_can_be_said() -> None:
    said = {
        "title": "x",
        "languages": ["en", "ca"],
        "asks": {"en": ["sales"], "ca": ["vendes", "venda"]},
        "schedules": {"daily": {"cron": "@daily", "for_each": [{"a": 1}], "deliver": [{"to": "mail:a@example.com"}]}},
    }
    read = config.read(json.dumps(said).encode())
    assert read.sentences == {"en": ("sales",), "ca": ("vendes", "venda")}
    assert read.schedules["daily"].catch_up == "once"
    assert read.schedules["daily"].for_each == ({"a": 1},)


@pytest.mark.parametrize(
    ("schedules", "sentence"),
    [
        ({"a b": {"cron": "@daily"}}, 'schedules: "a b" can be no name: take letters, digits, `_`, `-` and `.`.'),
        ({"a": {}}, "schedules.a.cron is missing. Add it."),
        ({"a": {"cron": "@daily", "crom": 1}}, "schedules.a.crom is not known; did you mean cron?"),
        (
            {"a": {"cron": "@daily", "catch_up": "twice"}},
            'schedules.a.catch_up cannot be "twice"; there are once, skip.',
        ),
        ({"a": {"cron": "@daily", "for_each": 3}}, "schedules.a.for_each cannot be 3: it has to be a text"),
        ({"a": {"cron": "x" * 201}}, "schedules.a.cron is longer than 200 characters. Say it in fewer words."),
        (
            {"a": {"cron": "@daily", "owner": "\ud800"}},
            "schedules.a holds what cannot be written down as JSON in UTF-8.",
        ),
    ],
)
def test_schedules_that_are_none(schedules: dict[str, Any], sentence: str) -> None:
    (found,) = wrong(schedules=schedules)
    assert found.startswith(f"config.json: {sentence}")
