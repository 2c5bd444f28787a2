"""Every stage of a query, printed: from the tokens to SQLite's plan."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from scrapdb.query.fields import Fields
from scrapdb.query.lexer import tokenize
from scrapdb.query.parser import parse
from scrapdb.query.patterns import execute
from scrapdb.query.select import select_statement
from scrapdb.store.errors import sentences


class Explanation(NamedTuple):
    """The stages of one expression."""

    tokens: tuple[tuple[str, str], ...]
    expression: str
    tree: str
    sql: str
    values: dict[str, object]
    plan: tuple[str, ...]

    def __str__(self) -> str:
        parts = {
            "tokens": " ".join(text for _, text in self.tokens),
            "expression": self.expression,
            "tree": self.tree,
            "sql": self.sql,
            "values": "\n".join(f":{name} = {value!r}" for name, value in self.values.items()),
            "plan": "\n".join(self.plan),
        }
        return "\n".join(f"{title}\n{_indented(text)}" for title, text in parts.items())


def explain(connection: sqlite3.Connection, fields: Fields, expression: str) -> Explanation:
    """Show how an expression is understood and answered.

    Raises:
        ExpressionError: it is wrong; it knows the place.
        StoreError: the store cannot be read.
    """
    node = parse(expression)
    statement = select_statement(connection, fields, expression)
    tokens = tuple((token.kind, token.span.source) for token in tokenize(expression)[:-1])
    with sentences(question=True):
        rows = execute(connection, f"EXPLAIN QUERY PLAN {statement.sql}", statement.values)
        plan = tuple(str(row[3]) for row in rows)
    return Explanation(tokens, str(node), node.tree, statement.sql, statement.values, plan)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
