"""The floor under any index: read the files, decode them typed, write the same rows and bytes without any index.

    python -m benchmarks.floor DIRECTORY DATABASE WORKERS

It knows the corpora: format 4, scrapbook's payloads and displays, papermill's record of parameters, nothing malformed.
It finds no errors, no types and no problems, looks for no changes, and leaves half a store if it is stopped.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
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
CREATE TABLE notebooks (id INTEGER PRIMARY KEY, path, size, mtime_ns, content_hash, metadata);
CREATE TABLE names (id INTEGER PRIMARY KEY, name);
CREATE TABLE scraps (notebook_id, name_id, encoder, data);
CREATE TABLE parameters (notebook_id, name_id, data);
CREATE TABLE displays (notebook_id, name_id, mime, hash);
CREATE TABLE blobs (hash, content);
CREATE TABLE cells (notebook_id, cell, execution_count, source);
"""


class Payload(msgspec.Struct):
    """What scrapbook glues."""

    name: str
    encoder: str
    data: Any


class Output(msgspec.Struct):
    """An output of a cell."""

    data: dict[str, Raw] = {}
    metadata: dict[str, Any] = {}


class Cell(msgspec.Struct):
    """A cell."""

    cell_type: str
    source: list[str] | str
    execution_count: int | None = None
    outputs: list[Output] = []


class Notebook(msgspec.Struct):
    """A notebook."""

    cells: list[Cell]
    metadata: dict[str, Any]


class Rows(NamedTuple):
    """The rows of one notebook."""

    notebook: tuple[Any, ...]
    scraps: list[tuple[Any, ...]]
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
    scraps, displays, cells = [], [], []
    blobs: dict[str, bytes] = {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        cells.append((number, cell.execution_count, "".join(cell.source)))
        for output in cell.outputs:
            for mime, raw in output.data.items():
                if mime.startswith("application/scrapbook"):
                    scraps.append(_scrap(_payload.decode(raw), blobs))
                else:
                    text = msgspec.json.decode(raw)
                    found = pybase64.b64decode(text.strip()) if mime == "image/png" else "".join(text).encode()
                    displays.append((output.metadata["scrapbook"]["name"], mime, _kept(found, blobs)))
    digest, metadata = hashlib.sha256(content).hexdigest(), msgspec.json.encode(notebook.metadata)
    row = (path, state.st_size, state.st_mtime_ns, digest, metadata)
    return Rows(row, scraps, list(notebook.metadata["papermill"]["parameters"].items()), displays, cells, blobs)


def _scrap(payload: Payload, blobs: dict[str, bytes]) -> tuple[Any, ...]:
    data = payload.data
    if payload.encoder == "pandas":
        return payload.name, payload.encoder, _kept(pybase64.b64decode(data), blobs)
    if isinstance(data, dict | list):
        data = msgspec.json.encode(data)
    return payload.name, payload.encoder, data


def _kept(content: bytes, blobs: dict[str, bytes]) -> str:
    digest = hashlib.sha256(content).hexdigest()
    blobs[digest] = content
    return digest


def _batches(found: Iterator[list[Rows]]) -> Iterator[list[Rows]]:
    batch: list[Rows] = []
    for rows in found:
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


class _Writer:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._many = connection.executemany
        self._following = 0
        self._names: dict[str, int] = {}
        self._columns: dict[str, int] = {}

    def write(self, batch: list[Rows]) -> None:
        numbered = list(enumerate(batch, self._following))
        self._following += len(batch)
        seen = {row[0]: None for rows in batch for row in (*rows.scraps, *rows.parameters, *rows.displays)}
        fresh = [name for name in seen if name not in self._names]
        self._names |= {name: place for place, name in enumerate(fresh, len(self._names))}
        self._insert("names", [(self._names[name], name) for name in fresh])
        self._insert("notebooks", [(id_, *rows.notebook) for id_, rows in numbered])
        for table in ("scraps", "parameters", "displays"):
            named = [(id_, self._names[row[0]], *row[1:]) for id_, rows in numbered for row in getattr(rows, table)]
            self._insert(table, named)
        self._insert("cells", [(id_, *row) for id_, rows in numbered for row in rows.cells])
        self._insert("blobs", [blob for rows in batch for blob in rows.blobs.items()])
        self._write_runs(numbered, list(seen))

    def _write_runs(self, numbered: list[tuple[int, Rows]], names: list[str]) -> None:
        if not self._columns:
            self._columns = {name: place for place, name in enumerate(names[:_COLUMNS], 2)}
            columns = ", ".join(f'"{name}"' for name in self._columns)
            self._many(f"CREATE TABLE runs (id, path, {columns})", [()])
        wide = []
        for id_, rows in numbered:
            row = [id_, rows.notebook[0], *([None] * len(self._columns))]
            for name, value in (*rows.parameters, *((scrap[0], scrap[-1]) for scrap in rows.scraps)):
                if name in self._columns:
                    row[self._columns[name]] = value
            wide.append(tuple(row))
        self._insert("runs", wide)

    def _insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._many(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608 (ours)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
