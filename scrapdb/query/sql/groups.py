"""Statements of groups: a SELECT has the keys and aggregates of each, and one around it what is asked of these."""

from __future__ import annotations

from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.fields import Kind
from scrapdb.query.frozen import Frozen
from scrapdb.query.sql import values
from scrapdb.query.sql.conditions import present
from scrapdb.query.sql.conditions import test
from scrapdb.query.sql.over_time import Notebook
from scrapdb.query.sql.places import Binder
from scrapdb.query.sql.places import Run
from scrapdb.query.sql.places import id_of
from scrapdb.query.sql.places import separated
from scrapdb.query.sql.places import source
from scrapdb.query.sql.statements import Order
from scrapdb.query.sql.statements import Statement
from scrapdb.query.sql.statements import joined
from scrapdb.query.sql.statements import keys_of
from scrapdb.query.sql.statements import output
from scrapdb.store.past import EVERY_VERSION
from scrapdb.store.past import Past

_OF_NUMBERS = ("sum", "mean", "median", "stdev")
_OF_NOTEBOOKS = ("first", "last")
_UNLIKE = ("expression", "frame", "display")  # of which no two are compared
_FACES = ("number", "text", "json", "unlike")  # of a key


class _Group(Run):
    """The row `g` of a group. Its columns are calculated in the SELECT below, each once, by what they are there."""

    def __init__(self, bind: Binder, past: Past | None) -> None:
        super().__init__(bind)
        self._past = past
        self.run = Notebook(bind)
        self.columns: dict[str, str] = {}

    def column(self, sql: str) -> str:
        return f"g.{self.columns.setdefault(sql, f'c{len(self.columns)}')}"

    def of_group(self, node: bound_nodes.Key | bound_nodes.Aggregate, face: str) -> str:
        """A face of a key or an aggregate."""
        if isinstance(node, bound_nodes.Key):
            return self.key(node).get(face, "NULL")
        found = self.column(self._aggregate(node))
        if len(bound_nodes.kinds(node) & {"number", "text", "time"}) == 1:
            return found
        return f"iif(typeof({found}) {'=' if face == 'text' else '<>'} 'text', {found}, NULL)"

    def is_in_group(self, node: bound_nodes.Key | bound_nodes.Aggregate) -> str:
        """Whether a key or an aggregate is there."""
        if isinstance(node, bound_nodes.Key):
            return separated("OR", [f"{face} IS NOT NULL" for face in self.key(node).values()])
        return f"{self.notebook(node) if is_by_notebook(node) else self.column(self._aggregate(node))} IS NOT NULL"

    def key(self, node: bound_nodes.Key) -> dict[str, str]:
        return {face: self.column(sql) for face, sql in _faces(node.value, self.run).items()}

    def notebook(self, node: bound_nodes.Key | bound_nodes.Aggregate) -> str:
        """The id of the notebook whose value is shown: of a key the first by path, since all are equal."""
        if isinstance(node, bound_nodes.Aggregate) and isinstance(node.argument, nodes.Value):
            there = f"iif({present(node.argument, self.run)}, r.nb_id, NULL)"
            return self.column(self._in_order(node.function, there))
        if self._past is not None:  # which has no index of paths, and of versions not one for each
            return self.column("min(r.nb_id)")
        return f"(SELECT id FROM notebooks WHERE path = {self.column('min(r.notebook)')})"

    def _aggregate(self, node: bound_nodes.Aggregate) -> str:
        if node.function in _OF_NOTEBOOKS and node.argument is not None:
            return self._in_order(node.function, _first_of(_values(node.argument, self.run)))
        return _aggregate(node, self.run)

    def _in_order(self, name: str, sql: str) -> str:
        """What comes first, or last: of notebooks by their start, of versions by when they came."""
        if self._past != EVERY_VERSION:
            return f"group_{name}({sql}, r.nb_started_at, r.notebook)"
        self.bind.tables["versions"] = None
        return f"group_{name}({sql}, versions.since, r.nb_id)"


class Groups(Frozen):
    """Which groups are wanted, in which order, and what of them. `only` is a condition on the row `r` of `runs`."""

    keys: tuple[bound_nodes.Key, ...]
    columns: tuple[bound_nodes.Output, ...]
    having: nodes.Truth | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int
    only: Statement | None


def groups_statement(
    where: nodes.Truth | None,
    wanted: Groups,
    *,
    with_faces: bool = False,
    with_notebooks: bool = False,
    past: Past | None = None,
) -> Statement:
    """The groups of the notebooks found, one row each: its columns and, if need be, faces of keys and paths as JSON."""
    at = _Group(Binder(), past)
    outputs = [_shown(column, at) for column in wanted.columns]
    outputs += [at.key(key).get(face, "NULL") for key in wanted.keys for face in _FACES if with_faces]
    outputs += [at.column("json_group_array(r.notebook)")] if with_notebooks else []
    sorted_by = [key for each in wanted.order for key in keys_of(each, at)]
    sorted_by += [f"{face} ASC NULLS LAST" for key in wanted.keys for face in at.key(key).values()]
    ordered = f" ORDER BY {', '.join(sorted_by)}" if sorted_by else ""
    sql = f"SELECT {', '.join(outputs) or 'NULL'}{_from(at, where, wanted)}{ordered}"
    if wanted.limit is not None or wanted.offset:
        sql += f" LIMIT {at.bind(-1 if wanted.limit is None else wanted.limit)} OFFSET {at.bind(wanted.offset)}"
    return Statement(sql, at.bind.values | (wanted.only.values if wanted.only else {}))


def others_statement(where: nodes.Truth | None, value: bound_nodes.FieldValue, kinds: frozenset[Kind]) -> Statement:
    """Count the notebooks that have a value, and of none of these kinds."""
    at = Notebook(Binder())
    conditions = [test(where, at)] if where else []
    conditions.append(present(value, at))
    conditions += [f"{sql} IS NULL" for face, sql in values.faces(value, at).items() if face in kinds]
    found = f"{source(at.bind)}{joined(at.bind)} WHERE {separated('AND', conditions)}"
    return Statement(f"SELECT count(*) FROM {found}", at.bind.values)


def is_by_notebook(column: bound_nodes.Output) -> bool:
    """Whether a column is shown as one of its notebooks has it, since its faces do not tell all."""
    if isinstance(column, bound_nodes.Aggregate) and column.function not in _OF_NOTEBOOKS:
        return False
    place = value_of(column)
    if not isinstance(place, bound_nodes.FieldValue):
        return False
    if isinstance(place.field, Attribute):
        return place.field.kind == "json"
    return bool(place.path) or place.field.type is None or "json" in place.field.kinds


def value_of(column: bound_nodes.Output) -> bound_nodes.Output | None:
    """What a group has a value of, if a column is a key or an aggregate."""
    if isinstance(column, bound_nodes.Key):
        return column.value
    return column.argument if isinstance(column, bound_nodes.Aggregate) else None


def _from(at: _Group, where: nodes.Truth | None, wanted: Groups) -> str:
    """The rows `g` with the columns that were asked for until now, and for the condition on them."""
    conditions = [test(where, at.run)] if where else []
    conditions += [wanted.only.sql] if wanted.only else []
    # By their numbers, since a column of `runs` may be called as one of them.
    grouped = [str(int(face.removeprefix("g.c")) + 1) for key in wanted.keys for face in at.key(key).values()]
    holds = f" WHERE {test(wanted.having, at)}" if wanted.having else ""
    columns = ", ".join(f"{sql} AS {name}" for sql, name in at.columns.items()) or "count(*)"
    filtered = f" WHERE {separated('AND', conditions)}" if conditions else ""
    by = f" GROUP BY {', '.join(grouped)}" if grouped else ""
    return f" FROM (SELECT {columns} FROM {source(at.bind)}{joined(at.bind)}{filtered}{by}) AS g{holds}"


def _shown(column: bound_nodes.Output, at: _Group) -> str:
    if not isinstance(column, bound_nodes.Key | bound_nodes.Aggregate) or not is_by_notebook(column):
        return output(column, at)
    notebook, place = at.notebook(column), value_of(column)
    if isinstance(place, bound_nodes.FieldValue) and isinstance(place.field, Attribute):
        table = place.field.table
        return f"(SELECT {place.field.column} FROM {table} WHERE {id_of(table)} = {notebook})"
    return notebook


def _faces(value: bound_nodes.Output, at: Run) -> dict[str, str]:
    """What tells the values of a key apart: the faces of a value, a list or dict, or what nobody compares."""
    if isinstance(value, bound_nodes.Decided):
        return {"number": output(value, at)}
    found = values.faces(value, at)
    if isinstance(value, bound_nodes.FieldValue) and "json" in bound_nodes.kinds(value):
        json, path = values.document(value, at)
        is_one = f"json_type({json}, {path}) IN ('array', 'object')"
        found["json"] = f"same_json(iif({is_one}, json_extract({json}, {path}), NULL))"
    types = _types(value).intersection(_UNLIKE)
    if types and isinstance(value, bound_nodes.FieldValue) and isinstance(value.field, Field):
        listed = ", ".join(f"'{type_}'" for type_ in sorted(types))
        found["unlike"] = at.looked_up(value.field, f"iif(v.type IN ({listed}), coalesce(v.exact, v.type), NULL)")
    return found or {"number": "NULL"}


def _types(value: nodes.Value) -> frozenset[str]:
    is_field = isinstance(value, bound_nodes.FieldValue) and isinstance(value.field, Field) and not value.path
    return value.field.types if is_field else frozenset()  # type: ignore[attr-defined]


def _aggregate(node: bound_nodes.Aggregate, at: Run) -> str:
    name, argument = node.function, node.argument
    if argument is None:
        return "count(*)"
    if name == "count" and isinstance(argument, nodes.Value):
        return f"count(iif({present(argument, at)}, 1, NULL))"
    if name in _OF_NUMBERS:
        calculated = f"group_{name}({_number(argument, at)})"
        # Of no notebook at all SQLite asks no function.
        return f"iif(count(*), {calculated}, 0)" if name == "sum" else calculated
    if name == "any":
        return f"ifnull(max({_number(argument, at)} <> 0), 0)"
    if name == "all":
        return f"ifnull(min({_number(argument, at)} <> 0), 1)"
    # Of texts only where there is no number.
    return _first_of([f"{name}({value})" for value in _values(argument, at)])


def _number(argument: bound_nodes.Output, at: Run) -> str:
    return output(argument, at) if isinstance(argument, bound_nodes.Decided) else values.number(argument, at)


def _values(argument: bound_nodes.Output, at: Run) -> list[str]:
    found = {} if isinstance(argument, bound_nodes.Decided) else values.faces(argument, at)
    return list(found.values()) or [_number(argument, at)]


def _first_of(found: list[str]) -> str:
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]
