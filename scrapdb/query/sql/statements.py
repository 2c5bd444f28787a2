"""Whole statements: the notebooks found, in order, with the columns to show."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import NamedTuple

from scrapdb.query.bound import Decided
from scrapdb.query.bound import Instant
from scrapdb.query.bound import Leaf
from scrapdb.query.bound import Place
from scrapdb.query.bound import kinds
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.frozen import Frozen
from scrapdb.query.nodes import And
from scrapdb.query.nodes import Comparison
from scrapdb.query.nodes import Constant
from scrapdb.query.nodes import Truth
from scrapdb.query.nodes import Value
from scrapdb.query.sql.rows import Binder
from scrapdb.query.sql.rows import Scope
from scrapdb.query.sql.rows import joined
from scrapdb.query.sql.rows import looked_up
from scrapdb.query.sql.rows import row_of
from scrapdb.query.sql.rows import sources
from scrapdb.query.sql.search import ENOUGH
from scrapdb.query.sql.search import Estimates
from scrapdb.query.sql.search import Search
from scrapdb.query.sql.search import estimate_sql
from scrapdb.query.sql.search import search
from scrapdb.query.sql.search import test
from scrapdb.query.sql.values import faces
from scrapdb.store.values import KINDS

_RELATIONS = ("=", "<", "<=", ">", ">=")
# SQLite joins at most 64 tables, and a field may stand in two.
MOST_JOINED = 24


# A column to show: a value, or an expression that is true, false or neither.
Output = Value | Decided


class Statement(NamedTuple):
    """SQL and its bound values."""

    sql: str
    values: dict[str, object]


class Order(Frozen):
    """A bound value to sort by."""

    value: Value
    descending: bool


def estimate_statement(leaves: tuple[Leaf, ...], enough: int = ENOUGH) -> Statement:
    """Count what the index has for leaves on one row, up to a limit."""
    bind = Binder()
    return Statement(estimate_sql(leaves, enough, bind), bind.values)


def count_statement(where: Truth | None, estimates: Estimates | None = None) -> Statement:
    """Count the notebooks."""
    bind = Binder()
    found = search(where, bind, estimates)
    return Statement(f"SELECT count(*) FROM {found.tables}{_where(found.conditions)}", bind.values)


def ids_statement(where: Truth | None, estimates: Estimates | None = None, prefix: str = "") -> Statement:
    """The ids of the notebooks, each once, in no order; names of bound values have the prefix."""
    bind = Binder(prefix)
    found = search(where, bind, estimates)
    return Statement(f"SELECT {found.notebook} FROM {found.tables}{_where(found.conditions)}", bind.values)


def one_of(notebooks: Sequence[int]) -> Statement:
    """The condition that a notebook `n` is one of these, by their ids."""
    import json  # which most queries do without

    return Statement("n.id IN (SELECT value FROM json_each(:one_of))", {"one_of": json.dumps(notebooks)})


def rows_statement(
    where: Truth | None,
    columns: Sequence[Output],
    order: Sequence[Order],
    limit: int | None,
    offset: int,
    *,
    wide: bool,
    estimates: Estimates | None = None,
    scanning: bool = False,
    only: Statement | None = None,
) -> Statement:
    """The notebooks found: id and columns, each as wide as `width` says.

    With `wide` the scraps and parameters are left out, to be read by `cells_statement`; with `scanning` notebooks are
    tested in the order of their paths, which is good for the first few. `only` is a condition on the notebook `n`.
    """
    bind = Binder()
    found = search(where, bind, estimates, scanning=scanning)
    sure = _sure_faces(where)
    known = {column: [] if wide else _known(column, found, sure) for column in columns}
    shown = [column for column in columns if isinstance(column, Place) and not (wide or known[column])]
    tables, scope = _joined(found, shown, order, bind)
    outputs = [sql for column in columns for sql in known[column] or _outputs(column, scope, bind, wide=wide)]
    # The row that drives the search comes in the order of the index, its joined double does not.
    driven = Scope(scope.notebook, {**scope.rows, **found.scope.rows})
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
    if isinstance(column, Place) and isinstance(column.field, Field):
        return 0 if wide else 3
    return 1


CELLS = """\
SELECT notebook_id, name_id, '{role}', type, coalesce(number, text, json), exact FROM {table}
WHERE notebook_id IN (SELECT value FROM json_each(:notebooks))
AND +name_id IN (SELECT value FROM json_each(:names))"""
# The plus keeps SQLite from looking up every name in every notebook, where most do not have it.
CELLS_STATEMENT = (
    f"{CELLS.format(role='scrap', table='scraps')} UNION ALL {CELLS.format(role='param', table='parameters')}"
)

FRAME = "SELECT rows, columns FROM frames WHERE notebook_id = ? AND name_id = ?"
DISPLAYS = "SELECT mime_type FROM displays WHERE notebook_id = ? AND name_id = ? ORDER BY mime_type"
NAME = """\
SELECT names.id, names.name, name_types.role, name_types.type, name_types.notebooks
FROM names JOIN name_types ON name_types.name_id = names.id WHERE names.name = ?"""
NAMES = "SELECT name FROM names WHERE scraps > 0 OR parameters > 0 ORDER BY id"
# The parameters of a store, the commonest first, and whether each has one type.
PARAMETERS = """\
SELECT id, name, 1 = (
  SELECT count(*) FROM name_types WHERE name_id = names.id AND role = 'parameter' AND notebooks > 0
)
FROM names WHERE parameters > 0 ORDER BY parameters DESC, id LIMIT ?"""
# The least and the greatest value of a parameter, off the index; it knows no JSON, of which the first ones have to do.
ENDS = """\
SELECT * FROM (SELECT number, text FROM parameters WHERE name_id = :name ORDER BY number, text LIMIT 1)
UNION
SELECT * FROM (SELECT number, text FROM parameters WHERE name_id = :name ORDER BY number DESC, text DESC LIMIT 1)"""
DOCUMENTS = """\
SELECT DISTINCT json FROM (
  SELECT json FROM parameters WHERE name_id = :name AND number IS NULL AND text IS NULL LIMIT 1000
)
LIMIT 2"""


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {joined('AND', list(conditions))}" if conditions else ""


def _joined(found: Search, shown: Sequence[Place], order: Sequence[Order], bind: Binder) -> tuple[str, Scope]:
    """Join the rows of fields, so that each is looked up once."""
    sorted_by = [
        key.value for key in order if isinstance(key.value, Place) and row_of(key.value) not in found.scope.rows
    ]
    tables, scope = found.tables + found.link, found.scope
    for field in dict.fromkeys(place.field for place in [*shown, *sorted_by]):
        if isinstance(field, Attribute):
            continue
        aliases = []
        for number in range(len(sources(field, bind))):
            source = sources(field, bind, bind.alias())[number]
            tables += f" LEFT JOIN {source.table} AS {source.alias} ON {source.of('n.id')}"
            aliases.append(source.alias)
        scope = scope.having(field, *aliases)
    return tables, scope


def _outputs(column: Output, scope: Scope, bind: Binder, *, wide: bool) -> list[str]:
    if isinstance(column, Decided):
        yes, no = test(column.holds, scope, bind), test(column.fails, scope, bind)
        return [f"CASE WHEN {yes} THEN 1 WHEN {no} THEN 0 END"]
    if not isinstance(column, Place):
        return [_either(faces(column, scope, bind))]
    field = column.field
    if isinstance(field, Attribute):
        return [f"n.{field.column}"]
    if wide:
        return []
    return [
        looked_up(field, lambda alias: f"{alias}.type", scope, bind),
        looked_up(field, lambda alias: f"coalesce({alias}.number, {alias}.text, {alias}.json)", scope, bind),
        looked_up(field, lambda alias: f"{alias}.exact", scope, bind),
    ]


def _known(column: Output, found: Search, sure: Mapping[Value, str]) -> list[str]:
    """What the driving row has of a column without another look-up: a number of which the type is certain."""
    field = column.field if isinstance(column, Place) and sure.get(column) == "number" and not column.path else None
    if not isinstance(field, Field) or field not in found.scope.rows:
        return []
    types = [type_ for type_ in field.types if KINDS.get(type_) == "number"]
    # An integer may be too large for its column.
    return (
        [f"'{types[0]}'", f"{found.scope.rows[field][0]}.number", "NULL"] if types in (["float"], ["boolean"]) else []
    )


def _either(found: dict[str, str]) -> str:
    return f"coalesce({', '.join(found.values())}, NULL)" if found else "NULL"


def _keys(key: Order, scope: Scope, bind: Binder, sure: str | None) -> list[str]:
    """Numbers before texts before nothing, in both directions."""
    direction = "DESC" if key.descending else "ASC"
    found = faces(key.value, scope, bind)
    if sure:
        # Without NULLS LAST, so that the order of the index is used.
        return [f"{found[sure]} {direction}"]
    return [f"{face} {direction} NULLS LAST" for face in found.values()]


def _sure_faces(where: Truth | None) -> dict[Value, str]:
    """The values that are numbers, or texts, in all notebooks found."""
    terms = where.terms if isinstance(where, And) else (where,)
    return {
        term.node.left: "number" if kinds(term.node.right) == {"number"} else "text"
        for term in terms
        if isinstance(term, Leaf) and isinstance(term.node, Comparison) and term.node.operator in _RELATIONS
        if isinstance(term.node.left, Place) and isinstance(term.node.right, Constant | Instant) and not term.negated
    }
