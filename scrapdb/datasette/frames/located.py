"""Finding the parquet file of a DataFrame: its bytes, or where it lies. An address never leads to a path by itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import StoreError
from scrapdb.store import sidecars
from scrapdb.store.connection import file_of
from scrapdb.store.readers import frames
from scrapdb.store.readers.notebooks import find_notebook

_MOST_PLACES = 20  # notebooks that are named
_MISSING = (
    "The parquet file of a DataFrame in {} is missing. Move the directory of the frames along with the store, or make"
    " it anew with `scrapdb index --force`."
)


class Located(NamedTuple):
    """A frame: where it was glued, and its parquet file as bytes or a path."""

    glued: list[frames.NamedFrame]
    place: bytes | Path

    @property
    def frame(self) -> frames.StoredFrame:
        """The frame, with the first notebook that has it."""
        return self.glued[0].frame

    @property
    def is_elsewhere(self) -> bool:
        """Whether there may be more notebooks that have it than are named."""
        return len(self.glued) == _MOST_PLACES


def locate(connection: sqlite3.Connection, digest: str, path: str, name: str) -> Located:
    """Find a frame by its hash, or without one by the notebook's path and the scrap's name.

    Raises:
        LookupError: there is no such notebook or frame.
        StoreError: its sidecar is missing.
    """
    if digest:
        return _located(connection, frames.frames_of_hash(connection, digest, _MOST_PLACES))
    return locate_in(connection, find_notebook(connection, path)[0], name) if path else _located(connection, [])


def locate_in(connection: sqlite3.Connection, notebook_id: int, name: str) -> Located:
    """Find a frame by the id of the notebook, and the scrap's name.

    Raises:
        LookupError: there is no such frame.
        StoreError: its sidecar is missing.
    """
    frame = frames.frame_of_notebook(connection, notebook_id, name)
    return _located(connection, [frame] if frame else [])


def _located(connection: sqlite3.Connection, glued: list[frames.NamedFrame]) -> Located:
    if not glued:
        raise ScrapNotFoundError("There is no such DataFrame in this store. It may have been glued anew since.")
    file = place(connection, glued[0].frame)
    if isinstance(file, StoreError):
        raise file
    return Located(glued, file)


def place(connection: sqlite3.Connection, frame: frames.StoredFrame) -> bytes | Path | StoreError:
    """Find the parquet file of a frame, or what says that it is missing."""
    try:
        parquet: bytes | Path = frames.parquet_of_frame(connection, frame)
        if isinstance(parquet, bytes) or _is_sidecar(parquet, file_of(connection)):
            return parquet
    except StoreError:  # its sentence tells where the store lies, which is no business of who browses it
        pass
    return StoreError(_MISSING.format(frame.notebook))


def _is_sidecar(path: Path, store: Path) -> bool:
    """Return whether a file lies among the store's sidecars, and no link or odd hash of the store leads elsewhere."""
    return path.resolve().is_relative_to(sidecars.directory(store).resolve())
