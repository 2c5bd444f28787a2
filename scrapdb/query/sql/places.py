"""Where values stand: in the row of a notebook in `runs` and, what that does not tell, in `scraps` and `parameters`."""

from __future__ import annotations

from collections.abc import Callable

from scrapdb.query import bound_nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.fields import Field
from scrapdb.query.fields import Kind
from scrapdb.store.runs import quoted

# The columns of `notebooks` that `runs` has too.
_IN_RUNS = {
    "id": "nb_id",
    "path": "notebook",
    "status": "nb_status",
    "started_at": "nb_started_at",
    "seconds": "nb_seconds",
}
_FLAT = 8
Expression = Callable[[str], str]


class Binder:
    """The bound values of a statement, each bound once; and what it is to read: tables of attributes, the wide table.

    Args:
        prefix: of the names of the values.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.values: dict[str, object] = {}
        self.tables: dict[str, None] = {}
        self.is_wide = False
        self._names: dict[tuple[type, object], str] = {}

    def __call__(self, value: object) -> str:
        """Bind a value and give the placeholder for it."""
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            value = _nearest(value)
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = f"{self._prefix}v{len(self._names)}"
            self.values[self._names[key]] = value
        return ":" + self._names[key]


class Run:
    """The row `r` of a notebook in `runs`.

    `nb_id` is its id, and `tables` what the names of the tables begin with in which its values are looked up.
    """

    nb_id = "r.nb_id"
    tables = ""

    def __init__(self, bind: Binder) -> None:
        self.bind = bind

    def of(self, field: Field | Attribute, kind: Kind, expression: Expression = str) -> str:
        """An expression of a field's number, text or JSON, which is NULL where it is of another kind."""
        if isinstance(field, Attribute):
            return expression(self._attribute(field))
        column = field.column(kind)
        return expression(self._column(column)) if column else self.looked_up(field, f"v.{kind}", expression)

    def looked_up(self, field: Field, column: str, expression: Expression = str) -> str:
        """An expression of a column of `scraps` and `parameters`, found by primary key."""
        found = [
            f"(SELECT {expression(column)} FROM {self.tables}{table}"
            f" WHERE v.notebook_id = {self.nb_id} AND {condition})"
            for table, condition in tables(field, self.bind)
        ]
        return found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"

    def is_there(self, field: Field | Attribute) -> str:
        """Whether there is a value that is neither null nor NaN."""
        if isinstance(field, Attribute):
            return f"{self._attribute(field)} IS NOT NULL"
        columns = dict(field.columns)
        needed = {"number" if kind == "number" else "text" for kind in field.kinds}
        needed |= field.types & {"expression"}
        # Of a display nothing may have been kept, of which `runs` could tell.
        if needed <= columns.keys() and not field.kinds & {"frame", "display"}:
            return separated("OR", [f"{self._column(columns[kind])} IS NOT NULL" for kind in sorted(needed)] or ["0"])
        return separated(
            "OR",
            [
                f"EXISTS (SELECT 1 FROM {self.tables}{table} WHERE v.notebook_id = {self.nb_id} AND {condition}"
                f" AND {Row(self.bind).is_there(field)})"
                for table, condition in tables(field, self.bind)
            ],
        )

    def of_group(self, node: bound_nodes.Key | bound_nodes.Aggregate, face: str) -> str:
        """A face of what a group has, which a notebook has not."""
        raise TypeError(node, face)

    def is_in_group(self, node: bound_nodes.Key | bound_nodes.Aggregate) -> str:
        """Whether a group has a value, which a notebook has not."""
        raise TypeError(node)

    def then(self, node: bound_nodes.Then) -> Run:
        """Where a value stands in another version, which only what is asked over time has."""
        raise TypeError(node)

    def over_time(self, node: bound_nodes.Then | bound_nodes.Streak, face: str) -> str:
        """A face of what is asked over time."""
        raise TypeError(node, face)

    def _column(self, column: str) -> str:
        self.bind.is_wide = True
        return f"r.{quoted(column)}"

    def _attribute(self, field: Attribute) -> str:
        if field.table == "notebooks" and field.column in _IN_RUNS:
            return f"r.{_IN_RUNS[field.column]}"
        self.bind.tables[field.table] = None
        return f"{field.table}.{field.column}"


class Row(Run):
    """The row `v` of a field in `scraps` or `parameters`, or of a notebook in the table of an attribute."""

    def of(self, field: Field | Attribute, kind: Kind, expression: Expression = str) -> str:
        """An expression of a field's number, text or JSON."""
        return expression(f"v.{field.column if isinstance(field, Attribute) else kind}")

    def looked_up(self, field: Field, column: str, expression: Expression = str) -> str:  # noqa: ARG002 (it is this row)
        """An expression of a column."""
        return expression(column)

    def is_there(self, field: Field | Attribute) -> str:
        """Whether there is a value: by the columns of the index where they are enough, since `type` is not in it."""
        if isinstance(field, Attribute):
            return f"v.{field.column} IS NOT NULL"
        found = [f"v.{kind} IS NOT NULL" for kind in ("number", "text") if kind in field.kinds]
        if field.kinds - {"number", "text"} or "expression" in field.types:
            found.append("v.type IN ('json', 'frame', 'display', 'expression')")
        return separated("OR", found or ["0"])


def source(bind: Binder) -> str:
    """Where the rows `r` stand that a statement reads: those of `notebooks` are shorter, if it asks for no more."""
    if bind.is_wide:
        return "runs AS r NOT INDEXED"
    columns = ", ".join(f"{column} AS {name}" for column, name in _IN_RUNS.items())
    return f"(SELECT {columns} FROM notebooks) AS r"


def id_of(table: str) -> str:
    """The column of an attribute's table that has the notebook's id."""
    return "id" if table == "notebooks" else "notebook_id"


def tables(field: Field, bind: Binder) -> list[tuple[str, str]]:
    """The tables in which a field can stand, and conditions for a row `v` to be of it; a notebook has one at most."""
    named = f"v.name_id = {bind(field.name_id)}"
    found = [("scraps AS v", named)] if field.scraps else []
    if field.parameters:
        found.append(("parameters AS v", f"{named} AND v.shadowed = 0" if field.scraps else named))
    return found


def separated(word: str, terms: list[str]) -> str:
    """Put AND or OR between conditions, as a balanced tree, since SQLite allows a depth of 1,000."""
    if len(terms) == 1:
        return terms[0]
    if len(terms) <= _FLAT:
        return f"({f' {word} '.join(terms)})"
    middle = len(terms) // 2
    return f"({separated(word, terms[:middle])} {word} {separated(word, terms[middle:])})"


def _nearest(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
