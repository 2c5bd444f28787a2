"""Upkeep of a store: statistics, the columns and indexes of `runs`, full-text search; removing what nothing names."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from scrapdb.store import full_text
from scrapdb.store import runs
from scrapdb.store import sidecars
from scrapdb.store import versions
from scrapdb.store.errors import BUSY_SECONDS
from scrapdb.store.errors import sentences
from scrapdb.store.write import Writer

# Columns of `runs` that `optimize` indexes, so that a page of a large table is filtered and sorted at once: these, and
# of those of numbers the commonest. Each index takes 17 bytes a run, and 10 microseconds of every run written again.
_INDEXED = ("nb_status", "nb_started_at", "nb_seconds")
_INDEXED_NUMBERS = 10

_NAMED = " UNION ".join(
    f"SELECT hash FROM {table}" for table in ("displays", "frames", "version_displays", "version_frames")
)
_SIDECARS = " UNION ".join(
    f"SELECT hash FROM {table} WHERE stored = 'sidecar'" for table in ("frames", "version_frames")
)


class Collected(NamedTuple):
    """What `collect` removed."""

    blobs: int
    sidecars: int
    sidecar_bytes: int
    names: int


def settle(writer: Writer) -> None:
    """Give SQLite's planner statistics and fold the write-ahead log into the file, as far as readers allow."""
    if kept := retention(writer):
        with writer.transaction():
            versions.let_go(writer.connection, kept)
    with sentences(writer.path):
        writer.connection.execute("PRAGMA analysis_limit = 1000")
        _analyze(writer.connection)
        _checkpoint(writer.connection)


def retention(writer: Writer) -> versions.Retention | None:
    """Read which versions a store keeps; None if it keeps none."""
    with sentences(writer.path):
        return versions.retention(writer.connection)


def keep_versions(writer: Writer, wanted: versions.Retention) -> None:
    """Keep versions of notebooks from now on, of what is there already first, and let go of those not wanted."""
    if wanted != retention(writer):
        with writer.transaction():
            versions.set_retention(writer.connection, wanted)
    # Also where that was wanted before: who was to do it then may have been killed.
    for notebooks in versions.without(writer.connection) if wanted.count != 0 else ():
        with writer.transaction():
            versions.keep(writer.connection, notebooks, wanted)
    writer.forget()


def optimize(writer: Writer) -> int:
    """Choose the columns of `runs` anew and return their number; make the search table, analyze, compact the file."""
    import sqlite_utils  # with pandas, which takes longer than most commands; here nobody waits for it

    database = sqlite_utils.Database(writer.connection, recursive_triggers=False, execute_plugins=False)
    with writer.transaction():
        columns = runs.rechoose(writer.connection)
        numbers = [label for (_, kind), label in columns.items() if kind == "number"]
        for column in (*_INDEXED, *numbers[:_INDEXED_NUMBERS]):
            database.table("runs").create_index([column], f"runs_by_{column}", if_not_exists=True)
        full_text.make(writer.connection)
    writer.forget()
    with sentences(writer.path):
        _analyze(writer.connection)
        database.vacuum()
        _checkpoint(writer.connection)
    return len(columns)


def make_searchable(writer: Writer) -> None:
    """Make the search table, if there is none."""
    with writer.transaction():
        if not full_text.is_there(writer.connection):
            full_text.make(writer.connection)
    writer.forget()


def collect(writer: Writer) -> Collected:
    """Remove blobs, names and sidecars that nothing names; sidecars only after an hour."""
    with writer.transaction():
        blobs = writer.connection.execute(f"DELETE FROM blobs WHERE hash NOT IN ({_NAMED})").rowcount
        for table in ("name_types", "version_name_types"):
            writer.connection.execute(f"DELETE FROM {table} WHERE notebooks = 0")
        names = writer.connection.execute(
            """DELETE FROM names WHERE scraps = 0 AND parameters = 0
                                   AND id NOT IN (SELECT name_id FROM run_columns)
                                   AND id NOT IN (SELECT name_id FROM version_name_types)"""
        ).rowcount
        frames = writer.connection.execute(_SIDECARS)
        files, size = sidecars.remove_unnamed(writer.path, {digest for (digest,) in frames})
    writer.forget()
    return Collected(blobs, files, size, names)


def _analyze(connection: sqlite3.Connection) -> None:
    connection.execute("ANALYZE")
    # What was tiny when it was counted is read whole for each notebook, however large a batch has made it.
    connection.execute("DELETE FROM sqlite_stat1 WHERE tbl IN ('records', 'reports') OR tbl LIKE 'version%'")


def _checkpoint(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA busy_timeout = 0")  # a reader that stays would hold it up for nothing
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
