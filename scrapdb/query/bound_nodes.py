"""The tree of an expression after binding: names have become fields, times are read, negation stands at the leaves.

What remains is And and Or over leaves, so that everything below can ask one question only: is this true?
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import ClassVar

from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.fields import Kind
from scrapdb.query.functions import FUNCTIONS

SCALARS: frozenset[Kind] = frozenset({"number", "text"})


class Instant(nodes.Value):
    """A time that is known when the expression is compiled, as the store writes times."""

    text: str


class FieldValue(nodes.Value):
    """A field, and the path into its value."""

    field: Field | Attribute
    path: tuple[str | int, ...] = ()


class Column(nodes.Value):
    """A column of a DataFrame, of which one row is asked; what it can be in some notebook."""

    name: str
    kinds: frozenset[Kind]


class OfRows(nodes.Value):
    """A function of the rows of a notebook's DataFrame: an expression for them, in which `param.0` is the first given.

    Without an expression it is how many there are.
    """

    parts: ClassVar[tuple[str, ...]] = ("frame", "given")
    frame: FieldValue
    function: str
    expression: str
    given: tuple[FieldValue, ...]
    kinds: frozenset[Kind]


class Then(nodes.Value):
    """A value, or whether something held, in another version of the notebook: `current`, `previous` or `first`.

    What it asks of is no part of it, since no row of the present has it.
    """

    version: str
    operand: Output

    @functools.cached_property
    def kinds(self) -> frozenset[Kind]:
        """What it can be."""
        return kinds(self.operand) if isinstance(self.operand, nodes.Value) else frozenset({"number"})


class Streak(nodes.Value):
    """For how many versions in a row, up to this one, something holds: `streak`; or `since` when."""

    function: str
    condition: nodes.Truth

    @functools.cached_property
    def kinds(self) -> frozenset[Kind]:
        """A number, or a time."""
        return frozenset({"number"} if self.function == "streak" else {"time"})


class Leaf(nodes.Truth):
    """A condition, or the contrary of one."""

    parts: ClassVar[tuple[str, ...]] = ("node",)
    node: nodes.Comparison | nodes.In | nodes.IsNull | nodes.Holds
    negated: bool

    @functools.cached_property
    def row(self) -> Field | str | None:
        """The one row that it asks for, a field's or a table's, if it cannot be true without; a DataFrame is none."""
        if asks_rows(self) or asks_then(self):
            return None
        rows = {row_of(place.field) for place in self.places}
        return rows.pop() if len(rows) == 1 and self.required else None

    @functools.cached_property
    def places(self) -> tuple[FieldValue, ...]:
        """The fields it asks for, each once."""
        return tuple(dict.fromkeys(found for found, _ in nodes.walk(self.node) if isinstance(found, FieldValue)))

    @functools.cached_property
    def required(self) -> tuple[FieldValue, ...]:
        """The fields without which it cannot be true."""
        if isinstance(self.node, nodes.IsNull) and not self.negated:
            return ()
        return tuple(dict.fromkeys(_required(self.node)))


class Sought(nodes.Truth):
    """True of the notebooks that an index gives: those with a row for which all leaves hold, which ask for it alone.

    The row is that of a field or, in the table `notebooks`, that of the notebook.
    """

    parts: ClassVar[tuple[str, ...]] = ("leaves",)
    row: Field | str
    leaves: tuple[Leaf, ...]


class Fails(nodes.Truth):
    """True where the operand is false or neither."""

    parts: ClassVar[tuple[str, ...]] = ("operand",)
    operand: nodes.Truth


class Decided(nodes.Truth):
    """An expression and its contrary, to tell true, false and neither apart."""

    parts: ClassVar[tuple[str, ...]] = ("holds", "fails")
    holds: nodes.Truth
    fails: nodes.Truth


# A column to show: a value, or an expression that is true, false or neither.
Output = nodes.Value | Decided


class Key(nodes.Value):
    """What the notebooks of a group share."""

    value: Output


class Aggregate(nodes.Value):
    """A function of the values that the notebooks of a group have; of the notebooks themselves, without an argument."""

    function: str
    argument: Output | None


def kinds(node: nodes.Value) -> frozenset[Kind]:
    """What a value can be; empty if it is always missing."""
    if isinstance(node, Key):
        return kinds(node.value) if isinstance(node.value, nodes.Value) else frozenset({"number"})
    if isinstance(node, Aggregate):
        same = FUNCTIONS[node.function].gives == "same"
        return kinds(node.argument) if same and isinstance(node.argument, nodes.Value) else frozenset({"number"})
    if isinstance(node, OfRows | Column | Then | Streak):
        return node.kinds
    if isinstance(node, FieldValue):
        return frozenset({"number", "text", "json"}) if node.path else node.field.kinds
    if isinstance(node, nodes.Constant):
        return frozenset({"text"}) if isinstance(node.value, str) else frozenset({"number"})
    if isinstance(node, Instant):
        return frozenset({"time"})
    if isinstance(node, nodes.Call) and FUNCTIONS[node.function].gives == "text":
        return frozenset({"text"})
    if isinstance(node, nodes.Call) and FUNCTIONS[node.function].gives == "same":
        found = [kinds(argument) for argument in node.arguments if kinds(argument)]
        return frozenset.intersection(*found) if found else frozenset()
    return frozenset({"number"})


def asks_rows(node: nodes.Node) -> bool:
    """Whether rows of a DataFrame are asked, which takes longer than anything else."""
    return any(isinstance(found, OfRows) for found, _ in nodes.walk(node))


def asks_then(node: nodes.Node) -> bool:
    """Whether it is asked what a notebook was."""
    return any(isinstance(found, Then | Streak) for found, _ in nodes.walk(node))


def place_of(node: nodes.Node) -> FieldValue | None:
    """The field of which a value is asked as it stands, in whichever version; None if something is calculated."""
    while isinstance(node, Then):
        node = node.operand
    return node if isinstance(node, FieldValue) else None


def is_strict(node: nodes.Node) -> bool:
    """Whether a value is missing where a notebook has nothing at all."""
    return isinstance(node, nodes.Value) and next(_required(node), None) is not None


def row_of(field: Field | Attribute) -> Field | str:
    """The row that holds a field: its own, or that of a notebook in a table, by the table's name."""
    return field.table if isinstance(field, Attribute) else field


def pattern_of(node: nodes.Comparison) -> str:
    """The pattern of a `like` or `~`."""
    return str(node.right.value) if isinstance(node.right, nodes.Constant) else ""


def _required(node: nodes.Node) -> Iterator[FieldValue]:
    if isinstance(node, FieldValue):
        yield node
    elif not (isinstance(node, nodes.Call) and node.function == "coalesce" and len(node.arguments) > 1):
        for child in node.children:
            yield from _required(child)
