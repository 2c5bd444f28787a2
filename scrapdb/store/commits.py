"""Versions that commits made, beside those that the store has kept by itself.

What was read from a repository's objects has `git:` and its blob for an `etag`, in `version_notebooks` and, where no
file of that path has been indexed, in `notebooks`. A version that was kept and then committed has none: it is told by
its commit, but when it was the notebook the store has seen itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from functools import cache
from typing import Any
from typing import NamedTuple

from scrapdb.store import schema
from scrapdb.store import versions
from scrapdb.store.errors import sentences
from scrapdb.store.rows import COMMITTED
from scrapdb.store.rows import Rows
from scrapdb.store.values import ids_as_json
from scrapdb.store.write import Writer

_STORED = """
SELECT v.id, v.path, k.os_path, v.commit_hash, v.previous, v.since, v.until, v.branch, k.etag, k.size, k.content_hash,
       k.status
  FROM versions AS v JOIN version_notebooks AS k ON k.id = v.id WHERE v.commit_hash IS NOT NULL"""
_OF_PATHS = """
SELECT v.path, v.commit_hash, v.id, v.since, k.content_hash
  FROM json_each(?) AS wanted CROSS JOIN versions AS v ON v.path = wanted.value
  JOIN version_notebooks AS k ON k.id = v.id ORDER BY v.version"""
_NUMBERS = """
SELECT value, (SELECT coalesce(max(version), 0) FROM versions WHERE path = value) FROM json_each(?)"""
_ADD = """
INSERT INTO versions (path, version, previous, since, until, commit_hash, authored_at, branch)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"""
_ADOPT = """
UPDATE versions SET commit_hash = ?, authored_at = ?, branch = ?, previous = coalesce(previous, ?) WHERE id = ?"""
_PLACE = "UPDATE versions SET previous = ?, since = ?, until = ?, branch = ? WHERE id = ?"
_PRESENT = f"""
SELECT n.path, n.os_path, n.id, iif(n.etag LIKE '{COMMITTED}%', n.etag, NULL), n.content_hash, n.status, v.id,
       v.commit_hash IS NOT NULL
  FROM notebooks AS n LEFT JOIN versions AS v ON v.notebook_id = n.id"""
_OF_GIT = f"{_PRESENT} WHERE n.etag LIKE '{COMMITTED}%'"
_AT = f"{_PRESENT} WHERE n.path IN (SELECT value FROM json_each(?))"
# What is there by its last commit, but has no row, or one that could be told to be it.
_UNSETTLED = """
SELECT 1 FROM versions AS v JOIN version_notebooks AS k ON k.id = v.id LEFT JOIN notebooks AS n ON n.path = v.path
 WHERE v.commit_hash IS NOT NULL AND v.until IS NULL AND v.notebook_id IS NULL
   AND (n.id IS NULL OR n.content_hash = k.content_hash
        AND NOT EXISTS (SELECT 1 FROM versions WHERE notebook_id = n.id)) LIMIT 1"""
_STATE = "SELECT value FROM settings WHERE name = ?"
_STATES = "SELECT name FROM settings WHERE name LIKE 'git %'"
_SET = "INSERT OR REPLACE INTO settings VALUES (?, ?)"

Key = tuple[str, str]  # of a version that a commit made: path and commit


class Stored(NamedTuple):
    """A version of a commit as a store has it; `etag` is that of a file, or none, if it was kept before."""

    id: int
    path: str
    os_path: bytes | None
    commit: str
    previous: int | None
    since: str
    until: str | None
    branch: str | None
    etag: str | None
    size: int | None
    content_hash: str | None
    status: str

    @property
    def key(self) -> Key:
        """Path and commit."""
        return self.path, self.commit

    @property
    def blob(self) -> str | None:
        """The blob from which it was read, if it was."""
        return self.etag.removeprefix(COMMITTED) if self.etag and self.etag.startswith(COMMITTED) else None


class Present(NamedTuple):
    """A notebook that the store has now: the mark of its blob, if it was read from one, and its version."""

    path: str
    os_path: bytes | None
    id: int
    etag: str | None
    content_hash: str | None
    status: str
    version: int | None
    is_committed: int


class Committed(NamedTuple):
    """A version as git has it; `branch` is that on which it was made, or else the one into which it was merged."""

    path: str
    os_path: bytes | None
    commit: str
    authored_at: str
    previous: Key | None
    since: str
    until: str | None
    branch: str | None
    is_made_there: bool
    is_last: bool  # of the same content at this path

    @property
    def key(self) -> Key:
        """Path and commit."""
        return self.path, self.commit


def stored(writer: Writer) -> list[Stored]:
    """Read all versions that commits made."""
    with sentences(writer.path):
        return [Stored(*row) for row in writer.connection.execute(_STORED)]


def present(writer: Writer, paths: Iterable[str]) -> dict[str, Present]:
    """Read what the store has now at some paths, and elsewhere from blobs."""
    with sentences(writer.path):
        connection = writer.connection
        rows = [*connection.execute(_OF_GIT), *connection.execute(_AT, (json.dumps([*paths]),))]
    return {row[0]: Present(*row) for row in rows}


def is_settled(writer: Writer) -> bool:
    """Return whether what is there by its last commit has rows, and is told to be what has its content."""
    with sentences(writer.path):
        return writer.connection.execute(_UNSETTLED).fetchone() is None


def state(writer: Writer, directory: str) -> Any:
    """Read what was noted of a repository when it was last read; None if it was not."""
    with sentences(writer.path):
        found = writer.connection.execute(_STATE, (_name(directory),)).fetchone()
    return json.loads(found[0]) if found else None


def directories(writer: Writer) -> list[str]:
    """Name the repositories that were read."""
    with sentences(writer.path):
        return [name.removeprefix("git ") for (name,) in writer.connection.execute(_STATES)]


def add(writer: Writer, found: Sequence[tuple[Committed, Rows | int]], ids: dict[Key, int], again: set[int]) -> int:
    """Add versions, each with rows of its own or the id of one whose rows it shares, and return how many are new.

    One that is there is left as it is, but for its rows if it is to be read again. One that was kept with the same
    content is told to be the commit's.

    Args:
        writer: of the store.
        found: the versions, in an order in which those of one path follow each other.
        ids: those of all versions, by key; what is added is put there.
        again: ids of versions that get their rows anew.
    """
    with writer.transaction():
        connection = writer.connection
        paths = json.dumps([*{version.path for version, _ in found}])
        kept: dict[Key, list[tuple[str, int]]] = defaultdict(list)
        for path, commit, id_, since, content in connection.execute(_OF_PATHS, (paths,)):
            if commit:
                ids[path, commit] = id_
            elif content:
                kept[path, content].append((since, id_))
        numbers = dict(connection.execute(_NUMBERS, (paths,)))
        fresh: list[tuple[int, Committed, Rows | int]] = []
        new = 0
        for version, of in found:
            id_ = ids.get(version.key)
            new += id_ is None
            if id_ is not None and id_ not in again:
                continue
            if id_ is None and (adopted := _adopted(version, of, kept)):
                ids[version.key] = adopted
                previous = ids.get(version.previous) if version.previous else None
                told = (version.commit, version.authored_at, version.branch, previous, adopted)
                connection.execute(_ADOPT, told)
                continue
            if id_ is None:
                numbers[version.path] += 1
                id_ = _added(connection, version, numbers[version.path], ids)
            fresh.append((id_, version, of))
        versions.drop_rows(connection, [id_ for id_, _, _ in fresh if id_ in again])
        own = [(id_, of) for id_, _, of in fresh if isinstance(of, Rows)]
        writer.write_versions([rows for _, rows in own], [id_ for id_, _ in own])
        shared = [(id_, version, of) for id_, version, of in fresh if isinstance(of, int)]
        for id_, version, of in shared:
            for statement in _copies():
                connection.execute(
                    statement, {"id": id_, "of": of, "path": version.path, "os_path": version.os_path}
                )
        versions.count_names(connection, [id_ for id_, _, _ in shared])
    return new


def place(writer: Writer, wanted: Mapping[Key, Committed], gone: Iterator[Stored] | Iterable[Stored]) -> None: ...
