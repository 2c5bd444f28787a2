"""What an answer does not tell by itself: which values it leaves out, since nobody knows them or can calculate so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from pathlib import Path

from scrapdb.query import bound_nodes
from scrapdb.query import groups
from scrapdb.query import nodes
from scrapdb.query import parser
from scrapdb.query import select
from scrapdb.query.binding import bind_value
from scrapdb.query.fields import Field
from scrapdb.query.fields import Fields
from scrapdb.query.fields import Kind
from scrapdb.query.functions import FIRST
from scrapdb.query.functions import FUNCTIONS
from scrapdb.query.patterns import execute
from scrapdb.query.rows import frame_of
from scrapdb.query.select import fields_of
from scrapdb.query.sql import statements
from scrapdb.query.sql.groups import others_statement
from scrapdb.store import past
from scrapdb.store.connection import reading
from scrapdb.store.errors import sentences
from scrapdb.store.past import Past

NEW = "previous(nb.path) is null"  # of a notebook without a version before
_BEFORE = ("previous", "change")
_NUMBERS: frozenset[Kind] = frozenset({"number"})


def remark(
    store: Path,
    *expressions: str | None,
    columns: str | None = None,
    by: str | None = None,
    having: str | None = None,
    sort: str | None = None,
    past: Past | None = None,
) -> str | None:
    """Say in how many notebooks a field that is compared is an expression, and which values aggregates pass over.

    Args:
        store: the database file, which is only read.
        expressions: what a query asks.
        columns: what it shows, some of which may be true or false, or an aggregate.
        by: what its groups share.
        having: what holds for them.
        sort: what it sorts by.
        past: what it looks back at.

    Returns:
        One sentence or more, or None if there is nothing to say.

    Raises:
        ExpressionError: one of the texts is wrong; it knows the place.
        StoreError: the store cannot be read.
    """
    of_groups = {"by": by, "having": having, "sort": sort}
    with reading(store, past) as connection:
        return told(connection, fields_of(connection), *expressions, columns=columns, **of_groups)


def told(
    connection: sqlite3.Connection,
    fields: Fields,
    *expressions: str | None,
    columns: str | None = None,
    by: str | None = None,
    having: str | None = None,
    sort: str | None = None,
) -> str | None:
    """Say it of a store that is open, given its fields; arguments and errors are those of `remark`."""
    asked: list[nodes.Node] = [parser.parse(text) for text in expressions if text is not None]
    shown = [column.node for text in (columns, by) if text is not None for column in parser.parse_columns(text)]
    aggregates: list[nodes.Aggregate] = []
    if groups.is_asked(by, columns, having, fields):
        of_groups = [*shown, *([parser.parse(having)] if having else [])]
        of_groups += [key.node for key in parser.parse_sort(sort)] if sort else []
        aggregates = [
            found for node in of_groups for found, _ in nodes.walk(node) if isinstance(found, nodes.Aggregate)
        ]
        # Other names may be those of columns.
        shown = [argument for aggregate in aggregates for argument in aggregate.arguments]
    compared = dict.fromkeys(name for node in [*asked, *shown] for name in _compared(node))
    what = "version" if past.is_every_version(connection) else "notebook"
    sentences_ = [_unknown(_expressions(connection, fields, compared), what)] if compared else []
    sentences_ += _passed_over(connection, fields, expressions, aggregates, what) if aggregates else []
    if first := past.began(connection):
        sentences_.append(f"No notebook was known then: the first version is of {first}.")
    return "\n".join(filter(None, sentences_)) or None


def asks_before(expression: str) -> bool:
    """Return whether something is asked that a notebook without a version before this one misses."""
    found = (node for node, _ in nodes.walk(parser.parse(expression)) if isinstance(node, nodes.OverTime))
    return any(node.function in _BEFORE for node in found)


def _unknown(counts: Mapping[str, int], what: str) -> str | None:
    (name, first), *others = [*counts.items(), ("", 0)]
    if not first:
        return None
    told = f"{first:,} {what}{' has' if first == 1 else 's have'} an expression for `{name}`"
    more = "".join(f", {count:,} for `{name}`" for name, count in others if count)
    return f"{told}{more}: a comparison with it is neither true nor false."


def _passed_over(
    connection: sqlite3.Connection,
    fields: Fields,
    expressions: Iterable[str | None],
    aggregates: Iterable[nodes.Aggregate],
    what: str,
) -> Iterator[str]:
    """Tell of values of other kinds than an aggregate takes, once for each field."""
    functions: dict[tuple[nodes.Name, frozenset[Kind]], str] = {}
    for aggregate in aggregates:
        if frame_of(aggregate, fields):
            continue
        takes = FUNCTIONS[aggregate.function].takes
        for name in _calculated(aggregate.arguments) if "json" not in takes else ():
            functions.setdefault((name, takes), aggregate.function)
    now = datetime.now(UTC)
    where = select.where_of(fields, [parser.parse(text) for text in expressions if text is not None], (), now)
    for (name, takes), function in functions.items():
        value = bind_value(name, fields, now)
        if not isinstance(value, bound_nodes.FieldValue):
            continue
        is_mixed = not value.path and bound_nodes.kinds(value) & takes >= bound_nodes.SCALARS
        counted, beside = (_NUMBERS, " beside numbers") if is_mixed else (takes, "")
        if _takes_all(value, counted):
            continue
        with sentences(question=True):
            (count,) = execute(connection, *others_statement(where, value, counted)).fetchone()
        if count:
            found = f"{count:,} {what}{' has' if count == 1 else 's have'} a value for `{name}`"
            yield f"{found} that `{function}` cannot take{beside}, and passes over."


def _takes_all(value: bound_nodes.FieldValue, takes: frozenset[Kind]) -> bool:
    types = value.field.types if isinstance(value.field, Field) else frozenset[str]()
    return bound_nodes.kinds(value) <= takes and "expression" not in types


def _calculated(found: Iterable[nodes.Node]) -> Iterator[nodes.Name]:
    for node in found:
        if isinstance(node, nodes.Name):
            yield node
        elif isinstance(node, nodes.Arithmetic | nodes.Negative):
            yield from _calculated(node.children)


def _expressions(connection: sqlite3.Connection, fields: Fields, compared: Iterable[nodes.Name]) -> dict[str, int]:
    found = (("" if name.role == "report" else name.role, fields.meaning(name).field) for name in compared)
    meant = {nodes.Name(role, field.name).label: field for role, field in found if isinstance(field, Field)}
    with sentences(question=True):
        counts = {label: _count(connection, field) for label, field in meant.items() if "expression" in field.types}
    return {label: count for label, count in counts.items() if count}


def _count(connection: sqlite3.Connection, field: Field) -> int:
    if not field.scraps and past.of(connection) is None:
        return dict(field.parameters)["expression"]
    return int(connection.execute(*statements.expressions_statement(field)).fetchone()[0])


def _compared(root: nodes.Node) -> Iterator[nodes.Name]:
    for node in nodes.walk_until(root, _is_over_time):
        if isinstance(node, nodes.Comparison | nodes.In | nodes.Holds):
            yield from (name for name in nodes.walk_until(node, _is_over_time) if isinstance(name, nodes.Name))


def _is_over_time(node: nodes.Node) -> bool:
    return isinstance(node, nodes.OverTime) or (isinstance(node, nodes.Aggregate) and node.function == FIRST)
