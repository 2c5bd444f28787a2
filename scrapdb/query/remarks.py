"""What an answer does not tell by itself: that it leaves out notebooks whose value for a field nobody knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator
from pathlib import Path

from scrapdb.query import nodes
from scrapdb.query import parser
from scrapdb.query.fields import Field
from scrapdb.query.select import fields_of
from scrapdb.query.sql import statements
from scrapdb.store.connection import reading
from scrapdb.store.errors import sentences


def remark(store: Path, *expressions: str | None, columns: str | None = None) -> str | None:
    """Say in how many notebooks a field that is compared is an expression; None if it is in none.

    Args:
        store: the database file, which is only read.
        expressions: what a query asks.
        columns: what it shows, some of which may be true or false.

    Raises:
        ExpressionError: one of the texts is wrong; it knows the place.
        StoreError: the store cannot be read.
    """
    asked: list[nodes.Node] = [parser.parse(text) for text in expressions if text is not None]
    asked += [column.node for column in parser.parse_columns(columns)] if columns is not None else []
    compared = dict.fromkeys(name for node in asked for name in _compared(node))
    if not compared:
        return None
    with reading(store) as connection:
        counts = _expressions(connection, compared)
    (name, first), *others = [*counts.items(), ("", 0)]
    if not first:
        return None
    told = f"{first:,} notebook{' has' if first == 1 else 's have'} an expression for `{name}`"
    more = "".join(f", {count:,} for `{name}`" for name, count in others if count)
    return f"{told}{more}: a comparison with it is neither true nor false."


def _expressions(connection: sqlite3.Connection, compared: Iterable[nodes.Name]) -> dict[str, int]:
    fields = fields_of(connection)
    found = (("" if name.role == "report" else name.role, fields.meaning(name).field) for name in compared)
    meant = {nodes.Name(role, field.name).label: field for role, field in found if isinstance(field, Field)}
    with sentences(question=True):
        counts = {label: _count(connection, field) for label, field in meant.items() if "expression" in field.types}
    return {label: count for label, count in counts.items() if count}


def _count(connection: sqlite3.Connection, field: Field) -> int:
    if not field.scraps:
        return dict(field.parameters)["expression"]
    return int(connection.execute(*statements.expressions_statement(field)).fetchone()[0])


def _compared(root: nodes.Node) -> Iterator[nodes.Name]:
    for node, _ in nodes.walk(root):
        if isinstance(node, nodes.Comparison | nodes.In | nodes.Holds):
            yield from nodes.names(node)
