"""What a statement does to the names around it, as far as its text tells. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

# A name, or `*` for all, is bound anew; its value is changed in place, or handed, or a part of it, to who may do that.
Kind = Literal["bind", "change", "hand", "part"]
Effect = tuple[Kind, str]

# Functions and methods that leave a list or dict as it is.
_READING = frozenset(
    """
    abs all any bool copy count debug deepcopy dict display dump dumps enumerate error float format frozenset get glue
    hash id index info int isinstance issubclass items iter join keys len list max min pformat pprint print range
    record repr reversed round set sorted str sum tuple type values warning zip
    """.split()  # noqa: SIM905 - of words one each
)
# Those of them that give what is in it.
_GIVING = frozenset(
    {"copy", "dict", "enumerate", "get", "items", "iter", "list", "max", "min", "reversed", "sorted"}
    | {"sum", "tuple", "values", "zip"}
)
_TELLING = _READING - _GIVING
_CHANGING = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse"}
    | {"setdefault", "sort", "update"}
)
_Loop = ast.For | ast.AsyncFor | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef


def effects(whole: ast.AST) -> Iterator[Effect]:
    """Yield what is done to names when a statement runs, or when the functions in it are called."""
    waiting: list[ast.AST] = [whole]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _Scope):
            yield from _of_scope(node)
        elif isinstance(node, ast.comprehension):  # whose target is its own
            waiting += [node.iter, *node.ifs]
        else:
            yield from _of_loop(node) if isinstance(node, _Loop) else _of_node(node)
            waiting += ast.iter_child_nodes(node)


def deferred(whole: ast.AST) -> Iterator[str]:
    """Yield the names that functions in a statement or expression bind or change when they are called."""
    waiting: list[ast.AST] = [whole]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            own = "" if isinstance(node, ast.Lambda) else node.name
            yield from (name for _, name in _of_scope(node) if name != own)
        else:
            waiting += ast.iter_child_nodes(node)


def handed(whole: ast.AST) -> Iterator[Effect]:
    """Yield the names whose values, or parts of them, are in the value of an expression."""
    waiting: list[tuple[ast.AST, Kind]] = [(whole, "hand")]
    while waiting:
        node, kind = waiting.pop()
        word = _called(node) if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Name):
            yield kind, node.id
        elif not isinstance(node, ast.Compare | ast.JoinedStr) and word not in _TELLING:
            is_of_parts = word in _GIVING or isinstance(node, ast.Subscript | ast.Attribute | ast.BinOp)
            waiting += [(part, "part" if is_of_parts else kind) for part in ast.iter_child_nodes(node)]


def root(node: ast.AST) -> str:
    """Return the name with which `a.b[0].c` begins."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _of_node(node: ast.AST) -> Iterator[Effect]:
    """Yield what is done by a node apart from those in it."""
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            yield "bind", node.id
        case ast.Subscript(ctx=ast.Store() | ast.Del()) if _is_namespace(node.value):
            yield "bind", "*"
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            yield "change", root(node)
        case ast.AugAssign():
            yield "change", root(node.target)
        case ast.Call():
            yield from _of_call(node)
        case ast.alias() if node.name != "*":
            yield "bind", node.asname or node.name.partition(".")[0]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield "bind", name
        case ast.MatchMapping(rest=str(name)):
            yield "bind", name


def _of_call(node: ast.Call) -> Iterator[Effect]:
    word = _called(node)
    if word == "exec" or (isinstance(node.func, ast.Attribute) and _is_namespace(node.func.value)):
        yield "bind", "*"
    if isinstance(node.func, ast.Attribute) and word not in _READING:
        yield "change" if word in _CHANGING else "hand", root(node.func)
    if word not in _READING:
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            yield from handed(argument)


def _is_namespace(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _called(node) in {"globals", "locals", "vars"}


def _called(node: ast.Call) -> str:
    """Return the last word of what is called."""
    called = node.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def _of_loop(node: _Loop) -> Iterator[Effect]:
    """Yield the names whose members a loop changes."""
    loops = [node] if isinstance(node, ast.For | ast.AsyncFor) else node.generators
    own = {inside.id for loop in loops for inside in ast.walk(loop.target) if isinstance(inside, ast.Name)}
    inner = (effect for inside in ast.walk(node) if not isinstance(inside, _Loop) for effect in _of_node(inside))
    if any(kind != "bind" and name in own for kind, name in inner):
        yield from (("change", name) for loop in loops for _, name in handed(loop.iter))


def _of_scope(node: _Scope) -> Iterator[Effect]:
    """Yield what a function or class does to the names around it; what a function is given is its own business."""
    if not isinstance(node, ast.Lambda):
        yield "bind", node.name
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*node.body]
    outer = [part for part in ast.iter_child_nodes(node) if part not in body]
    for part in outer:
        yield from effects(part)
    inner = [effect for part in body for effect in effects(part)]
    nodes = [inside for inside in ast.walk(node) if isinstance(inside, ast.Global | ast.arg)]
    said = {name for inside in nodes if isinstance(inside, ast.Global) for name in inside.names}
    own = {inside.arg for inside in nodes if isinstance(inside, ast.arg)}
    own |= {name for kind, name in inner if kind == "bind"} - said
    yield from (("bind", name) for name in sorted(said))
    yield from (effect for effect in inner if effect[0] == "change" and effect[1] not in own)
