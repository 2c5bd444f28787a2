"""What Datasette says of a store's tables: titles, descriptions, which are hidden, sorted and searched; and queries.

Datasette 0.65 asks plugins for metadata and queries; 1.0 has them write descriptions and queries into its internal
database when it starts, and keeps what concerns the display of a table in its configuration. It runs queries for those
who may run SQL. What a user has said of a table, or calls by the name of a query, is never changed.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any
from weakref import WeakKeyDictionary

from scrapdb.datasette import expressions
from scrapdb.datasette.store import OF_SQLITE
from scrapdb.datasette.store import Store
from scrapdb.datasette.store import find_visible
from scrapdb.datasette.store import is_store
from scrapdb.store import full_text
from scrapdb.store import runs
from scrapdb.store import schema
from scrapdb.store.questions import QUESTIONS

DESCRIPTION = "What notebooks glued, and with which parameters they ran. Begin with the table runs."
_LARGE = 20_000  # notebooks, above which counting them, and sorting without an index, takes too long for every page
_SECONDS = 30.0  # for describing a store; a server that is stopped by its own limit would not start
_OF_VERSIONS = tuple(name for name in schema.tables() if name.startswith("version_"))
# What scrapdb keeps for itself, bytes, twins of other tables, and what SQLite keeps for itself; the search has a box.
_HIDDEN = ("name_types", "run_columns", "blobs", "search", "settings", *_OF_VERSIONS, *OF_SQLITE)
# In the descriptions of columns: Datasette 0.65 takes half a millisecond for a cell of a column with `units`.
_UNITS = {"size": "bytes", "seconds": "seconds", "nb_seconds": "seconds"}
_LABELS = {"names": "name", "notebooks": "path", "runs": "notebook", "versions": "path"}
_SEARCHED = ("notebooks", "runs")

# By server what it is told, as JSON, since it changes what it is given.
_described: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


async def describe(datasette: Any) -> None:
    """Describe the stores that a server has when it starts."""
    stores = [Store(datasette, name) for name in datasette.databases if await is_store(datasette, name)]
    described = {
        store.name: {"description": DESCRIPTION, "tables": await store.ask(tables, seconds=_SECONDS)}
        for store in stores
    }
    if hasattr(datasette, "set_resource_metadata"):
        for name, database in described.items():
            await _write(datasette, name, database)
    else:
        _described[datasette] = json.dumps({"databases": described})


def metadata(datasette: Any, key: str | None) -> dict[str, Any]:
    """Return what Datasette 0.65 asks for, many times on every page; mostly for keys of which there is nothing."""
    if key not in (None, "databases"):
        return {}
    return dict(json.loads(_described.get(datasette, "{}")))


def tables(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    """Describe the tables of one store."""
    large = runs.are_more_than(connection, _LARGE)
    described = {table.name: _of_schema(table) for table in schema.tables().values()}
    for name in _HIDDEN:
        described.setdefault(name, {})["hidden"] = True
    for name, column in _LABELS.items():
        described[name]["label_column"] = column
    if full_text.is_there(connection):
        for name in _SEARCHED:
            described[name] |= {"fts_table": "search", "fts_pk": expressions.TABLES[name]}
    described["versions"]["sort_desc"] = "id"
    described["runs"]["sort_desc"] = "nb_started_at" if not large or runs.are_indexed(connection) else "nb_id"
    if not large:
        described["runs"]["facets"] = ["nb_status"]
    return described


async def queries(datasette: Any, database: str, actor: Any) -> dict[str, dict[str, str]]:
    """Return the queries that an actor may run, for Datasette 0.65: none if a table is closed to them."""
    if not await find_visible(datasette, database, actor):
        return {}
    return {name: {"sql": sql, "title": title, "description": text} for name, title, text, sql in QUESTIONS}


async def add_queries(datasette: Any) -> None:
    """Add the queries to Datasette 1.0, but for those that its user has under the same name."""
    for database in datasette.databases:
        if await is_store(datasette, database):
            for name, title, description, sql in QUESTIONS:
                query = await datasette.get_query(database, name)
                if query is None or query.source == "plugin":
                    await datasette.add_query(
                        database, name, sql, title=title, description=description, source="plugin"
                    )


def _of_schema(table: schema.TableDoc) -> dict[str, Any]:
    comments = {column: comment or _borrowed(column) for column, comment in table.columns.items()}
    return {
        "title": table.title,
        "description": f"{table.description.partition('. ')[0].rstrip('.')}.",
        "columns": {column: _sentence(comment, _UNITS.get(column)) for column, comment in comments.items() if comment},
    }


def _borrowed(column: str) -> str:
    """Find the comment of a column of `runs` where it comes from."""
    return schema.tables()["notebooks"].columns.get(column.removeprefix("nb_"), "") if column.startswith("nb_") else ""


def _sentence(comment: str, unit: str | None) -> str:
    sentence = comment if unit is None or unit in comment else f"{comment}, in {unit}"
    return f"{sentence[0].upper()}{sentence[1:]}"


async def _write(datasette: Any, database: str, described: dict[str, Any]) -> None:
    """Describe a database to Datasette 1.0, where its user has not."""
    if "description" not in await datasette.get_database_metadata(database):
        await datasette.set_database_metadata(database, "description", described["description"])
    configured = datasette.config.setdefault("databases", {}).setdefault(database, {}).setdefault("tables", {})
    for name, table in described["tables"].items():
        columns = table.pop("columns", {})
        texts = {key: table.pop(key) for key in ("title", "description") if key in table}
        configured[name] = table | configured.get(name, {})
        await _write_texts(datasette, database, name, texts, columns)


async def _write_texts(
    datasette: Any, database: str, table: str, texts: dict[str, str], columns: dict[str, str]
) -> None:
    said = await datasette.get_resource_metadata(database, table)
    for key, text in texts.items():
        if key not in said:
            await datasette.set_resource_metadata(database, table, key, text)
    for column, text in columns.items():
        if "description" not in await datasette.get_column_metadata(database, table, column):
            await datasette.set_column_metadata(database, table, column, "description", text)
