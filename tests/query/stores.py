"""Stores for tests, written by hand to the tables that schema.sql describes; of these `optimize` makes the wide one."""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from unittest.mock import patch

from scrapdb.facts import Expression
from scrapdb.store import runs
from scrapdb.store import schema

SCHEMA = "\n".join(schema.statements())


@dataclass(frozen=True)
class Frame:
    """Stands for a DataFrame scrap."""

    rows: int
    columns: int


@dataclass(frozen=True)
class Display:
    """Stands for a scrap that was only shown."""

    mime_types: tuple[str, ...] = ("image/png",)


@dataclass(frozen=True)
class Notebook:
    """What one notebook holds."""

    path: str
    scraps: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)


def laid_out(value: Any) -> tuple[str, Any, str | None, str | None, str | None]:
    """Type, number, text, json and exact, as the head of schema.sql tells."""
    if value is None:
        return "null", None, None, None, None
    if isinstance(value, bool):
        return "boolean", int(value), None, None, None
    if isinstance(value, int):
        huge = not -(2**63) <= value < 2**63
        return "integer", float(value) if huge else value, None, None, str(value) if huge else None
    if isinstance(value, float):
        return "float", None if math.isnan(value) else value, None, None, None
    if isinstance(value, str):
        return "text", None, value, None, None
    if isinstance(value, Expression):
        return "expression", None, None, None, json.dumps(value.source)
    if isinstance(value, Frame):
        return "frame", None, None, None, None
    if isinstance(value, Display):
        return "display", None, None, None, None
    return "json", None, None, json.dumps(value, ensure_ascii=False), None


def build(notebooks: Iterable[Notebook], file: str = ":memory:", *, columns: int = runs.LIMIT) -> sqlite3.Connection:
    """Write a store, whose wide table has room for so many columns."""
    connection = sqlite3.connect(file)
    connection.executescript(SCHEMA)
    for notebook in notebooks:
        _write(connection, notebook)
    _count(connection)
    with patch.object(runs, "LIMIT", columns):
        runs.rechoose(connection)
    connection.commit()
    return connection


@dataclass(frozen=True)
class Version:
    """What a notebook was; `previous` is the place of the version before it in the list of all, if there is one."""

    notebook: Notebook
    since: str
    previous: int | None = None
    is_there: bool = False


def build_versions(versions: Sequence[Version], file: str = ":memory:") -> sqlite3.Connection:
    """Write a store with all versions of its notebooks; their ids are their places in the list, from 1."""
    connection = build([version.notebook for version in versions if version.is_there], file)
    counted: Counter[str] = Counter()
    for place, version in enumerate(versions):
        path = version.notebook.path
        counted[path] += 1
        _write(connection, version.notebook, "version_", place + 1)
        (now,) = connection.execute("SELECT max(id) FROM notebooks WHERE path = ?", (path,)).fetchone()
        row = {
            "id": place + 1,
            "path": path,
            "version": counted[path],
            "notebook_id": now if version.is_there else None,
            "previous": None if version.previous is None else version.previous + 1,
            "since": version.since,
        }
        _insert(connection, "versions", row)
    _count(connection, "version_")
    connection.commit()
    return connection


def _write(connection: sqlite3.Connection, notebook: Notebook, of: str = "", id_: int | None = None) -> None:
    row = {"path": notebook.path, "status": "completed", **notebook.columns, **({"id": id_} if id_ else {})}
    notebook_id = _insert(connection, f"{of}notebooks", row)
    if notebook.record:
        _insert(connection, f"{of}records", {"notebook_id": notebook_id, **notebook.record})
    if notebook.report:
        _insert(connection, f"{of}reports", {"notebook_id": notebook_id, **notebook.report})
    for name, value in notebook.scraps.items():
        _write_scrap(connection, notebook_id, _name_id(connection, name), value, of)
    for name, value in notebook.parameters.items():
        given = (notebook_id, _name_id(connection, name), *laid_out(value), "injected", name in notebook.scraps)
        connection.execute(f"INSERT INTO {of}parameters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", given)


def _insert(connection: sqlite3.Connection, table: str, columns: Mapping[str, Any]) -> int:
    marks = ", ".join("?" * len(columns))
    insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
    row = connection.execute(insert, tuple(columns.values())).lastrowid
    assert row is not None
    return row


def _name_id(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", (name,))
    return int(connection.execute("SELECT id FROM names WHERE name = ?", (name,)).fetchone()[0])


def _write_scrap(connection: sqlite3.Connection, notebook_id: int, name_id: int, value: Any, of: str) -> None:
    connection.execute(
        f"INSERT INTO {of}scraps VALUES (?, ?, ?, ?, ?, ?, ?, 'json', 1, 0, NULL, 0, NULL)",
        (notebook_id, name_id, *laid_out(value)),
    )
    if isinstance(value, Frame):
        connection.execute(
            f"INSERT INTO {of}frames VALUES (?, ?, ?, ?, '[]', 'h', 1, 'inline')",
            (notebook_id, name_id, value.rows, value.columns),
        )
    if isinstance(value, Display):
        connection.execute("INSERT OR IGNORE INTO blobs VALUES ('h', x'00')")
        for mime_type in value.mime_types:
            connection.execute(f"INSERT INTO {of}displays VALUES (?, ?, ?, 'h', 1)", (notebook_id, name_id, mime_type))


def _count(connection: sqlite3.Connection, of: str = "") -> None:
    for role, table in (("scrap", "scraps"), ("parameter", "parameters")):
        counted = f"SELECT name_id, '{role}', type, count(*) FROM {of}{table} GROUP BY name_id, type"
        connection.execute(f"INSERT INTO {of}name_types {counted}")
        if not of:
            connection.execute(
                f"UPDATE names SET {table} = (SELECT count(*) FROM {table} AS t WHERE t.name_id = names.id)",
            )
