"""Versions that commits made, beside those that the store has kept by itself.

What was read from a repository's objects has `git:` and its blob for an `etag`, in `version_notebooks` and, where no
file of that path has been indexed, in `notebooks`. A version that was kept and then committed has none: it is told by
its commit, but when it was the notebook the store has seen itself.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Container
from collections.abc import Iterable
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
from scrapdb.text import valid_text

_STORED = """
SELECT v.id, v.path, k.os_path, v.commit_hash, v.previous, v.since, v.until, v.branch, k.etag, k.size, k.content_hash,
       iif(k.status = 'unreadable', (SELECT kind FROM version_problems WHERE notebook_id = k.id LIMIT 1), NULL)
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
_NEVER = "UPDATE versions SET until = since, notebook_id = NULL WHERE id = ?"
_CONTENTS = """
SELECT k.id, content_hash FROM json_each(?) AS wanted CROSS JOIN version_notebooks AS k ON k.id = wanted.value"""
_CONTENT = "SELECT content_hash FROM version_notebooks WHERE id = ?"
_UNREADABLE = """
SELECT v.path, k.os_path FROM version_notebooks AS k JOIN versions AS v ON v.id = k.id
 WHERE k.status = 'unreadable' AND v.commit_hash IS NOT NULL"""
_THERE = "SELECT count(*) FROM versions WHERE until IS NULL AND commit_hash IS NOT NULL"
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
    problem: str | None  # what kind, if it could not be read

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


def is_as_noted(writer: Writer, directory: str, noted: Any) -> bool:
    """Return whether a repository is as it was noted, and what is there by its last commit is so in the store."""
    with sentences(writer.path):
        found = writer.connection.execute(_STATE, (_name(directory),)).fetchone()
        if not found or json.loads(found[0]) != [noted, _there(writer)]:
            return False
        return writer.connection.execute(_UNSETTLED).fetchone() is None


def directories(writer: Writer) -> list[str]:
    """Name the repositories that were read."""
    with sentences(writer.path):
        return [name.removeprefix("git ") for (name,) in writer.connection.execute(_STATES)]


def unreadable(writer: Writer) -> list[tuple[str, bytes | None]]:
    """Read the paths of versions that commits made and that cannot be read."""
    with sentences(writer.path):
        return writer.connection.execute(_UNREADABLE).fetchall()


def add(
    writer: Writer, found: Sequence[tuple[Committed, Rows | Key, str]], ids: dict[Key, int], again: Container[int]
) -> int:
    """Add versions and return how many are new.

    One that is there is left as it is, but for its rows if it is to be read again. One that was kept with the same
    content is told to be the commit's.

    Args:
        writer: of the store.
        found: each version with its rows, or the key of one whose rows it shares, and the mark of its blob; those of
            one path in order.
        ids: those of all versions, by key; what is added is put there.
        again: ids of versions that get their rows anew.
    """
    with writer.transaction():
        kept = _kept(writer, [version.path for version, _, _ in found], ids)
        numbers = dict(writer.connection.execute(_NUMBERS, (json.dumps([*{version.path for version, _, _ in found}]),)))
        own: dict[int, Rows] = {}
        shared: list[tuple[int, Committed, Key, str]] = []
        new = 0
        for version, of, mark in found:
            id_ = ids.get(version.key)
            new += id_ is None
            if id_ is None and (waiting := kept.get((version.path, _content(writer, of, ids, own)))):
                id_ = _adopted(writer, version, waiting, ids)
            elif id_ is not None and id_ not in again:
                continue
            if id_ is None:
                numbers[version.path] += 1
                id_ = _added(writer, version, numbers[version.path], ids)
            elif id_ not in again:
                continue
            if isinstance(of, Rows):
                own[id_] = of
            else:
                shared.append((id_, version, of, mark))
        versions.drop_rows(writer.connection, [id_ for id_ in (*own, *(share[0] for share in shared)) if id_ in again])
        writer.write_versions([*own.values()], [*own])
        _share(writer, shared, ids)
    writer.forget()  # whether there are versions
    return new


def place(
    writer: Writer,
    wanted: Mapping[Key, Committed],
    *,
    directory: str,
    is_stray: Callable[[Stored], bool],
    reached: Container[str],
    noted: Any,
) -> None:
    """Say of the versions of a repository which followed which, and when each was the notebook.

    Those that are none any more were never there: their commits are in the repository no more. What a commit that is
    has not made, since more is known of its parents now, is removed.

    Args:
        writer: of the store.
        wanted: versions of a repository, all of which are in the store.
        directory: of the repository.
        is_stray: whether a version that is not wanted is of this repository.
        reached: its commits.
        noted: what to note of it, for the next time.
    """
    with writer.transaction():
        connection = writer.connection
        known = {version.key: version for version in stored(writer)}
        ids = {key: version.id for key, version in known.items()}
        moved = (_moved(known[key], version, ids) for key, version in wanted.items() if key in known)
        connection.executemany(_PLACE, [place for place in moved if place])
        strays = [version for key, version in known.items() if key not in wanted and is_stray(version)]
        never = [version.id for version in strays if version.blob and version.commit in reached]
        versions.drop_rows(connection, never)
        connection.executemany("DELETE FROM versions WHERE id = ?", [(id_,) for id_ in never])
        connection.executemany(_NEVER, [(version.id,) for version in strays if version.blob])
        _link(writer, [(key[0], ids[key]) for key, version in wanted.items() if version.until is None and key in ids])
        connection.execute(_SET, (_name(directory), json.dumps([noted, _there(writer)])))


def _there(writer: Writer) -> int:
    """Count what is there by commits, as a removal of notebooks changes it, too."""
    (count,) = writer.connection.execute(_THERE).fetchone()
    return int(count)


def _name(directory: str) -> str:
    return f"git {valid_text(directory)}"


def _kept(writer: Writer, paths: Sequence[str], ids: dict[Key, int]) -> dict[Key, list[tuple[str, int]]]:
    """Read the versions of some paths: add to the ids those of commits; of others return moment and id by content."""
    kept: dict[Key, list[tuple[str, int]]] = defaultdict(list)
    for path, commit, id_, since, content in writer.connection.execute(_OF_PATHS, (json.dumps([*{*paths}]),)):
        if commit:
            ids[path, commit] = id_
        elif content:
            kept[path, content].append((since, id_))
    return kept


def _content(writer: Writer, of: Rows | Key, ids: Mapping[Key, int], own: Mapping[int, Rows]) -> str:
    """Return the hash of a content, or nothing if it has none."""
    if not isinstance(of, Rows):
        shared = own.get(ids[of])
        if shared is None:
            (found,) = writer.connection.execute(_CONTENT, (ids[of],)).fetchone()
            return found or ""
        of = shared
    return of.content_hash or ""


def _adopted(writer: Writer, version: Committed, waiting: list[tuple[str, int]], ids: dict[Key, int]) -> int | None:
    """Tell one of the versions that were kept with its content to be the commit's.

    It is the last before the commit; if there is none, and no later commit has that content, the first.
    """
    before = [one for one in waiting if one[0] <= version.authored_at]
    if not before and not version.is_last:
        return None
    taken = before[-1] if before else waiting[0]
    waiting.remove(taken)
    ids[version.key] = taken[1]
    previous = ids.get(version.previous) if version.previous else None
    writer.connection.execute(_ADOPT, (version.commit, version.authored_at, version.branch, previous, taken[1]))
    return taken[1]


def _added(writer: Writer, version: Committed, number: int, ids: dict[Key, int]) -> int:
    previous = ids.get(version.previous) if version.previous else None
    times = version.since, version.until, version.commit, version.authored_at, version.branch
    (id_,) = writer.connection.execute(_ADD, (version.path, number, previous, *times)).fetchone()
    ids[version.key] = id_
    return int(id_)


def _share(writer: Writer, shared: Sequence[tuple[int, Committed, Key, str]], ids: Mapping[Key, int]) -> None:
    """Give versions the rows of others, but for what is their own."""
    for id_, version, of, mark in shared:
        own = {"id": id_, "of": ids[of], "path": version.path, "os_path": version.os_path, "mark": mark}
        for statement in _copies():
            writer.connection.execute(statement, own)
    versions.count_names(writer.connection, [id_ for id_, *_ in shared])


def _moved(known: Stored, wanted: Committed, ids: Mapping[Key, int]) -> tuple[Any, ...] | None:
    """Return what is to be said of a version, if that is not what is said already."""
    previous = ids.get(wanted.previous) if wanted.previous else None
    branch = wanted.branch if wanted.is_made_there else known.branch or wanted.branch
    since, until = wanted.since, wanted.until
    if not known.blob:  # the store has seen it itself
        previous, since = known.previous or previous, known.since
        until = known.until or (until if until and until > since else None)
    place = previous, since, until, branch
    return None if place == (known.previous, known.since, known.until, known.branch) else (*place, known.id)


def _link(writer: Writer, there: Sequence[tuple[str, int]]) -> None:
    """Tell of notebooks that they are the versions that are there by git, if they have their content."""
    connection = writer.connection
    now = present(writer, [path for path, _ in there])
    contents = dict(connection.execute(_CONTENTS, (ids_as_json([id_ for _, id_ in there]),)))
    linked = []
    for path, id_ in there:
        notebook = now.get(path)
        if not notebook or notebook.version == id_ or (notebook.version and not notebook.is_committed):
            continue
        if notebook.etag or (notebook.content_hash and notebook.content_hash == contents[id_]):
            linked.append((notebook.id, id_))
    versions.link(connection, linked)


@cache
def _copies() -> list[str]:
    """The statements that give a version the rows of another, but its own path."""
    keys = {"notebook_id": ":id"}
    file = {"id": ":id", "path": ":path", "os_path": ":os_path", "etag": ":mark", "mtime": "NULL", "mtime_ns": "NULL"}
    found = []
    for table in schema.KEPT:
        key = "id" if table == "notebooks" else "notebook_id"
        columns = [column for column in schema.tables()[table].columns if table != "problems" or column != "id"]
        own = file if table == "notebooks" else keys
        values = [own.get(column, column) for column in columns]
        quoted = ", ".join(columns)
        found.append(
            f"INSERT INTO version_{table} ({quoted}) SELECT {', '.join(values)} FROM version_{table} WHERE {key} = :of"
        )
    return found
