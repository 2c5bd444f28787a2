"""A query for groups of notebooks: keys that they share, and aggregates of what they have, answered as rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any
from typing import Literal

from scrapdb.errors import UsageError
from scrapdb.query import bound_nodes
from scrapdb.query import finding
from scrapdb.query import nodes
from scrapdb.query import parser
from scrapdb.query import results
from scrapdb.query import select
from scrapdb.query.binding import Grouping
from scrapdb.query.fields import Fields
from scrapdb.query.frozen import Frozen
from scrapdb.query.functions import EXPRESSION
from scrapdb.query.functions import FIRST
from scrapdb.query.patterns import execute
from scrapdb.query.rows import frame_of
from scrapdb.query.sql import groups
from scrapdb.query.sql import statements
from scrapdb.store import past
from scrapdb.store.connection import reading
from scrapdb.store.connection import snapshot
from scrapdb.store.errors import sentences
from scrapdb.store.past import Past
from scrapdb.store.readers import cells

_CHUNK = 500
_COUNT = parser.Column("count()", nodes.Aggregate("count", ()))
_FINDING = bound_nodes.Aggregate(EXPRESSION, None)
Besides = Literal["", "expression", "notebooks"]


class Question(Frozen):
    """A query for groups, parsed: of which notebooks, by which keys, what is shown of which groups in which order."""

    holds: tuple[nodes.Truth, ...]
    keys: tuple[parser.Column, ...]
    shown: tuple[parser.Column, ...]
    having: nodes.Truth | None
    order: tuple[parser.SortKey, ...]
    limit: int | None
    offset: int
    only: statements.Statement | None
    besides: Besides
    now: datetime


class Plan(Frozen):
    """A question, bound to the fields of a store in one state."""

    question: Question
    version: int
    where: nodes.Truth | None
    wanted: groups.Groups

    @property
    def columns(self) -> tuple[bound_nodes.Output, ...]:
        """What is shown."""
        return self.wanted.columns

    @property
    def labels(self) -> tuple[str, ...]:
        """What the columns are called."""
        return tuple(column.label for column in self.question.shown)

    def statement(self, connection: sqlite3.Connection) -> statements.Statement:
        """The statement that answers it."""
        where = select.narrowed(connection, self.where) or self.where
        return groups.groups_statement(
            where,
            self.wanted,
            with_faces=any(map(finding.is_asked, self.columns)),
            with_notebooks=self.question.besides == "notebooks",
            past=past.of(connection),
        )


def is_asked(by: object, columns: str | None, having: str | None = None, fields: Fields | None = None) -> bool:
    """Whether a query is one for groups: it says by what or which, or one of its columns has an aggregate.

    Of an aggregate one cannot tell without the fields whether it is of notebooks or of the rows of a DataFrame. `first`
    beside what is asked of each notebook is the value in its first version.
    """
    if by is not None or having is not None or columns is None:
        return by is not None or having is not None
    found = [part for column in parser.parse_columns(columns) for part in _parts(column.node, fields)]
    functions = {part.function for part in found if isinstance(part, nodes.Aggregate)}
    return bool(functions) and (functions != {FIRST} or all(isinstance(part, nodes.Aggregate) for part in found))


def is_asked_of(
    store: Path, by: object, columns: str | None, having: str | None = None, past: Past | None = None
) -> bool:
    """The same, of a store, which is looked into only where one cannot tell."""
    if by is not None or having is not None or not is_asked(by, columns):
        return by is not None or having is not None
    with reading(store, past) as connection:
        return is_asked(by, columns, having, select.fields_of(connection))


def labels_of(by: str | None) -> tuple[str, ...]:
    """What keys are called.

    Raises:
        ExpressionError: they cannot be read.
    """
    return tuple(key.label for key in parser.parse_columns(by)) if by is not None else ()


def select_groups(
    connection: sqlite3.Connection,
    fields: Fields,
    expression: str | Sequence[str] | None = None,
    *,
    by: str | None = None,
    columns: str | None = None,
    having: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    only: statements.Statement | None = None,
    besides: Besides = "",
) -> select.Selection:
    """Answer a query for groups.

    Args:
        connection: a store, which is only read.
        fields: its fields.
        expression: what holds for the notebooks, one text or several that all hold; all notebooks if not given.
        by: the keys, `sector, day(nb.started_at) as day`; without keys all notebooks are one group, if there are none.
        columns: what to show, keys and calculations with aggregates; keys that it does not name come first. By default
            the keys and `count()`.
        having: what holds for the groups.
        sort: what to sort by, keys and aggregates; missing values come last, equal ones by the keys.
        limit: the most groups to give.
        offset: how many to leave out before.
        only: a condition in SQL on the row `r` of `runs`.
        besides: what comes after the columns, without a label: the `expression` that finds a group, or the paths of its
            `notebooks`, and then all keys come first.

    Raises:
        ExpressionError: one of the texts is wrong; it knows the place.
        UsageError: a negative limit or offset, or a question that is too large for SQLite.
        StoreError: the store cannot be read.
    """
    plan = planned(
        connection,
        fields,
        expression,
        by=by,
        columns=columns,
        having=having,
        sort=sort,
        limit=limit,
        offset=offset,
        only=only,
        besides=besides,
    )
    return select.Selection(
        plan.labels, _rows(connection, plan), times=frozenset(select.times_of(plan.labels, plan.columns))
    )


def planned(
    connection: sqlite3.Connection,
    fields: Fields,
    expression: str | Sequence[str] | None = None,
    *,
    by: str | None = None,
    columns: str | None = None,
    having: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    only: statements.Statement | None = None,
    besides: Besides = "",
) -> Plan:
    """Bind a query for groups to the fields of a store; arguments and errors are those of `select_groups`."""
    bounds = select.within(limit, offset)
    with snapshot(connection):
        if having is not None and not is_asked(by, columns, None, fields):
            raise UsageError("`having` chooses groups: say by what (`by`), or ask for an aggregate such as `count()`.")
        keys = tuple(map(_checked, parser.parse_columns(by) if by is not None else ()))
        question = Question(
            tuple(map(parser.parse, select.texts(expression))),
            keys,
            _shown(keys, columns, all_keys=besides == "notebooks"),
            parser.parse(having) if having is not None else None,
            tuple(parser.parse_sort(sort) if sort is not None else ()),
            *bounds,
            only,
            besides,
            datetime.now(UTC),
        )
        return _planned(select.current(connection, fields), question)


def statements_of(connection: sqlite3.Connection, plan: Plan) -> Iterator[tuple[str, statements.Statement]]:
    """The statements that answer a query, and what each is for besides; in place of ids of rows they have `[…]`."""
    yield "", plan.statement(connection)
    if name_ids := _name_ids(plan):
        yield (
            "for values in these rows",
            statements.Statement(cells.statement(name_ids), {"notebooks": "[…]", "names": "[…]"}),
        )


def _checked(key: parser.Column) -> parser.Column:
    if isinstance(key.node, nodes.Star):
        raise key.node.span.error("`*` is every field: name those that a group shares")
    return key


def _shown(keys: Sequence[parser.Column], columns: str | None, *, all_keys: bool) -> tuple[parser.Column, ...]:
    """The columns, before them the keys that they do not name."""
    asked = parser.parse_columns(columns) if columns is not None else (_COUNT,)
    for column in asked:
        if isinstance(column.node, nodes.Star):
            raise column.node.span.error("`*` is every field: of a group name keys and aggregates")
    named = {column.node for column in asked}
    first = [key for key in keys if all_keys or named.isdisjoint((key.node, nodes.Name("", key.label)))]
    return (*first, *asked)


def _parts(node: nodes.Node, fields: Fields | None) -> Iterator[nodes.Node]:
    """The aggregates of notebooks in a column; and what is asked of each notebook, as if it were one name."""
    if isinstance(node, nodes.Aggregate) and (fields is None or frame_of(node, fields) is None):
        yield node
    elif isinstance(node, nodes.Name | nodes.Star | nodes.OverTime | nodes.Aggregate):
        yield nodes.Star()
    else:
        for child in node.children:
            yield from _parts(child, fields)


def _planned(fields: Fields, question: Question) -> Plan:
    keys, shown = ([(column.label, column.node) for column in part] for part in (question.keys, question.shown))
    grouping = Grouping(fields, question.now, keys, shown)
    wanted = groups.Groups(
        grouping.keys,
        (*grouping.columns, _FINDING) if question.besides == "expression" else grouping.columns,
        grouping.truth(question.having) if question.having else None,
        tuple(statements.Order(grouping.value(key.node), key.descending) for key in question.order),
        question.limit,
        question.offset,
        question.only,
    )
    return Plan(question, fields.version, select.where_of(fields, question.holds, (), question.now), wanted)


def _rows(connection: sqlite3.Connection, plan: Plan) -> Iterator[tuple[Any, ...]]:
    with sentences(question=True), snapshot(connection):
        if plan.version != select.version_of(connection):
            plan = _planned(select.fields_of(connection), plan.question)
        cursor = execute(connection, *plan.statement(connection))
        while rows := cursor.fetchmany(_CHUNK):
            yield from _values(connection, plan, rows)


def _values(connection: sqlite3.Connection, plan: Plan, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    readers = [_reader(plan, column, place) for place, column in enumerate(plan.columns)]
    readers += [results.members(-1)] if plan.question.besides == "notebooks" else []
    by_notebook = [place for place, column in enumerate(plan.columns) if groups.is_by_notebook(column)]
    notebooks = sorted({row[place] for row in rows for place in by_notebook if isinstance(row[place], int)})
    name_ids = _name_ids(plan)
    found = cells.cells(connection, notebooks, name_ids) if name_ids else {}
    return (tuple([read(row, found) for read in readers]) for row in rows)


def _name_ids(plan: Plan) -> list[int]:
    places = [groups.value_of(column) for column in plan.columns if groups.is_by_notebook(column)]
    return results.name_ids([place for place in places if place is not None])


def _reader(plan: Plan, column: bound_nodes.Output, place: int) -> results.Reader:
    if not finding.is_asked(column):
        return results.group_reader(column, place)
    begin = len(plan.columns)
    keys = tuple(zip((key.node for key in plan.question.keys), plan.wanted.keys, strict=True))
    return lambda row, _: finding.expression(plan.question.holds, keys, row[begin:])
