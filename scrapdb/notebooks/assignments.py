"""What the names of a cell stand for when it has run, as far as its text tells: parsed, never executed.

Assignments of what Python calculates before it runs anything are calculated, and whatever else a statement may do to a
name is noted. A name has a value if nothing that was noted can have changed it; else it is an expression, whose source
is the statements that made the value and may have changed it.
"""

from __future__ import annotations

import ast
import functools
import json
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from scrapdb.facts import Expression
from scrapdb.notebooks.effects import BIND
from scrapdb.notebooks.effects import CHANGE
from scrapdb.notebooks.effects import HAND
from scrapdb.notebooks.effects import PART
from scrapdb.notebooks.effects import effects
from scrapdb.notebooks.effects import root

_MOST_CHARACTERS, _LEAST_CHARACTERS = 1_000_000, 200  # of what is calculated, and of sources; of one source
_FOLDED = compile("(1.5,)", "", "eval").co_code  # of a constant; of CPython's limits, those of Python/ast_opt.c hold
_UNKNOWN = object()
_FAILURES = (LookupError, TypeError, ValueError, RecursionError)


class Assignments:
    """The names that cells assign, run in their heads one statement after the other."""

    def __init__(self) -> None:
        self._statements: list[Callable[[], str]] = []  # what gives their sources
        self._values: dict[str, Any] = {}
        self._known: set[str] = set()  # names that stand for their values now
        self._made: dict[str, tuple[Callable[[], str], list[int]]] = {}  # what was assigned, and the statements since
        self._noted: dict[str, list[tuple[int, int]]] = defaultdict(list)  # what was done to names, and where
        self._changed: set[str] = set()  # names that may be bound at any time
        self._room = _MOST_CHARACTERS

    def values(self) -> Iterator[tuple[str, Any]]:
        """Yield each name, by first appearance, with its JSON value or Expression."""
        room = _MOST_CHARACTERS
        for name in self._values:
            result = self._result(name, max(room, _LEAST_CHARACTERS))
            room -= len(result.source) if isinstance(result, Expression) else 0
            yield name, result

    def _result(self, name: str, room: int) -> Any:
        level = _level(self._values[name])
        noted = [place for use, place in (*self._noted[name], *self._noted["*"]) if use <= level]
        with suppress(*_FAILURES):
            if name in self._known and not noted:
                return _plain(self._values[name])
        item, made = self._made[name]
        told = [self._statements[place] for place in sorted({*made, *noted})]
        source = "\n".join([each()[:room] for each in (told if len(told) > 1 else [item])])
        return Expression(source if len(source) <= room else f"{source[:room]}…")

    def run(self, statement: ast.stmt, text: Callable[[ast.AST], str]) -> None:
        """Take note of what a statement does to names.

        Args:
            statement: the statement.
            text: gives the source of a node of it.
        """
        self._statements.append(functools.partial(text, statement))
        if isinstance(statement, ast.Assign):
            self._assign(statement.targets, statement.value, text)
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            self._assign([statement.target], statement.value, text)
        elif not (
            isinstance(statement, ast.AugAssign)
            and self._put(statement.target, self._calculated(statement.value), statement.op)
        ):
            self._note(statement)

    def _assign(self, targets: list[ast.expr], value: ast.expr, text: Callable[[ast.AST], str]) -> None:
        pairs = [pair for target in targets for pair in _pairs(target, value)]
        made = [self._calculated(item) for _, item in pairs]
        if any(each is _UNKNOWN for each in made):
            self._note(value)
        for (target, item), each in zip(pairs, made, strict=True):
            one = each if len(targets) == 1 or _level(each) == CHANGE else _UNKNOWN  # of many, each can change it
            if isinstance(target, ast.Name) and item:
                self._hold(target.id, one, functools.partial(text, item))
            elif not self._put(target, one):
                self._note(target)

    def _hold(self, name: str, value: Any, item: Callable[[], str]) -> None:
        self._values[name] = value
        self._made[name] = item, [len(self._statements) - 1]
        is_known = value is not _UNKNOWN and self._changed.isdisjoint([name, "*"])
        (self._known.add if is_known else self._known.discard)(name)

    def _note(self, node: ast.AST) -> None:
        """Note what is done to names where it is not known what that makes of them."""
        place = len(self._statements) - 1
        try:
            for name, use in effects(node):
                if use in {HAND, PART, CHANGE}:
                    self._noted[name].append((use, place))
                if use == CHANGE:
                    self._changed.add(name)
                if use in {BIND, CHANGE}:
                    self._lose(name, place)
        except RecursionError:
            self._noted["*"].append((CHANGE, place))

    def _lose(self, name: str, place: int) -> None:
        for each in [*self._known] if name == "*" else [name]:
            self._known.discard(each)
            if each in self._made:
                self._made[each][1].append(place)

    def _put(self, target: ast.expr, value: Any, sign: ast.operator | None = None) -> bool:
        """Put a value into what is known, or add it with a sign; return whether that could be done."""
        try:
            container, key = self._place(target)
            if value is _UNKNOWN or root(target) not in self._known:
                return False
            container[key] = self._joined(container[key], sign, value) if sign else value
        except _FAILURES:
            return False
        self._made[root(target)][1].append(len(self._statements) - 1)
        return True

    def _place(self, node: ast.expr) -> tuple[Any, Any]:
        if isinstance(node, ast.Name):
            return self._values, node.id
        if not isinstance(node, ast.Subscript):
            raise ValueError
        container, key = self._place(node.value)
        return container[key], self._folded(node.slice)

    def _calculated(self, node: ast.expr | None) -> Any:
        try:
            return self._folded(node)
        except _FAILURES:
            return _UNKNOWN

    def _folded(self, node: ast.expr | None) -> Any:
        """Calculate what Python does before it runs anything, with names of such values; one of `_FAILURES` if not."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.List):
            return [self._folded(item) for item in node.elts]
        if isinstance(node, ast.Tuple):
            return tuple([self._folded(item) for item in node.elts])
        match node:
            case ast.Dict():
                return {self._folded(key): self._folded(item) for key, item in zip(node.keys, node.values, strict=True)}
            case ast.Name() if node.id in self._known and isinstance(self._values[node.id], str | int | float | None):
                return self._charged(self._values[node.id])
            case ast.UnaryOp(op=ast.USub()) if isinstance(value := self._folded(node.operand), int | float):
                return -value
            case ast.UnaryOp():
                return self._constant(ast.UnaryOp(node.op, ast.Constant(self._folded(node.operand))))
            case ast.BinOp():
                return self._joined(self._folded(node.left), node.op, self._folded(node.right))
            case ast.JoinedStr(values=[] | [ast.Constant()]):
                return "".join([self._folded(part) for part in node.values])
            case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(word))], keywords=[]):
                return float(word)  # as papermill writes NaN and infinities
        raise ValueError

    def _joined(self, left: Any, sign: ast.operator, right: Any) -> Any:
        """Calculate what a sign makes of two constants, or of a list or dict that nobody else has."""
        if isinstance(left, list) and isinstance(sign, ast.Add) and isinstance(right, list | tuple):
            left.extend(right)
            return left
        if isinstance(left, dict) and isinstance(sign, ast.BitOr) and isinstance(right, dict):
            return left.update(right) or left
        return self._constant(ast.BinOp(ast.Constant(left), sign, ast.Constant(right)))

    def _constant(self, node: ast.expr) -> Any:
        """Have Python compile constants, with its own limits; it does not run what it makes of them."""
        whole = ast.Expression(ast.Tuple([node], ast.Load()))
        code = compile(ast.fix_missing_locations(whole), "", "eval")
        if code.co_code != _FOLDED:
            raise ValueError
        return self._charged(code.co_consts[-1][0])

    def _charged(self, value: Any) -> Any:
        self._room -= len(repr(value))
        if self._room < 0:
            raise ValueError
        return value


def _level(value: Any) -> int:
    """Return the most harmless of what may change a value: what is in a list or dict can be one again."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    if any(_level(part) > CHANGE for part in parts):
        return PART
    return HAND if isinstance(value, list | dict) else CHANGE


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | None):
        str(value)  # ValueError where an integer has more digits than Python writes
        return value
    return json.loads(json.dumps(value))


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Yield what is assigned to, and what; None where only a run can tell."""
    if not isinstance(target, ast.Tuple | ast.List):
        yield target, value
        return
    items = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    if len(items) != len(target.elts) or any(isinstance(each, ast.Starred) for each in (*items, *target.elts)):
        yield target, None
        return
    for one, item in zip(target.elts, items, strict=True):
        yield from _pairs(one, item)
