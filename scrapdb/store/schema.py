"""The schema as a document: its statements, and what its comments say of each table and column."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

# 1: as first written. 2: `notebooks.etag`, for notebooks at URLs. 3: the tables of 2; defaults, status and names are
# read otherwise. 4: the tables `records` and `executions`; what 3 read is read the same. 5: the table `reports` and
# `executions.report`, likewise. 6: `names.whole`, likewise. 7: the tables of versions, likewise.
VERSION = 7
SAME = 3  # the first version that read every notebook as this one does
OLDEST = 2  # the first version that `index` makes one of this version, with the tables that it has
# Columns that older tables do not have.
_LATER = (("executions", "report", "TEXT"), ("names", "whole", "INTEGER NOT NULL DEFAULT 1"))
# The tables that are kept of a version, and the one that tells what names stood for: `version_scraps` is as `scraps`.
KEPT = ("notebooks", "scraps", "parameters", "displays", "frames", "records", "reports", "problems")
_COUNTED = "name_types"
# Not compiled here, since every query imports this module, and few ask for more than `VERSION`.
_NAME = r"(?m)^CREATE (?:TABLE|INDEX|UNIQUE INDEX) (\w+)"
_TABLE = r"(?m)^CREATE TABLE (\w+)"
_REFERENCE = r'(?m)^  "?(\w+)"? .*\bREFERENCES notebooks \(id\)'
_COLUMN = r'(?m)^  "?([a-z]\w*)"? [A-Z].*?(?:--\s*(.*))?$'


class TableDoc(NamedTuple):
    """A table of the schema: what a row of it is, and its columns in order, each with its comment (or nothing).

    `notebook` is the column that says of which notebook a row is; None if there is none.
    """

    name: str
    title: str
    description: str
    columns: dict[str, str]
    notebook: str | None


def text() -> str:
    """Read the text of the schema, comments and all."""
    return Path(__file__).with_name("schema.sql").read_text("utf-8")


def statements() -> Iterator[str]:
    """Read the schema's statements one by one; `executescript` would commit the transaction that is to hold them."""
    statement = ""
    for line in text().splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            yield from _of_versions(statement)
            statement = ""


def _of_versions(statement: str) -> Iterator[str]:
    """Make of the statement of a table that of the table with the same columns for versions, if there is one."""
    found = re.search(_TABLE, statement)
    if found and found[1] in (*KEPT, _COUNTED):
        columns = statement[found.end() :].replace(" NOT NULL UNIQUE,", " NOT NULL,       ")
        title = f"-- {found[1].replace('_', ' ').capitalize()} of versions: as in `{found[1]}`, of what notebooks were."
        columns = columns.replace("REFERENCES notebooks", "REFERENCES versions")
        yield f"{title}\nCREATE TABLE version_{found[1]}{columns}"


def add_missing(connection: sqlite3.Connection) -> None:
    """Make the tables, columns and indexes that an older scrapdb did not make."""
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    for table, column, type_ in _LATER:
        present = {name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
        if present and column not in present:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {type_}")
    for statement in statements():
        if not there.intersection(re.findall(_NAME, statement)):
            connection.execute(statement)


@cache
def tables_of_notebooks() -> dict[str, str]:
    """Name the tables that hold rows of a notebook, and the column of each that says of which."""
    return {table.name: table.notebook for table in tables().values() if table.notebook}


@cache
def tables() -> dict[str, TableDoc]:
    """Read the tables of the schema by name, in its order."""
    return {table.name: table for statement in statements() if (table := _table(statement))}


def _table(statement: str) -> TableDoc | None:
    """Read one statement and the paragraph of comments above it: `-- Title: description.`."""
    found = re.search(_TABLE, statement)
    if not found:
        return None
    above = statement[: found.start()].strip().rpartition("\n\n")[2]
    said = " ".join(line.removeprefix("--").strip() for line in above.splitlines())
    title, _, description = said.partition(": ")
    columns = {match[1]: match[2] or "" for match in re.finditer(_COLUMN, statement[found.end() :])}
    reference = re.search(_REFERENCE, statement)
    return TableDoc(found[1], title, f"{description[:1].upper()}{description[1:]}", columns, reference and reference[1])
