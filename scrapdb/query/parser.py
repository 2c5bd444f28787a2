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
               | sum "is" ["not"] "null"
    relation   = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
    list       = "(" sum { "," sum } [","] ")" | "[" sum { "," sum } [","] "]"
    sum        = product { ("+" | "-") product }
    product    = minus { ("*" | "/") minus }
    minus      = "-" minus | primary
    primary    = number | text | "true" | "false" | call | field | "(" expression ")"
    call       = word "(" [ sum { "," sum } ] ")"
    field      = [ ("scrap" | "param" | "nb") "." ] name { "." name | "[" index "]" | "[" text "]" }
    name       = word | "`" any characters, "``" for one backtick "`"
    index      = ["-"] digits
    text       = "'" any characters, "''" for one "'" | '"' any characters, '""' for one '"'

    columns    = column { "," column }
    column     = "*" | expression [ "as" ( name | text ) ]
    sort       = key { "," key }
    key        = ["-"] expression

A chain such as `0.05 < x <= 0.1` and `between` become conjunctions; `x = 1 or x = 2` becomes `x in (1, 2)`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import NamedTuple
from typing import TypeVar

from scrapdb.query.lexer import Span
from scrapdb.query.lexer import Token
from scrapdb.query.lexer import tokenize
from scrapdb.query.nodes import ROLES
from scrapdb.query.nodes import And
from scrapdb.query.nodes import Arithmetic
from scrapdb.query.nodes import Call
from scrapdb.query.nodes import Comparison
from scrapdb.query.nodes import Constant
from scrapdb.query.nodes import Holds
from scrapdb.query.nodes import In
from scrapdb.query.nodes import IsNull
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import Negative
from scrapdb.query.nodes import Node
from scrapdb.query.nodes import Not
from scrapdb.query.nodes import Or
from scrapdb.query.nodes import Role
from scrapdb.query.nodes import Truth
from scrapdb.query.nodes import Value
from scrapdb.query.nodes import walk

# Python's stack holds 1,000 calls; a level takes eight of them while parsing.
MAX_DEPTH = 64

_RELATIONS = ("=", "!=", "<", "<=", ">", ">=")
_PREDICATES = ("in", "between", "like", "contains", "is", "~", "!~", "not")

T = TypeVar("T")


class Column(NamedTuple):
    """A column to show: its label and the expression, or None for `*`, every field."""

    label: str
    node: Node | None


class SortKey(NamedTuple):
    """An expression to sort by."""

    node: Value
    descending: bool


def parse(text: str) -> Truth:
    """Read an expression.

    Raises:
        ExpressionError: it is not one; the error knows the place.
    """
    return _Parser(text).read(_Parser.truth)


def parse_columns(text: str) -> tuple[Column, ...]:
    """Read a list of columns: `symbol, distance * 100 as pct, nb.status` or `*`.

    Raises:
        ExpressionError: it is not one; the error knows the place.
    """
    return tuple(_Parser(text).read(lambda parser: parser.listed(parser.column)))


def parse_sort(text: str) -> tuple[SortKey, ...]:
    """Read the keys to sort by: `-distance, symbol`.

    Raises:
        ExpressionError: it is not a list of keys; the error knows the place.
    """
    return tuple(_Parser(text).read(lambda parser: parser.listed(parser.sort_key)))


class _Parser:
    """The tokens and the place in them."""

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.position = 0
        self.depth = 0

    def read(self, rule: Callable[[_Parser], T]) -> T:
        """Apply a rule to the whole text."""
        if self.token.kind == "end":
            raise self.token.span.error("There is nothing to read: the expression is empty")
        result = rule(self)
        if self.token.kind != "end":
            raise self.unexpected("an operator such as `and`")
        return result

    # Tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def at(self, *words: str, ahead: int = 0) -> bool:
        token = self.tokens[min(self.position + ahead, len(self.tokens) - 1)]
        return token.kind in ("keyword", "sign") and token.value in words

    def take(self) -> Token:
        token = self.token
        self.position += 1
        return token

    def accept(self, *words: str) -> Token | None:
        return self.take() if self.at(*words) else None

    def expect(self, word: str) -> Token:
        if not self.at(word):
            raise self.unexpected(f"`{word}`")
        return self.take()

    def since(self, first: Span) -> Span:
        return first.to(self.tokens[self.position - 1].span)

    def unexpected(self, wanted: str) -> Exception:
        token = self.token
        last = self.tokens[self.position - 1] if self.position else token
        if token.kind in ("name", "quoted", "number") and last.kind in ("name", "quoted", "number"):
            both = last.span.to(token.span)
            return both.error(f"Expected {wanted} before {token}; a name like `{both.source}` needs backticks")
        if token.kind == "keyword" and not (last.kind in ("name", "quoted", "number", "text") or last.value == ")"):
            return token.span.error(f"Expected {wanted}, not {token}; a field of that name needs backticks")
        return token.span.error(f"Expected {wanted}, not {token}")

    def deeper(self, rule: Callable[[], T]) -> T:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.token.span.error(f"The expression is nested more than {MAX_DEPTH} levels deep")
        result = rule()
        self.depth -= 1
        return result

    # Lists

    def listed(self, rule: Callable[[], T]) -> list[T]:
        items = [rule()]
        while self.accept(","):
            items.append(rule())
        return items

    def column(self) -> Column:
        first = self.token.span
        if self.at("*") and (self.at(",", ahead=1) or self.tokens[self.position + 1].kind == "end"):
            self.take()
            return Column("*", None)
        node = self.shallow(self.expression())
        label = self.since(first).source
        if self.accept("as"):
            if self.token.kind not in ("name", "quoted", "text"):
                raise self.unexpected("a name for the column")
            label = str(self.take().value)
        return Column(label, node)

    def sort_key(self) -> SortKey:
        descending = self.accept("-") is not None
        return SortKey(_value(self.shallow(self.expression())), descending)

    # Truths

    def truth(self) -> Truth:
        return _truth(self.shallow(self.expression()))

    def shallow(self, node: Node) -> Node:
        for found, depth in walk(node):
            if depth > MAX_DEPTH:
                raise found.span.error(f"The calculation has more than {MAX_DEPTH} steps")
        return node

    def expression(self) -> Node:
        first = self.token.span
        terms = self.joined("or", self.and_terms)
        return terms[0] if len(terms) == 1 else _any([_truth(term) for term in terms], self.since(first))

    def and_terms(self) -> Node:
        first = self.token.span
        terms = self.joined("and", self.not_term)
        return terms[0] if len(terms) == 1 else _all([_truth(term) for term in terms], self.since(first))

    def joined(self, word: str, rule: Callable[[], Node]) -> list[Node]:
        terms = [rule()]
        while self.accept(word):
            terms.append(rule())
        return terms

    def not_term(self) -> Node:
        first = self.token
        if self.accept("not"):
            operand = self.deeper(self.not_term)
        elif self.accept("!", "~"):
            operand = self.deeper(self.not_term if self.at("!", "~") else self.primary)
            if self.at(*_RELATIONS, *_PREDICATES, "+", "-", "*", "/"):
                raise self.since(first.span).to(self.token.span).error(
                    f"`{first.value}` before a comparison can be read in two ways: "
                    f"write `{first.value}(… {self.token.value} …)`",
                )
        else:
            return self.comparison()
        return Not(_truth(operand), span=self.since(first.span))

    def comparison(self) -> Node:
        left = self.sum()
        if not self.at(*_PREDICATES):
            return self.chain(left)
        negated = self.at("not") or self.at("!~")
        operand = _value(left)
        if self.accept("not") and not self.at("in", "between", "like", "contains"):
            raise self.unexpected("`in`, `between`, `like` or `contains` after `not`")
        word = str(self.take().value)
        if word == "is":
            negated = self.accept("not") is not None
        node = self.predicate(word, operand)
        if self.at(*_RELATIONS, *_PREDICATES):
            raise self.token.span.error(f"{self.token} cannot follow a comparison: use parentheses")
        return Not(node, span=node.span) if negated else node

    def predicate(self, word: str, left: Value) -> Truth:
        if word == "is":
            self.expect("null")
            return IsNull(left, span=self.since(left.span))
        if word == "in":
            return self.choice(left)
        right = self.value()
        if word == "between":
            self.expect("and")
            highest = self.value()
            span = self.since(left.span)
            ends = Comparison(">=", left, right, span=span), Comparison("<=", left, highest, span=span)
            return And(ends, span=span)
        return Comparison("~" if word == "!~" else word, left, right, span=self.since(left.span))

    def choice(self, left: Value) -> Truth:
        opening = self.accept("(", "[")
        if opening is None:
            raise self.unexpected("a list in parentheses after `in`")
        closing = ")" if opening.value == "(" else "]"
        items = [self.value()]
        while self.accept(",") and not self.at(closing):
            items.append(self.value())
        self.expect(closing)
        span = self.since(left.span)
        constants = tuple(item for item in items if isinstance(item, Constant))
        terms: list[Truth] = [In(left, constants, span=span)] if constants else []
        terms += [Comparison("=", left, item, span=span) for item in items if not isinstance(item, Constant)]
        return _any(terms, span)

    def chain(self, left: Node) -> Node:
        terms: list[Truth] = []
        while operator := self.accept(*_RELATIONS):
            value = _value(left)
            right = self.value()
            terms.append(Comparison(str(operator.value), value, right, span=self.since(left.span)))
            left = right
        if not terms:
            return left
        if self.at(*_PREDICATES):
            raise self.token.span.error(f"{self.token} cannot follow a comparison: use parentheses")
        return _all(terms, terms[0].span.to(terms[-1].span))

    # Values

    def value(self) -> Value:
        return _value(self.sum())

    def sum(self) -> Node:
        return self.calculation(("+", "-"), self.product)

    def product(self) -> Node:
        return self.calculation(("*", "/"), self.minus)

    def calculation(self, operators: Sequence[str], rule: Callable[[], Node]) -> Node:
        left = rule()
        while operator := self.accept(*operators):
            value = _value(left)
            left = Arithmetic(str(operator.value), value, _value(rule()), span=self.since(value.span))
        return left

    def minus(self) -> Node:
        sign = self.accept("-")
        if sign is None:
            return self.primary()
        operand = _value(self.deeper(self.minus))
        span = self.since(sign.span)
        if isinstance(operand, Constant) and not isinstance(operand.value, bool | str):
            return Constant(-operand.value, span=span)
        return Negative(operand, span=span)

    def primary(self) -> Node:
        token = self.token
        if token.kind in ("number", "text"):
            return Constant(self.take().value, span=token.span)
        if self.accept("true", "false"):
            return Constant(token.value == "true", span=token.span)
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

    def call(self) -> Call:
        name = self.take()
        self.expect("(")
        arguments = [] if self.at(")") else self.deeper(lambda: self.listed(self.value))
        self.expect(")")
        return Call(str(name.value).lower(), tuple(arguments), span=self.since(name.span))

    # Fields

    def field(self) -> Name:
        first = self.take()
        role: Role = ""
        name = first
        for known in ROLES:
            if first.kind == "name" and first.value == known and self.accept("."):
                role, name = known, self.word()
        dotted: list[str] = []
        path: list[str | int] = []
        while step := self.accept(".", "["):
            if step.value == "[":
                path.append(self.key())
                continue
            word = self.word()
            literal = path or name.kind == "quoted" or word.kind == "quoted"
            (path if literal else dotted).append(str(word.value))
        return Name(role, str(name.value), tuple(dotted), tuple(path), span=self.since(first.span))

    def word(self) -> Token:
        # After a dot, every word is a name.
        if self.token.kind not in ("name", "quoted", "keyword") or not self.token.span.source[0].isidentifier() | (
            self.token.kind == "quoted"
        ):
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


def _truth(node: Node) -> Truth:
    """Take a value for a truth: a boolean field is a condition."""
    if isinstance(node, Value):
        if isinstance(node, Constant) and isinstance(node.value, str):
            raise node.span.error(f"A text is neither true nor false: compare it, as in `name = {node}`")
        return Holds(node, span=node.span)
    assert isinstance(node, Truth)
    return node


def _value(node: Node) -> Value:
    if not isinstance(node, Value):
        raise node.span.error("A comparison is not a value: combine comparisons with `and`, `or` and `not`")
    return node


def _all(terms: Sequence[Truth], span: Span) -> Truth:
    flat: list[Truth] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, And) else [term])
    return flat[0] if len(flat) == 1 else And(tuple(flat), span=span)


def _any(terms: Sequence[Truth], span: Span) -> Truth:
    """Join by `or`, with the equalities of one value as one In."""
    flat: list[Truth] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, Or) else [term])
    places: dict[Value, int] = {}
    folded: list[list[Truth]] = []
    for term in flat:
        operand = _chosen(term)
        place = places.setdefault(operand, len(folded)) if operand else len(folded)
        if place == len(folded):
            folded.append([])
        folded[place].append(term)
    found = [group[0] if len(group) == 1 else _choice(group) for group in folded]
    return found[0] if len(found) == 1 else Or(tuple(found), span=span)


def _chosen(term: Truth) -> Value | None:
    """The value of which a term says that it is one of some constants."""
    if isinstance(term, In):
        return term.operand
    if isinstance(term, Comparison) and term.operator == "=":
        if isinstance(term.right, Constant):
            return term.left
        if isinstance(term.left, Constant):
            return term.right
    return None


def _choice(terms: Sequence[Truth]) -> In:
    operand = _chosen(terms[0])
    assert operand is not None
    items: list[Constant] = []
    for term in terms:
        if isinstance(term, In):
            items.extend(term.items)
        elif isinstance(term, Comparison):
            items.append(next(side for side in (term.right, term.left) if isinstance(side, Constant)))
    return In(operand, tuple(items), span=terms[0].span.to(terms[-1].span))
