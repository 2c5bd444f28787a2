from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.notebooks.spans import container

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
CONTAINERS = st.recursive(
    st.lists(LEAVES) | st.dictionaries(st.text(), LEAVES),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
BLANKS = st.text(alphabet=" \t\r\n", max_size=3)


@settings(max_examples=50, deadline=None)
@given(value=CONTAINERS, indent=st.none() | BLANKS, comma=BLANKS, colon=BLANKS, around=BLANKS)
def test_parts_are_where_json_has_them(value: object, indent: str | None, comma: str, colon: str, around: str) -> None:
    written = json.dumps(value, indent=indent, separators=(f"{comma},{comma}", f"{colon}:{colon}"))
    text = around + written + around
    whole = container(text)
    assert text[whole.start : whole.end] == written
    parts = [(part.key, json.dumps(json.loads(text[part.value : part.end]))) for part in whole.parts]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    assert parts == [(key if isinstance(value, dict) else None, json.dumps(item)) for key, item in pairs]


def test_a_member_begins_with_its_key() -> None:
    text = '{ "a" : [1, {"b": "}]"}] , "a": 2 }'
    whole = container(text)
    assert [text[part.start : part.end] for part in whole.parts] == ['"a" : [1, {"b": "}]"}]', '"a": 2']
    assert whole.member("a") == text.index("2")  # as json.loads(text)["a"]
    with pytest.raises(KeyError):
        whole.member("b")


def test_what_has_no_parts_is_refused() -> None:
    with pytest.raises(KeyError):
        container("[null]", 1)


def test_numbers_of_any_length_are_passed_over() -> None:
    digits = "9" * (sys.get_int_max_str_digits() + 1)
    assert [part.key for part in container(f'{{"a": {digits}, "b": 1e999}}').parts] == ["a", "b"]
