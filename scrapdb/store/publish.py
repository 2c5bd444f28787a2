"""A store that is to be handed on: its write-ahead log folded in, or the whole of it copied."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from scrapdb.errors import StoreError
from scrapdb.store import sidecars
from scrapdb.store.connection import open_reader
from scrapdb.store.connection import open_writer
from scrapdb.store.connection import size_of_log
from scrapdb.store.errors import sentences

_FOLDING_SECONDS = 5.0


def fold(path: Path) -> None:
    """Fold the write-ahead log into the file, which then says everything by itself.

    Raises:
        StoreError: another process has the store open, or it may not be written.
    """
    if not size_of_log(path):
        return
    with closing(open_writer(path)) as connection, sentences(path):
        connection.execute(f"PRAGMA busy_timeout = {_FOLDING_SECONDS * 1000:.0f}")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StoreError(
            f"The store {path} is in use: what was written last is in its log, and an immutable store is served without"
            " one. Wait for the other process to end, or serve without --immutable."
        )


def copy(path: Path, target: Path) -> None:
    """Copy a store as one of its readers sees it, with its sidecars, to a place where nothing is yet.

    The copy has no write-ahead log, so that it can be read from a disk that cannot be written.

    Raises:
        StoreError: there is no store, a sidecar is missing, or the copy cannot be written.
    """
    with closing(open_reader(path)) as source, closing(sqlite3.connect(target, isolation_level=None)) as copied:
        with sentences(path):
            source.backup(copied)
        with sentences(target):
            copied.execute("PRAGMA journal_mode = DELETE")
            found = copied.execute("SELECT DISTINCT hash FROM frames WHERE stored = 'sidecar'").fetchall()
    for (digest,) in found:
        sidecar = sidecars.location(target, digest)
        sidecar.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(sidecars.location(path, digest), sidecar)
        except FileNotFoundError as error:
            missing = f"The sidecar {error.filename} is missing; make it anew with `scrapdb index --force`."
            raise StoreError(missing) from None
