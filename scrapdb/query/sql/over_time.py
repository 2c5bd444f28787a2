"""What notebooks were, as SQL: values in other versions, and for how many of them something holds."""

from __future__ import annotations

from scrapdb.query import bound_nodes
from scrapdb.query import nodes
from scrapdb.query.fields import Attribute
from scrapdb.query.sql import values
from scrapdb.query.sql.conditions import test
from scrapdb.query.sql.places import Binder
from scrapdb.query.sql.places import Run
from scrapdb.query.sql.places import id_of
from scrapdb.store.readers.cells import OF_VERSIONS

_VERSIONS = "main.versions"


class Notebook(Run):
    """The row `r` of a notebook, of which it is also asked what it was."""

    level = 0  # how many functions over time this stands in

    def then(self, node: bound_nodes.Then) -> Version:
        """Where a value stands in the version that is asked for."""
        if node.version == "previous":
            return Version(self.bind, self.level + 1, self.previous)
        return Version(self.bind, self.level + 1, self.version if node.version == "current" else self._first())

    def over_time(self, node: bound_nodes.Then | bound_nodes.Streak, face: str) -> str:
        """A face of what is asked over time."""
        if isinstance(node, bound_nodes.Streak):
            return self._streak(node) if face == ("number" if node.function == "streak" else "text") else "NULL"
        then, operand = self.then(node), node.operand
        if isinstance(operand, nodes.Value):
            found = values.number(operand, then) if face == "number" else values.text(operand, then)
        elif face == "number":
            found = f"CASE WHEN {test(operand.holds, then)} THEN 1 WHEN {test(operand.fails, then)} THEN 0 END"
        else:
            return "NULL"
        if bound_nodes.is_strict(operand):
            return found
        return f"iif(EXISTS (SELECT 1 FROM {_VERSIONS} AS w WHERE w.id = {then.version}), {found}, NULL)"

    @property
    def version(self) -> str:
        """The id of this version."""
        self.bind.tables["versions"] = None
        return "versions.id"

    @property
    def previous(self) -> str:
        """The id of the version before it."""
        self.bind.tables["versions"] = None
        return "versions.previous"

    def _first(self) -> str:
        """The id of the first of the versions that lead to this one."""
        line = f"line{self.level}"
        return (
            f"(WITH RECURSIVE {line}(id, previous, n) AS"
            f" (SELECT w.id, w.previous, 0 FROM {_VERSIONS} AS w WHERE w.id = {self.version}"
            f" UNION ALL SELECT w.id, w.previous, {line}.n + 1"
            f" FROM {line} CROSS JOIN {_VERSIONS} AS w ON w.id = {line}.previous)"
            f" SELECT id FROM (SELECT id, max(n) FROM {line}))"
        )

    def _streak(self, node: bound_nodes.Streak) -> str:
        """Go back from version to version while the condition holds, so that none beyond is looked at."""
        line, row = f"line{self.level}", f"at{self.level}"
        holds = test(node.condition, Version(self.bind, self.level + 1, f"{row}.id", f"{row}.previous"))
        told = f"max({line}.n)" if node.function == "streak" else f"iif(max({line}.n), {line}.since, NULL)"
        return (
            f"(WITH RECURSIVE {line}(id, n, since) AS"
            f" (SELECT w.id, 0, NULL FROM {_VERSIONS} AS w WHERE w.id = {self.version}"
            f" UNION ALL SELECT {row}.previous, {line}.n + 1, {row}.since"
            f" FROM {line} CROSS JOIN {_VERSIONS} AS {row} ON {row}.id = {line}.id WHERE {holds})"
            f" SELECT {told} FROM {line})"
        )


class Version(Notebook):
    """A version of a notebook, by expressions of its id and of that of the version before it."""

    tables = OF_VERSIONS

    def __init__(self, bind: Binder, level: int, version: str, previous: str | None = None) -> None:
        super().__init__(bind)
        self.level = level
        self.nb_id = version
        self._previous = previous

    @property
    def version(self) -> str:
        """The id of this version."""
        return self.nb_id

    @property
    def previous(self) -> str:
        """The id of the version before it."""
        return self._previous or f"(SELECT w.previous FROM {_VERSIONS} AS w WHERE w.id = {self.nb_id})"

    def _attribute(self, field: Attribute) -> str:
        if field.table == "versions":
            return f"(SELECT w.{field.column} FROM {_VERSIONS} AS w WHERE w.id = {self.nb_id})"
        table, key = f"{self.tables}{field.table}", id_of(field.table)
        return f"(SELECT w.{field.column} FROM {table} AS w WHERE w.{key} = {self.nb_id})"
