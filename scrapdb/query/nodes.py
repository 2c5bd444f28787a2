"""The tree of an expression.

`str(node)` is the canonical expression, which parses to the same tree; `node.tree` is the same as an s-expression:
`distance < 0.1 and close_to_ath` is `(and (< distance 0.1) (true close_to_ath))`. Nodes know their place in the text
that they were read from; the place is no part of their equality.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import Literal

from scrapdb.query.frozen import Frozen
from scrapdb.query.frozen import beside
from scrapdb.query.lexer import Span
from scrapdb.query.lexer import is_plain

Role = Literal["", "scrap", "param", "nb", "exec", "report"]
ROLES: tuple[Role, ...] = ("scrap", "param", "nb", "exec", "report")

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _MINUS, _ATOM = range(8)


class Node(Frozen):
    """Part of an expression.

    `binds` is how closely it holds together, `parts` names the attributes that hold the nodes below it.
    """

    binds: ClassVar[int] = _ATOM
    parts: ClassVar[tuple[str, ...]] = ()
    word: ClassVar[str] = ""
    span: Span = beside(default=Span("", 0, 0), kw_only=True)

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes directly below."""
        found: list[Node] = []
        for part in self.parts:
            value = getattr(self, part)
            found.extend(value if isinstance(value, tuple) else (value,))
        return tuple(found)

    @property
    def head(self) -> str:
        """The first word of its s-expression."""
        return self.word

    @property
    def tree(self) -> str:
        """The s-expression."""
        return f"({' '.join([self.head, *(child.tree for child in self.children)])})" if self.parts else str(self)


class Value(Node):
    """A node that stands for a number, a text or another value."""


class Truth(Node):
    """A node that is true, false or, where a value is missing, neither."""


class Constant(Value):
    """A number, a text or a boolean."""

    value: bool | int | float | str

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, str):
            return _quote(self.value, '"')
        if isinstance(self.value, float) and math.isinf(self.value):
            return "1e999" if self.value > 0 else "-1e999"
        return repr(self.value)


class Name(Value):
    """A field: `distance`, `param.symbol`, `nb.status`, `dj.list[0]`.

    Args:
        role: the prefix, if there is one.
        name: the name itself.
        dotted: the words after dots, which are a path or the rest of a literal name: the fields tell.
        path: keys and indexes after them that are certainly a path.
    """

    role: Role
    name: str
    dotted: tuple[str, ...] = ()
    path: tuple[str | int, ...] = ()

    @property
    def label(self) -> str:
        """How a column of it is called: the name as it is, without the backticks that only an expression needs."""
        if self.dotted or self.path:
            return str(self)
        return f"{self.role}.{self.name}" if self.role else self.name

    def __str__(self) -> str:
        prefix = f"{self.role}." if self.role else ""
        # After a dot every word is a name; `nb` with backticks is a scrap of that name.
        plain = self.name.isidentifier() if self.role else is_plain(self.name) and self.name not in ROLES
        name = self.name if plain else _quote(self.name, "`")
        dotted = "".join(f".{word}" for word in self.dotted)
        steps = "".join(f"[{step}]" if isinstance(step, int) else f"[{_quote(step, chr(34))}]" for step in self.path)
        return prefix + name + dotted + steps


class Star(Node):
    """`*` among columns: every field."""

    def __str__(self) -> str:
        return "*"


class Negative(Value):
    """`-x`."""

    parts: ClassVar[tuple[str, ...]] = ("operand",)
    word: ClassVar[str] = "-"
    binds: ClassVar[int] = _MINUS
    operand: Value

    def __str__(self) -> str:
        return f"-{_inside(self.operand, _MINUS)}"


class Arithmetic(Value):
    """`a + b`, `a - b`, `a * b`, `a / b` or `a % b`."""

    parts: ClassVar[tuple[str, ...]] = ("left", "right")
    operator: str
    left: Value
    right: Value

    @property
    def binds(self) -> int:  # type: ignore[override]
        """As closely as its operator."""
        return _SUM if self.operator in "+-" else _PRODUCT

    @property
    def head(self) -> str:
        """The operator."""
        return self.operator

    def __str__(self) -> str:
        return f"{_inside(self.left, self.binds)} {self.operator} {_inside(self.right, self.binds + 1)}"


class Call(Value):
    """A function and its arguments."""

    parts: ClassVar[tuple[str, ...]] = ("arguments",)
    function: str
    arguments: tuple[Value, ...]

    @property
    def head(self) -> str:
        """The function."""
        return self.function

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


class Aggregate(Value):
    """A function of many values: of those that a group of notebooks has, or the rows of a DataFrame."""

    parts: ClassVar[tuple[str, ...]] = ("arguments",)
    function: str
    arguments: tuple[Node, ...]

    @property
    def head(self) -> str:
        """The function."""
        return self.function

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


class OverTime(Value):
    """A function of what a notebook was."""

    parts: ClassVar[tuple[str, ...]] = ("arguments",)
    function: str
    arguments: tuple[Node, ...]

    @property
    def head(self) -> str:
        """The function."""
        return self.function

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


class Holds(Truth):
    """A value taken as a truth: anything but 0 and false."""

    parts: ClassVar[tuple[str, ...]] = ("operand",)
    word: ClassVar[str] = "true"
    operand: Value

    @property
    def binds(self) -> int:  # type: ignore[override]
        """As closely as the value."""
        return self.operand.binds

    def __str__(self) -> str:
        return str(self.operand)


class Comparison(Truth):
    """`left operator right`; the operators are `= != < <= > >= like contains ~`."""

    parts: ClassVar[tuple[str, ...]] = ("left", "right")
    binds: ClassVar[int] = _COMPARISON
    operator: str
    left: Value
    right: Value

    @property
    def head(self) -> str:
        """The operator."""
        return self.operator

    def __str__(self) -> str:
        return self.spell(self.operator)

    def spell(self, operator: str) -> str:
        """Write the comparison with another word for its operator."""
        return f"{_inside(self.left, _SUM)} {operator} {_inside(self.right, _SUM)}"


class In(Truth):
    """Whether the value is one of some constants."""

    parts: ClassVar[tuple[str, ...]] = ("operand", "items")
    word: ClassVar[str] = "in"
    binds: ClassVar[int] = _COMPARISON
    operand: Value
    items: tuple[Value, ...]

    def __str__(self) -> str:
        return self.spell("in")

    def spell(self, operator: str) -> str:
        """Write it with another word for its operator."""
        return f"{_inside(self.operand, _SUM)} {operator} ({', '.join(map(str, self.items))})"


class IsNull(Truth):
    """Whether there is no value: never false for lack of one."""

    parts: ClassVar[tuple[str, ...]] = ("operand",)
    word: ClassVar[str] = "null"
    binds: ClassVar[int] = _COMPARISON
    operand: Value

    def __str__(self) -> str:
        return self.spell("is null")

    def spell(self, operator: str) -> str:
        """Write it with another word for its operator."""
        return f"{_inside(self.operand, _SUM)} {operator}"


class IsNeither(Truth):
    """Whether a truth is neither true nor false, for lack of a value."""

    parts: ClassVar[tuple[str, ...]] = ("operand",)
    word: ClassVar[str] = "neither"
    binds: ClassVar[int] = _COMPARISON
    operand: Truth

    def __str__(self) -> str:
        return self.spell("is null")

    def spell(self, operator: str) -> str:
        """Write it with another word for its operator."""
        return f"{_inside(self.operand, _SUM)} {operator}"


class Not(Truth):
    """The contrary; neither where the operand is neither."""

    parts: ClassVar[tuple[str, ...]] = ("operand",)
    word: ClassVar[str] = "not"
    binds: ClassVar[int] = _NOT
    operand: Truth

    def __str__(self) -> str:
        operand = self.operand
        if isinstance(operand, IsNull | IsNeither):
            return operand.spell("is not null")
        if isinstance(operand, In):
            return operand.spell("not in")
        if isinstance(operand, Comparison) and operand.operator in ("like", "contains", "~"):
            return operand.spell("!~" if operand.operator == "~" else f"not {operand.operator}")
        return f"not {_inside(operand, _NOT)}"


class And(Truth):
    """All of two or more terms, none of which is itself an And."""

    parts: ClassVar[tuple[str, ...]] = ("terms",)
    word: ClassVar[str] = "and"
    binds: ClassVar[int] = _AND
    terms: tuple[Truth, ...]

    def __str__(self) -> str:
        return " and ".join(_inside(term, _AND) for term in self.terms)


class Or(Truth):
    """Any of two or more terms, none of which is itself an Or."""

    parts: ClassVar[tuple[str, ...]] = ("terms",)
    word: ClassVar[str] = "or"
    binds: ClassVar[int] = _OR
    terms: tuple[Truth, ...]

    def __str__(self) -> str:
        return " or ".join(map(str, self.terms))


def walk(node: Node) -> Iterator[tuple[Node, int]]:
    """Every node in the order of the text, with its depth below the first one."""
    stack = [(node, 0)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        stack.extend((child, depth + 1) for child in reversed(node.children))


def walk_until(node: Node, is_last: Callable[[Node], bool]) -> Iterator[Node]:
    """Every node, but nothing below those that are a last one."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        if node.parts and not is_last(node):
            stack.extend(reversed(node.children))


def names(node: Node) -> list[Name]:
    """The fields that an expression names, each once, in order."""
    return list(dict.fromkeys(found for found, _ in walk(node) if isinstance(found, Name)))


def replaced(node: Node, others: Mapping[Node, Node]) -> Node:
    """The tree with other nodes in the places of some."""
    if node in others:
        return others[node]

    def part(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(part, value))
        return replaced(value, others) if isinstance(value, Node) else value

    return type(node)(*[part(getattr(node, name)) for name in node.fields], span=node.span) if node.parts else node


def _inside(node: Node, binds: int) -> str:
    return f"({node})" if node.binds < binds else str(node)


def _quote(text: str, quote: str) -> str:
    return quote + text.replace(quote, quote * 2) + quote
