"""Trees to bound trees: finds the fields, reads the times, checks the types and moves negation to the leaves.

No I/O but the look-up of names.
"""

from __future__ import annotations

import math
import operator
import unicodedata
from collections.abc import Callable
from collections.abc import Mapping
from datetime import datetime

from scrapdb.errors import ExpressionError
from scrapdb.query.bound import SCALARS
from scrapdb.query.bound import Instant
from scrapdb.query.bound import Leaf
from scrapdb.query.bound import Place
from scrapdb.query.bound import kinds
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Fields
from scrapdb.query.fields import Kind
from scrapdb.query.functions import SECONDS
from scrapdb.query.functions import function_of
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
from scrapdb.query.nodes import Truth
from scrapdb.query.nodes import Value
from scrapdb.query.nodes import walk
from scrapdb.query.patterns import fault
from scrapdb.query.times import format_time
from scrapdb.query.times import parse_time
from scrapdb.query.times import shift
from scrapdb.text import valid_text

_CONTRARY = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COMPUTE: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_WORDS: Mapping[Kind, str] = {
    "number": "a number",
    "text": "text",
    "time": "a time",
    "json": "a list or dict",
    "frame": "a DataFrame",
    "display": "a display",
}
# SQLite refuses patterns of more than 50,000 bytes.
_LONGEST_PATTERN = 10_000
_NUMBERS: frozenset[Kind] = frozenset({"number"})
_TEXTS: frozenset[Kind] = frozenset({"text", "time"})
_MOMENTS: frozenset[Kind] = frozenset({"time", "text"})


def bind_truth(node: Truth, fields: Fields, now: datetime) -> Truth:
    """Bind an expression to the fields of a store.

    Args:
        node: what `parse` gave.
        fields: the fields of the store.
        now: what `now()` means, in UTC.

    Raises:
        ExpressionError: a field or function does not exist, or a value is of the wrong kind; it knows the place.
    """
    binding = _Binding(fields, now)
    binding.check_names(node)
    return binding.truth(node)


def bind_value(node: Value, fields: Fields, now: datetime) -> Value:
    """Bind a column or sort key to the fields of a store; arguments and errors are those of `bind_truth`."""
    binding = _Binding(fields, now)
    binding.check_names(node)
    return binding.value(node)


class _Binding:
    def __init__(self, fields: Fields, now: datetime) -> None:
        self.fields = fields
        self.now = now

    def check_names(self, root: Node) -> None:
        """Look up all names first: an unknown one may be part of `a-b`, which is known."""
        for node, _ in walk(root):
            if not isinstance(node, Name):
                continue
            try:
                self.fields.meaning(node)
            except ExpressionError:
                self.check_literal(root, node)
                raise

    def check_literal(self, root: Node, name: Name) -> None:
        for node, _ in walk(root):
            span = node.span
            inside = isinstance(node, Arithmetic) and span.start <= name.span.start and name.span.end <= span.end
            if inside and self.fields.find(span.source):
                raise span.error(
                    f"There is a field `{span.source}`: as a name it needs backticks, `` `{span.source}` ``"
                )

    # Truths

    def truth(self, node: Truth, *, negated: bool = False) -> Truth:
        if isinstance(node, Not):
            return self.truth(node.operand, negated=not negated)
        if isinstance(node, And | Or):
            kind = And if isinstance(node, And) != negated else Or
            flat: list[Truth] = []
            for term in node.terms:
                found = self.truth(term, negated=negated)
                flat.extend(found.terms if isinstance(found, kind) else [found])
            return kind(tuple(flat), span=node.span)
        if isinstance(node, Comparison):
            return self.comparison(node, negated=negated)
        if isinstance(node, In):
            return Leaf(self.choice(node), negated, span=node.span)
        if isinstance(node, IsNull):
            return Leaf(IsNull(self.value(node.operand), span=node.span), negated, span=node.span)
        if isinstance(node, Holds):
            return Leaf(Holds(self.flag(node.operand), span=node.span), negated, span=node.span)
        raise TypeError(node)

    def flag(self, node: Value) -> Value:
        """Check that a value can be true or false."""
        reason = "that is neither true nor false; compare it or ask `is not null`"
        return _expect(self.value(node), _NUMBERS, reason)

    def comparison(self, node: Comparison, *, negated: bool) -> Leaf:
        left, right = self.value(node.left), self.value(node.right)
        word = node.operator
        if word not in _CONTRARY:
            if word == "contains":
                self.check_contains(left, right)
            else:
                self.check_pattern(word, left, right)
            return Leaf(Comparison(word, left, right, span=node.span), negated, span=node.span)
        if isinstance(left, Constant | Instant) and not isinstance(right, Constant | Instant):
            left, right, word = right, left, _MIRRORED[word]
        left, right = self.alike(node, left, right)
        word = _CONTRARY[word] if negated else word
        return Leaf(Comparison(word, left, right, span=node.span), negated=False, span=node.span)

    def choice(self, node: In) -> In:
        operand = self.value(node.operand)
        items = [self.value(item) for item in node.items]
        pairs = [self.alike(item, operand, item) for item in items]
        return In(pairs[0][0], tuple(item for _, item in pairs), span=node.span)

    def alike(self, node: Node, left: Value, right: Value) -> tuple[Value, Value]:
        """Check that two values can be compared, and read a text beside a time as a time."""
        if "time" in kinds(left) | kinds(right):
            return self.moment(left, right), self.moment(right, left)
        if kinds(left) and kinds(right) and not kinds(left) & kinds(right) & SCALARS:
            raise _unlike(node, left, right)
        return _composed(left, right), _composed(right, left)

    def check_pattern(self, word: str, left: Value, right: Value) -> None:
        if kinds(left) and not kinds(left) & _TEXTS:
            raise left.span.error(f"{_is(left)}: `{word}` is for text")
        if not (isinstance(right, Constant) and isinstance(right.value, str)):
            raise right.span.error(f"`{word}` needs a text in quotes")
        if len(right.value) > _LONGEST_PATTERN:
            raise right.span.error(f"The pattern has more than {_LONGEST_PATTERN} characters")
        reason = fault(right.value) if word == "~" else None
        if reason:
            raise right.span.error(f"This is no regular expression: {reason}")

    def check_contains(self, left: Value, right: Value) -> None:
        holders: frozenset[Kind] = frozenset({"text", "json"})
        if kinds(left) and not kinds(left) & holders:
            raise left.span.error(f"{_is(left)}: `contains` is for text, lists and dicts")
        if kinds(right) and not kinds(right) & SCALARS:
            raise right.span.error(f"{_is(right)}: nothing contains that")
        if kinds(left) == {"text"} and kinds(right) == _NUMBERS:
            raise right.span.error(f"{_is(left)} and {_is(right)}: write the number in quotes")

    # Values

    def value(self, node: Value) -> Value:
        if isinstance(node, Name):
            return self.place(node)
        if isinstance(node, Negative):
            return Negative(self.number(node.operand), span=node.span)
        if isinstance(node, Arithmetic):
            return self.arithmetic(node)
        if isinstance(node, Call):
            return self.call(node)
        if isinstance(node, Constant) and isinstance(node.value, str):
            # As the store writes what UTF-8 and SQLite cannot hold.
            return Constant(valid_text(node.value).replace("\0", "\\u0000"), span=node.span)
        return node

    def place(self, node: Name) -> Place:
        meaning = self.fields.meaning(node)
        field, path = meaning.field, meaning.path
        if path and field.kinds and "json" not in field.kinds:
            raise node.span.error(f"`{field.name}` is {_kinds(field.kinds)}: nothing can be looked up in it")
        if any(isinstance(key, str) and (set(key) & set('"\\') or not key.isprintable()) for key in path):
            raise node.span.error("A key with quotes, backslashes or control characters cannot be looked up")
        return Place(field, path, span=node.span)

    def number(self, node: Value) -> Value:
        return _expect(self.value(node), _NUMBERS, "a number is needed here")

    def arithmetic(self, node: Arithmetic) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if "time" in kinds(left) | kinds(right):
            return self.time_arithmetic(node, left, right)
        for side in (left, right):
            _expect(side, _NUMBERS, f"`{node.operator}` is for numbers")
        return _computed(Arithmetic(node.operator, left, right, span=node.span))

    def time_arithmetic(self, node: Arithmetic, left: Value, right: Value) -> Value:
        if node.operator == "+" and "time" in kinds(right):
            left, right = right, left
        if isinstance(left, Instant) and isinstance(right, Constant) and not isinstance(right.value, str):
            seconds = right.value if node.operator == "+" else -right.value
            moment = shift(_moment(left), seconds) if node.operator in "+-" else None
            if moment is None:
                raise node.span.error("There is no such time")
            return Instant(format_time(moment), span=node.span)
        if node.operator != "-" or not kinds(right) & _MOMENTS:
            raise node.span.error(
                "Only `now()` can be moved, as in `now() - days(7)`; the difference of two times is in seconds",
            )
        left, right = self.moment(left, right), self.moment(right, left)
        if isinstance(left, Instant) and isinstance(right, Instant):
            return Constant((_moment(left) - _moment(right)).total_seconds(), span=node.span)
        return Arithmetic("-", left, right, span=node.span)

    def moment(self, node: Value, other: Value) -> Value:
        """Take a value for a time, since the other one is."""
        if isinstance(node, Constant) and isinstance(node.value, str):
            moment = parse_time(node.value)
            if moment is None:
                raise node.span.error("This is no time: write it as 2026-11-01 or 2026-11-01T12:00:00")
            return Instant(format_time(moment), span=node.span)
        return _expect(node, _MOMENTS, f"{_is(other)}, and they cannot be compared")

    def call(self, node: Call) -> Value:
        function = function_of(node)
        if function.name == "now":
            return Instant(format_time(self.now), span=node.span)
        arguments = tuple(
            _expect(self.value(argument), function.takes, f"`{function.name}` cannot take that")
            for argument in node.arguments
        )
        if function.name in SECONDS:
            factor = Constant(SECONDS[function.name], span=node.span)
            return _computed(Arithmetic("*", arguments[0], factor, span=node.span))
        bound = Call(function.name, _flat(function.name, arguments), span=node.span)
        if any(map(kinds, arguments)) and not kinds(bound):
            raise node.span.error("`coalesce` needs values of one kind: numbers, texts or times")
        return bound


def _flat(function: str, arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    """Take a coalesce in a coalesce apart: where its values are mixed, its SQL names each of them more than once."""
    if function != "coalesce":
        return arguments
    flat: list[Value] = []
    for argument in arguments:
        inner = isinstance(argument, Call) and argument.function == function
        flat.extend(argument.arguments if inner and isinstance(argument, Call) else (argument,))
    return tuple(flat)


def _moment(instant: Instant) -> datetime:
    return datetime.fromisoformat(instant.text)


def _computed(node: Arithmetic) -> Value:
    """Calculate what is known already."""
    left, right = node.left, node.right
    if not (isinstance(left, Constant) and isinstance(right, Constant)):
        return node
    if isinstance(left.value, str) or isinstance(right.value, str):
        return node
    try:
        result = _COMPUTE[node.operator](left.value, right.value)
    except ArithmeticError:
        return node
    return Constant(result, span=node.span) if -math.inf < result < math.inf else node


def _composed(node: Value, other: Value) -> Value:
    """Bring a text to the form in which the store keeps paths."""
    if isinstance(node, Constant) and isinstance(node.value, str) and isinstance(other, Place):
        field = other.field
        if isinstance(field, Attribute) and field.column == "path":
            return Constant(unicodedata.normalize("NFC", node.value), span=node.span)
    return node


def _expect(node: Value, wanted: frozenset[Kind], reason: str) -> Value:
    if kinds(node) and not kinds(node) & wanted:
        raise node.span.error(f"{_is(node)}: {reason}")
    return node


def _unlike(node: Node, left: Value, right: Value) -> ExpressionError:
    for side in (left, right):
        if not kinds(side) & SCALARS:
            hint = "look something up in it, as in `dj.a = 1`" if "json" in kinds(side) else "ask `is not null`"
            return side.span.error(f"{_is(side)}, which cannot be compared: {hint}")
    return node.span.error(f"{_is(left)} and {_is(right)}: they cannot be compared")


def _is(node: Value) -> str:
    return f"`{node.span.source}` is {_kinds(kinds(node))}"


def _kinds(found: frozenset[Kind]) -> str:
    return " or ".join(word for kind, word in _WORDS.items() if kind in found)
