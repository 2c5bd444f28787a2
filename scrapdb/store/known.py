"""What a store knows of notebook files: which it has, and the marks by which a change is seen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

from scrapdb.store import runs
from scrapdb.store import schema
from scrapdb.store.connection import transaction
from scrapdb.store.errors import sentences
from scrapdb.store.rows import COMMITTED
from scrapdb.store.rows import File
from scrapdb.store.rows import Known
from scrapdb.store.rows import kept_mtime
from scrapdb.store.rows import mtime
from scrapdb.store.write import Writer

# What an older scrapdb read is read again, also from files that have not changed; until then each notebook says so.
_OUTDATED = """
INSERT INTO problems (notebook_id, kind, message)
SELECT id, 'outdated', 'An older scrapdb read it, and some values otherwise than this one does; index it again.'
  FROM notebooks"""
_FORGET = "UPDATE notebooks SET mtime_ns = NULL, etag = NULL, content_hash = NULL"
_KNOWN = "SELECT n.path, n.id, n.size, n.mtime_ns, n.etag, n.content_hash, n.status FROM"
_BETWEEN = f"{_KNOWN} notebooks AS n WHERE n.path BETWEEN ? AND ? LIMIT ?"
# CROSS JOIN keeps the order (https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join):
# a search for each path, in place of a scan of all notebooks.
_EACH = f"{_KNOWN} json_each(?) AS wanted CROSS JOIN notebooks AS n ON n.path = wanted.value"
_EXTENT = "SELECT (SELECT count(*) FROM notebooks), (SELECT coalesce(max(id), 0) FROM notebooks)"
_PATHS = f"""
SELECT id, path, os_path, etag LIKE '{COMMITTED}%' FROM notebooks WHERE id > ? AND id < ? ORDER BY id LIMIT 1000"""
_TOUCH = "UPDATE notebooks SET size = ?, mtime_ns = ?, mtime = ?, etag = ? WHERE path = ?"


def forget_older(writer: Writer) -> None:
    """Make a store of an older scrapdb one of this version; what that read otherwise is to be read again."""
    with sentences(writer.path):
        (version,) = writer.connection.execute("PRAGMA user_version").fetchone()
    if version < schema.VERSION:
        # Not a transaction of the writer's, which reads tables that may not be there yet.
        with sentences(writer.path), transaction(writer.connection):
            schema.add_missing(writer.connection)
            runs.mark_whole(writer.connection)
            if version < schema.SAME:
                writer.connection.execute(_OUTDATED)
                writer.connection.execute(_FORGET)
            writer.connection.execute(f"PRAGMA user_version = {schema.VERSION}")
        writer.forget()


def known_files(writer: Writer, paths: Sequence[str]) -> dict[str, Known]:
    """Read what is known of some notebook files and, where that is quicker, of others beside them; by path."""
    limit = 2 * len(paths)
    with sentences(writer.path):
        rows = writer.connection.execute(_BETWEEN, (min(paths), max(paths), limit + 1)).fetchall()
        if len(rows) > limit:  # others lie between them
            rows = writer.connection.execute(_EACH, (json.dumps(paths),)).fetchall()
    return {
        path: Known(id_, size, mtime_ns, etag, digest, status)
        for path, id_, size, mtime_ns, etag, digest, status in rows
    }


def extent(writer: Writer) -> tuple[int, int]:
    """Count the notebooks, and read the largest of their ids, or 0."""
    with sentences(writer.path):
        count, last = writer.connection.execute(_EXTENT).fetchone()
    return count, last


def other_files(writer: Writer, seen: Sequence[int]) -> Iterator[list[tuple[str, bytes | None, bool]]]:
    """Read the notebooks, up to the last id of which `seen` tells, whose mark is 0.

    Yields:
        Path, `os_path`, and whether they were read from a repository's objects.
    """
    last = 0
    rows: list[tuple[int, str, bytes | None, int | None]] = [(0, "", None, None)]
    while rows:
        with sentences(writer.path):
            rows = writer.connection.execute(_PATHS, (last, len(seen))).fetchall()
        yield [(path, os_path, bool(committed)) for id_, path, os_path, committed in rows if not seen[id_]]
        last = rows[-1][0] if rows else last


def touch(writer: Writer, files: Iterable[File]) -> None:
    """Record the new times of files whose content has not changed."""
    with writer.transaction():
        writer.connection.executemany(
            _TOUCH,
            [(file.size, kept_mtime(file.mtime_ns), mtime(file.mtime_ns), file.etag, file.path) for file in files],
        )
