"""Reading which DataFrames there are, and where their parquet files lie."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scrapdb.errors import StoreError
from scrapdb.store import sidecars
from scrapdb.store.connection import file_of
from scrapdb.store.errors import damaged
from scrapdb.store.past import is_every_version
from scrapdb.text import composed

_DIGITS = 64  # of a SHA-256
_OF_VERSIONS = """
SELECT name, f.notebook_id, path, rows, columns, hash, f.size, stored, version
  FROM main.version_frames AS f JOIN main.versions AS v ON v.id = f.notebook_id JOIN main.names ON names.id = name_id
 WHERE hash = ? ORDER BY path, version, name LIMIT ?"""
_VERSION = "(SELECT version FROM main.versions WHERE id = frames.notebook_id)"


class StoredFrame(NamedTuple):
    """A DataFrame in the store: where it is from, its shape, and the parquet file's SHA-256 and bytes.

    `version` is that of the notebook, where all of them are looked at, or where it is in none any more.
    """

    notebook_id: int
    notebook: str
    rows: int
    columns: int
    hash: str
    size: int
    stored: str
    version: int | None = None


class NamedFrame(NamedTuple):
    """A frame and the name under which it was glued."""

    name: str
    frame: StoredFrame


def frame_names(connection: sqlite3.Connection) -> list[str]:
    """Read the names under which DataFrames were glued."""
    rows = connection.execute("SELECT name FROM names WHERE id IN (SELECT name_id FROM frames) ORDER BY name")
    return [name for (name,) in rows]


def frames_of_name(connection: sqlite3.Connection, name: str) -> Iterator[StoredFrame]:
    """Read where the DataFrames of a name are, by path of their notebooks, and by version."""
    return (found.frame for found in _frames(connection, "name = ? ORDER BY path, notebook_id", composed(name)))


def frames_of_notebook(connection: sqlite3.Connection, notebook_id: int) -> dict[str, StoredFrame]:
    """Read the DataFrames that a notebook glued, by name."""
    return dict(_frames(connection, "notebook_id = ?", notebook_id))


def frame_of_notebook(connection: sqlite3.Connection, notebook_id: int, name: str) -> NamedFrame | None:
    """Read the DataFrame that a notebook glued under a name."""
    return next(_frames(connection, "notebook_id = ? AND name = ?", notebook_id, composed(name)), None)


def frames_of_hash(connection: sqlite3.Connection, digest: str, limit: int) -> list[NamedFrame]:
    """Read where a DataFrame was glued, by path and name: equal ones are kept once.

    If it is in no notebook any more it is told which versions had it.
    """
    found = list(_frames(connection, "frames.hash = ? ORDER BY path, name LIMIT ?", digest, limit))
    if found or not _is_kept(connection, digest):
        return found
    rows = connection.execute(_OF_VERSIONS, (digest, limit))
    return [NamedFrame(name, StoredFrame(*frame)) for name, *frame in rows]


def _is_kept(connection: sqlite3.Connection, digest: str) -> bool:
    """Return whether there are such bytes, so that versions, which have no index of them, need be looked through."""
    if len(digest) != _DIGITS or not digest.isalnum():
        return False
    is_inline = connection.execute("SELECT 1 FROM blobs WHERE hash = ?", (digest,)).fetchone() is not None
    return is_inline or sidecars.location(file_of(connection), digest).is_file()


def parquet_of_frame(connection: sqlite3.Connection, frame: StoredFrame) -> bytes | Path:
    """Open the parquet file of a frame: bytes of an inline one, the path of a sidecar.

    Raises:
        StoreError: it is missing.
    """
    if frame.stored == "inline":
        blob = connection.execute("SELECT data FROM blobs WHERE hash = ?", (frame.hash,)).fetchone()
        if blob is None:
            raise damaged(file_of(connection))
        return bytes(blob[0])
    path = sidecars.location(file_of(connection), frame.hash)
    if not path.is_file():
        raise StoreError(
            f"The sidecar {path} of a frame in {frame.notebook} is missing. Move the directory beside the store along"
            " with it, or make it anew with `scrapdb index --force`."
        )
    return path


def _frames(connection: sqlite3.Connection, condition: str, *values: str | int) -> Iterator[NamedFrame]:
    version = _VERSION if is_every_version(connection) else "NULL"
    rows = connection.execute(
        f"""SELECT name, notebook_id, path, rows, columns, hash, frames.size, stored, {version}
              FROM frames JOIN names ON names.id = name_id JOIN notebooks ON notebooks.id = notebook_id
             WHERE {condition}""",
        values,
    )
    return (NamedFrame(name, StoredFrame(*frame)) for name, *frame in rows)
