"""Where the value of a field stands: the row of a table, found by notebook and name."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping

from scrapdb.query.bound import Place
from scrapdb.query.fields import Field
from scrapdb.query.frozen import Frozen

# A field's row in `scraps` or `parameters`, or the table that has one row of a notebook: `notebooks`, `records` or
# `reports`.
Row = Field | str


class Binder:
    """The bound values of a statement; the same value is bound once.

    Args:
        prefix: of their names.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.values: dict[str, object] = {}
        self._names: dict[tuple[type, object], str] = {}
        self._aliases = 0

    def __call__(self, value: object) -> str:
        """Bind a value and give the placeholder for it."""
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            value = _nearest(value)
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = f"{self._prefix}v{len(self._names)}"
            self.values[self._names[key]] = value
        return ":" + self._names[key]

    def alias(self) -> str:
        """A name for a table that no other table of the statement has."""
        self._aliases += 1
        return f"t{self._aliases}"


class Scope(Frozen):
    """What SQL at some place of a statement can refer to.

    Args:
        notebook: the expression for the notebook's id.
        rows: rows that are there already, each with the aliases of the tables; at most one of them has a row.
    """

    notebook: str
    rows: Mapping[Row, tuple[str, ...]]

    def having(self, row: Row, *aliases: str) -> Scope:
        """The same with one more row."""
        return Scope(self.notebook, {**self.rows, row: aliases})


class Source(Frozen):
    """A table that holds a row, under an alias, and the conditions for it to be the row of that name."""

    table: str
    alias: str
    conditions: tuple[str, ...]

    @property
    def notebook(self) -> str:
        """The expression for the notebook's id."""
        return f"{self.alias}.{'id' if self.table == 'notebooks' else 'notebook_id'}"

    def of(self, notebook: str) -> str:
        """The conditions for it to be the row of one notebook."""
        return " AND ".join((f"{self.notebook} = {notebook}", *self.conditions))


def row_of(place: Place) -> Row:
    """The row that holds a field."""
    return place.field if isinstance(place.field, Field) else place.field.table


def sources(row: Row, bind: Binder, alias: str = "v") -> list[Source]:
    """The tables in which a row can stand; a notebook has it in one of them at most."""
    if isinstance(row, str):
        return [Source(row, alias, ())]
    named = f"{alias}.name_id = {bind(row.name_id)}"
    found = [Source("scraps", alias, (named,))] if row.scraps else []
    if row.parameters:
        unshadowed = (f"{alias}.shadowed = 0",) if row.scraps else ()
        found.append(Source("parameters", alias, (named, *unshadowed)))
    return found


def looked_up(row: Row, expression: Callable[[str], str], scope: Scope, bind: Binder) -> str:
    """An expression over a row, which is given the row's alias; NULL where the notebook has none."""
    if row in scope.rows:
        parts = [expression(alias) for alias in scope.rows[row]]
    else:
        found = [(source, f"{source.table} AS {source.alias}") for source in sources(row, bind)]
        parts = [
            f"(SELECT {expression(source.alias)} FROM {table} WHERE {source.of(scope.notebook)})"
            for source, table in found
        ]
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"


def existing(row: Row, condition: Callable[[Scope], str], scope: Scope, bind: Binder) -> str:
    """Whether the notebook has a row for which a condition holds."""
    return joined(
        "OR",
        [
            f"EXISTS (SELECT 1 FROM {source.table} AS {source.alias} WHERE {source.of(scope.notebook)}"
            f" AND {condition(scope.having(row, source.alias))})"
            for source in sources(row, bind)
        ],
    )


def joined(word: str, terms: list[str]) -> str:
    """Join conditions by AND or OR as a balanced tree, since SQLite allows a depth of 1,000."""
    if len(terms) == 1:
        return terms[0]
    if len(terms) <= _FLAT:
        return f"({f' {word} '.join(terms)})"
    middle = len(terms) // 2
    return f"({joined(word, terms[:middle])} {word} {joined(word, terms[middle:])})"


_FLAT = 8


def _nearest(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
