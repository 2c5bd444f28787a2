"""The schema as a document: what its comments say of each table and column."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from scrapdb.store.connection import statements

_TABLE = re.compile(r"^CREATE TABLE (\w+)", re.MULTILINE)
_COLUMN = re.compile(r'^  "?([a-z]\w*)"? [A-Z].*?(?:--\s*(.*))?$', re.MULTILINE)


class Table(NamedTuple):
    """A table of the schema: what a row of it is, and its columns in order, each with its comment (or nothing)."""

    name: str
    title: str
    description: str
    columns: dict[str, str]


@cache
def tables() -> dict[str, Table]:
    """Read the tables of the schema by name, in its order."""
    return {table.name: table for statement in statements() if (table := _table(statement))}


def _table(statement: str) -> Table | None:
    """Read one statement and the paragraph of comments above it: `-- Title: description.`."""
    found = _TABLE.search(statement)
    if not found:
        return None
    above = statement[: found.start()].strip().rpartition("\n\n")[2]
    text = " ".join(line.removeprefix("--").strip() for line in above.splitlines())
    title, _, description = text.partition(": ")
    columns = {match[1]: match[2] or "" for match in _COLUMN.finditer(statement[found.end() :])}
    return Table(found[1], title, f"{description[:1].upper()}{description[1:]}", columns)
