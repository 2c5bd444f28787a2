"""Writing notebooks into a store: everything of one notebook in one transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple
from typing import Self

from scrapdb.errors import StoreError
from scrapdb.store import full_text
from scrapdb.store import indexes
from scrapdb.store import runs
from scrapdb.store import sidecars
from scrapdb.store.connection import BUSY_SECONDS
from scrapdb.store.connection import errors
from scrapdb.store.connection import open_writer
from scrapdb.store.connection import transaction
from scrapdb.store.marks import File
from scrapdb.store.marks import Known
from scrapdb.store.marks import kept_mtime
from scrapdb.store.marks import mtime
from scrapdb.store.values import KINDS

if TYPE_CHECKING:
    from scrapdb.store.rows import Rows

# Tables that hold rows of a notebook, and the column that says of which.
_TABLES = dict.fromkeys(("scraps", "parameters", "displays", "frames", "cells", "problems"), "notebook_id") | {
    "runs": "nb_id"
}
_REMEMBERED_NAMES = 100_000
_KNOWN = "SELECT n.path, n.id, n.size, n.mtime_ns, n.etag, n.content_hash, n.status FROM"
_KNOWN_BETWEEN = f"{_KNOWN} notebooks AS n WHERE n.path BETWEEN ? AND ? LIMIT ?"
_KNOWN_EACH = f"{_KNOWN} json_each(?) AS wanted CROSS JOIN notebooks AS n ON n.path = wanted.value"
_PATHS = "SELECT id, path, os_path FROM notebooks WHERE id > ? AND id < ? ORDER BY id LIMIT 1000"
_EXTENT = "SELECT (SELECT count(*) FROM notebooks), (SELECT coalesce(max(id), 0) FROM notebooks)"
_IDS = "SELECT n.path, n.id FROM json_each(?) AS wanted JOIN notebooks AS n ON n.path = wanted.value"
Changes = Counter[tuple[int, str, str]]  # (name_id, role, type): by how many notebooks its count changes
_COUNT = """
INSERT INTO name_types VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET notebooks = notebooks + excluded.notebooks"""
# A name's type is the kind of its values, but for booleans, which people tell from numbers.
_KIND = " ".join(f"WHEN '{type_}' THEN '{kind}'" for type_, kind in (KINDS | {"boolean": "boolean"}).items())
_SUMMARY = f"""
UPDATE names SET (scraps, parameters, type) = (
  SELECT coalesce(sum(notebooks) FILTER (WHERE role = 'scrap'), 0),
         coalesce(sum(notebooks) FILTER (WHERE role = 'parameter'), 0),
         CASE count(DISTINCT kind) WHEN 0 THEN iif(count(*), 'null', NULL) WHEN 1 THEN max(kind) ELSE 'mixed' END
    FROM (SELECT role, notebooks,
                 CASE type {_KIND} END AS kind
            FROM name_types WHERE name_id = ?1 AND notebooks > 0))
WHERE id = ?1"""


class Collected(NamedTuple):
    """What `gc` removed."""

    blobs: int
    sidecars: int
    sidecar_bytes: int
    names: int


class Writer:
    """A store that is open for writing. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Open a store, or make one.

        Raises:
            StoreError: it may not be written, or is none.
        """
        self.path = path
        self._connection = open_writer(path)
        try:
            with errors(path):
                indexes.ensure(self._connection)
        except BaseException:
            self._connection.close()
            raise
        self._version = -1
        self._ids: dict[str, int] = {}
        self._columns: dict[runs.Column, str] = {}
        self._searched = False

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the store."""
        self._connection.close()

    @property
    def journal_mode(self) -> str:
        """How SQLite keeps the store's transactions: `wal`, or `delete` where the file system cannot do it."""
        return str(self._connection.execute("PRAGMA journal_mode").fetchone()[0])

    def known(self, paths: Sequence[str]) -> dict[str, Known]:
        """Read what is known of some notebook files and, where that is quicker, of others beside them; by path."""
        limit = 2 * len(paths)
        with errors(self.path):
            found = self._connection.execute(_KNOWN_BETWEEN, (min(paths), max(paths), limit + 1)).fetchall()
            if len(found) > limit:  # others lie between them
                found = self._connection.execute(_KNOWN_EACH, (json.dumps(paths),)).fetchall()
        return {
            path: Known(id_, size, mtime_ns, etag, digest, status)
            for path, id_, size, mtime_ns, etag, digest, status in found
        }

    def extent(self) -> tuple[int, int]:
        """Count the notebooks, and give the largest of their ids, or 0."""
        with errors(self.path):
            count, last = self._connection.execute(_EXTENT).fetchone()
        return count, last

    def others(self, seen: Sequence[int]) -> Iterator[list[tuple[str, bytes | None]]]:
        """Read path and `os_path` of the notebooks, up to the last id of which `seen` tells, whose mark is 0."""
        last = 0
        found: list[tuple[int, str, bytes | None]] = [(0, "", None)]
        while found:
            with errors(self.path):
                found = self._connection.execute(_PATHS, (last, len(seen))).fetchall()
            yield [(path, os_path) for id_, path, os_path in found if not seen[id_]]
            last = found[-1][0] if found else last

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Write many notebooks: if the store is empty, its indexes are made at the end."""
        with errors(self.path), indexes.postponed(self._connection):
            yield

    def write(self, notebooks: Iterable[Rows]) -> None:
        """Write notebooks, in place of what the store had of them.

        Raises:
            StoreError: SQLite failed, or the disk is full; nothing of them is in the store then.
        """
        batch = list({rows.path: rows for rows in notebooks}.values())
        if not batch:
            return
        with self._transaction():
            counts: Changes = Counter()
            ids = self._claim_ids(batch, counts)
            self._write_sidecars(batch)
            self._write_values(batch, ids, counts)
            self._write_runs(batch, ids)
            if self._searched:
                full_text.add(self._connection, ids)
            self._count(counts)

    def touch(self, files: Iterable[File]) -> None:
        """Record the new times of files whose content has not changed."""
        with self._transaction():
            self._connection.executemany(
                "UPDATE notebooks SET size = ?, mtime_ns = ?, mtime = ?, etag = ? WHERE path = ?",
                [(file.size, kept_mtime(file.mtime_ns), mtime(file.mtime_ns), file.etag, file.path) for file in files],
            )

    def remove(self, paths: Iterable[str]) -> None:
        """Remove notebooks."""
        with self._transaction():
            counts: Changes = Counter()
            for path in paths:
                if (notebook_id := self._id_of(path)) is not None:
                    self._clear(notebook_id, counts)
                    self._connection.execute("DELETE FROM notebooks WHERE id = ?", (notebook_id,))
            self._count(counts)

    def settle(self) -> None:
        """Give SQLite's planner statistics and fold the write-ahead log into the file, as far as readers allow."""
        with errors(self.path):
            self._connection.execute("PRAGMA analysis_limit = 1000")
            self._connection.execute("ANALYZE")
            self._checkpoint()

    def optimize(self) -> int:
        """Choose the columns of `runs` anew, make the search table, analyze, and compact the file.

        Returns:
            How many columns `runs` has for names.
        """
        with errors(self.path):
            with transaction(self._connection):
                columns = runs.rechoose(self._connection)
                full_text.make(self._connection)
            self._connection.execute("ANALYZE")
            self._connection.execute("VACUUM")
            self._checkpoint()
        self._version = -1
        return columns

    def make_searchable(self) -> None:
        """Make the search table, if there is none."""
        with self._transaction():
            if not self._searched:
                full_text.make(self._connection)
        self._version = -1

    def gc(self) -> Collected:
        """Remove blobs, names and sidecars that nothing names; sidecars only after an hour."""
        with self._transaction():
            blobs = self._connection.execute(
                "DELETE FROM blobs WHERE hash NOT IN (SELECT hash FROM displays UNION SELECT hash FROM frames)"
            ).rowcount
            self._connection.execute("DELETE FROM name_types WHERE notebooks = 0")
            names = self._connection.execute(
                """DELETE FROM names WHERE scraps = 0 AND parameters = 0
                                       AND id NOT IN (SELECT name_id FROM run_columns)"""
            ).rowcount
            frames = self._connection.execute("SELECT hash FROM frames WHERE stored = 'sidecar'")
            files, size = sidecars.remove_unnamed(self.path, {digest for (digest,) in frames})
        self._version = -1
        return Collected(blobs, files, size, names)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with errors(self.path), transaction(self._connection):
                self._refresh()
                yield
        except BaseException:
            self._version = -1  # what is remembered may have been rolled back
            raise

    def _checkpoint(self) -> None:
        self._connection.execute("PRAGMA busy_timeout = 0")  # a reader that stays would hold it up for nothing
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def _refresh(self) -> None:
        """Forget what was remembered, if another connection has written since."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            self._ids = {}
            self._columns = runs.read_columns(self._connection)
            self._searched = full_text.is_there(self._connection)

    def _claim_ids(self, batch: Sequence[Rows], counts: Changes) -> list[int]:
        """Return each notebook its id: the one it has, whose rows are cleared, or the next one."""
        following = 1 + self._connection.execute("SELECT coalesce(max(id), 0) FROM notebooks").fetchone()[0]
        paths = json.dumps([rows.path for rows in batch])
        known = dict(self._connection.execute(_IDS, (paths,)))
        ids = []
        for rows in batch:
            if rows.path in known:
                self._clear(known[rows.path], counts)
                ids.append(known[rows.path])
            else:
                ids.append(following)
                following += 1
        return ids

    def _id_of(self, path: str) -> int | None:
        found = self._connection.execute("SELECT id FROM notebooks WHERE path = ?", (path,)).fetchone()
        return None if found is None else int(found[0])

    def _clear(self, notebook_id: int, counts: Changes) -> None:
        for role in ("scrap", "parameter"):
            values = self._connection.execute(
                f"SELECT name_id, type FROM {role}s WHERE notebook_id = ?", (notebook_id,)
            )
            counts.subtract((name_id, role, type_) for name_id, type_ in values)
        for table, key in _TABLES.items():
            self._connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (notebook_id,))
        if self._searched:
            full_text.remove(self._connection, notebook_id)

    def _write_sidecars(self, batch: Sequence[Rows]) -> None:
        try:
            sidecars.write(self.path, {digest: frame for rows in batch for digest, frame in rows.sidecars.items()})
        except OSError as error:
            where = f"{error.strerror} ({error.filename})"
            raise StoreError(f"A large frame cannot be written beside the store: {where}.") from error

    def _write_values(self, batch: Sequence[Rows], ids: Sequence[int], counts: Changes) -> None:
        names = self._name_ids({row[0] for rows in batch for row in (*rows.scraps, *rows.parameters)})
        of = list(zip(ids, batch, strict=True))
        self._insert("notebooks", [(id_, *rows.notebook) for id_, rows in of], "REPLACE")
        for table in ("scraps", "parameters", "displays", "frames"):
            self._insert(table, [(id_, names[row[0]], *row[1:]) for id_, rows in of for row in getattr(rows, table)])
        self._insert("cells", [(id_, *row) for id_, rows in of for row in rows.code_cells])
        self._insert("problems", [(None, id_, *row) for id_, rows in of for row in rows.problems])
        self._connection.executemany(
            "INSERT OR IGNORE INTO blobs VALUES (?, ?)", [blob for rows in batch for blob in rows.blobs.items()]
        )
        counts.update((names[row[0]], "scrap", row[1]) for rows in batch for row in rows.scraps)
        counts.update((names[row[0]], "parameter", row[1]) for rows in batch for row in rows.parameters)

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]], how: str = "INSERT") -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"{how} INTO {table} VALUES ({marks})", rows)

    def _write_runs(self, batch: Sequence[Rows], ids: Sequence[int]) -> None:
        seen = {(name, kind): None for rows in batch for name, kind, _ in rows.run_cells}
        self._columns = runs.add_columns(self._connection, self._columns, seen)
        runs.write_cells(
            self._connection,
            self._columns,
            [(runs.fixed((id_, *rows.run)), rows.run_cells) for id_, rows in zip(ids, batch, strict=True)],
        )

    def _name_ids(self, names: set[str]) -> dict[str, int]:
        if len(self._ids) > _REMEMBERED_NAMES:
            self._ids = {}
        fresh = [(name,) for name in sorted(names - self._ids.keys())]
        self._connection.executemany("INSERT OR IGNORE INTO names (name) VALUES (?)", fresh)
        for (name,) in fresh:
            (self._ids[name],) = self._connection.execute("SELECT id FROM names WHERE name = ?", (name,)).fetchone()
        return self._ids

    def _count(self, counts: Changes) -> None:
        changed = [(*key, difference) for key, difference in counts.items() if difference]
        self._connection.executemany(_COUNT, changed)
        self._connection.executemany(_SUMMARY, [(name_id,) for name_id in {key[0] for key in changed}])
