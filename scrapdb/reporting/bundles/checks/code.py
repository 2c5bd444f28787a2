"""What the code of a notebook takes and gives, as far as its source tells."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from scrapdb.reporting.bundles import messages
from scrapdb.reporting.bundles.bundle import Bundle

OUTPUT = "output.json"
_GLUE, _DUMPS = "glue", frozenset({"dump", "dumps"})
_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError)


class Code(NamedTuple):
    """A code cell that a report executes: its index, its Python, and that parsed; None where it cannot be."""

    cell: int
    source: str
    tree: ast.Module | None
    problem: str = ""
    line: int | None = None


class Gives(NamedTuple):
    """What a notebook gives its template: names, whether these are all, and the last cells that write and glue."""

    names: frozenset[str]
    is_all: bool
    writes: int | None
    glues: int | None


def of(bundle: Bundle) -> list[Code]:
    """Parse the cells that a report executes."""
    return [_parsed(index, source) for index, source in messages.code(bundle)]


def gives(cells: list[Code]) -> Gives:
    """Find what a notebook gives its template."""
    trees = {each.cell: each.tree for each in cells if each.tree}
    glued = [(cell, name) for cell, tree in trees.items() for name in _glued(tree)]
    writing = [cell for cell, tree in trees.items() if OUTPUT in _texts(tree)]
    names, is_all = _dumped(list(trees.values())) if writing else (set(), True)
    return Gives(
        names=frozenset({*names, *(name for _, name in glued if name)}),
        is_all=is_all and all(name for _, name in glued) and len(trees) == len(cells),
        writes=max(writing, default=None),
        glues=max((cell for cell, _ in glued), default=None),
    )


def loaded(cells: list[Code]) -> set[str]:
    """Return the names that the code reads."""
    trees = [each.tree for each in cells if each.tree]
    return {node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name)}


def texts(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the texts in code, those of f-strings in parts, and the lines in which they begin; not its docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def _parsed(index: int, source: str) -> Code:
    with warnings.catch_warnings(action="ignore"):  # of a stranger's code
        try:
            return Code(index, source, ast.parse(source))
        except _FAILURES as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            return Code(index, source, None, str(getattr(error, "msg", error)), line)


def _texts(tree: ast.AST) -> list[str]:
    return [text.rpartition("/")[2] for text, _ in texts(tree)]


def _glued(tree: ast.AST) -> Iterator[str | None]:
    """Yield the names under which something is glued; None for one that only a run tells."""
    for call in _calls(tree, {_GLUE}):
        named = [*call.args[:1], *(each.value for each in call.keywords if each.arg == "name")]
        value = named[0].value if named and isinstance(named[0], ast.Constant) else None
        yield value if isinstance(value, str) else None


def _calls(tree: ast.AST, names: frozenset[str] | set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _last(node.func) in names:
            yield node


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _dumped(trees: list[ast.Module]) -> tuple[set[str], bool]:
    """Return the keys of what is written as JSON, and whether these are all of them."""
    dumped = [call.args[0] for tree in trees for call in _calls(tree, _DUMPS) if call.args]
    names: set[str] = set()
    is_all = bool(dumped)
    for value in dumped:
        found = _of_variable(value.id, trees) if isinstance(value, ast.Name) else _keys(value)
        names |= found or set()
        is_all &= found is not None
    return names, is_all


def _keys(node: ast.AST | None) -> set[str] | None:
    """Return the keys of a dict that is written out; None if not all of them are."""
    if isinstance(node, ast.Call) and _last(node.func) == "dict" and not node.args:
        keys = [each.arg for each in node.keywords]
    elif isinstance(node, ast.Dict):
        keys = [each.value if isinstance(each, ast.Constant) else None for each in node.keys]  # type: ignore[misc]
    else:
        return None
    return {str(key) for key in keys} if None not in keys else None


def _of_variable(name: str, trees: list[ast.Module]) -> set[str] | None:
    """Return the keys that a variable is given anywhere; None if something else is done to it."""
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        keys = _given(node, name)
        if keys is None:
            return None
        found |= keys
    return found or None


def _given(node: ast.AST, name: str) -> set[str] | None:
    """Return the keys that a variable gets by a statement or an expression; None if that cannot be told."""
    match node:
        case ast.Assign(targets=targets, value=value):
            return _assigned(targets, value, name)
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
            return _assigned([target], value, name)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=method)) if owner == name:
            return _by_method(node, method)
    return set()


def _assigned(targets: list[ast.expr], value: ast.AST, name: str) -> set[str] | None:
    found: set[str] = set()
    for target in targets:
        match target:
            case ast.Name(id=assigned) if assigned == name:
                keys = _keys(value)
                if keys is None:
                    return None
                found |= keys
            case ast.Subscript(value=ast.Name(id=owner), slice=key) if owner == name:
                if not isinstance(key, ast.Constant):
                    return None
                found.add(str(key.value))
            case ast.Tuple() | ast.List() if name in {_last(each) for each in target.elts}:
                return None
    return found


def _by_method(call: ast.Call, method: str) -> set[str] | None:
    match method, call.args:
        case "update", []:
            return (
                None if any(each.arg is None for each in call.keywords) else {str(each.arg) for each in call.keywords}
            )
        case "update", [only] if not call.keywords:
            return _keys(only)
        case "setdefault", [ast.Constant(value=key), *_]:
            return {str(key)}
        case (("get" | "items" | "keys" | "values" | "copy"), _):
            return set()
    return None


def is_path(text: str) -> bool:
    """Return whether a text is a path of one machine: `/home/me/data.csv`, `C:/data`, `~/data`."""
    return bool(_ABSOLUTE.match(text))


_ROOTS = "Users|Volumes|content|data|dbfs|etc|home|media|mnt|opt|private|root|srv|tmp|usr|var|workspace"
_ABSOLUTE = re.compile(rf"\s*(?:file:/|/(?:{_ROOTS})(?:/|\Z)|[A-Za-z]:[\\/](?!/)|~[\w.-]*/|\\\\[\w.-]+\\)")
