from __future__ import annotations

import math

import pytest

from scrapdb.errors import ExpressionError
from scrapdb.query.lexer import tokenize


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("distance<0.1", [("name", "distance"), ("sign", "<"), ("number", 0.1)]),
        ("1 1.5 .5 1e-3 2.", [("number", 1), ("number", 1.5), ("number", 0.5), ("number", 0.001), ("number", 2.0)]),
        ("'it''s' \"a\"\"b\"", [("text", "it's"), ("text", 'a"b')]),
        (r"'^\d+$'", [("text", r"^\d+$")]),
        ("`a``b` ``", [("quoted", "a`b"), ("quoted", "")]),
        ("AND Or nOt In", [("keyword", "and"), ("keyword", "or"), ("keyword", "not"), ("keyword", "in")]),
        ("& && | ||", [("keyword", "and"), ("keyword", "and"), ("keyword", "or"), ("keyword", "or")]),
        ("== <> != <=", [("sign", "="), ("sign", "!="), ("sign", "!="), ("sign", "<=")]),
        ("größe _x\n\tनाम", [("name", "größe"), ("name", "_x"), ("name", "नाम")]),
        ("dj.a[0]", [("name", "dj"), ("sign", "."), ("name", "a"), ("sign", "["), ("number", 0), ("sign", "]")]),
        ("", []),
    ],
)
def test_tokens(text: str, tokens: list[object]) -> None:
    found = [(token.kind, token.value) for token in tokenize(text)]
    assert found.pop() == ("end", "")
    assert found == tokens


def test_tokens_know_their_place() -> None:
    text = "a  >= 'x'"
    assert [(token.span.start, token.span.end) for token in tokenize(text)] == [(0, 1), (3, 5), (6, 9), (9, 9)]
    assert [token.span.source for token in tokenize(text)] == ["a", ">=", "'x'", ""]


def test_a_number_of_ten_thousand_digits_is_infinite() -> None:
    assert tokenize("9" * 10_000)[0].value == math.inf


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("a < 'b", "The text that starts here has no closing '", (4, 6)),
        ("'a''", "The text that starts here has no closing '", (3, 4)),
        ("`a", "The name that starts here has no closing `", (0, 2)),
        ("a § b", "`§` means nothing here", (2, 3)),
        ("a \x1b b", "The character U+001B means nothing here", (2, 3)),
        ("1st < 2", "`1st` is not a number; a name that starts with a digit needs backticks", (0, 3)),
    ],
)
def test_errors(text: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(ExpressionError) as raised:
        tokenize(text)
    assert (raised.value.message, (raised.value.start, raised.value.end)) == (message, place)
