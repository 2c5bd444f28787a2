"""Text to tokens: the words, numbers, texts and signs of an expression, each with its place."""

from __future__ import annotations

import re
from typing import Literal
from typing import NamedTuple

from scrapdb.errors import ExpressionError
from scrapdb.query.frozen import Frozen

Kind = Literal["number", "text", "name", "quoted", "keyword", "sign", "end"]

KEYWORDS = frozenset({"and", "as", "between", "contains", "false", "in", "is", "like", "not", "null", "or", "true"})

_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SIGNS = frozenset({"<>", "!=", "<=", ">=", "==", "&&", "||", "!~", *"-<>=~!&|+*/%()[],."})
_SAME = {"==": "=", "<>": "!=", "&": "and", "&&": "and", "|": "or", "||": "or"}
# Python refuses to read longer integers.
_LONGEST_INTEGER = 4000


class Span(NamedTuple):
    """A place in an expression: the whole text and the offsets, in characters, of its part."""

    text: str
    start: int
    end: int

    @property
    def source(self) -> str:
        """The part itself."""
        return self.text[self.start : self.end]

    def to(self, last: Span) -> Span:
        """Reach from here to the end of another place."""
        return Span(self.text, self.start, last.end)

    def error(self, message: str) -> ExpressionError:
        """Blame this place."""
        return ExpressionError(message, self.text, self.start, self.end)


class Token(Frozen):
    """A word of the language.

    `value` is what it means: a number, the text without its quotes, the one spelling of an operator.
    """

    kind: Kind
    value: str | int | float
    span: Span

    def __str__(self) -> str:
        """Name the token as an error message does."""
        return "the end" if self.kind == "end" else f"`{self.span.source}`"


def tokenize(text: str) -> list[Token]:
    """Split an expression into tokens; the last one is of kind `end`.

    Raises:
        ExpressionError: a character that begins nothing, or a text that is not closed.
    """
    tokens = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        token = _token(text, position)
        tokens.append(token)
        position = token.span.end
    return [*tokens, Token("end", "", Span(text, len(text), len(text)))]


def is_plain(name: str) -> bool:
    """Whether a name can stand in an expression without backticks."""
    return name.isidentifier() and name.lower() not in KEYWORDS


def _token(text: str, start: int) -> Token:
    char = text[start]
    if match := _NUMBER.match(text, start):
        return _number(Span(text, start, match.end()))
    if char in "'\"`":
        return _quoted(text, start)
    if char.isidentifier():
        return _word(text, start)
    # The longest first, since `<` is also the beginning of `<=`.
    for found in (text[start : start + 2], char):
        if found in _SIGNS:
            sign = _SAME.get(found, found)
            return Token("keyword" if sign in KEYWORDS else "sign", sign, Span(text, start, start + len(found)))
    shown = f"`{char}`" if char.isprintable() else f"The character U+{ord(char):04X}"
    raise Span(text, start, start + 1).error(f"{shown} means nothing here")


def _number(span: Span) -> Token:
    follower = span.text[span.end : span.end + 1]
    if ("_" + follower).isidentifier() and follower:
        end = _word(span.text, span.end).span.end
        word = Span(span.text, span.start, end)
        raise word.error(f"`{word.source}` is not a number; a name that starts with a digit needs backticks")
    digits = span.source
    whole = digits.isdigit() and len(digits) <= _LONGEST_INTEGER
    return Token("number", int(digits) if whole else float(digits), span)


def _quoted(text: str, start: int) -> Token:
    quote = text[start]
    last = text.find(quote, start + 1)
    if last < 0:
        what = "name" if quote == "`" else "text"
        raise Span(text, start, len(text)).error(f"The {what} that starts here has no closing {quote}")
    while text.startswith(quote, last + 1) and (after := text.find(quote, last + 2)) >= 0:
        last = after
    value = text[start + 1 : last].replace(quote * 2, quote)
    return Token("quoted" if quote == "`" else "text", value, Span(text, start, last + 1))


def _word(text: str, start: int) -> Token:
    # Python's own idea of a name, since `\w` leaves out the combining marks that many scripts write words with.
    end = start + 1
    while end < len(text) and ("_" + text[end]).isidentifier():
        end += 1
    span = Span(text, start, end)
    lower = span.source.lower()
    return Token("keyword", lower, span) if lower in KEYWORDS else Token("name", span.source, span)
