"""The tokens of an expression and the place in them: what every rule of the grammar stands on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from scrapdb.errors import ExpressionError
from scrapdb.query import lexer

# Python's stack holds 1,000 calls; a level takes eight of them while parsing.
MAX_DEPTH = 64

_NAMES = ("name", "quoted")
_MARKS = "needs backticks, a text quotes"

T = TypeVar("T")


class TokenReader:
    """The tokens of a text, read from first to last."""

    def __init__(self, text: str) -> None:
        self.tokens = lexer.tokenize(text)
        self.position = 0
        self.depth = 0

    @property
    def token(self) -> lexer.Token:
        """The next token."""
        return self.tokens[self.position]

    def at(self, *words: str, ahead: int = 0) -> bool:
        """Whether one of these keywords and signs comes next, or so many tokens ahead."""
        token = self.tokens[self.position + ahead]
        return token.kind in ("keyword", "sign") and token.value in words

    def at_end(self, *, ahead: int = 0) -> bool:
        """Whether the text ends here, or so many tokens ahead."""
        return self.tokens[self.position + ahead].kind == "end"

    def take(self) -> lexer.Token:
        """Go past the next token."""
        token = self.token
        self.position += 1
        return token

    def accept(self, *words: str) -> lexer.Token | None:
        """Go past one of these keywords and signs, if it comes next."""
        return self.take() if self.at(*words) else None

    def expect(self, word: str) -> lexer.Token:
        """Go past a keyword or sign that must come next."""
        if not self.at(word):
            raise self.unexpected(f"`{word}`")
        return self.take()

    def since(self, first: lexer.Span) -> lexer.Span:
        """Reach from a place to the last token that was read."""
        return first.to(self.tokens[self.position - 1].span)

    def unexpected(self, wanted: str) -> ExpressionError:
        """Tell what should stand here, and if it looks as if a name or a text were meant, what it needs."""
        token = self.token
        last = self.tokens[self.position - 1] if self.position else token
        if last.kind in _NAMES and token.kind in (*_NAMES, "number"):
            whole = self.word_before().to(token.span)
            return whole.error(f"Expected {wanted} before {token}; a name like `{whole.source}` {_MARKS}")
        if token.kind == "keyword" and not (last.kind in (*_NAMES, "number", "text") or last.value == ")"):
            return token.span.error(f"Expected {wanted}, not {token}; a field of that name {_MARKS}")
        return token.span.error(f"Expected {wanted}, not {token}")

    def word_before(self) -> lexer.Span:
        """The tokens before this one that stand together without a space."""
        first = self.position - 1
        while first and self.tokens[first - 1].span.end == self.tokens[first].span.start:
            first -= 1
        return self.tokens[first].span

    def deeper(self, rule: Callable[[], T]) -> T:
        """Apply a rule one level further down."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.token.span.error(f"The expression is nested more than {MAX_DEPTH} levels deep")
        result = rule()
        self.depth -= 1
        return result
