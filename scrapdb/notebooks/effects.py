"""What a statement may do to the names around it, as far as its text tells. Pure.

Whoever gets hold of a list or dict may change it; only a few functions and places of the syntax are known to read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

# What is done with a name or its value; the greater, the more harmless.
GLOBAL = 0  # a function says that it binds the name around it
BIND = 1  # the name is bound or deleted
CHANGE = 2  # a part of its value is
HAND = 3  # its value goes where it can be kept and changed
PART = 4  # a part of its value does
READ = 5

# Functions and methods that leave a list or dict as it is, and those of them that give what is in it.
_READING = "all any deepcopy display dump dumps format glue len pformat pprint print record repr round"
_GIVING = "dict enumerate filter iter list map max min reversed sorted sum tuple zip"
_FUNCTIONS = dict.fromkeys(f"{_READING} bool float int isinstance range set str type".split(), READ)
_FUNCTIONS |= dict.fromkeys(_GIVING.split(), PART)
_METHODS = dict.fromkeys(f"{_READING} count debug error index info join keys warning".split(), READ)
_METHODS |= dict.fromkeys(["copy", "get", "items", "max", "mean", "min", "sum", "values"], PART)
# What syntax does at least with that which stands in it.
_PLACES: dict[type[ast.AST], int] = {
    **dict.fromkeys([ast.Assert, ast.Compare, ast.Expr, ast.If, ast.JoinedStr, ast.UnaryOp, ast.While], READ),
    **dict.fromkeys([ast.AugAssign, ast.BinOp, ast.comprehension, ast.For, ast.Starred, ast.Subscript], PART),
    **dict.fromkeys([ast.BoolOp, ast.FormattedValue, ast.IfExp, ast.keyword, ast.Slice], HAND),
}
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def of(whole: ast.AST, use: int = HAND) -> Iterator[tuple[str, int]]:
    """Yield names, `*` for all, and what is done with them when a statement runs, or a function in it is called."""
    waiting = [(whole, use)]
    while waiting:
        node, use = waiting.pop()
        if isinstance(node, _Scope):
            yield from _of_scope(node)
            continue
        yield from _of_node(node, use)
        use = _inner(node, use)
        waiting += [(part, use) for part in _parts(node)]


def root(node: ast.AST) -> str:
    """Return the name with which `a.b[0].c` begins."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _of_node(node: ast.AST, use: int) -> Iterator[tuple[str, int]]:
    """Yield what is done by a node apart from those in it."""
    match node:
        case ast.Name(id="exec") | ast.alias(name="*"):
            yield "*", BIND
        case ast.Call(func=ast.Name(id="globals" | "locals" | "vars")) if use != READ:
            yield "*", CHANGE
        case ast.Global():
            yield from ((name, GLOBAL) for name in node.names)
        case ast.Name():
            yield node.id, use if isinstance(node.ctx, ast.Load) else BIND
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            yield root(node), CHANGE
        case ast.alias():
            yield node.asname or node.name.partition(".")[0], BIND
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name, BIND
        case ast.MatchMapping(rest=str(name)):
            yield name, BIND


def _parts(node: ast.AST) -> Iterable[ast.AST]:
    match node:
        case ast.comprehension():  # whose target is its own
            return [node.iter, *node.ifs]
        case ast.Call(func=ast.Attribute() as called) if called.attr in _METHODS:
            return [called.value, *node.args, *node.keywords]
    return ast.iter_child_nodes(node)


def _inner(node: ast.AST, use: int) -> int:
    """Return what is done with that which stands in a node."""
    match node:
        case ast.Call(func=ast.Attribute(attr=word)):
            return _METHODS.get(word, HAND)
        case ast.Call(func=ast.Name(id=word)):
            return _FUNCTIONS.get(word, HAND)
        case ast.Attribute(ctx=ast.Load()) | ast.List() | ast.Tuple() | ast.Set() | ast.Dict():  # which hold it
            return use if use == READ else HAND
        case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute():
            return HAND
        case ast.stmt():
            use = HAND
        case ast.keyword(arg=None):  # **members
            use = max(use, PART)
    return max(use, _PLACES[type(node)]) if type(node) in _PLACES else HAND


def _of_scope(node: Any) -> Iterator[tuple[str, int]]:
    """Yield what a function or class does to the names around it; what a function is given is its own business."""
    body = set(node.body if isinstance(node.body, list) else [node.body])
    yield getattr(node, "name", ""), BIND
    for part in ast.iter_child_nodes(node):
        yield from of(part) if part not in body else ()
    inner = {effect for part in body for effect in of(part)}
    own: set[str] = set()
    if not isinstance(node, ast.ClassDef):  # whose names its functions do not see
        own = {each.arg for each in ast.iter_child_nodes(node.args) if isinstance(each, ast.arg)}
        own |= {name for name, use in inner if use == BIND} - {name for name, use in inner if use == GLOBAL}
    yield from ((name, use) for name, use in inner if use == GLOBAL or (use != BIND and name not in own))
