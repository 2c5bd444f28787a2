"""Writing notebooks into a store: everything of one notebook in one transaction."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Self

from scrapdb.errors import StoreError
from scrapdb.store import full_text
from scrapdb.store import indexes
from scrapdb.store import runs
from scrapdb.store import schema
from scrapdb.store import sidecars
from scrapdb.store import versions
from scrapdb.store.connection import open_writer
from scrapdb.store.connection import transaction
from scrapdb.store.errors import sentences
from scrapdb.store.values import KINDS_IN_SQL

if TYPE_CHECKING:
    from scrapdb.store.rows import Rows

_REMEMBERED_NAMES = 100_000  # so that a million names of one store do not fill the memory
_IDS = "SELECT n.path, n.id FROM json_each(?) AS wanted JOIN notebooks AS n ON n.path = wanted.value"
_FORGET = "DELETE FROM executions WHERE notebook IN (SELECT value FROM json_each(?))"
Changes = Counter[tuple[int, str, str]]  # (name_id, role, type): by how many notebooks its count changes
_COUNT = """
INSERT INTO name_types VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET notebooks = notebooks + excluded.notebooks"""
_SUMMARY = f"""
UPDATE names SET (scraps, parameters, type) = (
  SELECT coalesce(sum(notebooks) FILTER (WHERE role = 'scrap'), 0),
         coalesce(sum(notebooks) FILTER (WHERE role = 'parameter'), 0),
         CASE count(DISTINCT kind) WHEN 0 THEN min(type) WHEN 1 THEN max(kind) ELSE 'mixed' END
    FROM (SELECT role, notebooks, type,
                 CASE type {KINDS_IN_SQL} END AS kind
            FROM name_types WHERE name_id = ?1 AND notebooks > 0))
WHERE id = ?1"""


class Writer:
    """A store that is open for writing, and what is remembered of it between two transactions.

    Use it as a context manager. `known` reads by it what a store has of files, and `upkeep` keeps it in order.
    """

    def __init__(self, path: Path, *, oldest: int = schema.VERSION) -> None:
        """Open a store, or make one.

        Raises:
            StoreError: it may not be written, is none, or of a version older than `oldest`.
        """
        self.path = path
        self.connection = open_writer(path, oldest=oldest)
        try:
            with sentences(path):
                indexes.ensure(self.connection)
        except BaseException:
            self.connection.close()
            raise
        self._version = -1
        self._ids: dict[str, int] = {}
        self._columns: dict[runs.Column, str] = {}
        self._parts: set[str] = set()
        self._searched = False
        self._kept: versions.Retention | None = None
        self._has_versions = False

    def __enter__(self) -> Self:
        """Return the writer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.connection.close()

    @contextmanager
    def filling(self) -> Iterator[None]:
        """Write many notebooks: if the store is empty, its indexes are made at the end."""
        with sentences(self.path), indexes.postponed(self.connection):
            yield

    def write(self, notebooks: Iterable[Rows], kept: Mapping[str, int] | None = None) -> None:
        """Write notebooks, in place of what the store had of them.

        Args:
            notebooks: their rows.
            kept: versions that they are, by path, if there are any already.

        Raises:
            StoreError: SQLite failed, or the disk is full; nothing of them is in the store then.
        """
        batch = list({rows.path: rows for rows in notebooks}.values())
        if not batch:
            return
        with self.transaction():
            counts: Changes = Counter()
            ids = self._claim_ids(batch, counts)
            self._write_sidecars(batch)
            self._write_values(batch, ids)
            counts.update((self._ids[row[0]], "scrap", row[1]) for rows in batch for row in rows.scraps)
            counts.update((self._ids[row[0]], "parameter", row[1]) for rows in batch for row in rows.parameters)
            self._write_runs(batch, ids)
            if kept:
                versions.link(self.connection, [(id_, kept[rows.path]) for id_, rows in zip(ids, batch, strict=True)])
            self._keep(ids)
            if self._searched:
                full_text.add(self.connection, ids)
            self._count(counts)

    def write_versions(self, batch: Sequence[Rows], ids: Sequence[int]) -> None:
        """Write what notebooks were, for versions that have no rows yet, by their ids. Inside a `transaction`.

        Raises:
            StoreError: SQLite failed, or the disk is full.
        """
        self._write_sidecars(batch)
        self._write_values(batch, ids, "version_")
        versions.count_names(self.connection, ids)

    def remove(self, paths: Iterable[str], *, attempts: bool = False) -> None:
        """Remove notebooks; on request also what runners have written of their attempts at them."""
        paths = list(paths)
        with self.transaction():
            counts: Changes = Counter()
            if attempts:
                self.connection.execute(_FORGET, (json.dumps(paths),))
            gone = self._ids_of(paths)
            versions.close(self.connection, [*gone.values()])
            for notebook_id in gone.values():
                self._clear(notebook_id, counts)
                self.connection.execute("DELETE FROM notebooks WHERE id = ?", (notebook_id,))
            self._count(counts)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock: all that is done inside is committed at the end, or nothing of it.

        Raises:
            StoreError: SQLite failed.
        """
        try:
            with sentences(self.path), transaction(self.connection):
                self._refresh()
                yield
        except BaseException:
            self.forget()  # it may have been rolled back
            raise

    def forget(self) -> None:
        """Read anew what is remembered, before the next transaction."""
        self._version = -1

    def _refresh(self) -> None:
        """Forget what was remembered, if another connection has written since."""
        version = self.connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            self._ids = {}
            self._columns = runs.read_columns(self.connection)
            self._parts = set()
            self._searched = full_text.is_there(self.connection)
            self._kept = versions.retention(self.connection)
            self._has_versions = versions.are_there(self.connection)

    def _keep(self, notebooks: Sequence[int]) -> None:
        """Keep versions of what was written, if the store does; else what was written is not what there are some of."""
        if self._kept:
            versions.keep(self.connection, notebooks, self._kept)
        elif self._has_versions:
            versions.unlink(self.connection, notebooks)

    def _claim_ids(self, batch: Sequence[Rows], counts: Changes) -> list[int]:
        """Give each notebook its id: the one it has, whose rows are cleared, or the next one."""
        known = self._ids_of(rows.path for rows in batch)
        for notebook_id in known.values():
            self._clear(notebook_id, counts)
        (last,) = self.connection.execute("SELECT coalesce(max(id), 0) FROM notebooks").fetchone()
        fresh = itertools.count(last + 1)
        return [known.get(rows.path) or next(fresh) for rows in batch]

    def _ids_of(self, paths: Iterable[str]) -> dict[str, int]:
        return dict(self.connection.execute(_IDS, (json.dumps(list(paths)),)))

    def _clear(self, notebook_id: int, counts: Changes) -> None:
        for role in ("scrap", "parameter"):
            values = self.connection.execute(f"SELECT name_id, type FROM {role}s WHERE notebook_id = ?", (notebook_id,))
            counts.subtract((name_id, role, type_) for name_id, type_ in values)
        for table, key in schema.tables_of_notebooks().items():
            self.connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (notebook_id,))
        if self._searched:
            full_text.remove(self.connection, notebook_id)

    def _write_sidecars(self, batch: Sequence[Rows]) -> None:
        try:
            sidecars.write(self.path, {digest: frame for rows in batch for digest, frame in rows.sidecars.items()})
        except OSError as error:
            where = f"{error.strerror} ({error.filename})"
            raise StoreError(f"A large frame cannot be written beside the store: {where}.") from error

    def _write_values(self, batch: Sequence[Rows], ids: Sequence[int], prefix: str = "") -> None:
        names = self._name_ids({row[0] for rows in batch for row in (*rows.scraps, *rows.parameters)})
        of = list(zip(ids, batch, strict=True))
        self._insert(f"{prefix}notebooks", [(id_, *rows.notebook) for id_, rows in of], "REPLACE")
        for table in ("scraps", "parameters", "displays", "frames"):
            named = [(id_, names[row[0]], *row[1:]) for id_, rows in of for row in getattr(rows, table)]
            self._insert(f"{prefix}{table}", named)
        for table in ("records", "reports"):
            self._insert(f"{prefix}{table}", [(id_, *row) for id_, rows in of for row in getattr(rows, table)])
        self._insert(f"{prefix}problems", [(None, id_, *row) for id_, rows in of for row in rows.problems])
        if not prefix:
            self._insert("cells", [(id_, *row) for id_, rows in of for row in rows.code_cells])
        self.connection.executemany(
            "INSERT OR IGNORE INTO blobs VALUES (?, ?)", [blob for rows in batch for blob in rows.blobs.items()]
        )

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]], how: str = "INSERT") -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self.connection.executemany(f"{how} INTO {table} VALUES ({marks})", rows)

    def _write_runs(self, batch: Sequence[Rows], ids: Sequence[int]) -> None:
        seen = {(name, kind): None for rows in batch for name, kind, _ in rows.run_cells}
        self._columns = runs.add_columns(self.connection, self._columns, seen)
        fresh = {name for rows in batch for name in rows.parts} - self._parts
        self.connection.executemany("UPDATE names SET whole = 0 WHERE name = ?", [(name,) for name in sorted(fresh)])
        self._parts |= fresh
        runs.write_cells(
            self.connection,
            self._columns,
            [(runs.fixed((id_, *rows.run)), rows.run_cells) for id_, rows in zip(ids, batch, strict=True)],
        )

    def _name_ids(self, names: set[str]) -> dict[str, int]:
        if len(self._ids) > _REMEMBERED_NAMES:
            self._ids = {}
        fresh = [(name,) for name in sorted(names - self._ids.keys())]
        self.connection.executemany("INSERT OR IGNORE INTO names (name) VALUES (?)", fresh)
        for (name,) in fresh:
            (self._ids[name],) = self.connection.execute("SELECT id FROM names WHERE name = ?", (name,)).fetchone()
        return self._ids

    def _count(self, counts: Changes) -> None:
        changed = [(*key, difference) for key, difference in counts.items() if difference]
        self.connection.executemany(_COUNT, changed)
        self.connection.executemany(_SUMMARY, [(name_id,) for name_id in {key[0] for key in changed}])
