"""Finding the notebooks of a group again: its keys as an expression."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from scrapdb.errors import ScrapdbError
from scrapdb.query import bound_nodes
from scrapdb.query import folding
from scrapdb.query import nodes
from scrapdb.query.functions import EXPRESSION
from scrapdb.query.lexer import Span

_ALL = nodes.Not(nodes.IsNull(nodes.Name("nb", "path")))
_FACES = 4


class _UnspeakableError(ScrapdbError):
    """The language has no words for a value."""


def is_asked(column: bound_nodes.Output) -> bool:
    """Whether a column is the expression that finds a group."""
    return isinstance(column, bound_nodes.Aggregate) and column.function == EXPRESSION


def expression(
    holds: Sequence[nodes.Truth], keys: Sequence[tuple[nodes.Node, bound_nodes.Key]], faces: Sequence[Any]
) -> str | None:
    """Write the expression that finds the notebooks of a group.

    Args:
        holds: what holds for the notebooks of all groups.
        keys: each key, as it was read and bound.
        faces: what tells the keys apart, four faces for each as in `sql.groups`.

    Returns:
        It, or None if the language cannot ask for the value of a key: an expression, a display or a DataFrame, or a
        dict with odd keys.
    """
    terms = list(holds)
    try:
        for place, (node, key) in enumerate(keys):
            terms += _equal(node, key, faces[place * _FACES : (place + 1) * _FACES])
    except _UnspeakableError:
        return None
    return str(folding.all_of(terms or [_ALL], Span("", 0, 0)))


def _equal(node: nodes.Node, key: bound_nodes.Key, faces: Sequence[Any]) -> Iterator[nodes.Truth]:
    number, text, json_, unlike = faces
    if unlike is not None:
        raise _UnspeakableError
    if isinstance(node, nodes.Truth):
        yield nodes.IsNeither(node) if number is None else node if number else nodes.Not(node)
    elif json_ is not None and isinstance(node, nodes.Name):
        import json

        yield from _member(node, json.loads(json_), may_be_text="text" in bound_nodes.kinds(key))
    else:
        yield from _member(folding.as_value(node), text if number is None else number)


def _member(place: nodes.Value, value: Any, *, may_be_text: bool = True) -> Iterator[nodes.Truth]:
    """Say that a place has a value; of a list or dict, how long it is and what its members are."""
    if value is None:
        yield nodes.IsNull(place)
    elif isinstance(value, int | float | str):
        yield nodes.Comparison("=", place, nodes.Constant(value))
    elif isinstance(place, nodes.Name):
        yield nodes.Comparison("=", nodes.Call("length", (place,)), nodes.Constant(len(value)))
        parts = value.values() if isinstance(value, dict) else value
        if may_be_text and all(part is None for part in parts):
            yield nodes.IsNull(nodes.Call("lower", (place,)))  # which a text so long has
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _step(place, step, part)


def _step(place: nodes.Name, step: str | int, part: Any) -> Iterator[nodes.Truth]:
    if isinstance(step, str):
        if not step.isprintable() or set(step) & set('"\\'):
            raise _UnspeakableError
        if part is None:
            yield nodes.Comparison("contains", place, nodes.Constant(step))
    yield from _member(nodes.Name(place.role, place.name, place.dotted, (*place.path, step)), part)
