"""Tokens to trees, by recursive descent.

The language, where keywords may be in any case and `&`, `&&`, `|`, `||` are other spellings of `and` and `or`::

    expression = and_terms { "or" and_terms }
    and_terms  = not_term { "and" not_term }
    not_term   = "not" not_term | ("!" | "~") primary | comparison
    comparison = sum { relation sum }
               | sum ["not"] "in" list
               | sum ["not"] "between" sum "and" sum
               | sum ["not"] ("like" | "contains") sum
               | sum ("~" | "!~") sum
               | ( sum | "(" expression ")" ) "is" ["not"] "null"
    relation   = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
    list       = "(" sum { "," sum } [","] ")" | "[" sum { "," sum } [","] "]"
    sum        = product { ("+" | "-") product }
    product    = minus { ("*" | "/" | "%") minus }
    minus      = "-" minus | primary
    primary    = number | text | "true" | "false" | call | field | "(" expression ")"
    call       = word "(" [ sum { "," sum } ] ")" | ( over_time | aggregate ) "(" [ "*" | expression ] ")"
    field      = [ ("scrap" | "param" | "nb" | "exec" | "report") "." ] name { "." name | "[" index "]" | "[" text "]" }
    name       = word | "`" any characters, "``" for one backtick "`"
    index      = ["-"] digits
    text       = "'" any characters, "''" for one "'" | '"' any characters, '""' for one '"'

    columns    = column { "," column }
    column     = "*" | expression [ "as" ( name | text ) ]
    sort       = key { "," key }
    key        = ["-"] expression

The words for aggregates and functions over time are in `functions`. A chain such as `0.05 < x <= 0.1` and `between`
become conjunctions; `x = 1 or x = 2` becomes `x in (1, 2)`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from collections.abc import Sequence

from scrapdb.query import folding
from scrapdb.query import nodes
from scrapdb.query.frozen import Frozen
from scrapdb.query.functions import AGGREGATES
from scrapdb.query.functions import OVER_TIME
from scrapdb.query.lexer import Span
from scrapdb.query.lexer import Token
from scrapdb.query.tokens import MAX_DEPTH
from scrapdb.query.tokens import T
from scrapdb.query.tokens import TokenReader
from scrapdb.text import composed

# One text is read for its columns, its rows and their number, and again for the next page. Trees may be large.
_REMEMBERED = 8
_RELATIONS = ("=", "!=", "<", "<=", ">", ">=")
_FACTORS = ("*", "/", "%")
_PREDICATES = ("in", "between", "like", "contains", "is", "~", "!~", "not")


class Column(Frozen):
    """A column to show: its label and the expression."""

    label: str
    node: nodes.Node


class SortKey(Frozen):
    """An expression to sort by."""

    node: nodes.Value
    descending: bool


@functools.lru_cache(maxsize=_REMEMBERED)
def parse(text: str) -> nodes.Truth:
    """Read an expression.

    Raises:
        ExpressionError: it is not one; the error knows the place.
    """
    return _Parser(text).read(_Parser.truth)


@functools.lru_cache(maxsize=_REMEMBERED)
def parse_columns(text: str) -> tuple[Column, ...]:
    """Read a list of columns: `symbol, distance * 100 as pct, nb.status` or `*`.

    Raises:
        ExpressionError: it is not one; the error knows the place.
    """
    return tuple(_Parser(text).read(lambda parser: parser.listed(parser.column)))


@functools.lru_cache(maxsize=_REMEMBERED)
def parse_sort(text: str) -> tuple[SortKey, ...]:
    """Read the keys to sort by: `-distance, symbol`.

    Raises:
        ExpressionError: it is not a list of keys; the error knows the place.
    """
    return tuple(_Parser(text).read(lambda parser: parser.listed(parser.sort_key)))


class _Parser(TokenReader):
    """A method for each rule of the grammar."""

    def read(self, rule: Callable[[_Parser], T]) -> T:
        """Apply a rule to the whole text."""
        if self.at_end():
            raise self.token.span.error("There is nothing to read: the expression is empty")
        result = rule(self)
        if not self.at_end():
            raise self.unexpected("an operator such as `and`")
        return result

    # Lists

    def listed(self, rule: Callable[[], T]) -> list[T]:
        items = [rule()]
        while self.accept(","):
            items.append(rule())
        return items

    def column(self) -> Column:
        first = self.token.span
        if self.at("*") and (self.at(",", ahead=1) or self.at_end(ahead=1)):
            return Column("*", nodes.Star(span=self.take().span))
        node = self.shallow(self.expression())
        label = _label(node, self.since(first))
        if self.accept("as"):
            if self.token.kind not in ("name", "quoted", "text"):
                raise self.unexpected("a name for the column")
            label = str(self.take().value)
        return Column(label, node)

    def sort_key(self) -> SortKey:
        descending = self.accept("-") is not None
        return SortKey(folding.as_value(self.shallow(self.expression())), descending)

    # Truths

    def truth(self) -> nodes.Truth:
        return folding.as_truth(self.shallow(self.expression()))

    def shallow(self, node: nodes.Node) -> nodes.Node:
        for found, depth in nodes.walk(node):
            if depth > MAX_DEPTH:
                raise found.span.error(f"The calculation has more than {MAX_DEPTH} steps")
        return node

    def expression(self) -> nodes.Node:
        return self.joined("or", self.and_terms, folding.any_of)

    def and_terms(self) -> nodes.Node:
        return self.joined("and", self.not_term, folding.all_of)

    def joined(
        self, word: str, rule: Callable[[], nodes.Node], join: Callable[[Sequence[nodes.Truth], Span], nodes.Truth]
    ) -> nodes.Node:
        first = self.token.span
        terms = [rule()]
        while self.accept(word):
            terms.append(rule())
        return terms[0] if len(terms) == 1 else join([folding.as_truth(term) for term in terms], self.since(first))

    def not_term(self) -> nodes.Node:
        first = self.token
        if self.accept("not"):
            operand = self.deeper(self.not_term)
        elif self.accept("!", "~"):
            operand = self.deeper(self.not_term if self.at("!", "~") else self.primary)
            if self.at(*_RELATIONS, *_PREDICATES, "+", "-", *_FACTORS):
                place = self.since(first.span).to(self.token.span)
                raise place.error(
                    f"`{first.value}` before a comparison can be read in two ways: "
                    f"write `{first.value}(… {self.token.value} …)`"
                )
        else:
            return self.comparison()
        return nodes.Not(folding.as_truth(operand), span=self.since(first.span))

    def comparison(self) -> nodes.Node:
        left = self.sum()
        if not self.at(*_PREDICATES):
            return self.chain(left)
        negated = self.at("not") or self.at("!~")
        if isinstance(left, nodes.Truth) and self.at("is"):
            return self.undecided(left)
        operand = folding.as_value(left)
        if self.accept("not") and not self.at("in", "between", "like", "contains"):
            raise self.unexpected("`in`, `between`, `like` or `contains` after `not`")
        word = str(self.take().value)
        if word == "is":
            negated = self.accept("not") is not None
        return self.compared(self.predicate(word, operand), negated=negated)

    def undecided(self, left: nodes.Truth) -> nodes.Truth:
        self.expect("is")
        negated = self.accept("not") is not None
        self.expect("null")
        return self.compared(nodes.IsNeither(left, span=self.since(left.span)), negated=negated)

    def compared(self, node: nodes.Truth, *, negated: bool) -> nodes.Truth:
        if self.at(*_RELATIONS, *_PREDICATES):
            raise self.token.span.error(f"{self.token} cannot follow a comparison: use parentheses")
        return nodes.Not(node, span=node.span) if negated else node

    def predicate(self, word: str, left: nodes.Value) -> nodes.Truth:
        if word == "is":
            self.expect("null")
            return nodes.IsNull(left, span=self.since(left.span))
        if word == "in":
            return self.choice(left)
        right = self.value()
        if word == "between":
            self.expect("and")
            highest = self.value()
            span = self.since(left.span)
            ends = nodes.Comparison(">=", left, right, span=span), nodes.Comparison("<=", left, highest, span=span)
            return nodes.And(ends, span=span)
        return nodes.Comparison("~" if word == "!~" else word, left, right, span=self.since(left.span))

    def choice(self, left: nodes.Value) -> nodes.Truth:
        opening = self.accept("(", "[")
        if opening is None:
            raise self.unexpected("a list in parentheses after `in`")
        closing = ")" if opening.value == "(" else "]"
        items = [self.value()]
        while self.accept(",") and not self.at(closing):
            items.append(self.value())
        self.expect(closing)
        span = self.since(left.span)
        constants = tuple(item for item in items if isinstance(item, nodes.Constant))
        terms: list[nodes.Truth] = [nodes.In(left, constants, span=span)] if constants else []
        terms += [
            nodes.Comparison("=", left, item, span=span) for item in items if not isinstance(item, nodes.Constant)
        ]
        return folding.any_of(terms, span)

    def chain(self, left: nodes.Node) -> nodes.Node:
        terms: list[nodes.Truth] = []
        while operator := self.accept(*_RELATIONS):
            value = folding.as_value(left)
            right = self.value()
            terms.append(nodes.Comparison(str(operator.value), value, right, span=self.since(left.span)))
            left = right
        if not terms:
            return left
        if self.at(*_PREDICATES):
            raise self.token.span.error(f"{self.token} cannot follow a comparison: use parentheses")
        return folding.all_of(terms, terms[0].span.to(terms[-1].span))

    # Values

    def value(self) -> nodes.Value:
        return folding.as_value(self.sum())

    def sum(self) -> nodes.Node:
        return self.calculation(("+", "-"), self.product)

    def product(self) -> nodes.Node:
        return self.calculation(_FACTORS, self.minus)

    def calculation(self, operators: Sequence[str], rule: Callable[[], nodes.Node]) -> nodes.Node:
        left = rule()
        while operator := self.accept(*operators):
            value = folding.as_value(left)
            left = nodes.Arithmetic(str(operator.value), value, folding.as_value(rule()), span=self.since(value.span))
        return left

    def minus(self) -> nodes.Node:
        sign = self.accept("-")
        if sign is None:
            return self.primary()
        operand = folding.as_value(self.deeper(self.minus))
        span = self.since(sign.span)
        if isinstance(operand, nodes.Constant) and not isinstance(operand.value, bool | str):
            return nodes.Constant(-operand.value, span=span)
        return nodes.Negative(operand, span=span)

    def primary(self) -> nodes.Node:
        token = self.token
        if token.kind in ("number", "text"):
            return nodes.Constant(self.take().value, span=token.span)
        if self.accept("true", "false"):
            return nodes.Constant(token.value == "true", span=token.span)
        if self.accept("("):
            node = self.deeper(self.expression)
            self.expect(")")
            return node
        if token.kind == "name" and self.at("(", ahead=1):
            return self.call()
        if token.kind in ("name", "quoted"):
            return self.field()
        if self.at("null"):
            raise token.span.error("Nothing equals null: use `is null` or `is not null`")
        raise self.unexpected("a field or a value")

    def call(self) -> nodes.Value:
        name = self.take()
        function = str(name.value).lower()
        self.expect("(")
        if function in AGGREGATES:
            return self.aggregate(name, function)
        if function in OVER_TIME:
            return nodes.OverTime(function, self.arguments(), span=self.since(name.span))
        arguments = [] if self.at(")") else self.deeper(lambda: self.listed(self.value))
        self.expect(")")
        return nodes.Call(function, tuple(arguments), span=self.since(name.span))

    def aggregate(self, name: Token, function: str) -> nodes.Aggregate:
        if self.at("*") and self.at(")", ahead=1):
            self.take()
        return nodes.Aggregate(function, self.arguments(), span=self.since(name.span))

    def arguments(self) -> tuple[nodes.Node, ...]:
        arguments = [] if self.at(")") else self.deeper(lambda: self.listed(self.expression))
        self.expect(")")
        return tuple(arguments)

    # Fields

    def field(self) -> nodes.Name:
        first = self.take()
        role = next(
            (role for role in nodes.ROLES if first.kind == "name" and first.value == role and self.accept(".")), None
        )
        name = self.word() if role else first
        dotted: list[str] = []
        path: list[str | int] = []
        while step := self.accept(".", "["):
            if step.value == "[":
                path.append(self.key())
                continue
            word = self.word()
            certain = path or "quoted" in (name.kind, word.kind)
            (path if certain else dotted).append(_spelled(word))
        return nodes.Name(role or "", composed(_spelled(name)), tuple(dotted), tuple(path), span=self.since(first.span))

    def word(self) -> Token:
        # After a dot, every word is a name.
        if not (self.token.kind in ("name", "quoted") or self.token.span.source.isidentifier()):
            raise self.unexpected("a name after the dot")
        return self.take()

    def key(self) -> str | int:
        sign = self.accept("-")
        token = self.take()
        if token.kind == "text" and not sign:
            key: str | int = str(token.value)
        elif isinstance(token.value, int):
            key = -token.value if sign else token.value
        else:
            raise token.span.error("Expected a whole number or a text in the brackets")
        self.expect("]")
        return key


def _label(node: nodes.Node, span: Span) -> str:
    """A field is called what it is, without backticks; a calculation, or a part of a field, what was typed."""
    if isinstance(node, nodes.Name) and node.span == span and not (node.dotted or node.path):
        return node.label
    return span.source


def _spelled(word: Token) -> str:
    """A name as it is written: a keyword's value is its lower case."""
    return word.span.source if word.kind == "keyword" else str(word.value)
