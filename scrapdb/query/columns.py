"""Which columns a query shows, if it does not say so, and what `*` stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

from scrapdb.query.fields import ATTRIBUTES
from scrapdb.query.fields import Fields
from scrapdb.query.nodes import Aggregate
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import Node
from scrapdb.query.nodes import OverTime
from scrapdb.query.parser import Column

_PATH = Name("nb", "path")
_ALIAS = Name("", "notebook")


def default_columns(fields: Fields, expressions: Iterable[Node]) -> list[Column]:
    """The notebook, its version, and the fields that are named, to which the rows add the parameters that differ."""
    shown: list[Node] = [Name("nb", attribute.removeprefix("nb.")) for attribute in fields.telling]
    shown += [node for expression in expressions for node in _asked(expression, fields)]
    return [_notebook(fields), *(Column(_label(node), node) for node in dict.fromkeys(shown))]


def _asked(node: Node, fields: Fields) -> Iterator[Node]:
    """The fields that an expression names, and what it asks of the rows of DataFrames and of versions."""
    if isinstance(node, Name):
        if not _is_path(node, fields):
            yield node
    elif isinstance(node, OverTime | Aggregate):
        yield node
    else:
        for child in node.children:
            yield from _asked(child, fields)


def _label(node: Node) -> str:
    return node.label if isinstance(node, Name) else node.span.source or str(node)


def all_columns(fields: Fields) -> list[Column]:
    """Every field: the notebook, scraps and parameters, and attributes; those of versions if these are the rows."""
    found = []
    for name in fields.names():
        field = fields.find(name)
        if field is None:
            continue
        found.append(Name("", name))
        if field.scraps and field.parameters:
            found.append(Name("param", name))
    shown = (each for each in ATTRIBUTES if each.column != "path" and (fields.telling or not each.is_of_version))
    found += [Name(*attribute.name.split(".")) for attribute in shown]  # type: ignore[arg-type]
    return [_notebook(fields), *(Column(name.label, name) for name in found)]


def told_apart(columns: Sequence[Column]) -> list[Column]:
    """Give names their backticks again where two columns are called the same: `` `nb.status` `` and `nb.status`."""
    labels = Counter(column.label for column in columns)
    return [_as_typed(column) if labels[column.label] > 1 else column for column in columns]


def _as_typed(column: Column) -> Column:
    is_called_so = isinstance(column.node, Name) and column.node.label == column.label  # and not by `as`
    return Column(column.node.span.source or str(column.node), column.node) if is_called_so else column


def _is_path(name: Name, fields: Fields) -> bool:
    return name == _PATH or (name == _ALIAS and fields.find(_ALIAS.name) is None)


def _notebook(fields: Fields) -> Column:
    return Column(_ALIAS.label if fields.find(_ALIAS.name) is None else _PATH.label, _PATH)
