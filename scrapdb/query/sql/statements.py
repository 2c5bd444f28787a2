"""Whole statements: the notebooks found, in order, with the columns to show."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

from scrapdb.query import bound
from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.frozen import Frozen
from scrapdb.query.sql import rows
from scrapdb.query.sql import search
from scrapdb.query.sql.values import faces
from scrapdb.store.values import KINDS
from scrapdb.store.values import ids_as_json

_RELATIONS = ("=", "<", "<=", ">", ">=")
# SQLite joins at most 64 tables, and a field may stand in two.
MOST_JOINED = 24


# A column to show: a value, or an expression that is true, false or neither.
Output = nodes.Value | bound.Decided


class Statement(NamedTuple):
    """SQL and its bound values."""

    sql: str
    values: dict[str, object]


class Order(Frozen):
    """A bound value to sort by."""

    value: nodes.Value
    descending: bool


def estimate_statement(leaves: tuple[bound.Leaf, ...], enough: int = search.ENOUGH) -> Statement:
    """Count what the index has for leaves on one row, up to a limit."""
    bind = rows.Binder()
    return Statement(search.estimate_sql(leaves, enough, bind), bind.values)


def count_statement(where: nodes.Truth | None, estimates: search.Estimates | None = None) -> Statement:
    """Count the notebooks."""
    bind = rows.Binder()
    found = search.search(where, bind, estimates)
    return Statement(f"SELECT count(*) FROM {found.tables}{_where(found.conditions)}", bind.values)


def ids_statement(where: nodes.Truth | None, estimates: search.Estimates | None = None, prefix: str = "") -> Statement:
    """The ids of the notebooks, each once, in no order; names of bound values have the prefix."""
    bind = rows.Binder(prefix)
    found = search.search(where, bind, estimates)
    return Statement(f"SELECT {found.notebook} FROM {found.tables}{_where(found.conditions)}", bind.values)


def expressions_statement(field: Field) -> Statement:
    """Count the notebooks in which a field is an expression, which has neither number nor text in the index."""
    bind = rows.Binder()
    source = next(source for source in rows.sources(field, bind) if source.table == "parameters")
    unknown = [*source.conditions, "number IS NULL", "text IS NULL", "type = 'expression'"]
    return Statement(f"SELECT count(*) FROM {source.table} AS {source.alias}{_where(unknown)}", bind.values)


def one_of(notebooks: Sequence[int]) -> Statement:
    """The condition that a notebook `n` is one of these, by their ids."""
    return Statement("n.id IN (SELECT value FROM json_each(:one_of))", {"one_of": ids_as_json(notebooks)})


def rows_statement(
    where: nodes.Truth | None,
    columns: Sequence[Output],
    order: Sequence[Order],
    limit: int | None,
    offset: int,
    *,
    wide: bool,
    estimates: search.Estimates | None = None,
    scanning: bool = False,
    only: Statement | None = None,
) -> Statement:
    """The notebooks found: id and columns, each as wide as `width` says.

    With `wide` the scraps and parameters are left out, to be read by `cells_statement`; with `scanning` notebooks are
    tested in the order of their paths, which is good for the first few. `only` is a condition on the notebook `n`.
    """
    bind = rows.Binder()
    found = search.search(where, bind, estimates, scanning=scanning)
    sure = _sure_faces(where)
    known = {column: [] if wide else _known(column, found, sure) for column in columns}
    shown = [column for column in columns if isinstance(column, bound.Place) and not known[column]]
    shown = [column for column in shown if not (wide and isinstance(column.field, Field))]
    tables, scope = _joined(found, shown, order, bind)
    outputs = [sql for column in columns for sql in known[column] or _outputs(column, scope, bind, wide=wide)]
    # The row that drives the search comes in the order of the index, its joined double does not.
    driven = rows.Scope(scope.notebook, {**scope.rows, **found.scope.rows})
    keys = [sql for key in order for sql in _keys(key, driven, bind, sure.get(key.value))]
    # The plus keeps SQLite from reading all notebooks in the order of their paths, where an index finds the few.
    conditions = [*found.conditions, only.sql] if only else found.conditions
    sql = (
        f"SELECT {', '.join(['n.id', *outputs])} FROM {tables}{_where(conditions)}"
        f" ORDER BY {', '.join([*keys, '+n.path' if found.driven else 'n.path'])}"
    )
    if limit is not None or offset:
        sql += f" LIMIT {bind(-1 if limit is None else limit)} OFFSET {bind(offset)}"
    return Statement(sql, bind.values | (only.values if only else {}))


def width(column: Output, *, wide: bool) -> int:
    """How many columns of a `rows_statement` belong to a column: type, value and exact for a scrap or parameter."""
    if isinstance(column, bound.Place) and isinstance(column.field, Field):
        return 0 if wide else 3
    return 1


def cells_statement(notebooks: Sequence[int], name_ids: Sequence[int]) -> Statement:
    """The scraps and parameters of some notebooks: notebook, name and role, then type, value and exact."""
    return Statement(_CELLS, {"notebooks": ids_as_json(notebooks), "names": ids_as_json(name_ids)})


# The value in a row of `scraps` or `parameters`; of a frame its size, of a display its MIME types.
_VALUE = "coalesce({v}.number, {v}.text, {v}.json)"
_REFERENCE = """\
coalesce({v}.number, {v}.text, {v}.json, CASE {v}.type
 WHEN 'frame' THEN (SELECT json_array(rows, columns) FROM frames
  WHERE notebook_id = {v}.notebook_id AND name_id = {v}.name_id)
 WHEN 'display' THEN (SELECT json_group_array(mime_type) FROM displays
  WHERE notebook_id = {v}.notebook_id AND name_id = {v}.name_id) END)"""
_CELLS_OF_ROLE = """\
SELECT v.notebook_id, v.name_id, '{role}', v.type, {value}, v.exact FROM {table} AS v
WHERE v.notebook_id IN (SELECT value FROM json_each(:notebooks))
AND +v.name_id IN (SELECT value FROM json_each(:names))"""
# The plus keeps SQLite from looking up every name in every notebook, where most do not have it.
_CELLS = " UNION ALL ".join(
    _CELLS_OF_ROLE.format(role=role, table=table, value=value.format(v="v"))
    for role, table, value in (("scrap", "scraps", _REFERENCE), ("param", "parameters", _VALUE))
)


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {rows.joined('AND', list(conditions))}" if conditions else ""


def _joined(
    found: search.Search, shown: Sequence[bound.Place], order: Sequence[Order], bind: rows.Binder
) -> tuple[str, rows.Scope]:
    """Join the rows that hold fields, so that each is looked up once."""
    sorted_by = [
        key.value
        for key in order
        if isinstance(key.value, bound.Place) and rows.row_of(key.value) not in found.scope.rows
    ]
    tables, scope = found.tables + found.link, found.scope
    for row in dict.fromkeys(rows.row_of(place) for place in [*shown, *sorted_by]):
        if row == "notebooks":
            continue
        aliases = []
        for number in range(len(rows.sources(row, bind))):
            source = rows.sources(row, bind, bind.alias())[number]
            tables += f" LEFT JOIN {source.table} AS {source.alias} ON {source.of('n.id')}"
            aliases.append(source.alias)
        scope = scope.having(row, *aliases)
    return tables, scope


def _outputs(column: Output, scope: rows.Scope, bind: rows.Binder, *, wide: bool) -> list[str]:
    if isinstance(column, bound.Decided):
        yes, no = search.test(column.holds, scope, bind), search.test(column.fails, scope, bind)
        return [f"CASE WHEN {yes} THEN 1 WHEN {no} THEN 0 END"]
    if not isinstance(column, bound.Place):
        return [_either(faces(column, scope, bind))]
    field = column.field
    if isinstance(field, Attribute):
        return [rows.looked_up(rows.row_of(column), lambda alias: f"{alias}.{field.column}", scope, bind)]
    if wide:
        return []
    value = _REFERENCE if field.types & {"frame", "display"} else _VALUE
    return [
        rows.looked_up(field, lambda alias: f"{alias}.type", scope, bind),
        rows.looked_up(field, lambda alias: value.format(v=alias), scope, bind),
        rows.looked_up(field, lambda alias: f"{alias}.exact", scope, bind),
    ]


def _known(column: Output, found: search.Search, sure: Mapping[nodes.Value, str]) -> list[str]:
    """What the driving row has of a column without another look-up: a number of which the type is certain."""
    field = (
        column.field if isinstance(column, bound.Place) and sure.get(column) == "number" and not column.path else None
    )
    if not isinstance(field, Field) or field not in found.scope.rows:
        return []
    types = [type_ for type_ in field.types if KINDS.get(type_) == "number"]
    # An integer may be too large for its column.
    return (
        [f"'{types[0]}'", f"{found.scope.rows[field][0]}.number", "NULL"] if types in (["float"], ["boolean"]) else []
    )


def _either(found: dict[str, str]) -> str:
    return f"coalesce({', '.join(found.values())}, NULL)" if found else "NULL"


def _keys(key: Order, scope: rows.Scope, bind: rows.Binder, sure: str | None) -> list[str]:
    """Numbers before texts before nothing, in both directions."""
    direction = "DESC" if key.descending else "ASC"
    found = faces(key.value, scope, bind)
    if sure:
        # Without NULLS LAST, so that the order of the index is used.
        return [f"{found[sure]} {direction}"]
    return [f"{face} {direction} NULLS LAST" for face in found.values()]


def _sure_faces(where: nodes.Truth | None) -> dict[nodes.Value, str]:
    """The values that are numbers, or texts, in all notebooks found."""
    terms = where.terms if isinstance(where, nodes.And) else (where,)
    return {
        term.node.left: "number" if bound.kinds(term.node.right) == {"number"} else "text"
        for term in terms
        if isinstance(term, bound.Leaf) and isinstance(term.node, nodes.Comparison) and term.node.operator in _RELATIONS
        if isinstance(term.node.left, bound.Place)
        and isinstance(term.node.right, nodes.Constant | bound.Instant)
        and not term.negated
    }
