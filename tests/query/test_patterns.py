from __future__ import annotations

import sqlite3
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.errors import UsageError
from scrapdb.query.patterns import after
from scrapdb.query.patterns import fault
from scrapdb.query.patterns import glob
from scrapdb.query.patterns import prefix
from scrapdb.query.patterns import register


@pytest.mark.parametrize(
    ("pattern", "expected", "start"),
    [
        ("This%", "This*", "This"),
        ("%a_", "*a?", ""),
        ("a*b?[c]", "a[*]b[?][[]c]", "a*b?[c]"),
        ("", "", ""),
        ("a_%", "a?*", "a"),
    ],
)
def test_like_becomes_glob(pattern: str, expected: str, start: str) -> None:
    assert (glob(pattern), prefix(pattern)) == (expected, start)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ab", "ac"), ("", None), ("a\U0010ffff", "b"), ("\U0010ffff", None), ("\ud7ff", "\ue000"), ("a\x7f", "a\x80")],
)
def test_after(text: str, expected: str | None) -> None:
    assert after(text) == expected


characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@given(st.text(characters, min_size=1), st.text(characters))
def test_all_texts_with_a_beginning_stand_before_the_one_after(start: str, rest: str) -> None:
    end = after(start)
    # SQLite compares the bytes.
    assert end is None or start.encode() <= (start + rest).encode() < end.encode()


@pytest.mark.parametrize("pattern", ["(", "a{2", r"(a)\1", "(?=a)", "[z-a]"])
def test_wrong_patterns_have_a_reason(pattern: str) -> None:
    assert (fault(pattern) is None) == (pattern == "a{2")


def test_functions() -> None:
    connection = sqlite3.connect(":memory:")
    register(connection)
    found = connection.execute("SELECT regexp('b.$', 'abc'), regexp('^b', 'abc'), regexp('a', NULL)")
    assert found.fetchone() == (1, 0, None)
    found = connection.execute("SELECT text_lower('ÉA'), text_upper('éa'), text_lower(NULL)")
    assert found.fetchone() == ("éa", "ÉA", None)


def test_no_pattern_takes_long() -> None:
    connection = sqlite3.connect(":memory:")
    register(connection)
    values = ("a" * 50_000 + "b", "a" * 5000, "*a" * 50 + "b")
    assert connection.execute("SELECT regexp('(a|aa|a?)*$', ?), ? GLOB ?", values).fetchone() == (1, 0)


def test_without_google_re2_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(UsageError, match=r"^`~` searches with google-re2, .* `pip install 'scrapdb\[regex\]'`\.$"):
        fault("a pattern of this test")
