"""Whole statements: the notebooks found, in order, with the columns to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.frozen import Frozen
from scrapdb.query.sql.conditions import ids
from scrapdb.query.sql.conditions import rows
from scrapdb.query.sql.conditions import test
from scrapdb.query.sql.over_time import Notebook
from scrapdb.query.sql.places import Binder
from scrapdb.query.sql.places import Row
from scrapdb.query.sql.places import Run
from scrapdb.query.sql.places import id_of
from scrapdb.query.sql.places import separated
from scrapdb.query.sql.places import source
from scrapdb.query.sql.places import tables
from scrapdb.query.sql.values import faces
from scrapdb.store.values import KINDS
from scrapdb.store.values import ids_as_json

_AS_FLOAT = "CAST({} AS REAL)"  # which is stored as an integer where it can be


class Statement(NamedTuple):
    """SQL and its bound values."""

    sql: str
    values: dict[str, object]


class Order(Frozen):
    """A bound value to sort by."""

    value: nodes.Value
    descending: bool


def count_statement(where: nodes.Truth | None, limit: int | None = None) -> Statement:
    """Count the notebooks, up to a limit."""
    found = ids_statement(where)
    if limit is None:
        return Statement(f"SELECT count(*) FROM ({found.sql})", found.values)
    return Statement(f"SELECT count(*) FROM ({found.sql} LIMIT :limit)", found.values | {"limit": limit})


def ids_statement(where: nodes.Truth | None, prefix: str = "") -> Statement:
    """The ids of the notebooks, each once, in no order; names of bound values have the prefix."""
    bind = Binder(prefix)
    if where is None:
        return Statement("SELECT id FROM notebooks", {})
    if isinstance(where, bound_nodes.Sought):
        return Statement(ids(where, bind), bind.values)
    condition = test(where, Notebook(bind))
    return Statement(f"SELECT r.nb_id FROM {source(bind)}{joined(bind)} WHERE {condition}", bind.values)


def expressions_statement(field: Field) -> Statement:
    """Count the notebooks in which a field is an expression, which has neither number nor text in the index."""
    bind = Binder()
    table, named = tables(field, bind)[-1]
    unknown = f"{named} AND v.number IS NULL AND v.text IS NULL AND v.type = 'expression'"
    return Statement(f"SELECT count(*) FROM {table} WHERE {unknown}", bind.values)


def one_of(notebooks: Sequence[int]) -> Statement:
    """The condition that a notebook is one of these, by their ids."""
    return Statement("r.nb_id IN (SELECT value FROM json_each(:one_of))", {"one_of": ids_as_json(notebooks)})


def rows_statement(
    where: nodes.Truth | None,
    columns: Sequence[bound_nodes.Output],
    order: Sequence[Order],
    limit: int | None,
    offset: int,
    *,
    with_ids: bool = True,
    first: bound_nodes.Sought | None = None,
    only: Statement | None = None,
) -> Statement:
    """The notebooks found: their ids, if need be, and the columns that `is_selected`; the others are read as cells.

    With `first` an index is read in the order wanted, and each notebook that it gives is tested, which is good for the
    first few. `only` is a condition on the row `r` of `runs`.
    """
    bind = Binder()
    at = Notebook(bind)
    outputs = ["r.nb_id"] if with_ids or not columns else []
    outputs += [output(column, at) for column in columns if is_selected(column)]
    before, after, conditions, keys = "", "", list[str](), list[str]()
    if first:
        ((notebook, table, conditions),) = rows(first, bind)
        # CROSS, since SQLite does not reorder it: the index comes first.
        before, after = f"{table} CROSS JOIN ", f" ON r.nb_id = {notebook}"
        keys = [_first_key(key, bind) for key in order[:1]]
    keys += [sql for key in order[len(keys) :] for sql in keys_of(key, at)]
    keys.append("r.notebook" if order or not first else "v.path")
    conditions += [test(where, at)] if where else []
    conditions += [only.sql] if only else []
    filtered = f" WHERE {separated('AND', conditions)}" if conditions else ""
    found = f"{before}{source(bind)}{after}{joined(bind)}{filtered}"
    sql = f"SELECT {', '.join(outputs)} FROM {found} ORDER BY {', '.join(keys)}"
    if limit is not None or offset:
        sql += f" LIMIT {bind(-1 if limit is None else limit)} OFFSET {bind(offset)}"
    return Statement(sql, bind.values | (only.values if only else {}))


def is_selected(column: bound_nodes.Output) -> bool:
    """Whether a column is one of a `rows_statement`."""
    field = column.field if isinstance(column, bound_nodes.FieldValue) else None
    return not isinstance(field, Field) or field.is_plain or field.type is not None


def joined(bind: Binder) -> str:
    """The tables that a statement reads besides."""
    return "".join(f" LEFT JOIN {table} ON {table}.{id_of(table)} = r.nb_id" for table in bind.tables)


def output(column: bound_nodes.Output, at: Run) -> str:
    """A column that `is_selected`; of a field in another version the id of that, of which it is read as a cell."""
    if isinstance(column, bound_nodes.Decided):
        return f"CASE WHEN {test(column.holds, at)} THEN 1 WHEN {test(column.fails, at)} THEN 0 END"
    place = bound_nodes.place_of(column)
    if isinstance(column, bound_nodes.Then) and place:
        return _then(column, place, at)
    if not isinstance(column, bound_nodes.FieldValue):
        found = faces(column, at)
        return f"coalesce({', '.join(found.values())}, NULL)" if found else "NULL"
    field = column.field
    if isinstance(field, Attribute):
        return at.of(field, field.kind if field.kind != "time" else "text")
    if field.type is None:
        return at.looked_up(field, f"coalesce(iif(v.type = 'float', {_AS_FLOAT}, v.number), v.text)".format("v.number"))
    return at.of(field, KINDS[field.type], _AS_FLOAT.format if field.type == "float" else str)


def _then(column: bound_nodes.Then, place: bound_nodes.FieldValue, at: Run) -> str:
    run = at.then(column)
    while isinstance(column.operand, bound_nodes.Then):
        column = column.operand
        run = run.then(column)
    return run.nb_id if isinstance(place.field, Field) else output(place, run)


def keys_of(key: Order, at: Run) -> list[str]:
    """Numbers before texts before nothing, in both directions."""
    direction = "DESC" if key.descending else "ASC"
    return [f"{face} {direction} NULLS LAST" for face in faces(key.value, at).values()]


def _first_key(key: Order, bind: Binder) -> str:
    """Write the key without NULLS LAST, so that the order of the index is used, which has one face of it."""
    return f"{next(iter(faces(key.value, Row(bind)).values()))} {'DESC' if key.descending else 'ASC'}"
