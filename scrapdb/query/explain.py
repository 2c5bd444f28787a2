"""Every stage of a query, printed: from the tokens to SQLite's plan."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from scrapdb.query import groups
from scrapdb.query.fields import Fields
from scrapdb.query.lexer import tokenize
from scrapdb.query.parser import parse
from scrapdb.query.patterns import execute
from scrapdb.query.select import planned
from scrapdb.query.select import statements_of
from scrapdb.query.sql.statements import Statement
from scrapdb.store.errors import sentences


class Step(NamedTuple):
    """A statement, what it is for besides, its bound values, and how SQLite answers it."""

    purpose: str
    sql: str
    values: dict[str, object]
    plan: tuple[str, ...]


class Explanation(NamedTuple):
    """The stages of one query. Without an expression there are only the statements.

    Of groups it has what they are asked for besides, by its name: canonical texts and trees.
    """

    tokens: tuple[tuple[str, str], ...]
    expression: str
    tree: str
    steps: tuple[Step, ...]
    of_groups: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return "\n".join(f"{title}\n{_indented(text)}" for title, text in self._parts())

    def _parts(self) -> Iterator[tuple[str, str]]:
        if self.tokens:
            yield "tokens", " ".join(text for _, text in self.tokens)
            yield "expression", self.expression
            yield "tree", self.tree
        yield from self.of_groups
        for step in self.steps:
            yield f"sql, {step.purpose}" if step.purpose else "sql", step.sql
            yield "values", "\n".join(f":{name} = {value!r}" for name, value in step.values.items())
            yield "plan", "\n".join(step.plan)


def explain(
    connection: sqlite3.Connection,
    fields: Fields,
    expression: str | None = None,
    *,
    columns: str | None = None,
    sort: str | None = None,
    limit: int | None = None,
    offset: int = 0,
    by: str | None = None,
    having: str | None = None,
) -> Explanation:
    """Show how a query is understood and answered; arguments and errors are those of `select` with `differing`.

    With `by` and `having` or an aggregate in a column they are those of `select_groups`.
    """
    node = None if expression is None else parse(expression)
    tokens = tuple((token.kind, token.span.source) for token in tokenize(expression or "")[:-1])
    asked: dict[str, Any] = {"columns": columns, "sort": sort, "limit": limit, "offset": offset}
    of_groups: tuple[tuple[str, str], ...] = ()
    with sentences(question=True):
        if groups.is_asked(by, columns, having, fields):
            grouped = groups.planned(connection, fields, expression, by=by, having=having, **asked)
            told, of_groups = groups.statements_of(connection, grouped), tuple(_of_groups(grouped.question))
        else:
            told = statements_of(connection, planned(connection, fields, expression, differing=True, **asked))
        steps = tuple(_step(connection, *each) for each in told)
    return Explanation(tokens, str(node or ""), node.tree if node else "", steps, of_groups)


def _of_groups(asked: groups.Question) -> Iterator[tuple[str, str]]:
    parts = (
        ("by", [key.node for key in asked.keys]),
        ("columns", [column.node for column in asked.shown]),
        ("having", [asked.having] if asked.having else []),
        ("sort", [key.node for key in asked.order]),
    )
    for title, found in parts:
        if found:
            yield title, "\n".join(node.tree for node in found)


def _step(connection: sqlite3.Connection, purpose: str, statement: Statement) -> Step:
    rows = execute(connection, f"EXPLAIN QUERY PLAN {statement.sql}", statement.values)
    return Step(purpose, *statement, tuple(str(row[3]) for row in rows))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
