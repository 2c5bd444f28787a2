"""Aggregates over the rows of a notebook's DataFrame: which these are, and the columns that they name."""

from __future__ import annotations

from collections.abc import Iterator

from scrapdb.errors import ExpressionError
from scrapdb.errors import suggestion
from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query.fields import Field
from scrapdb.query.fields import Fields
from scrapdb.query.fields import Meaning

_OF_NOTEBOOKS = ("first", "last")  # of a whole DataFrame, too
CALLS = ("abs", "round", "length", "lower", "upper")


def frame_of(node: nodes.Aggregate, fields: Fields) -> nodes.Name | None:
    """The name by which an aggregate names a column of a DataFrame, or counts its rows; None if it does not.

    Raises:
        ExpressionError: it names columns of two.
    """
    found: list[nodes.Name] = []
    for name in _names(node):
        try:
            meaning = fields.meaning(name)
        except ExpressionError:  # which is told where it is bound
            continue
        is_whole = node.arguments == (name,) and node.function not in _OF_NOTEBOOKS
        if "frame" in meaning.field.kinds and (meaning.path or is_whole):
            found.append(name)
    frames = {fields.meaning(name).field for name in found}
    if len(frames) > 1:
        one, other = sorted(frame.name for frame in frames)[:2]
        raise node.span.error(f"`{node}` is asked of the rows of one DataFrame, and `{one}` and `{other}` are two")
    return found[0] if found else None


def column_of(node: nodes.Name, meaning: Meaning, fields: Fields) -> bound_nodes.Column:
    """Find the column that a name means.

    Raises:
        ExpressionError: there is none of that name, or nothing can be asked of what is in it.
    """
    from scrapdb.formats.dataframe import named  # and what only DataFrames need

    wanted = ".".join(map(str, meaning.path))
    columns = fields.columns(meaning.field.name_id) if isinstance(meaning.field, Field) else {}
    if not meaning.path:
        raise node.span.error(
            f"`{node}` is a DataFrame: name one of its columns, such as `{node}.{min(columns, default='x')}`"
        )
    found = named(wanted, columns)[:1]
    if not found:
        raise node.span.error(
            f"No DataFrame `{node.name}` has a column `{wanted}`; {suggestion(wanted, columns, mark='`')}"
        )
    if not columns[found[0]]:
        raise node.span.error(f"`{node}` has neither numbers, texts nor times: nothing can be asked of it")
    return bound_nodes.Column(found[0], columns[found[0]], span=node.span)


def _names(node: nodes.Node) -> Iterator[nodes.Name]:
    """The names that stand in an aggregate, and not in another one within, nor in a function over time."""
    for child in node.children:
        if isinstance(child, nodes.Name):
            yield child
        elif not isinstance(child, nodes.Aggregate | nodes.OverTime):
            yield from _names(child)
