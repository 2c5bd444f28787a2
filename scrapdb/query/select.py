"""A query on a store: an expression, columns and an order, answered as rows of Python values."""

from __future__ import annotations

import functools
import itertools
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from typing import Any
from typing import Literal
from typing import NamedTuple

from scrapdb.errors import UsageError
from scrapdb.query import bound
from scrapdb.query import cells
from scrapdb.query import nodes
from scrapdb.query import parser
from scrapdb.query import top
from scrapdb.query.binding import bind_truth
from scrapdb.query.binding import bind_value
from scrapdb.query.columns import all_columns
from scrapdb.query.columns import default_columns
from scrapdb.query.columns import told_apart
from scrapdb.query.fields import Field
from scrapdb.query.fields import Fields
from scrapdb.query.fields import NameRow
from scrapdb.query.folding import as_value
from scrapdb.query.folding import flattened
from scrapdb.query.frozen import Frozen
from scrapdb.query.patterns import execute
from scrapdb.query.sql import search
from scrapdb.query.sql import statements
from scrapdb.store.connection import file_of
from scrapdb.store.connection import snapshot
from scrapdb.store.errors import damaged
from scrapdb.store.errors import sentences
from scrapdb.store.readers.names import PARAMETERS
from scrapdb.store.readers.names import parameters_of
from scrapdb.store.readers.names import roles_of_name
from scrapdb.store.readers.names import used_names
from scrapdb.store.readers.names import varying_parameters
from scrapdb.text import valid_text

_CHUNK = 500
LOOKED_AT = 10_000  # rows, to find the parameters that differ in them; of more it is told what varies in the store
_MOST_VARYING = 200  # parameters that are looked at for that
_LARGEST = 2**63 - 1  # that SQLite counts to
# With more terms than these, the form of the others has to do.
_MOST_ESTIMATED = 50


class Selection(NamedTuple):
    """The answer to a query: the labels of its columns, and its rows, read while one goes through them.

    So many of the last columns are `optional`: parameters that differ, which nobody asked for. `times` names those that
    hold times, written as the store does.
    """

    labels: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]
    optional: int = 0
    times: frozenset[str] = frozenset()


class Plan(Frozen):
    """A query, bound to the fields of a store, and the labels of its columns.

    Parameters of its rows are columns, too, where they are `differing` in these, or `varying` in the store.
    """

    labels: tuple[str, ...]
    where: nodes.Truth | None
    columns: tuple[statements.Output, ...]
    order: tuple[statements.Order, ...]
    limit: int | None
    offset: int
    estimates: search.Estimates
    only: statements.Statement | None = None
    parameters: Literal["", "differing", "varying"] = ""

    @functools.cached_property
    def wide(self) -> bool:
        """Whether the scraps and parameters to show are too many for one statement."""
        shown = {column.field for column in self.columns if isinstance(column, bound.Place)}
        return len(shown) + len(self.order) > statements.MOST_JOINED

    def statement(self, walk: top.Walk | None = None) -> statements.Statement:
        """The statement that answers it, or that gives its first rows by a walk."""
        way = walk or self
        return statements.rows_statement(
            way.where,
            self.columns,
            self.order,
            self.limit,
            self.offset,
            wide=self.wide,
            estimates=way.estimates,
            scanning=walk is not None and walk.scanning,
            only=self.only,
        )


def fields_of(connection: sqlite3.Connection) -> Fields:
    """The fields of a store. Names are looked up as they are asked for, so that it costs nothing to have many.

    Raises:
        StoreError: when all names are asked for, a name that was looked up in vain is among them.
    """
    missed: set[str] = set()

    def lookup(name: str) -> list[NameRow]:
        with sentences(question=True):
            found = [NameRow(*row) for row in roles_of_name(connection, valid_text(name))]
        if not found:
            missed.add(valid_text(name))
        return found

    def all_names() -> list[str]:
        with sentences(question=True):
            names = used_names(connection)
        if any(not lookup(name) for name in missed.intersection(names)):  # still, so that nobody has just written it
            raise damaged(file_of(connection))
        return names

    return Fields(lookup, all_names)


def select(
    connection: sqlite3.Connection,
    fields: Fields,
    expression: str | Sequence[str] | None = None,
    *,
    unless: str | None = None,
    columns: str | None = None,
    differing: bool = False,
    sort: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    only: statements.Statement | None = None,
) -> Selection:
    """Answer a query.

    Args:
        connection: a store, which is only read.
        fields: its fields.
        expression: what holds for the notebooks, one text or several that all hold; all notebooks if not given.
        unless: what does not hold for them, be it false or for lack of a value.
        columns: what to show, `symbol, distance * 100 as pct`; by default the notebook, the fields that the expression
            names, and of the parameters that the rows have those that vary in the store.
        differing: whether by default only those are shown that differ in the rows; of more rows than are looked at
            before the first is given, it is those that vary in the store.
        sort: what to sort by, `-distance, symbol`; missing values come last, equal ones by path.
        limit: the most rows to give.
        offset: how many to leave out before.
        only: a condition in SQL on the notebooks, which it calls `n`.

    Raises:
        ExpressionError: one of the texts is wrong; it knows the place.
        UsageError: a negative limit or offset, or a question that is too large for SQLite.
        StoreError: the store cannot be read.
    """
    plan = planned(
        connection,
        fields,
        expression,
        unless=unless,
        columns=columns,
        differing=differing,
        sort=sort,
        limit=limit,
        offset=offset,
        only=only,
    )
    times = frozenset(_times(plan))
    if not plan.parameters:
        return Selection(plan.labels, _rows(connection, plan), times=times)
    rows = _rows_and_parameters(connection, fields, plan)
    labels = next(rows)
    return Selection(labels, rows, len(labels) - len(plan.labels), times)


def planned(
    connection: sqlite3.Connection,
    fields: Fields,
    expression: str | Sequence[str] | None = None,
    *,
    unless: str | None = None,
    columns: str | None = None,
    differing: bool = False,
    sort: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    only: statements.Statement | None = None,
) -> Plan:
    """Bind a query to the fields of a store; arguments and errors are those of `select`."""
    if (limit or 0) < 0 or offset < 0:
        raise UsageError("The limit and the offset are not negative numbers.")
    shown = _columns(fields, _texts(expression if unless is None else unless), columns)
    now = datetime.now(UTC)
    where = _where(fields, expression, unless, now)
    return Plan(
        tuple(column.label for column in shown),
        where,
        tuple(_bound_column(column, fields, now) for column in shown),
        tuple(_order(fields, sort, now)),
        None if limit is None else min(limit, _LARGEST),
        min(offset, _LARGEST),
        _estimates(connection, where),
        only=only,
        parameters="" if columns is not None else "differing" if differing else "varying",
    )


def check(fields: Fields, expression: str | Sequence[str] | None = None, *, columns: str | None = None) -> None:
    """Parse and bind an expression or columns, and ask nothing.

    Raises:
        ExpressionError: one of the texts is wrong; it knows the place.
    """
    now = datetime.now(UTC)
    _where(fields, expression, None, now)
    for column in parser.parse_columns(columns) if columns is not None else ():
        if not isinstance(column.node, nodes.Star):
            _bound_column(column, fields, now)


def statements_of(connection: sqlite3.Connection, plan: Plan) -> Iterator[tuple[str, statements.Statement]]:
    """The statements that answer a query, and what each is for besides; in place of ids of rows they have `[…]`."""
    walk = _walk(connection, plan)
    yield "", plan.statement(walk)
    if walk and not walk.complete:
        yield "if these are too few", plan.statement()
    if plan.parameters:
        yield "for the parameters of these rows", statements.Statement(PARAMETERS, {"notebooks": "[…]"})
    if plan.wide or plan.parameters:
        cells_ = statements.cells_statement((), ())
        yield "for values in these rows", cells_._replace(values=dict.fromkeys(cells_.values, "[…]"))


def count(
    connection: sqlite3.Connection, fields: Fields, expression: str | None = None, *, unless: str | None = None
) -> int:
    """The number of notebooks for which an expression holds; arguments and errors are those of `select`."""
    where = _where(fields, expression, unless, datetime.now(UTC))
    statement = statements.count_statement(where, _estimates(connection, where))
    with sentences(question=True):
        return int(execute(connection, *statement).fetchone()[0])


def notebook_ids(connection: sqlite3.Connection, fields: Fields, expression: str | None = None) -> list[int]:
    """The ids of the notebooks for which an expression holds; arguments and errors are those of `select`."""
    statement = ids_condition(connection, fields, _texts(expression), prefix="")
    with sentences(question=True):
        return [row[0] for row in execute(connection, *statement)]


def ids_condition(
    connection: sqlite3.Connection, fields: Fields, expressions: Sequence[str], prefix: str
) -> statements.Statement:
    """The SELECT of the ids of the notebooks for which all expressions hold, to stand in another statement.

    Args:
        connection: a store.
        fields: its fields.
        expressions: what holds for the notebooks.
        prefix: of the names of the bound values, so that they differ from those of the other statement.

    Raises:
        ExpressionError: an expression is wrong; it knows the place.
    """
    where = _where(fields, expressions, None, datetime.now(UTC))
    return statements.ids_statement(where, _estimates(connection, where), prefix)


def _texts(expression: str | Sequence[str] | None) -> Sequence[str]:
    return () if expression is None else (expression,) if isinstance(expression, str) else expression


def _where(
    fields: Fields, expression: str | Sequence[str] | None, unless: str | None, now: datetime
) -> nodes.Truth | None:
    terms = [bind_truth(parser.parse(text), fields, now) for text in _texts(expression)]
    if unless is not None:
        terms.append(bound.Fails(bind_truth(parser.parse(unless), fields, now)))
    flat = flattened(nodes.And, terms)
    return nodes.And(tuple(flat)) if len(flat) > 1 else flat[0] if flat else None


def _estimates(connection: sqlite3.Connection, where: nodes.Truth | None) -> search.Estimates:
    """Ask the index which terms of a conjunction have few notebooks."""
    found: dict[bound.Leaf, int] = {}
    together = list(itertools.islice(search.to_estimate(where), _MOST_ESTIMATED)) if where else []
    with sentences(question=True):
        for enough in search.STEPS:
            least = enough
            for leaves in together:
                number = execute(connection, *statements.estimate_statement(leaves, least)).fetchone()[0]
                found.update(dict.fromkeys(leaves, number))
                least = min(least, number + 1)  # of the others it matters only whether they have more
            if least < enough:
                break
    return found


def _columns(fields: Fields, expressions: Sequence[str], columns: str | None) -> list[parser.Column]:
    if columns is None:
        return told_apart(default_columns(fields, map(parser.parse, expressions)))
    asked = parser.parse_columns(columns)
    parts = (all_columns(fields) if isinstance(column.node, nodes.Star) else [column] for column in asked)
    return told_apart(list(itertools.chain.from_iterable(parts)))


def _bound_column(column: parser.Column, fields: Fields, now: datetime) -> statements.Output:
    node = column.node
    if isinstance(node, nodes.Truth):
        return bound.Decided(bind_truth(node, fields, now), bind_truth(nodes.Not(node), fields, now))
    return bind_value(as_value(node), fields, now)


def _order(fields: Fields, sort: str | None, now: datetime) -> Iterator[statements.Order]:
    for key in parser.parse_sort(sort) if sort is not None else ():
        yield statements.Order(bind_value(key.node, fields, now), key.descending)


def _times(plan: Plan) -> Iterator[str]:
    for label, column in zip(plan.labels, plan.columns, strict=True):
        if isinstance(column, nodes.Value) and bound.kinds(column) == {"time"}:
            yield label


def _rows(connection: sqlite3.Connection, plan: Plan) -> Iterator[tuple[Any, ...]]:
    with sentences(question=True), snapshot(connection):
        for chunk in _chunks(connection, plan):
            yield from _values(connection, plan, chunk)


def _rows_and_parameters(connection: sqlite3.Connection, fields: Fields, plan: Plan) -> Iterator[tuple[Any, ...]]:
    """The labels, then the rows. If these are few, all are read before, so that no transaction is open meanwhile."""
    with sentences(question=True), snapshot(connection):
        chunks = _chunks(connection, plan)
        first = list(itertools.islice(chunks, LOOKED_AT // _CHUNK))
        more = list(itertools.islice(chunks, 1))
        notebooks = [row[0] for chunk in first for row in chunk]
        varying = list(varying_parameters(connection, _MOST_VARYING)) if more or plan.parameters == "varying" else []
        differs = dict.fromkeys(varying, True) if more else parameters_of(connection, notebooks)
        names = [name for name, does in differs.items() if does or name in varying]
        found = [bound.Place(field) for name in names if (field := fields.find(name))]
        parameters = [place for place in found if place not in plan.columns]
        labels = (*plan.labels, *(_free(place.field.name, plan.labels) for place in parameters))
        all_ = itertools.chain(first, more, chunks)
        rows = (row for chunk in all_ for row in _values(connection, plan, chunk, parameters))
        if more:
            yield labels
            yield from rows
            return
        read = list(rows)
    yield labels
    yield from read


def _free(name: str, labels: Sequence[str]) -> str:
    """Call a field by its name; as an expression does, if another column is called so."""
    return str(nodes.Name("", name)) if name in labels else name


def _values(
    connection: sqlite3.Connection, plan: Plan, chunk: Sequence[Sequence[Any]], parameters: Sequence[bound.Place] = ()
) -> Iterator[tuple[Any, ...]]:
    """Make values of the rows of a chunk; the parameters, which the statement does not have, are looked up."""
    if not parameters and all(map(cells.is_plain, plan.columns)):
        return (tuple(row[1:]) for row in chunk)
    readers = []
    start = 1
    for column in plan.columns:
        readers.append(cells.reader(column, start, wide=plan.wide))
        start += statements.width(column, wide=plan.wide)
    readers += [cells.reader(place, start, wide=True) for place in parameters]
    stored = [*(plan.columns if plan.wide else ()), *parameters]
    places = [column.field for column in stored if isinstance(column, bound.Place)]
    name_ids = sorted({field.name_id for field in places if isinstance(field, Field)})
    found = cells.cells_of(connection, [row[0] for row in chunk], name_ids) if name_ids else {}
    return (tuple([read(row, found) for read in readers]) for row in chunk)


def _chunks(connection: sqlite3.Connection, plan: Plan) -> Iterator[Sequence[Sequence[Any]]]:
    walk = _walk(connection, plan)
    if walk:
        rows = execute(connection, *plan.statement(walk)).fetchall()
        if walk.complete or len(rows) == plan.limit:
            yield rows
            return
    cursor = execute(connection, *plan.statement())
    while rows := cursor.fetchmany(_CHUNK):
        yield rows


def _walk(connection: sqlite3.Connection, plan: Plan) -> top.Walk | None:
    """The search that gives the first rows without sorting all; None if the index says that all are few."""
    if plan.limit is None or plan.limit + plan.offset > top.MOST:
        return None
    found = top.walk(plan.where, plan.order)
    if found is None:
        return None
    estimates = dict(plan.estimates)
    for leaf in itertools.islice(top.to_estimate(plan.where, estimates), _MOST_ESTIMATED):
        estimates[leaf] = execute(connection, *statements.estimate_statement((leaf,))).fetchone()[0]
    return None if top.are_few(plan.where, estimates) else found
