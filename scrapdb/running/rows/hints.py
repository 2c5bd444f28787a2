"""Types of parameters, by their annotations, else by their defaults. Parsed, never executed."""

from __future__ import annotations

import ast
from typing import Any

from scrapdb.facts import Expression
from scrapdb.notebooks import syntax
from scrapdb.running.rows import values
from scrapdb.running.rows.values import Type

_LISTS = "list List tuple Tuple set Set frozenset FrozenSet Sequence MutableSequence Iterable Collection Iterator"
_DICTS = "dict Dict Mapping MutableMapping OrderedDict defaultdict"
_PATHS = "Path PurePath PosixPath PurePosixPath PathLike"
_NAMES: dict[str, Type] = {
    "int": values.INT,
    "float": values.FLOAT,
    "bool": values.BOOL,
    "None": values.NONE,
    "NoneType": values.NONE,
    "date": values.DATE,
    "datetime": values.DATETIME,
    "Timestamp": values.DATETIME,
    "time": values.TIME,
    **dict.fromkeys(["Integral", "int64", "int32"], values.INT),
    **dict.fromkeys(["Number", "Real", "float64", "float32"], values.FLOAT),
    **dict.fromkeys(["Any", "object"], values.ANY),
    **dict.fromkeys(["str", "Text", "AnyStr", "LiteralString", *_PATHS.split()], values.STR),
    **dict.fromkeys(_LISTS.split(), values.LIST),
    **dict.fromkeys(_DICTS.split(), values.DICT),
}
_WRAPPERS = frozenset({"Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly"})
_MADE_BY: dict[str, Type] = {  # functions and classes by whose names a default tells its type
    "int": values.NUMBER,
    "to_datetime": values.DATETIME,
    **{name: _NAMES[name] for name in ("float", "bool", "date", "datetime", "Timestamp", "str", *_PATHS.split())},
    **dict.fromkeys(["list", "sorted"], values.LIST),
    **dict.fromkeys(["dict"], values.DICT),
    **dict.fromkeys(["getenv", "getcwd", "join", "strftime", "isoformat"], values.STR),
}
_MAKERS = frozenset({"today", "now", "utcnow", "fromisoformat", "strptime", "fromtimestamp", "combine"})


def of_annotation(source: str) -> Type | None:
    """Return the type that an annotation asks for, or None if it is not known here."""
    try:
        return _type(syntax.expression(source.strip()))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def of_default(default: Any) -> Type:
    """Return the type that a default suggests; a whole number suggests any number."""
    match default:
        case bool():
            return values.BOOL
        case int():
            return values.NUMBER
        case float():
            return values.FLOAT
        case str():
            return values.STR
        case list():
            return values.LIST
        case dict():
            return values.DICT
        case Expression(source=source):
            return _of_expression(source)
    return values.ANY


def _type(node: ast.expr) -> Type | None:
    match node:
        case ast.Constant(value=None):
            return values.NONE
        case ast.Constant(value=str(source)):
            return of_annotation(source)
        case ast.BinOp(op=ast.BitOr()):
            return values.union([_type(side) or values.ANY for side in (node.left, node.right)])
        case ast.Name() | ast.Attribute():
            return _NAMES.get(_last(node))
        case ast.Subscript():
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return _subscripted(_last(node.value), parts)
    return None


def _subscripted(name: str, parts: list[ast.expr]) -> Type | None:
    if name == "Literal":
        return Type("literal", choices=tuple(ast.literal_eval(part) for part in parts))
    if name in _WRAPPERS:
        return _type(parts[0])
    inner = [_type(part) or values.ANY for part in parts if not _is_ellipsis(part)]
    if name in ("Optional", "Union"):
        return values.union([*inner, *([values.NONE] if name == "Optional" else [])])
    known = _NAMES.get(name)
    if known == values.DICT:
        return Type("dict", (inner[-1],))
    return Type("list", (values.union(inner),)) if known == values.LIST and inner else known


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _last(node: ast.expr) -> str:
    """Return the last word of `datetime.date`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _of_expression(source: str) -> Type:
    try:
        node = syntax.expression(source.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return values.ANY
    match node:
        case ast.JoinedStr():
            return values.STR
        case ast.Call(func=ast.Attribute(value=owner, attr=made)) if made in _MAKERS:
            return _MADE_BY.get(_last(owner), values.ANY)
        case ast.Call(func=function):
            return _MADE_BY.get(_last(function), values.ANY)
    return values.ANY
