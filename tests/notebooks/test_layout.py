from __future__ import annotations

import json

import pytest

from scrapdb.notebooks.layout import Layout
from scrapdb.notebooks.layout import layout
from scrapdb.notebooks.spans import container

VALUE = {"b": [1, {"é": "text", "a": {}}], "a": [], "c": None}
STYLES = {
    "nbformat": {"indent": 1, "ensure_ascii": False, "sort_keys": True},
    "json": {},
    "compact": {"separators": (",", ":")},
    "ascii": {"indent": 2, "ensure_ascii": True},
    "tabs": {"indent": "\t", "ensure_ascii": False},
    "Python 2": {"indent": 1, "separators": (", ", ": ")},
    "no indent": {"indent": 0},
    "aired": {"indent": 4, "separators": (",", " : ")},
}


def layout_of(text: str) -> Layout:
    return layout(text, container(text))


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_value_is_written_as_the_text_that_was_seen(style: dict[str, object], ends: str) -> None:
    text = json.dumps(VALUE, **style).replace("\n", ends)  # type: ignore[arg-type]
    assert layout_of(text).write(VALUE) == text


def test_what_is_written_inside_is_indented() -> None:
    text = json.dumps({"nbformat": 4, "cells": [{"outputs": [VALUE]}]}, indent=2)
    inside = layout_of(text).inside(4)
    assert f"{inside.line_break}{inside.write(VALUE)}" in text


@pytest.mark.parametrize(
    ("text", "is_ascii"),
    [
        (r'{"a": "\u00e9"}', True),
        (r'{"a": "\\\u00E9"}', True),
        (r'{"a": "\ud83d\ude00"}', True),
        (r'{"a": "\u001b[0m"}', False),  # no file can hold it otherwise
        (r'{"a": "\\u00e9"}', False),  # a backslash, and four letters
        (r'{"a": "\u00e9", "b": "é"}', False),
        ('{"a": 1}', False),
    ],
)
def test_escapes_say_whether_characters_are_escaped(text: str, is_ascii: bool) -> None:
    assert layout_of(text).write("é") == ('"\\u00e9"' if is_ascii else '"é"')


def test_lone_surrogates_are_escaped() -> None:
    assert layout_of('{"a": "é"}').write("é\ud800") == '"é\\ud800"'


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        layout_of('{"a": 1}').write(float("nan"))
