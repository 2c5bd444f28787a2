"""What the names of a cell stand for when it has run, as far as its text tells: parsed, never executed.

A name is known where it is a literal, or what Python makes of literals before it runs anything. What else binds the
name or changes its value makes an expression of it, whose source is the statements: nothing is taken for the value of a
run that the run may not have had.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

from scrapdb.facts import Expression
from scrapdb.notebooks import folding
from scrapdb.notebooks.effects import Effect
from scrapdb.notebooks.effects import deferred
from scrapdb.notebooks.effects import effects
from scrapdb.notebooks.effects import handed
from scrapdb.notebooks.effects import root
from scrapdb.notebooks.folding import UnknownError

_TextOf = Callable[[ast.AST], str]
_MOST_STATEMENTS = 50  # that are told of a value
_MOST_SOURCE, _LEAST_SOURCE = 1_000_000, 200  # characters: of all sources of a cell; of one where they are many


class _Told:
    """The source of a statement, which is looked up where it is told."""

    def __init__(self, node: ast.AST, text: _TextOf) -> None:
        self._node = node
        self._text = text

    @cached_property
    def source(self) -> str:
        return self._text(self._node)


class _Held:
    """What names stand for: a value, if it is known, the expression that gave it, and the statements that made it."""

    def __init__(self, value: Any, item: _Told, statements: list[_Told], *, is_known: bool = True) -> None:
        self.value = value
        self.item = item
        self.statements = statements
        self.is_known = is_known

    def is_open(self) -> bool:
        """Return whether somebody who has the value can change it."""
        return self.is_known and folding.is_open(self.value)

    def lose(self, statement: _Told) -> None:
        """Take a statement for one after which the value is not known."""
        self.note(statement)
        self.is_known = False

    def note(self, statement: _Told) -> None:
        """Take a statement for one that has a part in the value; of very many the first ones do."""
        if len(self.statements) < _MOST_STATEMENTS:
            self.statements.append(statement)
        elif self.statements[-1] is not _MORE:
            self.statements.append(_MORE)

    def copy(self) -> _Held:
        """Return the same for one of the names alone."""
        return _Held(self.value, self.item, [*self.statements], is_known=self.is_known)

    def result(self, room: int) -> Any:
        """Return the value, if JSON can hold it, else the source as an Expression, of so many characters."""
        value = self.value
        if self.is_known and (value is None or isinstance(value, str | int | float)):
            return value
        with suppress(TypeError, ValueError, RecursionError):
            if self.is_known:
                return json.loads(json.dumps(value))
        statements = dict.fromkeys(self.statements)
        told = statements if len(statements) > 1 else [self.item]
        source = "\n".join([each.source[:room] for each in told])
        return Expression(source if len(source) <= room else f"{source[:room]}…")


_MORE = _Told(ast.Pass(), lambda _: "…")


class Assignments:
    """The names that cells assign, run in their heads one statement after the other."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._folding = folding.Folding(self._constant)
        self._parts: dict[str, list[list[_Held]]] = {}  # what is changed with a name of which the value is not known
        self._fresh: set[str] = set()  # names that were bound since all were
        self._later: dict[str, _Told] = {}  # functions of the cell that change a name when they are called

    def values(self) -> Iterator[tuple[str, Any]]:
        """Yield each name, by first appearance, with its JSON value or Expression."""
        room = _MOST_SOURCE
        for name, held in self._held.items():
            result = held.result(max(room, _LEAST_SOURCE))
            room -= len(result.source) if isinstance(result, Expression) else 0
            yield name, result

    def run(self, statement: ast.stmt, text: _TextOf) -> None:
        """Take note of what a statement does to names.

        Args:
            statement: the statement.
            text: gives the source of a node of it.
        """
        told = _Told(statement, text)
        if isinstance(statement, ast.Assign):
            self._assign(statement.targets, statement.value, told, text)
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            self._assign([statement.target], statement.value, told, text)
        elif isinstance(statement, ast.AugAssign):
            self._augment(statement, told)
        else:
            suffered, parts = list(effects(statement)), self._shared(statement)
            self._suffer(suffered, told)
            for name in {name for kind, name in suffered if kind == "bind" and parts}:
                self._parts.setdefault(name, []).append(parts)
            self._later |= dict.fromkeys(deferred(statement), told)

    def _assign(self, targets: list[ast.expr], value: ast.expr, told: _Told, text: _TextOf) -> None:
        if len(targets) == 1 and isinstance(target := targets[0], ast.Name):  # as nearly all are
            held = self._made(value, told, text)
            if not held.is_known:
                self._suffer(effects(value), told)
                self._later |= dict.fromkeys(deferred(value), told)
            self._hold(target.id, held, value)
        else:
            self._assign_many(targets, value, told, text)

    def _assign_many(self, targets: list[ast.expr], value: ast.expr, told: _Told, text: _TextOf) -> None:
        pairs = [pair for target in targets for pair in _pairs(target, value)]
        made = {item: self._made(item, told, text) for _, item in pairs if item}
        if not all(item and made[item].is_known for _, item in pairs):  # what is calculated does nothing else
            self._suffer(effects(value), told)
        for target, item in pairs:
            held = made[item] if item else None
            is_alone = len(targets) == 1 and not isinstance(item, ast.Name)
            if isinstance(target, ast.Name) and held and item:
                self._hold(target.id, held, item)
            elif not (isinstance(target, ast.Subscript) and held and is_alone and self._put(target, held, told)):
                self._suffer(effects(target), told)
                self._parts.setdefault(root(target), []).append(self._shared(item or value))

    def _made(self, item: ast.expr, told: _Told, text: _TextOf) -> _Held:
        """Find what an expression gives: what a name stands for itself, if who has that can change it."""
        named = self._held.get(item.id) if isinstance(item, ast.Name) else None
        if named and named.is_open():
            named.note(told)
            return named
        special = _special(item) if isinstance(item, ast.Call) else None
        try:
            return _Held(self._folded(item) if special is None else special, _Told(item, text), [told])
        except (UnknownError, RecursionError):
            return _Held(None, _Told(item, text), [told], is_known=False)

    def _hold(self, name: str, held: _Held, item: ast.expr) -> None:
        self._held[name] = held
        self._fresh.add(name)
        self._parts.pop(name, None)
        if not held.is_known and (parts := self._shared(item)):
            self._parts[name] = [parts]
        if name in self._later:
            held.lose(self._later[name])

    def _augment(self, statement: ast.AugAssign, told: _Told) -> None:
        self._suffer(effects(statement.value), told)
        try:
            held = self._augmented(statement.target, statement.op, self._folded(statement.value))
        except (UnknownError, LookupError, TypeError):
            self._suffer(effects(statement), told)
        else:
            held.note(told)

    def _augmented(self, target: ast.expr, sign: ast.operator, value: Any) -> _Held:
        if isinstance(target, ast.Subscript):
            held, container, key = self._slot(target)
            container[key] = self._folding.computed(sign, container[key], value)
            return held
        held, name = self._known(target), root(target)
        if held.is_open():
            folding.extend(held.value, sign, value)
        else:
            held = self._held[name] = held.copy()
            held.value = self._folding.computed(sign, held.value, value)
        return held

    def _put(self, target: ast.Subscript, item: _Held, told: _Told) -> bool:
        """Put a known value into a list or dict that is known; return whether that could be done."""
        try:
            if not item.is_known:
                return False
            held, container, key = self._slot(target)
            container[key] = item.value
        except (UnknownError, LookupError, TypeError):
            return False
        held.note(told)
        return True

    def _slot(self, target: ast.Subscript) -> tuple[_Held, Any, Any]:
        """Find the list or dict of a place in one that a name stands for, and the index or key in it."""
        keys = [self._folded(target.slice)]
        node = target.value
        while isinstance(node, ast.Subscript):
            keys.append(self._folded(node.slice))
            node = node.value
        held = self._known(node)
        container = held.value
        for key in reversed(keys[1:]):
            container = container[key]
        return held, container, keys[0]

    def _known(self, node: ast.expr) -> _Held:
        held = self._held.get(node.id) if isinstance(node, ast.Name) else None
        if held is None or not held.is_known:
            raise UnknownError
        return held

    def _suffer(self, effects: Iterable[Effect], told: _Told) -> None:
        """Lose what is not known any more."""
        for kind, name in effects:
            if kind == "bind":
                names, self._fresh = (self._fresh, set()) if name == "*" else ({name}, self._fresh)
                for each in names & self._held.keys():
                    self._bind(each, told)
                continue
            held = self._held.get(name)
            if held and _is_changed(held, kind):
                held.lose(told)
            for parts in self._parts.pop(name, ()):
                for part in parts:
                    if part.is_open():
                        part.lose(told)
                parts.clear()

    def _bind(self, name: str, told: _Told) -> None:
        held = self._held[name]
        if held.is_open():  # what is bound in a block may not be
            self._parts.setdefault(name, []).append([held])
        self._held[name] = held.copy()
        self._held[name].lose(told)

    def _shared(self, node: ast.AST) -> list[_Held]:
        """Find what can be changed by who has the value of an expression, or one that a statement binds."""
        named = ((self._held.get(name), kind) for kind, name in handed(node))
        return [held for held, kind in named if held and _is_changed(held, kind)]

    def _folded(self, node: ast.expr) -> Any:
        return self._folding.folded(node)

    def _constant(self, name: str) -> Any:
        held = self._held.get(name)
        if held is None or not held.is_known:
            raise UnknownError
        return held.value


def _is_changed(held: _Held, kind: str) -> bool:
    """Return whether an effect may change what a name stands for."""
    if kind == "part":
        value = held.value
        return held.is_open() and any(map(folding.is_open, value.values() if isinstance(value, dict) else value))
    return held.is_open() or (kind == "change" and not held.is_known)


def _special(node: ast.expr) -> float | None:
    """Read how papermill writes NaN and infinities."""
    match node:
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=str(word))], keywords=[]):
            try:
                return float(word)
            except ValueError:
                return None
    return None


def _pairs(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Yield what is assigned to, and what; None where only a run can tell."""
    if isinstance(target, ast.Starred):
        yield from _pairs(target.value, None)
    elif isinstance(target, ast.Tuple | ast.List):
        items = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        is_even = len(items) == len(target.elts) and not any(
            isinstance(one, ast.Starred) for one in (*items, *target.elts)
        )
        for place, one in enumerate(target.elts):
            yield from _pairs(one, items[place] if is_even else None)
    else:
        yield target, value
