"""Trees to bound trees: finds the fields, reads the times, checks the types and moves negation to the leaves.

No I/O but the look-up of names.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from scrapdb.errors import ExpressionError
from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query import rows
from scrapdb.query import times
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Fields
from scrapdb.query.fields import Kind
from scrapdb.query.folding import as_truth
from scrapdb.query.folding import as_value
from scrapdb.query.folding import flattened
from scrapdb.query.functions import EXPRESSION
from scrapdb.query.functions import FIRST
from scrapdb.query.functions import SECONDS
from scrapdb.query.functions import function_of
from scrapdb.query.patterns import fault
from scrapdb.text import composed
from scrapdb.text import valid_text

_CONTRARY = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_COMPUTE: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
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
_KEYS: frozenset[Kind] = frozenset({"number", "text", "time", "json"})
_DEEPEST = 4  # functions over time: each may ask twice for what stands in it, and SQLite reads no deep statement


def bind_truth(node: nodes.Truth, fields: Fields, now: datetime) -> nodes.Truth:
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


def bind_value(node: nodes.Value, fields: Fields, now: datetime) -> nodes.Value:
    """Bind a column or sort key to the fields of a store; arguments and errors are those of `bind_truth`."""
    binding = _Binding(fields, now)
    binding.check_names(node)
    return binding.value(node)


def bind_column(node: nodes.Node, fields: Fields, now: datetime) -> bound_nodes.Output:
    """Bind a column that may be true, false or neither; arguments and errors are those of `bind_truth`."""
    binding = _Binding(fields, now)
    binding.check_names(node)
    return binding.column(node)


class Grouping:
    """Binding what is asked of groups: keys, columns of keys and aggregates, and what is said by their labels.

    Args:
        fields: the fields of the store.
        now: what `now()` means, in UTC.
        keys: what the notebooks of a group share, and what that is called.
        shown: the columns and what they are called.

    Raises:
        ExpressionError: as `bind_truth`; or a column is neither a key nor an aggregate.
    """

    def __init__(
        self,
        fields: Fields,
        now: datetime,
        keys: Sequence[tuple[str, nodes.Node]],
        shown: Sequence[tuple[str, nodes.Node]],
    ) -> None:
        bound = {node: bound_nodes.Key(_bound_key(node, fields, now), span=node.span) for _, node in keys}
        self.keys = tuple(bound[node] for _, node in keys)
        called: dict[str, bound_nodes.Output] = {label: bound[node] for label, node in keys}
        binding = _OfGroups(fields, now, bound, called)
        self.columns = tuple(binding.column(node) for _, node in shown)
        columns = {
            label: column for (label, _), column in zip(shown, self.columns, strict=True) if not _is_expression(column)
        }
        self._binding = _OfGroups(fields, now, bound, columns | called)

    def truth(self, node: nodes.Truth) -> nodes.Truth:
        """Bind what holds for groups."""
        return self._binding.truth(node)

    def value(self, node: nodes.Value) -> nodes.Value:
        """Bind a sort key."""
        return self._binding.value(node)


class _Binding:
    misplaced = (
        "is an aggregate of many notebooks, and here each is asked alone: "
        "it can be a column, a key to sort by, or in `having`"
    )

    def __init__(self, fields: Fields, now: datetime, depth: int = 0) -> None:
        self.fields = fields
        self.now = now
        self.depth = depth

    def check_names(self, root: nodes.Node) -> None:
        """Look up all names first: an unknown one may be part of `a-b`, which is known."""
        for node in nodes.walk_until(root, self.is_over_time):
            if not isinstance(node, nodes.Name):
                if self.is_over_time(node):
                    self.check_names_then(node)
                continue
            try:
                self.fields.meaning(node)
            except ExpressionError as error:
                self.check_literal(root, node)
                self.check_quotes(root, node, error)
                raise

    def check_names_then(self, node: nodes.Node) -> None:
        then = self.then(node)
        for inside in node.children:
            then.check_names(inside)

    def check_literal(self, root: nodes.Node, name: nodes.Name) -> None:
        for node, _ in nodes.walk(root):
            span = node.span
            inside = isinstance(node, nodes.Arithmetic) and span.start <= name.span.start and name.span.end <= span.end
            if inside and self.fields.find(span.source):
                raise span.error(
                    f"There is a field `{span.source}`: as a name it needs backticks, `` `{span.source}` ``"
                )

    def check_quotes(self, root: nodes.Node, name: nodes.Name, error: ExpressionError) -> None:
        """Add to an error that a text needs quotes, if what is no field is compared with a field that is text."""
        for node, _ in nodes.walk(root):
            sides = (node.left, node.right) if isinstance(node, nodes.Comparison) else ()
            if name in sides and any(self.is_text(side) for side in sides if not isinstance(side, nodes.Constant)):
                end = "" if error.message.endswith("?") else "."
                hint = f"A text needs quotes: `{nodes.Constant(name.span.source)}`"
                raise name.span.error(f"{error.message}{end} {hint}")

    def is_text(self, node: nodes.Value) -> bool:
        try:
            return bool(bound_nodes.kinds(self.value(node)) & _TEXTS)
        except ExpressionError:  # it may be unknown, too
            return False

    # Truths

    def truth(self, node: nodes.Truth, *, negated: bool = False) -> nodes.Truth:
        if isinstance(node, nodes.Not):
            return self.truth(node.operand, negated=not negated)
        if isinstance(node, nodes.And | nodes.Or):
            kind = nodes.And if isinstance(node, nodes.And) != negated else nodes.Or
            terms = [self.truth(term, negated=negated) for term in node.terms]
            return kind(tuple(flattened(kind, terms)), span=node.span)
        if isinstance(node, nodes.IsNeither):
            return self.undecided(node.operand, negated=negated)
        if isinstance(node, nodes.Comparison):
            return self.comparison(node, negated=negated)
        if isinstance(node, nodes.In):
            return bound_nodes.Leaf(self.choice(node), negated, span=node.span)
        if isinstance(node, nodes.IsNull):
            return bound_nodes.Leaf(nodes.IsNull(self.value(node.operand), span=node.span), negated, span=node.span)
        if isinstance(node, nodes.Holds):
            return bound_nodes.Leaf(nodes.Holds(self.flag(node.operand), span=node.span), negated, span=node.span)
        raise TypeError(node)

    def undecided(self, node: nodes.Truth, *, negated: bool) -> nodes.Truth:
        decided = self.truth(node), self.truth(node, negated=True)
        if negated:
            return nodes.Or(tuple(flattened(nodes.Or, decided)), span=node.span)
        return nodes.And(tuple(bound_nodes.Fails(each, span=node.span) for each in decided), span=node.span)

    def decided(self, node: nodes.Truth) -> bound_nodes.Decided:
        return bound_nodes.Decided(self.truth(node), self.truth(node, negated=True))

    def flag(self, node: nodes.Value) -> nodes.Value:
        """Check that a value can be true or false."""
        reason = "that is neither true nor false; compare it or ask `is not null`"
        return _expect(self.value(node), _NUMBERS, reason)

    def comparison(self, node: nodes.Comparison, *, negated: bool) -> bound_nodes.Leaf:
        left, right = self.value(node.left), self.value(node.right)
        word = node.operator
        if word not in _CONTRARY:
            if word == "contains":
                self.check_contains(left, right)
            else:
                self.check_pattern(word, left, right)
            compared = nodes.Comparison(word, left, _as_path(right, left), span=node.span)
            return bound_nodes.Leaf(compared, negated, span=node.span)
        if isinstance(left, nodes.Constant | bound_nodes.Instant) and not isinstance(
            right, nodes.Constant | bound_nodes.Instant
        ):
            left, right, word = right, left, _MIRRORED[word]
        left, right = self.alike(node, left, right)
        word = _CONTRARY[word] if negated else word
        return bound_nodes.Leaf(nodes.Comparison(word, left, right, span=node.span), negated=False, span=node.span)

    def choice(self, node: nodes.In) -> nodes.In:
        operand = self.value(node.operand)
        items = [self.value(item) for item in node.items]
        pairs = [self.alike(item, operand, item) for item in items]
        return nodes.In(pairs[0][0], tuple(item for _, item in pairs), span=node.span)

    def alike(self, node: nodes.Node, left: nodes.Value, right: nodes.Value) -> tuple[nodes.Value, nodes.Value]:
        """Check that two values can be compared, and read a text beside a time as a time."""
        if "time" in bound_nodes.kinds(left) | bound_nodes.kinds(right):
            return self.moment(left, right), self.moment(right, left)
        if (
            bound_nodes.kinds(left)
            and bound_nodes.kinds(right)
            and not bound_nodes.kinds(left) & bound_nodes.kinds(right) & bound_nodes.SCALARS
        ):
            raise _unlike(node, left, right)
        return _as_path(left, right), _as_path(right, left)

    def check_pattern(self, word: str, left: nodes.Value, right: nodes.Value) -> None:
        if bound_nodes.kinds(left) and not bound_nodes.kinds(left) & _TEXTS:
            raise left.span.error(f"{_is(left)}: `{word}` is for text")
        if not (isinstance(right, nodes.Constant) and isinstance(right.value, str)):
            raise right.span.error(f"`{word}` needs a text in quotes")
        if len(right.value) > _LONGEST_PATTERN:
            raise right.span.error(f"The pattern has more than {_LONGEST_PATTERN} characters")
        reason = fault(right.value) if word == "~" else None
        if reason:
            raise right.span.error(f"This is no regular expression: {reason}")

    def check_contains(self, left: nodes.Value, right: nodes.Value) -> None:
        holders: frozenset[Kind] = frozenset({"text", "json"})
        if bound_nodes.kinds(left) and not bound_nodes.kinds(left) & holders:
            raise left.span.error(f"{_is(left)}: `contains` is for text, lists and dicts")
        if bound_nodes.kinds(right) and not bound_nodes.kinds(right) & bound_nodes.SCALARS:
            raise right.span.error(f"{_is(right)}: nothing contains that")
        if bound_nodes.kinds(left) == {"text"} and bound_nodes.kinds(right) == _NUMBERS:
            raise right.span.error(f"{_is(left)} and {_is(right)}: write the number in quotes")

    # Values

    def column(self, node: nodes.Node) -> bound_nodes.Output:
        return self.decided(node) if isinstance(node, nodes.Truth) else self.value(as_value(node))

    def value(self, node: nodes.Value) -> nodes.Value:
        if isinstance(node, nodes.Name):
            return self.place(node)
        if isinstance(node, nodes.Negative):
            return nodes.Negative(self.number(node.operand), span=node.span)
        if isinstance(node, nodes.Arithmetic):
            return self.arithmetic(node)
        if isinstance(node, nodes.Call):
            return self.call(node)
        if isinstance(node, nodes.Aggregate):
            return self.aggregate(node)
        if isinstance(node, nodes.OverTime):
            return self.over_time(node)
        if isinstance(node, nodes.Constant) and isinstance(node.value, str):
            # As the store writes what UTF-8 and SQLite cannot hold.
            return nodes.Constant(valid_text(node.value).replace("\0", "\\u0000"), span=node.span)
        return node

    def place(self, node: nodes.Name) -> bound_nodes.FieldValue:
        meaning = self.fields.meaning(node)
        field, path = meaning.field, meaning.path
        if path and field.kinds and "json" not in field.kinds:
            hint = f"; ask for what its rows have, as in `max({node})`" if "frame" in field.kinds else ""
            raise node.span.error(f"`{field.name}` is {_kinds(field.kinds)}: nothing can be looked up in it{hint}")
        if any(isinstance(key, str) and (set(key) & set('"\\') or not key.isprintable()) for key in path):
            raise node.span.error("A key with quotes, backslashes or control characters cannot be looked up")
        return bound_nodes.FieldValue(field, path, span=node.span)

    def number(self, node: nodes.Value) -> nodes.Value:
        return _expect(self.value(node), _NUMBERS, "a number is needed here")

    def arithmetic(self, node: nodes.Arithmetic) -> nodes.Value:
        left, right = self.value(node.left), self.value(node.right)
        if "time" in bound_nodes.kinds(left) | bound_nodes.kinds(right):
            return self.time_arithmetic(node, left, right)
        for side in (left, right):
            _expect(side, _NUMBERS, f"`{node.operator}` is for numbers")
        return _computed(nodes.Arithmetic(node.operator, left, right, span=node.span))

    def time_arithmetic(self, node: nodes.Arithmetic, left: nodes.Value, right: nodes.Value) -> nodes.Value:
        if node.operator == "+" and "time" in bound_nodes.kinds(right):
            left, right = right, left
        if (
            isinstance(left, bound_nodes.Instant)
            and isinstance(right, nodes.Constant)
            and not isinstance(right.value, str)
        ):
            seconds = right.value if node.operator == "+" else -right.value
            moment = times.shift(_moment(left), seconds) if node.operator in "+-" else None
            if moment is None:
                raise node.span.error("There is no such time")
            return bound_nodes.Instant(times.format_time(moment), span=node.span)
        if node.operator != "-" or not bound_nodes.kinds(right) & _MOMENTS:
            raise node.span.error(
                "Only `now()` can be moved, as in `now() - days(7)`; the difference of two times is in seconds"
            )
        left, right = self.moment(left, right), self.moment(right, left)
        if isinstance(left, bound_nodes.Instant) and isinstance(right, bound_nodes.Instant):
            return nodes.Constant((_moment(left) - _moment(right)).total_seconds(), span=node.span)
        return nodes.Arithmetic("-", left, right, span=node.span)

    def moment(self, node: nodes.Value, other: nodes.Value) -> nodes.Value:
        """Take a value for a time, since the other one is."""
        if isinstance(node, nodes.Constant) and isinstance(node.value, str):
            moment = times.parse_time(node.value)
            if moment is None:
                raise node.span.error("This is no time: write it as 2026-11-01 or 2026-11-01T12:00:00")
            return bound_nodes.Instant(times.format_time(moment), span=node.span)
        return _expect(node, _MOMENTS, f"{_is(other)}, and they cannot be compared")

    def aggregate(self, node: nodes.Aggregate) -> nodes.Value:
        function_of(node)
        frame = rows.frame_of(node, self.fields)
        if frame is None and node.function == FIRST:
            return self.over_time(node)
        if frame is None:
            raise node.span.error(f"`{node}` {self.misplaced}")
        return self.of_rows(node, frame)

    def is_over_time(self, node: nodes.Node) -> bool:
        """Whether something is asked of what notebooks were: where each is asked alone, `first` is."""
        is_first = isinstance(node, nodes.Aggregate) and node.function == FIRST
        return isinstance(node, nodes.OverTime) or (is_first and rows.frame_of(node, self.fields) is None)  # type: ignore[arg-type]

    def then(self, node: nodes.Node) -> _Binding:
        """The binding of what stands in a function over time."""
        if self.fields.then is None and isinstance(node, nodes.Aggregate):
            raise node.span.error(
                f"`{node}` {self.misplaced}; of versions, of which this store keeps none, it could be"
            )
        if self.fields.then is None:
            raise node.span.error(
                f"`{node}` asks what notebooks were, and this store keeps no versions: `scrapdb index PATH --keep` "
                "keeps them from now on, `scrapdb index --git REPO` reads those of a repository"
            )
        if self.depth == _DEEPEST:
            raise node.span.error(f"Functions over time are nested more than {_DEEPEST} deep")
        return _Binding(self.fields.then, self.now, self.depth + 1)

    def over_time(self, node: nodes.OverTime | nodes.Aggregate) -> nodes.Value:
        function = function_of(node)
        then, (inside,) = self.then(node), node.arguments
        if function.name in ("streak", "since"):
            return bound_nodes.Streak(function.name, then.truth(as_truth(inside)), span=node.span)
        operand = then.column(inside)
        if function.name != "change":
            return bound_nodes.Then(function.name, operand, span=node.span)
        if not isinstance(operand, nodes.Value):
            raise node.span.error("`change` is for numbers and times: ask for `previous(…)` of what is true or false")
        _expect(operand, function.takes, "`change` is for numbers and times; `previous(…)` takes anything")
        now, before = (bound_nodes.Then(version, operand, span=node.span) for version in ("current", "previous"))
        return nodes.Arithmetic("-", now, before, span=node.span)

    def of_rows(self, node: nodes.Aggregate, name: nodes.Name) -> nodes.Value:
        function, (inside,) = function_of(node), node.arguments
        frame = bound_nodes.FieldValue(self.fields.meaning(name).field, span=name.span)
        if function.name == "count" and inside == name and not self.fields.meaning(name).path:
            return bound_nodes.OfRows(frame, function.name, "", (), _NUMBERS, span=node.span)
        binding = _OfRows(self.fields, self.now, frame)
        argument = binding.column(inside)
        kinds = _NUMBERS
        if isinstance(argument, nodes.Value):
            is_for = "is for numbers" if function.takes == _NUMBERS else "cannot take that"
            _expect(argument, function.takes, f"`{function.name}` {is_for}")
            kinds = bound_nodes.kinds(argument) if function.gives == "same" else _NUMBERS
        elif function.name == "count":
            raise node.span.error(f"`count` counts values: `sum({inside})` counts the rows for which that holds")
        expression = str(nodes.replaced(node, binding.names))
        return bound_nodes.OfRows(frame, function.name, expression, tuple(binding.given), kinds, span=node.span)

    def call(self, node: nodes.Call) -> nodes.Value:
        function = function_of(node)
        if function.name == "now":
            return bound_nodes.Instant(times.format_time(self.now), span=node.span)
        arguments = tuple(
            _expect(self.value(argument), function.takes, f"`{function.name}` cannot take that")
            for argument in node.arguments
        )
        if function.name in SECONDS:
            factor = nodes.Constant(SECONDS[function.name], span=node.span)
            return _computed(nodes.Arithmetic("*", arguments[0], factor, span=node.span))
        if function.name == "coalesce" and any("time" in bound_nodes.kinds(argument) for argument in arguments):
            arguments = tuple(self.moment(each, each) if _is_text(each) else each for each in arguments)
        called = nodes.Call(function.name, _flat(function.name, arguments), span=node.span)
        if any(map(bound_nodes.kinds, arguments)) and not bound_nodes.kinds(called):
            raise node.span.error("`coalesce` needs values of one kind: numbers, texts or times")
        return called


class _OfRows(_Binding):
    """The binding of what is asked of the rows of a DataFrame. It is for the rows to answer, and only checked here.

    `names` is how the names are written there, and `given` what they need of the notebook.
    """

    misplaced = "stands in another aggregate: each is of the rows of a DataFrame"

    def __init__(self, fields: Fields, now: datetime, frame: bound_nodes.FieldValue) -> None:
        super().__init__(fields, now)
        self.frame = frame
        self.names: dict[nodes.Node, nodes.Node] = {}
        self.given: list[bound_nodes.FieldValue] = []

    def place(self, node: nodes.Name) -> Any:
        meaning = self.fields.meaning(node)
        if meaning.field == self.frame.field:
            column = rows.column_of(node, meaning, self.fields)
            self.names[node] = nodes.Name("", column.name)
            return column
        found = super().place(node)
        _expect(found, bound_nodes.SCALARS | _MOMENTS, "a row is compared with a number, a text or a time")
        if found not in self.given:
            self.given.append(found)
        self.names[node] = nodes.Name("param", str(self.given.index(found)))
        return found

    def aggregate(self, node: nodes.Aggregate) -> nodes.Value:
        raise node.span.error(f"`{node}` {self.misplaced}")

    def over_time(self, node: nodes.OverTime | nodes.Aggregate) -> nodes.Value:
        raise node.span.error(f"`{node.function}` is not for the rows of a DataFrame: {', '.join(rows.CALLS)} are")

    def call(self, node: nodes.Call) -> nodes.Value:
        if function_of(node).name not in rows.CALLS:
            raise node.span.error(f"`{node.function}` is not for the rows of a DataFrame: {', '.join(rows.CALLS)} are")
        return super().call(node)


class _OfNotebooks(_Binding):
    """The binding of what stands in an aggregate."""

    misplaced = "stands in another aggregate: each is of what notebooks have"


class _OfGroups(_Binding):
    """The binding of what is asked of groups. Only inside an aggregate names are fields."""

    def __init__(
        self,
        fields: Fields,
        now: datetime,
        keys: Mapping[nodes.Node, bound_nodes.Key],
        called: Mapping[str, bound_nodes.Output],
    ) -> None:
        super().__init__(fields, now)
        self.keys = keys
        self.called = called

    def meant(self, node: nodes.Node) -> bound_nodes.Output | None:
        """The key that a node is, or what is called so."""
        if node in self.keys:
            return self.keys[node]
        if isinstance(node, nodes.Holds):
            return self.meant(node.operand)
        return self.called.get(node.label) if isinstance(node, nodes.Name) else None

    def column(self, node: nodes.Node) -> bound_nodes.Output:
        if isinstance(node, nodes.Aggregate) and node.function == EXPRESSION:
            return bound_nodes.Aggregate(function_of(node).name, None, span=node.span)
        return self.meant(node) or super().column(node)

    def truth(self, node: nodes.Truth, *, negated: bool = False) -> nodes.Truth:
        meant = self.meant(node)
        if isinstance(meant, bound_nodes.Decided):
            return meant.fails if negated else meant.holds
        if meant and not isinstance(node, nodes.Holds):  # a key that is a truth
            return bound_nodes.Leaf(nodes.Holds(meant, span=node.span), negated, span=node.span)
        return super().truth(node, negated=negated)

    def value(self, node: nodes.Value) -> nodes.Value:
        meant = self.meant(node)
        return meant if isinstance(meant, nodes.Value) else super().value(node)

    def place(self, node: nodes.Name) -> bound_nodes.FieldValue:
        self.fields.meaning(node)
        raise node.span.error(
            f"`{node}` is neither a key nor an aggregate: group by it, or ask for an aggregate such as `first({node})`"
        )

    def over_time(self, node: nodes.OverTime | nodes.Aggregate) -> nodes.Value:
        raise _of_each(node)

    def aggregate(self, node: nodes.Aggregate) -> nodes.Value:
        function = function_of(node)
        if function.name == EXPRESSION:
            raise node.span.error(f"`{node}` is a column by itself: nothing is calculated with it, nor sorted by it")
        if not node.arguments:
            return bound_nodes.Aggregate(function.name, None, span=node.span)
        frame = rows.frame_of(node, self.fields)
        if frame and self.fields.meaning(frame).path:
            raise _of_each(node)
        binding = _OfNotebooks(self.fields, self.now)
        binding.check_names(node.arguments[0])
        argument = binding.column(node.arguments[0])
        if isinstance(argument, nodes.Value):
            is_for = "is for numbers" if function.takes == _NUMBERS else "cannot take that"
            # What stands for a list or a dict, or for a DataFrame, is the notebook, and not its version.
            is_shown = isinstance(argument, bound_nodes.FieldValue) or function.name == "count"
            takes = function.takes if is_shown else function.takes & (bound_nodes.SCALARS | _MOMENTS)
            _expect(argument, takes, f"`{function.name}` {is_for}")
        elif function.name == "count":
            inside = node.arguments[0]
            raise node.span.error(f"`count` counts values: `sum({inside})` counts the notebooks for which that holds")
        return bound_nodes.Aggregate(function.name, argument, span=node.span)


def _of_each(node: nodes.Node) -> ExpressionError:
    return node.span.error(
        f"`{node}` is of each notebook: group by it, or ask for an aggregate of it such as `max({node})`"
    )


def _is_expression(column: bound_nodes.Output) -> bool:
    return isinstance(column, bound_nodes.Aggregate) and column.function == EXPRESSION


def _bound_key(node: nodes.Node, fields: Fields, now: datetime) -> bound_nodes.Output:
    if not nodes.names(node):
        raise node.span.error(f"`{node.span.source}` is the same for all notebooks: group by a field")
    key = bind_column(node, fields, now)
    if isinstance(key, nodes.Value):
        wanted = _KEYS if isinstance(key, bound_nodes.FieldValue) else _KEYS - {"json"}
        _expect(key, wanted, "no two of them are compared, so that they make no groups")
    return key


def _flat(function: str, arguments: tuple[nodes.Value, ...]) -> tuple[nodes.Value, ...]:
    """Take a coalesce in a coalesce apart: where its values are mixed, its SQL names each of them more than once."""
    if function != "coalesce":
        return arguments
    flat: list[nodes.Value] = []
    for argument in arguments:
        inner = isinstance(argument, nodes.Call) and argument.function == function
        flat.extend(argument.arguments if inner and isinstance(argument, nodes.Call) else (argument,))
    return tuple(flat)


def _is_text(node: nodes.Value) -> bool:
    return isinstance(node, nodes.Constant) and isinstance(node.value, str)


def _moment(instant: bound_nodes.Instant) -> datetime:
    return datetime.fromisoformat(instant.text)


def _computed(node: nodes.Arithmetic) -> nodes.Value:
    """Calculate what is known already."""
    left, right = node.left, node.right
    if not (isinstance(left, nodes.Constant) and isinstance(right, nodes.Constant)):
        return node
    if isinstance(left.value, str) or isinstance(right.value, str):
        return node
    try:
        result = _COMPUTE[node.operator](left.value, right.value)
    except ArithmeticError:
        return node
    return nodes.Constant(result, span=node.span) if -math.inf < result < math.inf else node


def _as_path(node: nodes.Value, other: nodes.Value) -> nodes.Value:
    """Bring a text to the form in which the store keeps paths."""
    place = bound_nodes.place_of(other)
    is_path = place is not None and isinstance(place.field, Attribute) and place.field.column == "path"
    if is_path and isinstance(node, nodes.Constant) and isinstance(node.value, str):
        return nodes.Constant(composed(node.value), span=node.span)
    return node


def _expect(node: nodes.Value, wanted: frozenset[Kind], reason: str) -> nodes.Value:
    if bound_nodes.kinds(node) and not bound_nodes.kinds(node) & wanted:
        raise node.span.error(f"{_is(node)}: {reason}")
    return node


def _unlike(node: nodes.Node, left: nodes.Value, right: nodes.Value) -> ExpressionError:
    for side in (left, right):
        if not bound_nodes.kinds(side) & bound_nodes.SCALARS:
            hint = (
                "look something up in it, as in `dj.a = 1`"
                if "json" in bound_nodes.kinds(side)
                else "ask `is not null`"
            )
            return side.span.error(f"{_is(side)}, which cannot be compared: {hint}")
    return node.span.error(f"{_is(left)} and {_is(right)}: they cannot be compared")


def _is(node: nodes.Value) -> str:
    return f"`{node.span.source}` is {_kinds(bound_nodes.kinds(node))}"


def _kinds(found: frozenset[Kind]) -> str:
    return " or ".join(word for kind, word in _WORDS.items() if kind in found)
