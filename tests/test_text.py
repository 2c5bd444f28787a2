from __future__ import annotations

import json
import math
import sqlite3
import unicodedata
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given

from scrapdb.text import composed
from scrapdb.text import has_surrogates
from scrapdb.text import is_deep
from scrapdb.text import spelling
from scrapdb.text import valid_json
from scrapdb.text import valid_text
from tests.store.test_values import VALUES


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("", ""),
        ("plain", "plain"),
        ("é☃😀", "é☃😀"),
        ("a\ud800b", "a\\ud800b"),
        ("\udfff\udc80", "\\udfff\\udc80"),
    ],
)
def test_text_becomes_valid(text: str, valid: str) -> None:
    assert valid_text(text) == valid
    assert has_surrogates(text) == (text != valid)
    valid.encode()


@given(VALUES)
def test_json_is_valid_for_sqlite(value: Any) -> None:
    text = valid_json(value)
    text.encode()
    with closing(sqlite3.connect(":memory:")) as database:
        assert database.execute("SELECT json_valid(?)", (text,)).fetchone() == (1,)


def test_json_has_no_blanks_and_no_nan() -> None:
    assert valid_json({"é": [1, math.nan, "\ud800"]}) == '{"é":[1,null,"\\ud800"]}'


@pytest.mark.parametrize(
    ("value", "deep"),
    [
        ([[]] * 5000, False),
        (["[" * 5000], False),
        ("[" * 5000, False),
        (json.loads("[" * 200 + "1" + "]" * 200), False),
        (json.loads("[" * 201 + "1" + "]" * 201), True),
        (json.loads('{"a":[' * 101 + "1" + "]}" * 101), True),
    ],
)
def test_levels_of_lists_and_dicts_are_counted(value: Any, deep: bool) -> None:
    assert is_deep(value, json.dumps(value)) == deep


def test_names_that_look_the_same_are_the_same() -> None:
    forms = [unicodedata.normalize(form, "gr\u00f6\u00dfe \u00c5 \uac00") for form in ("NFC", "NFD")]
    assert len({*forms}) == 2
    assert {*map(composed, forms)} == {forms[0]}
    assert composed("\u212a") == "K"  # the sign of Kelvin
    assert composed("\ud800e\u0301") == "\ud800\u00e9"
    assert composed("\ufb01\u00b2") == "\ufb01\u00b2"  # which look other than `fi2`


def test_the_last_spelling_is_taken() -> None:
    assert spelling("\u00e9", ["a", "e\u0301", "b"]) == "e\u0301"
    assert spelling("e\u0301", ["e\u0301", "\u00e9"]) == "\u00e9"
    assert spelling("\u00e9", ["a"]) == "\u00e9"
