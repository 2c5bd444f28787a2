"""Cells that begin with `#ENVIRONMENT`: what stands there as `"$NAME"` is filled with the value of that name.

A cell is parsed, never searched for text: a whole literal becomes the literal of the value, a placeholder within a
longer literal becomes part of that, and whatever a value says it stays a value. `$$` is a dollar, and `${NAME}` is told
from what follows. Comments are left alone, and so are IPython's own statements, in which IPython fills in `$name`.
"""

from __future__ import annotations

import ast
import copy
import math
import re
import warnings
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from scrapdb.notebooks import ipython
from scrapdb.notebooks import syntax
from scrapdb.running.kernels.cells import SKIPPED

_ENVIRONMENT = re.compile(r"\s*#[ \t]*environment\b[ \t]*(:?[ \t]*(?:[\r\n]|\Z))?", re.IGNORECASE)  # alone in its line
_DOLLAR = re.compile(r"\$(?:(\$)|([^\W\d]\w*)|\{([^\W\d]\w*)\})")
_ASSIGNED = re.compile(r"""=[ \t]*(['"])\$[^\W\d]\w*\1""")
_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError)


class PlaceholderError(ValueError):
    """A cell that cannot be filled; the text goes on after its name: `is no Python: invalid syntax in line 3`."""


class Placeholder(NamedTuple):
    """What stands in a cell for a value: its name, the line from 1, and the annotation of what is assigned by it."""

    name: str
    line: int
    annotation: str | None = None


class Variable(NamedTuple):
    """The name of a variable that stands in a cell where a value must not be seen."""

    name: str


class _Cell(NamedTuple):
    """A cell as IPython reads it, what of it is Python, line by line, and that parsed."""

    source: str
    python: str
    tree: ast.Module


def takes(source: str, tags: Collection[str]) -> bool:
    """Return whether a code cell is one whose placeholders are filled; more words in its line may be about others."""
    first = _ENVIRONMENT.match(source)
    return first is not None and bool(first[1] is not None or _ASSIGNED.search(source)) and SKIPPED not in tags


def found(source: str) -> list[Placeholder]:
    """Find the placeholders of a cell.

    Raises:
        PlaceholderError: it cannot be parsed, or one stands where it cannot be filled.
    """
    tree = _parsed(source).tree
    annotations = {id(node.value): ast.unparse(node.annotation) for node in _all(tree, ast.AnnAssign) if node.value}
    return [
        Placeholder(name, text.lineno, annotations.get(id(text)) if _is_whole(text) else None)
        for text in _texts(tree)
        for name in _names(text)
    ]


def filled(source: str, values: Mapping[str, Any]) -> str:
    """Return a cell with its placeholders filled.

    Args:
        source: of the cell.
        values: a JSON value or a Variable for each name that `found` finds.

    Raises:
        PlaceholderError: as `found`.
    """
    cell = _parsed(source)
    filler = _Filler(values)
    bare = {id(node.value) for kind in (ast.Assign, ast.AnnAssign, ast.keyword) for node in _all(cell.tree, kind)}
    try:
        edits = [(text, _written(filler.visit(copy.deepcopy(text)), id(text) in bare)) for text in _texts(cell.tree)]
        made = _edited(cell, edits) if edits else source
        is_filled = not edits or ast.dump(_parsed(made).tree) == ast.dump(filler.visit(cell.tree))
    except _FAILURES:  # before Python 3.12, not every f-string can be written
        is_filled = False
    if not is_filled:
        raise PlaceholderError("has a placeholder where none can be filled: assign it to a variable first")
    return made


def named(name: str, names: Iterable[str]) -> str | None:
    """Return which of some names is meant by one: the same, or the same in another case."""
    known = [*names]
    return name if name in known else next((each for each in known if each.casefold() == name.casefold()), None)


def literal(value: Any) -> str:
    """Return the Python literal of a JSON value; what JSON has no number for, as an expression."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {literal(item)}' for key, item in value.items())}}}"
    return repr(value)


def _parsed(source: str) -> _Cell:
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    with warnings.catch_warnings(action="ignore"):  # of a stranger's code
        try:
            return _Cell(source, source, syntax.module(source))
        except _FAILURES:
            source = ipython.aligned(source)
            python = ipython.as_python(source) or ""
        try:
            return _Cell(source, python, syntax.module(python))
        except _FAILURES as error:
            where = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            raise PlaceholderError(f"is no Python: {getattr(error, 'msg', error)}{where}") from error


def _written(node: ast.AST, is_bare: bool) -> str:  # noqa: FBT001
    """Return the source of an expression; a number has brackets unless it stands alone."""
    text = ast.unparse(node)
    return text if is_bare or text[:1] not in "-0123456789" else f"({text})"


def _all(tree: ast.AST, kind: type[Any]) -> Iterator[Any]:
    return (node for node in ast.walk(tree) if isinstance(node, kind))


def _texts(tree: ast.AST) -> list[Any]:
    """Return the literals with a dollar that is to be filled or undoubled, f-strings whole, in their order."""
    return sorted(_below(tree), key=lambda node: (node.lineno, node.col_offset))


def _below(node: ast.AST) -> Iterator[Any]:
    if isinstance(node, ast.Constant | ast.JoinedStr):
        if any(_DOLLAR.search(each.value) for each in _constants(node)):
            yield node
    elif type(node).__name__ != "TemplateStr":
        for child in ast.iter_child_nodes(node):
            yield from _below(child)


def _constants(node: ast.AST) -> Iterator[Any]:
    """Yield the texts of a literal.

    Raises:
        PlaceholderError: a placeholder stands in bytes.
    """
    for each in _all(node, ast.Constant):
        if isinstance(each.value, bytes) and (name := _DOLLAR.search(each.value.decode("latin-1"))):
            raise PlaceholderError(f'has {name[0]} in bytes in line {each.lineno}: write "{name[0]}".encode()')
        if isinstance(each.value, str):
            yield each


def _names(node: ast.AST) -> Iterator[str]:
    for each in _constants(node):
        yield from (spot[2] or spot[3] for spot in _DOLLAR.finditer(each.value) if not spot[1])


def _is_whole(node: ast.AST) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    spot = _DOLLAR.fullmatch(node.value)
    return spot is not None and not spot[1]


class _Filler(ast.NodeTransformer):
    """Puts values in place of placeholders."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str) or not _DOLLAR.search(node.value):
            return node
        if _is_whole(node):
            (name,) = _names(node)
            return self._value(name)
        return _joined([*self._pieces(node.value)])

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """Make of an f-string what formats the same, since no text with both quotes and lines could stand in one."""
        if not any(_DOLLAR.search(each.value) for each in _constants(node)):
            return node
        pieces: list[Any] = []
        for part in node.values:
            pieces += self._pieces(str(part.value)) if isinstance(part, ast.Constant) else [self.generic_visit(part)]
        return _joined(pieces)

    def _value(self, name: str) -> ast.expr:
        value = self._values[name]
        return syntax.expression(value.name if isinstance(value, Variable) else literal(value))

    def _pieces(self, text: str) -> Iterator[str | ast.expr]:
        """Yield what a text is made of: texts, and expressions for values that must not be seen."""
        end = 0
        for spot in _DOLLAR.finditer(text):
            yield text[end : spot.start()]
            end = spot.end()
            name = spot[2] or spot[3]
            value = "$" if spot[1] else self._values[name]
            yield self._value(name) if isinstance(value, Variable) else str(value)
        yield text[end:]


def _joined(pieces: list[Any]) -> ast.expr:
    """Return the literal of texts, or a call of `format` if there is more than texts."""
    if all(isinstance(piece, str) for piece in pieces):
        return ast.Constant("".join(pieces))
    pattern, arguments = "", []
    for piece in pieces:
        if isinstance(piece, str):
            pattern += piece.replace("{", "{{").replace("}", "}}")
            continue
        shown = piece if isinstance(piece, ast.FormattedValue) else ast.FormattedValue(piece, conversion=-1)
        pattern += "{" + (f"!{chr(shown.conversion)}" if shown.conversion > 0 else "")
        arguments.append(shown.value)
        if shown.format_spec:
            pattern += ":{}"
            arguments.append(shown.format_spec)
        pattern += "}"
    call = ast.Attribute(ast.Constant(pattern), "format", ast.Load())
    return ast.Call(call, arguments, [])


def _edited(cell: _Cell, edits: list[tuple[Any, str]]) -> str:
    """Put texts in place of expressions. A line may have lost its beginning on the way to Python."""
    lines = [line.encode("utf-8", "surrogatepass") for line in cell.source.split("\n")]
    lost = [
        len(line) - len(python.encode("utf-8", "surrogatepass"))
        for line, python in zip(lines, cell.python.split("\n"), strict=False)
    ]
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    content = b"\n".join(lines)
    for node, text in reversed(edits):
        first, last = node.lineno - 1, node.end_lineno - 1
        begin = starts[first] + lost[first] + node.col_offset
        end = starts[last] + lost[last] + node.end_col_offset
        content = content[:begin] + text.encode("utf-8", "surrogatepass") + content[end:]
    return content.decode("utf-8", "surrogatepass")
