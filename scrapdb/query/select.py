"""A query on a store: an expression, columns and an order, answered as rows of Python values."""

from __future__ import annotations

import functools
import itertools
import sqlite3
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import TypeVar

from scrapdb.errors import UsageError
from scrapdb.query import bound_nodes
from scrapdb.query import columnar
from scrapdb.query import nodes
from scrapdb.query import parser
from scrapdb.query import results
from scrapdb.query.binding import bind_column
from scrapdb.query.binding import bind_truth
from scrapdb.query.binding import bind_value
from scrapdb.query.columns import all_columns
from scrapdb.query.columns import default_columns
from scrapdb.query.columns import told_apart
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Columns
from scrapdb.query.fields import Fields
from scrapdb.query.fields import NameRow
from scrapdb.query.folding import flattened
from scrapdb.query.frozen import Frozen
from scrapdb.query.patterns import execute
from scrapdb.query.sql import seek
from scrapdb.query.sql import statements
from scrapdb.store import past
from scrapdb.store.connection import file_of
from scrapdb.store.connection import snapshot
from scrapdb.store.errors import damaged
from scrapdb.store.errors import sentences
from scrapdb.store.readers import cells
from scrapdb.store.readers import version_names
from scrapdb.store.readers.columns import length
from scrapdb.store.readers.names import PARAMETERS
from scrapdb.store.readers.names import parameters_of
from scrapdb.store.readers.names import roles_of_name
from scrapdb.store.readers.names import run_columns_of
from scrapdb.store.readers.names import used_names
from scrapdb.store.readers.names import varying_parameters
from scrapdb.text import valid_text

T = TypeVar("T")
_CHUNK = 500
LOOKED_AT = 10_000  # rows, to find the parameters that differ in them; of more it is told what varies in the store
_MOST_VARYING = 200  # parameters that are looked at for that
_LARGEST = 2**63 - 1  # that SQLite counts to
_FEW = 1_000  # notebooks that an index is asked for, and that are sorted where it could give the first rows
# If it has more it is asked for a share of all notebooks, beyond which it is quicker to read all rows of `runs`: the
# larger, the more characters these have. Counting takes a hundredth of what the answer will take. That was measured, at
# 100,000 notebooks; see `benchmarks`.
_SHARE, _LARGEST_SHARE, _LONG = 1 / 20, 1 / 2, 4_000
_MOST_FIRST = 10_000  # rows that are read so
# What has several versions of a notebook in the order in which these came.
_BY_VERSION = (
    statements.Order(bound_nodes.FieldValue(Attribute("nb.path", "path", "text", "")), descending=False),
    statements.Order(bound_nodes.FieldValue(Attribute("nb.id", "id", "number", "")), descending=False),
)
_QUESTIONS, _LONGEST_REMEMBERED = 64, 2_000  # of which plans are remembered: how many, and characters


class Selection(NamedTuple):
    """The answer to a query: the labels of its columns, and its rows, read while one goes through them.

    So many of the last columns are `optional`: parameters that differ, which nobody asked for. `times` names those that
    hold times, written as the store does.
    """

    labels: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]
    optional: int = 0
    times: frozenset[str] = frozenset()


class Question(Frozen):
    """A query, parsed: what is shown, in which order, of the notebooks for which an expression holds and another fails.

    Parameters of its rows are columns, too, where they are `differing` in these, or `varying` in the store.
    """

    holds: tuple[nodes.Truth, ...]
    fails: tuple[nodes.Truth, ...]
    shown: tuple[parser.Column, ...]
    order: tuple[parser.SortKey, ...]
    limit: int | None
    offset: int
    only: statements.Statement | None
    parameters: Literal["", "differing", "varying"]
    now: datetime


class Plan(Frozen):
    """A question, bound to the fields of a store in one state; and what was chosen to answer it, which stays right."""

    question: Question
    where: nodes.Truth | None
    columns: tuple[bound_nodes.Output, ...]
    order: tuple[statements.Order, ...]
    chosen: dict[str, Any]

    def once(self, what: str, choose: Callable[[], T]) -> T:
        """What is chosen the first time. Which terms are looked up in an index says how soon it answers, not what."""
        if what not in self.chosen:
            self.chosen[what] = choose()
        found: T = self.chosen[what]
        return found

    @functools.cached_property
    def labels(self) -> tuple[str, ...]:
        """What the columns are called."""
        return tuple(column.label for column in self.question.shown)

    @functools.cached_property
    def is_raw(self) -> bool:
        """Whether its rows are shown as SQLite gives them."""
        return not self.question.parameters and all(map(results.is_raw, self.columns))

    @functools.cached_property
    def times(self) -> frozenset[str]:
        """The labels of the columns that hold times."""
        return frozenset(times_of(self.labels, self.columns))

    def first(self) -> tuple[bound_nodes.Sought, nodes.Truth | None] | None:
        """What gives its first rows off an index, without sorting all."""
        if self.question.limit is None or self.question.limit + self.question.offset > _MOST_FIRST:
            return None
        return seek.first(self.where, self.order[0].value if self.order else None)

    def statement(self, where: nodes.Truth | None, first: bound_nodes.Sought | None = None) -> statements.Statement:
        """The statement that answers it, given its condition in the form in which it is to be looked for."""
        asked = self.question
        return statements.rows_statement(
            where,
            self.columns,
            self.order,
            asked.limit,
            asked.offset,
            with_ids=not self.is_raw,
            first=first,
            only=asked.only,
        )


def fields_of(connection: sqlite3.Connection) -> Fields:
    """The fields of a store. Names are looked up as they are asked for, so that it costs nothing to have many.

    Raises:
        StoreError: when all names are asked for, a name that was looked up in vain is among them.
    """
    missed: set[str] = set()

    def lookup(name: str) -> list[NameRow]:
        with sentences(question=True):
            found, columns = _told(connection, name)
        if not found:
            missed.add(valid_text(name))
        return [NameRow(*row[:-1], columns, bool(row[-1])) for row in found]

    def all_names() -> list[str]:
        with sentences(question=True):
            names = used_names(connection)
        if any(not lookup(name) for name in missed.intersection(names)):  # still, so that nobody has just written it
            raise damaged(file_of(connection))
        return names

    with sentences(question=True):
        return Fields(
            lookup,
            all_names,
            version_of(connection),
            lambda name_id: columnar.columns(connection, name_id),
            _telling(connection),
            versions=lambda: _fields_of_versions(connection),
        )


def _fields_of_versions(connection: sqlite3.Connection) -> Fields | None:
    """The fields that versions of notebooks had, or None if none are kept."""

    def lookup(name: str) -> list[NameRow]:
        with sentences(question=True):
            return [NameRow(*row) for row in _told_of_versions(connection, name)]

    def all_names() -> list[str]:
        with sentences(question=True):
            return version_names.used(connection)

    with sentences(question=True):
        if not past.are_kept(connection):
            return None
    return Fields(
        lookup,
        all_names,
        columns=lambda name_id: columnar.columns(connection, name_id, cells.OF_VERSIONS),
        of="version",
    )


def _telling(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The attributes that tell the rows of a notebook apart, if there are several."""
    if not past.is_every_version(connection):
        return ()
    return ("nb.version", "nb.since", *(["nb.commit"] if past.are_commits(connection) else []))


def _told(connection: sqlite3.Connection, name: str) -> tuple[list[tuple[int, str, str, str, int, int]], Columns]:
    """What the store says of a name: its roles and types, and its columns of `runs`."""
    found = roles_of_name(connection, valid_text(name))
    return found, run_columns_of(connection, found[0][0]) if found else ()


def _told_of_versions(connection: sqlite3.Connection, name: str) -> list[tuple[int, str, str, str, int]]:
    return version_names.roles_of(connection, valid_text(name))


def version_of(connection: sqlite3.Connection) -> int:
    """A number that changes when another connection has written."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def current(connection: sqlite3.Connection, fields: Fields) -> Fields:
    """The fields, or those of a store that has changed since; inside a snapshot."""
    return fields if fields.version == version_of(connection) else fields_of(connection)


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
        only: a condition in SQL on the row `r` of `runs`.

    Raises:
        ExpressionError: one of the texts is wrong; it knows the place.
        UsageError: a negative limit or offset, or a question that is too large for SQLite.
        StoreError: the store cannot be read.
    """
    with snapshot(connection):
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
        version = version_of(connection)
    if not plan.question.parameters:
        return Selection(plan.labels, _rows(connection, plan, version), times=plan.times)
    rows = _rows_and_parameters(connection, plan, version)
    labels = next(rows)
    return Selection(labels, rows, len(labels) - len(plan.labels), plan.times)


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
    bounds = within(limit, offset)
    holds, fails = tuple(texts(expression)), tuple(texts(unless))
    told = (holds, fails, columns, differing, sort, limit, offset, past.of(connection))
    with sentences(question=True), snapshot(connection):
        remembered = _remembered(told) if only is None and _is_remembered(told) else []
        if remembered and remembered[0].state == _state(connection, remembered[0].names):
            return remembered[0].plan
        fields = current(connection, fields)
        question = Question(
            tuple(map(parser.parse, holds)),
            tuple(map(parser.parse, fails)),
            tuple(_columns(fields, holds if unless is None else fails, columns)),
            tuple(parser.parse_sort(sort) if sort is not None else ()),
            *bounds,
            only,
            "" if columns is not None else "differing" if differing else "varying",
            datetime.now(UTC),
        )
        plan = _planned(fields, question)
        if (names := fields.asked) is not None:
            remembered[:] = [_Remembered(names, _state(connection, names), plan)]
        return plan


class _Remembered(NamedTuple):
    """A plan that is right as long as the store says the same of the names that were looked up for it."""

    names: tuple[tuple[str, bool], ...]
    state: tuple[Any, ...]
    plan: Plan


@functools.lru_cache(maxsize=_QUESTIONS)
def _remembered(told: tuple[Any, ...]) -> list[_Remembered]:  # noqa: ARG001 (what it is remembered by)
    """The last plan for a question, by what was told: one at most."""
    return []


def _is_remembered(told: tuple[Any, ...]) -> bool:
    """Whether a plan may be: none that has the time in it, or that takes much memory."""
    text = str(told)
    return len(text) <= _LONGEST_REMEMBERED and "now" not in text.casefold()


def _state(connection: sqlite3.Connection, names: Iterable[tuple[str, bool]]) -> tuple[Any, ...]:
    """What a plan depends on; and how large the store is, on which depends whether it is good."""
    pages = connection.execute("PRAGMA page_count").fetchone()
    return (
        pages,
        *(_told_of_versions(connection, name) if then else _told(connection, name) for name, then in names),
    )


def within(limit: int | None, offset: int) -> tuple[int | None, int]:
    """Look at a limit and an offset, and bring them to what SQLite counts to.

    Raises:
        UsageError: one of them is negative.
    """
    if (limit or 0) < 0 or offset < 0:
        raise UsageError("The limit and the offset are not negative numbers.")
    return None if limit is None else min(limit, _LARGEST), min(offset, _LARGEST)


def _planned(fields: Fields, question: Question) -> Plan:
    where = where_of(fields, question.holds, question.fails, question.now)
    # By what `as` calls a column one can sort, as in SQL.
    called = {column.label: node for column in question.shown if isinstance(node := column.node, nodes.Value)}
    named = [(_named(key.node, called), key.descending) for key in question.order]
    order = tuple(statements.Order(bind_value(node, fields, question.now), descending) for node, descending in named)
    return Plan(
        question,
        where,
        tuple(_bound_column(column, fields, question.now) for column in question.shown),
        (*order, *(_BY_VERSION if fields.telling else ())),
        {},
    )


def _named(node: nodes.Value, called: Mapping[str, nodes.Value]) -> nodes.Value:
    return called.get(node.label, node) if isinstance(node, nodes.Name) else node


def _still(connection: sqlite3.Connection, plan: Plan, version: int) -> Plan:
    """The plan, or that for a store that has changed since; inside the snapshot in which it is answered."""
    return plan if version == version_of(connection) else _planned(fields_of(connection), plan.question)


def check(fields: Fields, expression: str | Sequence[str] | None = None, *, columns: str | None = None) -> None:
    """Parse and bind an expression or columns, and ask nothing.

    Raises:
        ExpressionError: one of the texts is wrong; it knows the place.
    """
    now = datetime.now(UTC)
    where_of(fields, map(parser.parse, texts(expression)), (), now)
    for column in parser.parse_columns(columns) if columns is not None else ():
        if not isinstance(column.node, nodes.Star):
            _bound_column(column, fields, now)


def statements_of(connection: sqlite3.Connection, plan: Plan) -> Iterator[tuple[str, statements.Statement]]:
    """The statements that answer a query, and what each is for besides; in place of ids of rows they have `[…]`."""
    for (statement, _), purpose in zip(_ways(connection, plan), ("", "if these are too few"), strict=False):
        yield purpose, statement
    if plan.question.parameters:
        yield "for the parameters of these rows", statements.Statement(PARAMETERS, {"notebooks": "[…]"})
    looked_up = [column for column in plan.columns if not statements.is_selected(column)]
    if looked_up or plan.question.parameters:
        sql = cells.statement(results.name_ids(looked_up))
        yield "for values in these rows", statements.Statement(sql, {"notebooks": "[…]", "names": "[…]"})


def count(
    connection: sqlite3.Connection,
    fields: Fields,
    expression: str | Sequence[str] | None = None,
    *,
    unless: str | None = None,
) -> int:
    """The number of notebooks for which an expression holds; arguments and errors are those of `select`."""
    with sentences(question=True), snapshot(connection):
        plan = planned(connection, fields, expression, unless=unless, columns="nb.path")
        statement = plan.once("count", lambda: _count_statement(connection, plan.where))
        return int(execute(connection, *statement).fetchone()[0])


def _count_statement(connection: sqlite3.Connection, where: nodes.Truth | None) -> statements.Statement:
    alone = seek.alone(where) if past.of(connection) is None else None
    return statements.count_statement(alone or narrowed(connection, where) or where)


def notebook_ids(connection: sqlite3.Connection, fields: Fields, expression: str | None = None) -> list[int]:
    """The ids of the notebooks for which an expression holds; arguments and errors are those of `select`."""
    with snapshot(connection):
        statement = _ids(connection, current(connection, fields), texts(expression), "")
        with sentences(question=True):
            return [row[0] for row in execute(connection, *statement)]


def ids_condition(
    connection: sqlite3.Connection, fields: Fields, expressions: Sequence[str], prefix: str
) -> statements.Statement:
    """The SELECT of the ids of the notebooks for which all expressions hold, to stand in another statement, also later.

    Args:
        connection: a store.
        fields: its fields.
        expressions: what holds for the notebooks.
        prefix: of the names of the bound values, so that they differ from those of the other statement.

    Raises:
        ExpressionError: an expression is wrong; it knows the place.
    """
    return _ids(connection, fields.lasting(), expressions, prefix)


def _ids(
    connection: sqlite3.Connection, fields: Fields, expressions: Sequence[str], prefix: str
) -> statements.Statement:
    where = where_of(fields, map(parser.parse, expressions), (), datetime.now(UTC))
    return statements.ids_statement(narrowed(connection, where) or where, prefix)


def texts(expression: str | Sequence[str] | None) -> Sequence[str]:
    """One text or several as several."""
    return () if expression is None else (expression,) if isinstance(expression, str) else expression


def where_of(
    fields: Fields, holds: Iterable[nodes.Truth], fails: Iterable[nodes.Truth], now: datetime
) -> nodes.Truth | None:
    """Bind what holds for the notebooks, and what does not; None if it is nothing."""
    terms = [bind_truth(tree, fields, now) for tree in holds]
    terms += [bound_nodes.Fails(bind_truth(tree, fields, now)) for tree in fails]
    flat = tuple(flattened(nodes.And, terms))
    return seek.all_of(flat) if flat else None


def narrowed(
    connection: sqlite3.Connection, where: nodes.Truth | None, *, only_few: bool = False
) -> nodes.Truth | None:
    """Ask the indexes which terms have few notebooks, so that these are looked up; None if none has.

    The past has no such indexes.
    """
    if past.of(connection) is not None:
        return None

    def count(sought: bound_nodes.Sought, limit: int) -> int:
        return int(execute(connection, *statements.count_statement(sought, limit)).fetchone()[0])

    def looked_up(enough: int, *, scanning: bool = False) -> nodes.Truth | None:
        found = seek.Narrowing(count, enough, scanning=scanning).narrowed(where) if where else None
        return found.where if found else None

    with sentences(question=True):
        found = looked_up(_FEW)
        if found or only_few or where is None:
            return found
        (total,) = connection.execute("SELECT coalesce(max(id), 0) FROM notebooks").fetchone()
        share = min(_SHARE + length(connection) / _LONG, _LARGEST_SHARE)
        found = looked_up(int(total * share), scanning=share == _LARGEST_SHARE)
        return found or seek.missing(where, int(total * share))


def _columns(fields: Fields, expressions: Sequence[str], columns: str | None) -> list[parser.Column]:
    if columns is None:
        return told_apart(default_columns(fields, map(parser.parse, expressions)))
    asked = parser.parse_columns(columns)
    parts = (all_columns(fields) if isinstance(column.node, nodes.Star) else [column] for column in asked)
    return told_apart(list(itertools.chain.from_iterable(parts)))


def _bound_column(column: parser.Column, fields: Fields, now: datetime) -> bound_nodes.Output:
    return bind_column(column.node, fields, now)


def times_of(labels: Sequence[str], columns: Sequence[bound_nodes.Output]) -> Iterator[str]:
    """The labels of the columns that hold times."""
    for label, column in zip(labels, columns, strict=False):
        if isinstance(column, nodes.Value) and bound_nodes.kinds(column) == {"time"}:
            yield label


def _rows(connection: sqlite3.Connection, plan: Plan, version: int) -> Iterator[tuple[Any, ...]]:
    with sentences(question=True), snapshot(connection):
        plan = _still(connection, plan, version)
        for chunk in _chunks(connection, plan):
            yield from _values(connection, plan, chunk)


def _rows_and_parameters(connection: sqlite3.Connection, plan: Plan, version: int) -> Iterator[tuple[Any, ...]]:
    """The labels, then the rows. If these are few, all are read before, so that no transaction is open meanwhile."""
    with sentences(question=True), snapshot(connection):
        plan, fields = _still(connection, plan, version), fields_of(connection)
        chunks = _chunks(connection, plan)
        first = list(itertools.islice(chunks, LOOKED_AT // _CHUNK))
        more = list(itertools.islice(chunks, 1))
        notebooks = [row[0] for chunk in first for row in chunk]
        varying = (
            list(varying_parameters(connection, _MOST_VARYING)) if more or plan.question.parameters == "varying" else []
        )
        # What varies now need not be what varies in the past, of which all is read as of few rows.
        of_rows = {} if more and past.of(connection) is None else parameters_of(connection, notebooks)
        differs = of_rows | dict.fromkeys(varying, True) if more else of_rows
        names = [name for name, does in differs.items() if does or name in varying]
        found = [bound_nodes.FieldValue(field) for name in names if (field := fields.find(name))]
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
    connection: sqlite3.Connection,
    plan: Plan,
    chunk: Sequence[tuple[Any, ...]],
    parameters: Sequence[bound_nodes.FieldValue] = (),
) -> Iterator[tuple[Any, ...]]:
    """Make values of the rows of a chunk; the parameters, which the statement does not have, are looked up."""
    if plan.is_raw:
        return iter(chunk)
    selected = itertools.count(1)
    readers = [
        results.reader(column, next(selected) if statements.is_selected(column) else None) for column in plan.columns
    ]
    readers += [results.reader(place, None) for place in parameters]
    looked_up = [column for column in plan.columns if not statements.is_selected(column)]
    name_ids = results.name_ids([*looked_up, *parameters])
    found = cells.cells(connection, [row[0] for row in chunk], name_ids) if name_ids else {}
    found |= _cells_then(connection, plan, chunk)
    return (tuple([read(row, found) for read in readers]) for row in chunk)


def _cells_then(connection: sqlite3.Connection, plan: Plan, chunk: Sequence[tuple[Any, ...]]) -> results.Cells:
    """Read the cells of the versions that columns ask for, by the negative of their ids."""
    selected = (column for column in plan.columns if statements.is_selected(column))
    places = {place: column for place, column in enumerate(selected, 1) if results.is_cell_then(column)}
    if not places:
        return {}
    versions = sorted({row[place] for row in chunk for place in places} - {None})
    found = cells.cells(connection, versions, results.name_ids(list(places.values())), cells.OF_VERSIONS)
    return {(-version, name_id, role): cell for (version, name_id, role), cell in found.items()}


def _chunks(connection: sqlite3.Connection, plan: Plan) -> Iterator[Sequence[tuple[Any, ...]]]:
    for statement, enough in _ways(connection, plan):
        cursor = execute(connection, *statement)
        rows = cursor.fetchmany(enough) if enough else []
        if len(rows) == enough:
            while rows := rows or cursor.fetchmany(_CHUNK):
                yield rows
                rows = []
            return


def _ways(connection: sqlite3.Connection, plan: Plan) -> Iterator[tuple[statements.Statement, int]]:
    """Write the statement that answers a query, and before it one that does if it gives enough rows."""
    soon = plan.once("soon", lambda: _soon(connection, plan))
    if soon:
        # An index of paths has all notebooks.
        yield soon, plan.question.limit or 0 if plan.order else 0
    if not soon or plan.order:
        yield plan.once("all", lambda: plan.statement(narrowed(connection, plan.where) or plan.where)), 0


def _soon(connection: sqlite3.Connection, plan: Plan) -> statements.Statement | None:
    first = plan.first() if past.of(connection) is None else None
    # Few are as soon sorted as found in order.
    if first is None or narrowed(connection, plan.where, only_few=True):
        return None
    sought, where = first
    return plan.statement(where, sought)
