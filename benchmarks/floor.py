"""The floor under any index: read the files, decode them typed, write the same rows and bytes without any index.

    python -m benchmarks.floor DIRECTORY DATABASE WORKERS

It knows its corpora: runs of one notebook that papermill completed, of format 4, with scrapbook's payloads and displays
and nothing malformed. It looks for no errors, no problems and no changes, takes every value as it stands, and leaves
half a store if it is stopped. Its rows are those of scrapdb, which `same` compares, but for those of frames (it does
not look into them), of `name_types` and of `run_columns`.
"""

from __future__ import annotations

import ast
import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from typing import NamedTuple

import msgspec
import pybase64
from msgspec import Raw

_TASK = 64
_BATCH = 512
_COLUMNS = 100
_SCHEMA = """
CREATE TABLE notebooks (id INTEGER PRIMARY KEY, path, os_path, status, started_at, ended_at, seconds, error_name,
    error_value, error_cell, error_traceback, kernel, language, source, size, mtime, mtime_ns, etag, content_hash,
    code_hash, nbformat, cells, metadata);
CREATE TABLE names (id INTEGER PRIMARY KEY, name);
CREATE TABLE scraps (notebook_id, name_id, type, number, text, json, exact, encoder, size, cell, cell_id, output,
    execution_count);
CREATE TABLE parameters (notebook_id, name_id, type, number, text, json, exact, source, shadowed);
CREATE TABLE displays (notebook_id, name_id, mime_type, hash, size);
CREATE TABLE blobs (hash, data);
CREATE TABLE cells (notebook_id, cell, cell_id, execution_count, seconds, source);
"""
_COMPARED = {
    "notebooks": "SELECT path, status, started_at, seconds, kernel, language, source, size, mtime, mtime_ns, "
    "content_hash, code_hash, nbformat, cells, json(metadata) FROM notebooks",
    "scraps": "SELECT path, name, s.type, number, text, json(json), exact, encoder, s.size, cell, cell_id, output, "
    "execution_count FROM scraps AS s JOIN notebooks AS n ON n.id = notebook_id JOIN names AS m ON m.id = name_id",
    "parameters": "SELECT path, name, p.type, number, text, json(json), exact, p.source, shadowed FROM parameters AS p "
    "JOIN notebooks AS n ON n.id = notebook_id JOIN names AS m ON m.id = name_id",
    "displays": "SELECT path, name, mime_type, hash, d.size FROM displays AS d "
    "JOIN notebooks AS n ON n.id = notebook_id JOIN names AS m ON m.id = name_id",
    "cells": "SELECT path, cell, cell_id, execution_count, c.seconds, c.source FROM cells AS c "
    "JOIN notebooks AS n ON n.id = notebook_id",
}


class Payload(msgspec.Struct):
    """What scrapbook glues."""

    name: str
    encoder: str
    data: Any


class Output(msgspec.Struct):
    """An output of a cell."""

    data: dict[str, Raw] = {}
    metadata: dict[str, Any] = {}


class Timing(msgspec.Struct, frozen=True):
    """What papermill leaves in a cell."""

    duration: float | None = None


class CellMetadata(msgspec.Struct, frozen=True):
    """The metadata of a cell."""

    tags: list[str] = []
    papermill: Timing = Timing()


class Cell(msgspec.Struct):
    """A cell."""

    cell_type: str
    source: list[str] | str
    id: str | None = None
    metadata: CellMetadata = CellMetadata()
    execution_count: int | None = None
    outputs: list[Output] = []


class Notebook(msgspec.Struct):
    """A notebook."""

    cells: list[Cell]
    metadata: dict[str, Any]
    nbformat: int
    nbformat_minor: int


class Rows(NamedTuple):
    """The rows of one notebook."""

    notebook: tuple[Any, ...]
    scraps: dict[str, tuple[Any, ...]]
    parameters: list[tuple[Any, ...]]
    displays: list[tuple[Any, ...]]
    cells: list[tuple[Any, ...]]
    blobs: dict[str, bytes]


_decoder = msgspec.json.Decoder(Notebook)
_payload = msgspec.json.Decoder(Payload)


def read(paths: list[str]) -> list[Rows]:
    """Read some files."""
    return [_read(path) for path in paths]


def _read(path: str) -> Rows:
    content = Path(path).read_bytes()
    state = os.stat(path)  # noqa: PTH116 (as quick as it gets)
    notebook = _decoder.decode(content)
    rows = Rows(_notebook(path, state, content, notebook), {}, [], [], [], {})
    values = dict(notebook.metadata["papermill"]["parameters"])
    defaults: dict[str, Any] = {}
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            if "parameters" in cell.metadata.tags:
                defaults = _assigned("".join(cell.source))
            glued = _add_outputs(rows, index, cell)
            source = "".join(cell.source) if glued else None
            rows.cells.append((index, cell.id, cell.execution_count, cell.metadata.papermill.duration, source))
    for name in {**defaults, **values}:
        stored = _stored(values[name] if name in values else defaults[name])
        rows.parameters.append((name, *stored, "injected" if name in values else "default", int(name in rows.scraps)))
    return rows


def _notebook(path: str, state: os.stat_result, content: bytes, notebook: Notebook) -> tuple[Any, ...]:
    metadata, run = notebook.metadata, notebook.metadata["papermill"]
    changed = datetime.fromtimestamp(state.st_mtime_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
    sources = ("".join(cell.source) for cell in notebook.cells if cell.cell_type == "code" and not _is_injected(cell))
    return (
        *(path, None, "completed", _utc(run["start_time"]), _utc(run["end_time"]), run["duration"]),
        *(None, None, None, None, metadata["kernelspec"]["name"], metadata["language_info"]["name"], run["input_path"]),
        *(state.st_size, f"{changed}{state.st_mtime_ns % 10**9 // 1000:06}Z", state.st_mtime_ns, None),
        *(hashlib.sha256(content).hexdigest(), hashlib.sha256("\0".join(sources).encode()).hexdigest()),
        *(
            f"{notebook.nbformat}.{notebook.nbformat_minor}",
            len(notebook.cells),
            msgspec.json.encode(metadata).decode(),
        ),
    )


def _is_injected(cell: Cell) -> bool:
    return "injected-parameters" in cell.metadata.tags


def _utc(moment: str) -> str:
    return f"{moment.removesuffix('+00:00')}Z"


@lru_cache
def _assigned(source: str) -> dict[str, Any]:
    return {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(source).body}  # type: ignore[attr-defined] # of names


def _add_outputs(rows: Rows, index: int, cell: Cell) -> bool:
    glued = False
    for number, output in enumerate(cell.outputs):
        if "scrapbook" not in output.metadata:
            continue
        glued = True
        where = (index, cell.id, number, cell.execution_count)
        for mime, raw in output.data.items():
            if mime.startswith("application/scrapbook"):
                payload = _payload.decode(raw)
                row, size = _scrap(payload, rows.blobs)
                rows.scraps[payload.name] = (*row, payload.encoder, size, *where)
            else:
                _add_display(rows, output.metadata["scrapbook"]["name"], mime, msgspec.json.decode(raw), where)
    return glued


def _add_display(rows: Rows, name: str, mime: str, part: Any, where: tuple[Any, ...]) -> None:
    size = len(part) if isinstance(part, str) else len(msgspec.json.encode(part))
    if earlier := rows.scraps.get(name):  # glued with its display
        rows.scraps[name] = (*earlier[:6], earlier[6] + size, *earlier[7:])
    else:
        rows.scraps[name] = ("display", None, None, None, None, "display", size, *where)
    content = pybase64.b64decode(part.strip()) if mime == "image/png" else "".join(part).encode()
    rows.displays.append((name, mime, _kept(content, rows.blobs), len(content)))


def _scrap(payload: Payload, blobs: dict[str, bytes]) -> tuple[tuple[Any, ...], int]:
    data = payload.data
    if payload.encoder == "pandas":
        _kept(pybase64.b64decode(data), blobs)
        return ("frame", None, None, None, None), len(data)
    stored = _stored(data)
    return stored, len(data) if isinstance(data, str) else len(stored[3] or repr(data))


def _stored(value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        return "text", None, value, None, None
    if isinstance(value, dict | list):
        return "json", None, None, msgspec.json.encode(value).decode(), None
    if value is None:
        return "null", None, None, None, None
    return "boolean" if isinstance(value, bool) else _NUMBERS[type(value)], value, None, None, None


_NUMBERS = {int: "integer", float: "float"}


def _kept(content: bytes, blobs: dict[str, bytes]) -> str:
    digest = hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return digest


def _batches(results: Iterator[list[Rows]]) -> Iterator[list[Rows]]:
    batch: list[Rows] = []
    for rows in results:
        batch += rows
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    yield batch


def main(directory: str, database: str, workers: int) -> None:
    """Fill the database."""
    paths = [entry.path for entry in os.scandir(directory)]
    tasks = [paths[start : start + _TASK] for start in range(0, len(paths), _TASK)]
    connection = sqlite3.connect(database, isolation_level=None)
    connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;{_SCHEMA}")
    writer = _Writer(connection)
    with ProcessPoolExecutor(workers) as pool:
        for batch in _batches(pool.map(read, tasks)):
            connection.execute("BEGIN")
            writer.write(batch)
            connection.execute("COMMIT")
    connection.close()


def same(database: str, store: str) -> None:
    """See that a database of the floor and a store hold the same rows.

    Raises:
        ValueError: they do not.
    """
    for table, sql in _COMPARED.items():
        floor, ours = ({*sqlite3.connect(file).execute(sql)} for file in (database, store))
        if floor != ours:
            examples = f"{next(iter(floor - ours), None)} and {next(iter(ours - floor), None)}"
            raise ValueError(f"The floor writes other {table} than scrapdb, such as {examples}.")


class _Writer:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._many = connection.executemany
        self._following = 0
        self._names: dict[str, int] = {}
        self._columns: dict[str, int] = {}

    def write(self, batch: list[Rows]) -> None:
        numbered = list(enumerate(batch, self._following))
        self._following += len(batch)
        used = {name: None for rows in batch for name in (*rows.scraps, *(row[0] for row in rows.parameters))}
        fresh = [name for name in used if name not in self._names]
        names = self._names
        names |= {name: id_ for id_, name in enumerate(fresh, len(names))}
        self._insert("names", [(names[name], name) for name in fresh])
        self._insert("notebooks", [(id_, *rows.notebook) for id_, rows in numbered])
        scraps = [(id_, names[name], *row) for id_, rows in numbered for name, row in rows.scraps.items()]
        self._insert("scraps", scraps)
        for table in ("parameters", "displays"):
            self._insert(
                table, [(id_, names[row[0]], *row[1:]) for id_, rows in numbered for row in getattr(rows, table)]
            )
        self._insert("cells", [(id_, *row) for id_, rows in numbered for row in rows.cells])
        self._insert("blobs", [blob for rows in batch for blob in rows.blobs.items()])
        self._write_runs(numbered, list(used))

    def _write_runs(self, numbered: list[tuple[int, Rows]], names: list[str]) -> None:
        if not self._columns:
            self._columns = {name: index for index, name in enumerate(names[:_COLUMNS], 5)}
            columns = ", ".join(f'"{name}"' for name in self._columns)
            self._many(f"CREATE TABLE runs (id, path, status, started_at, seconds, {columns})", [()])
        wide = []
        for id_, rows in numbered:
            path, _, status, started_at, _, seconds, *_ = rows.notebook
            row = [id_, path, status, started_at, seconds, *([None] * len(self._columns))]
            values = ((parameter[0], parameter[1:]) for parameter in rows.parameters)
            for name, (_, number, text, json, *_) in (*values, *rows.scraps.items()):
                if name in self._columns:
                    row[self._columns[name]] = text or json if number is None else number
            wide.append(tuple(row))
        self._insert("runs", wide)

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._many(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608 (ours)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
