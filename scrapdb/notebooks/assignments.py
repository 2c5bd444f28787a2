"""What the names of a cell stand for when it has run, as far as its text tells: parsed, never executed.

Assignments of what Python calculates before it runs anything are calculated; what else is done to a name is noted. If
that can have changed the value, there is an expression in its place, whose source is all statements that had a part.
"""

from __future__ import annotations

import ast
import functools
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from scrapdb.facts import Expression
from scrapdb.notebooks import effects

_MOST_CHARACTERS, _LEAST_CHARACTERS = 1_000_000, 100  # of all that is calculated or told; of each
_CONSTANT = compile("(1.5,)", "", "eval").co_code
_UNKNOWN = object()
_SIMPLE = (str, int, float, type(None))
_HOLDING = (dict, list, tuple)
_FAILURES = (LookupError, TypeError, ValueError, RecursionError)
_Texts = Callable[[ast.AST], str]


class Assignments:
    """The names that cells assign, run in their heads one statement after the other."""

    def __init__(self) -> None:
        self._statements: list[Callable[[], str]] = []  # their sources
        self._values: dict[str, Any] = {}
        self._known: set[str] = set()  # names that stand for their values now
        self._made: dict[str, tuple[Callable[[], str], list[int]]] = {}  # source of a value, and statements since
        self._noted: dict[tuple[str, int], list[int]] = defaultdict(list)  # by which statements what was done to names
        self._room = _MOST_CHARACTERS

    def values(self) -> dict[str, Any]:
        """Return the JSON values or Expressions of names, by first appearance."""
        room = max(_LEAST_CHARACTERS, _MOST_CHARACTERS // max(1, len(self._values)))
        return {name: self._result(name, room) for name in self._values}

    def _result(self, name: str, room: int) -> Any:
        value = self._values[name]
        noted = self._noted.get(("*", effects.CHANGE), [])[:1]
        if self._noted:
            for use in range(effects.CHANGE, _level(value) + 1):
                noted += self._noted.get((name, use), ())
        if name in self._known and not noted:
            try:
                return _plain(value)
            except _FAILURES:  # neither JSON nor Python can write it
                pass
        item, made = self._made[name]
        told = [self._statements[place] for place in sorted({*made, *noted})]
        source = "\n".join([each()[:room] for each in (told if len(told) > 1 else [item])])
        return Expression(source if len(source) <= room else f"{source[:room]}…")

    def run(self, statement: ast.stmt, text: _Texts) -> None:
        """Take note of what a statement does to names; `text` gives the source of a node of it."""
        self._statements.append(functools.partial(text, statement))
        if isinstance(statement, ast.Assign):
            self._assign(statement.targets, statement.value, text)
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            self._assign([statement.target], statement.value, text)
        elif not isinstance(statement, ast.AugAssign) or not self._put(
            statement.target, self._calculated(statement.value), statement.op
        ):
            self._note(statement)

    def _assign(self, targets: list[ast.expr], value: ast.expr, text: _Texts) -> None:
        pairs: list[tuple[ast.expr, ast.expr | None]] = [(targets[0], value)]
        if len(targets) > 1 or not isinstance(targets[0], ast.Name):  # which hardly ever is
            pairs = [pair for target in targets for pair in _pairs(target, value)]
        made = [self._calculated(item) for _, item in pairs]
        if _UNKNOWN in made:
            self._note(value)
        for (target, item), each in zip(pairs, made, strict=True):
            own = _UNKNOWN if targets[1:] and _level(each) > effects.CHANGE else each  # not that of two names
            if isinstance(target, ast.Name) and item:
                self._hold(target.id, own, functools.partial(text, item) if own is each else self._statements[-1])
            elif not self._put(target, own):
                self._note(target)

    def _hold(self, name: str, value: Any, item: Callable[[], str]) -> None:
        self._values[name] = value
        self._made[name] = item, [len(self._statements) - 1]
        self._known.add(name)
        if value is _UNKNOWN or (name, effects.CHANGE) in self._noted or ("*", effects.CHANGE) in self._noted:
            self._known.remove(name)

    def _note(self, node: ast.AST) -> None:
        """Note what is done to names where it is not known what that makes of them."""
        place = len(self._statements) - 1
        try:
            found = set(effects.of(node))
        except RecursionError:
            found = {("*", effects.CHANGE)}
        for name, use in found:
            if use != effects.BIND:
                self._noted[name, max(use, effects.CHANGE)].append(place)
            if use <= effects.CHANGE:
                lost = [*self._known] if name == "*" else [name]
                self._known.difference_update(lost)
                for each in self._made.keys() & lost:
                    self._made[each][1].append(place)

    def _put(self, target: ast.expr, value: Any, sign: ast.operator | None = None) -> bool:
        """Put a value into one that is known, or add it to that; return whether this could be done."""
        name = effects.root(target)
        if value is _UNKNOWN or name not in self._known:
            return False
        try:
            container, key = self._place(target)
            container[key] = self._sum(container[key], sign, value) if sign else value
        except _FAILURES:
            return False
        self._made[name][1].append(len(self._statements) - 1)
        return True

    def _place(self, node: ast.expr) -> tuple[Any, Any]:
        if isinstance(node, ast.Name):
            return self._values, node.id
        if not isinstance(node, ast.Subscript):
            raise TypeError
        container, key = self._place(node.value)
        return container[key], self._folded(node.slice)

    def _calculated(self, node: ast.expr | None) -> Any:
        try:
            return self._folded(node)
        except _FAILURES:
            return _UNKNOWN

    def _folded(self, node: ast.expr | None) -> Any:
        """Calculate what Python does before it runs anything, and names of it; raise one of `_FAILURES` if it waits."""
        if isinstance(node, ast.Constant):
            return node.value
        match node:
            case ast.List() | ast.Tuple():
                items = [self._folded(item) for item in node.elts]
                return items if isinstance(node, ast.List) else tuple(items)
            case ast.JoinedStr(values=[ast.Constant(value=value)]):
                return value
            case ast.Dict():
                return {self._folded(key): self._folded(item) for key, item in zip(node.keys, node.values, strict=True)}
            case ast.Name() if node.id in self._known and isinstance(self._values[node.id], _SIMPLE):
                return self._constant(ast.Constant(self._values[node.id]))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return -number
            case ast.UnaryOp():
                return self._constant(ast.UnaryOp(node.op, ast.Constant(self._folded(node.operand))))
            case ast.BinOp():
                sides = [ast.Constant(self._folded(side)) for side in (node.left, node.right)]
                return self._constant(ast.BinOp(sides[0], node.op, sides[1]))
            case ast.Call(func=function, args=[ast.Constant(value=str(word))], keywords=[]):
                return _called(function, word)
        raise TypeError

    def _sum(self, left: Any, sign: ast.operator, right: Any) -> Any:
        """Calculate what an assignment with a sign makes of a value that nobody else has."""
        if isinstance(left, list) and isinstance(sign, ast.Add) and isinstance(right, list | tuple):
            left.extend(right)
            return left
        if isinstance(left, dict) and isinstance(sign, ast.BitOr) and isinstance(right, dict):
            left.update(right)
            return left
        return self._constant(ast.BinOp(ast.Constant(left), sign, ast.Constant(right)))

    def _constant(self, node: ast.expr) -> Any:
        """Have Python compile constants, within its own limits, and look whether it has made one of them."""
        whole = ast.fix_missing_locations(ast.Expression(ast.Tuple([node], ast.Load())))
        code = compile(whole, "", "eval") if self._room > 0 else None
        if not code or code.co_code != _CONSTANT:
            raise ValueError
        value = code.co_consts[-1][0]
        self._room -= _LEAST_CHARACTERS + len(repr(value))
        return value


def _called(function: ast.expr, word: str) -> Any:
    """Read what runners write as a call: NaN and infinities, and dates and times, whose JSON value is the text."""
    match function:
        case ast.Name("float"):
            return float(word)
        case ast.Attribute(
            ast.Attribute(
                ast.Call(ast.Name("__import__"), [ast.Constant("datetime")], []), "date" | "datetime" | "time"
            ),
            "fromisoformat",
        ):
            return word
    raise TypeError


def _plain(value: Any) -> Any:
    if not isinstance(value, _SIMPLE):
        return json.loads(json.dumps(value))
    str(value)  # fails where an integer has more digits than Python writes
    return value


def _level(value: Any) -> int:
    """Return the most harmless effect that can change a value."""
    if not isinstance(value, _HOLDING):
        return effects.CHANGE
    if any(_level(part) > effects.CHANGE for part in (value.values() if isinstance(value, dict) else value)):
        return effects.PART
    return effects.CHANGE if isinstance(value, tuple) else effects.HAND


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr | None]]:
    """Find what is assigned to, and what; None where only a run can tell."""
    if not isinstance(target, ast.Tuple | ast.List):
        return [(target, value)]
    items = value.elts if isinstance(value, ast.Tuple | ast.List) else []
    if len(items) != len(target.elts) or any(isinstance(each, ast.Starred) for each in (*items, *target.elts)):
        return [(target, None)]
    return [pair for one, item in zip(target.elts, items, strict=True) for pair in _pairs(one, item)]
