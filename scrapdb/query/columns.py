"""Which columns a query shows, if it does not say so, and what `*` stands for."""

from __future__ import annotations

from collections.abc import Iterable

from scrapdb.query.fields import ATTRIBUTES
from scrapdb.query.fields import Fields
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import Node
from scrapdb.query.nodes import names
from scrapdb.query.parser import Column

_PATH = Name("nb", "path")


def default_columns(fields: Fields, expressions: Iterable[Node]) -> list[Column]:
    """The notebook and the fields that the expressions name, to which the rows add the parameters that differ."""
    shown = [name for expression in expressions for name in names(expression) if name != _PATH]
    return [_notebook(fields), *(Column(_label(name), name) for name in dict.fromkeys(shown))]


def all_columns(fields: Fields) -> list[Column]:
    """Every field: the notebook, the scraps and parameters, the attributes."""
    found = []
    for name in fields.names():
        field = fields.find(name)
        if field is None:
            continue
        found.append(Name("", name))
        if field.scraps and field.parameters:
            found.append(Name("param", name))
    found += [Name("nb", attribute.name.removeprefix("nb.")) for attribute in ATTRIBUTES if attribute.column != "path"]
    return [_notebook(fields), *(Column(_label(name), name) for name in found)]


def meant(node: Node, fields: Fields) -> Node:
    """As a column, `notebook` is the path, unless something of that name was glued."""
    if isinstance(node, Name) and str(node) == "notebook" and fields.find("notebook") is None:
        return Name("nb", "path", span=node.span)
    return node


def _notebook(fields: Fields) -> Column:
    return Column("notebook" if fields.find("notebook") is None else "nb.path", _PATH)


def _label(name: Name) -> str:
    # As it is called, without the backticks that only an expression needs.
    if name.dotted or name.path:
        return str(name)
    return f"{name.role}.{name.name}" if name.role else name.name
