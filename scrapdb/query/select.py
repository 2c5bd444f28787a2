"""A query on a store: an expression, columns and an order, answered as rows of Python values."""

from __future__ import annotations

import itertools
import math
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from typing import Any
from typing import NamedTuple

from scrapdb.errors import UsageError
from scrapdb.query.binding import bind
from scrapdb.query.bound import Decided
from scrapdb.query.bound import Fails
from scrapdb.query.bound import Leaf
from scrapdb.query.bound import Place
from scrapdb.query.cells import cells_of
from scrapdb.query.cells import reader
from scrapdb.query.columns import all_columns
from scrapdb.query.columns import default_columns
from scrapdb.query.columns import meant
from scrapdb.query.door import answering
from scrapdb.query.door import run
from scrapdb.query.door import snapshot
from scrapdb.query.fields import Field
from scrapdb.query.fields import Fields
from scrapdb.query.fields import NameRow
from scrapdb.query.nodes import And
from scrapdb.query.nodes import Comparison
from scrapdb.query.nodes import Constant
from scrapdb.query.nodes import Node
from scrapdb.query.nodes import Not
from scrapdb.query.nodes import Truth
from scrapdb.query.nodes import Value
from scrapdb.query.parser import Column
from scrapdb.query.parser import parse
from scrapdb.query.parser import parse_columns
from scrapdb.query.parser import parse_sort
from scrapdb.query.sql import statements
from scrapdb.query.sql.search import Estimates
from scrapdb.query.sql.search import to_estimate
from scrapdb.query.sql.statements import Order
from scrapdb.query.sql.statements import Statement

_CHUNK = 500
# With more terms than these, the form of the others has to do.
_MOST_ESTIMATED = 50


class Selection(NamedTuple):
    """The answer to a query: the labels of its columns, and its rows, read while one goes through them."""

    labels: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


class _Plan(NamedTuple):
    """A query, bound to the fields of a store."""

    where: Truth | None
    columns: tuple[Node, ...]
    order: tuple[Order, ...]
    limit: int | None
    offset: int
    estimates: Estimates

    @property
    def wide(self) -> bool:
        """Whether the scraps and parameters to show are too many for one statement."""
        shown = {column.field for column in self.columns if isinstance(column, Place)}
        return len(shown) + len(self.order) > statements.MOST_JOINED

    def statement(self) -> Statement:
        """The statement that answers it."""
        return statements.rows_statement(
            self.where,
            self.columns,
            self.order,
            self.limit,
            self.offset,
            wide=self.wide,
            estimates=self.estimates,
        )


def fields_of(connection: sqlite3.Connection) -> Fields:
    """The fields of a store. Names are looked up as they are asked for, so that it costs nothing to have many."""

    def lookup(name: str) -> list[NameRow]:
        with answering():
            return [NameRow(*row) for row in connection.execute(statements.NAME, (name,))]

    def all_names() -> list[str]:
        with answering():
            return [row[0] for row in connection.execute(statements.NAMES)]

    return Fields(lookup, all_names)


def select(
    connection: sqlite3.Connection,
    fields: Fields,
    expression: str | None = None,
    *,
    unless: str | None = None,
    columns: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Selection:
    """Answer a query.

    Args:
        connection: a store, which is only read.
        fields: its fields.
        expression: what holds for the notebooks; all of them if not given.
        unless: what does not hold for them, be it false or for lack of a value.
        columns: what to show, `symbol, distance * 100 as pct`; by default the notebook, the fields that the expression
            names and the parameters that vary.
        sort: what to sort by, `-distance, symbol`; missing values come last, equal ones by path.
        limit: the most rows to give.
        offset: how many to leave out before.

    Raises:
        ExpressionError: one of the texts is wrong; it knows the place.
        UsageError: a negative limit or offset, or a question that is too large for SQLite.
        StoreError: the store cannot be read.
    """
    if (limit or 0) < 0 or offset < 0:
        raise UsageError("The limit and the offset are not negative")
    shown = _columns(connection, fields, expression if unless is None else unless, columns)
    now = datetime.now(UTC)
    where = _where(fields, expression, unless, now)
    plan = _Plan(
        where,
        tuple(_bound_column(column, fields, now) for column in shown),
        tuple(_order(fields, sort, now)),
        limit,
        offset,
        _estimates(connection, where),
    )
    return Selection(tuple(column.label for column in shown), _rows(connection, plan))


def select_statement(connection: sqlite3.Connection, fields: Fields, expression: str | None) -> Statement:
    """The statement that answers an expression with the default columns."""
    now = datetime.now(UTC)
    shown = _columns(connection, fields, expression, None)
    columns = tuple(_bound_column(column, fields, now) for column in shown)
    where = _where(fields, expression, None, now)
    return _Plan(where, columns, (), None, 0, _estimates(connection, where)).statement()


def count(
    connection: sqlite3.Connection, fields: Fields, expression: str | None = None, *, unless: str | None = None
) -> int:
    """The number of notebooks for which an expression holds; arguments and errors are those of `select`."""
    where = _where(fields, expression, unless, datetime.now(UTC))
    statement = statements.count_statement(where, _estimates(connection, where))
    with answering():
        return int(run(connection, statement).fetchone()[0])


def notebook_ids(connection: sqlite3.Connection, fields: Fields, expression: str | None = None) -> list[int]:
    """The ids of the notebooks for which an expression holds; arguments and errors are those of `select`."""
    where = _where(fields, expression, None, datetime.now(UTC))
    statement = statements.ids_statement(where, _estimates(connection, where))
    with answering():
        return [row[0] for row in run(connection, statement)]


def _where(fields: Fields, expression: str | None, unless: str | None, now: datetime) -> Truth | None:
    terms: list[Truth] = []
    if expression is not None:
        terms.append(_bound_truth(parse(expression), fields, now))
    if unless is not None:
        terms.append(Fails(_bound_truth(parse(unless), fields, now)))
    return And(tuple(terms)) if len(terms) > 1 else terms[0] if terms else None


def _estimates(connection: sqlite3.Connection, where: Truth | None) -> Estimates:
    """Ask the index which terms of a conjunction have few notebooks."""
    found: dict[Leaf, int] = {}
    with answering():
        for leaves in itertools.islice(to_estimate(where), _MOST_ESTIMATED) if where else ():
            number = run(connection, statements.estimate_statement(leaves)).fetchone()[0]
            found.update(dict.fromkeys(leaves, number))
    return found


def _bound_truth(node: Truth, fields: Fields, now: datetime) -> Truth:
    bound = bind(node, fields, now)
    assert isinstance(bound, Truth)
    return bound


def _columns(
    connection: sqlite3.Connection, fields: Fields, expression: str | None, columns: str | None
) -> list[Column]:
    with answering():
        if columns is None:
            return default_columns(connection, fields, parse(expression) if expression is not None else None)
        found: list[Column] = []
        for column in parse_columns(columns):
            found.extend([column] if column.node else all_columns(fields))
        return found


def _bound_column(column: Column, fields: Fields, now: datetime) -> Node:
    assert column.node is not None
    node = meant(column.node, fields)
    if isinstance(node, Truth):
        return Decided(_bound_truth(node, fields, now), _bound_truth(Not(node), fields, now))
    return bind(node, fields, now)


def _order(fields: Fields, sort: str | None, now: datetime) -> Iterator[Order]:
    for key in parse_sort(sort) if sort is not None else ():
        value = bind(meant(key.node, fields), fields, now)
        assert isinstance(value, Value)
        yield Order(value, key.descending)


def _rows(connection: sqlite3.Connection, plan: _Plan) -> Iterator[tuple[Any, ...]]:
    readers = []
    start = 2
    for column in plan.columns:
        readers.append(reader(column, start, connection, wide=plan.wide))
        start += statements.width(column, wide=plan.wide)
    name_ids = sorted({column.field.name_id for column in plan.columns if _is_stored(column)}) if plan.wide else []
    with snapshot(connection):
        for chunk in _chunks(connection, plan):
            cells = cells_of(connection, [row[0] for row in chunk], name_ids) if name_ids else {}
            for row in chunk:
                yield tuple([read(row, cells) for read in readers])


def _is_stored(column: Node) -> bool:
    return isinstance(column, Place) and isinstance(column.field, Field)


def _chunks(connection: sqlite3.Connection, plan: _Plan) -> Iterator[Sequence[Sequence[Any]]]:
    top = _top(plan)
    if top:
        rows = run(connection, top.statement()).fetchall()
        if len(rows) == plan.limit:
            yield rows
            return
    cursor = run(connection, plan.statement())
    while rows := cursor.fetchmany(_CHUNK):
        yield rows


def _top(plan: _Plan) -> _Plan | None:
    """The same query of notebooks only that have a number to sort by: if they are enough, the index gives the order."""
    key = plan.order[0].value if plan.order else None
    if plan.where or plan.limit is None or not isinstance(key, Place) or key.path or "number" not in key.field.kinds:
        return None
    return plan._replace(where=Leaf(Comparison(">=", key, Constant(-math.inf)), negated=False))
