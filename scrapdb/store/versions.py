"""Versions: what notebooks were, kept beside what they are.

Who writes notebooks need not know of it: a `Writer` keeps what the settings of its store say.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from functools import cache
from typing import NamedTuple
from typing import Self

import msgspec

from scrapdb.errors import UsageError
from scrapdb.store import schema
from scrapdb.store.values import ids_as_json

_TOGETHER = 1_000  # notebooks, whose first versions are kept in one transaction
_FOR_EVER = 60_000_000_000  # seconds, before which no calendar of Python begins
_SETTING = "SELECT value FROM settings WHERE name = 'keep'"
_SET = "INSERT OR REPLACE INTO settings VALUES ('keep', ?)"
_WITHOUT = """
SELECT id FROM notebooks
 WHERE id > ? AND NOT EXISTS (SELECT 1 FROM versions WHERE notebook_id = notebooks.id) ORDER BY id LIMIT ?"""
# Of each notebook its version that is there now, or by its last commit, or was last; and the highest number of one.
# What an older scrapdb read, whose hash is forgotten, is told by size and time. A run that was seen under way is none
# of its own: it is the version that it becomes.
_LAST = """
SELECT n.id, n.path, n.ended_at, n.mtime,
       v.notebook_id = n.id AND (k.content_hash IS n.content_hash
         OR k.content_hash IS NULL AND k.size = n.size AND k.mtime = n.mtime
         OR k.status = 'running' AND k.started_at IS n.started_at AND v.commit_hash IS NULL) AS same,
       v.id, v.since, v.until, v.notebook_id,
       coalesce((SELECT max(version) FROM versions WHERE path = n.path), 0) AS number
  FROM json_each(?) AS written CROSS JOIN notebooks AS n ON n.id = written.value
  LEFT JOIN versions AS v ON v.id = coalesce(
    (SELECT id FROM versions WHERE notebook_id = n.id),
    (SELECT id FROM versions WHERE path = n.path AND until IS NOT since
      ORDER BY until IS NULL DESC, version DESC LIMIT 1))
  LEFT JOIN version_notebooks AS k ON k.id = v.id"""
_END = "UPDATE versions SET notebook_id = NULL, until = coalesce(until, ?) WHERE id = ?"
_BEGIN = "INSERT INTO versions (path, version, notebook_id, previous, since) VALUES (?, ?, ?, ?, ?)"
_IDS = "SELECT v.id FROM json_each(?) AS written CROSS JOIN versions AS v ON v.notebook_id = written.value"
_GONE = "SELECT v.id, since FROM json_each(?) AS gone CROSS JOIN versions AS v ON v.notebook_id = gone.value"
_UNLIKE = """
UPDATE versions SET notebook_id = NULL WHERE id IN (
  SELECT v.id FROM json_each(?) AS written CROSS JOIN notebooks AS n ON n.id = written.value
    JOIN versions AS v ON v.notebook_id = n.id JOIN version_notebooks AS k ON k.id = v.id
   WHERE k.content_hash IS NOT n.content_hash)"""
_COUNT = """
INSERT INTO version_name_types
SELECT v.name_id, '{role}', v.type, {sign}count(*)
  FROM json_each(?) AS changed CROSS JOIN version_{role}s AS v ON v.notebook_id = changed.value
 WHERE true GROUP BY v.name_id, v.type
    ON CONFLICT DO UPDATE SET notebooks = notebooks + excluded.notebooks"""
# Those of commits are git's, which keeps them.
_OLD = "SELECT id FROM versions WHERE since < ?1 AND until < ?1 AND notebook_id IS NULL AND commit_hash IS NULL"
_BEYOND = """
SELECT id FROM versions
 WHERE path = ? AND version <= ? AND notebook_id IS NULL AND commit_hash IS NULL"""
_NUMBERS = "SELECT path, max(version) FROM versions GROUP BY path"
_KEPT = "SELECT id FROM versions WHERE commit_hash IS NULL"


class Retention(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which versions of a notebook are kept: the last so many, 0 for none; and for so many seconds after they ended.

    Where neither is said, all are kept.
    """

    count: int | None = None
    seconds: int | None = None

    @classmethod
    def of(cls, kept: bool | int | timedelta) -> Self:  # noqa: FBT001 - as people say it: keep=True, keep=100
        """Return what is meant: all, none, the last so many, or those that ended less than so long ago.

        Raises:
            UsageError: it is negative.
        """
        if isinstance(kept, bool):
            return cls() if kept else cls(0)
        if (kept < 0) if isinstance(kept, int) else (kept <= timedelta()):
            raise UsageError(f"Versions are kept by a number or an age, 100 or timedelta(days=30), not {kept!r}.")
        return cls(kept) if isinstance(kept, int) else cls(seconds=int(kept.total_seconds()))


class _Last(NamedTuple):
    """A notebook that was written, and its version before: that there is now, or was last."""

    notebook_id: int
    path: str
    ended_at: str | None
    mtime: str | None
    same: int | None
    id: int | None
    since: str | None
    until: str | None
    is_current: int | None
    number: int


def retention(connection: sqlite3.Connection) -> Retention | None:
    """Read which versions a store keeps; None if it keeps none."""
    found = connection.execute(_SETTING).fetchone()
    return msgspec.json.decode(found[0], type=Retention) if found else None


def set_retention(connection: sqlite3.Connection, wanted: Retention) -> None:
    """Keep versions from now on, or none, and let go of what is not kept any more."""
    if wanted.count == 0:
        connection.execute("DELETE FROM settings WHERE name = 'keep'")
        _let_go(connection, connection.execute(_KEPT))
        return
    connection.execute(_SET, (msgspec.json.encode(wanted).decode(),))
    if wanted.count is not None:
        _let_go(connection, _beyond(connection, wanted.count, connection.execute(_NUMBERS).fetchall()))
    let_go(connection, wanted)


def without(connection: sqlite3.Connection) -> Iterator[list[int]]:
    """Read the ids of notebooks of which no version was kept, some at a time."""
    last = 0
    while found := [id_ for (id_,) in connection.execute(_WITHOUT, (last, _TOGETHER))]:
        yield found
        last = found[-1]


def are_there(connection: sqlite3.Connection) -> bool:
    """Return whether there is any version."""
    return connection.execute("SELECT 1 FROM versions LIMIT 1").fetchone() is not None


def keep(connection: sqlite3.Connection, notebooks: Sequence[int], kept: Retention) -> None:
    """Make a version of what was just written of notebooks, by their ids, unless its content is that of the last one.

    Rows of the same content that were read otherwise, by a newer scrapdb, take the place of those of its version.
    """
    asked = ids_as_json(notebooks)
    lasts = [_Last(*row) for row in connection.execute(_LAST, (asked,))]
    fresh = [last for last in lasts if not last.same]
    drop_rows(connection, [last.id for last in lasts if last.same and last.id is not None])
    now = written(datetime.now(UTC))
    began = [_since(last, now) for last in fresh]
    connection.executemany(
        _END, [(since, last.id) for last, since in zip(fresh, began, strict=True) if last.is_current]
    )
    connection.executemany(
        _BEGIN,
        [
            (last.path, last.number + 1, last.notebook_id, last.id, since)
            for last, since in zip(fresh, began, strict=True)
        ],
    )
    _copy_rows(connection, [id_ for (id_,) in connection.execute(_IDS, (asked,))])
    if kept.count is not None:
        _let_go(connection, _beyond(connection, kept.count, [(last.path, last.number + 1) for last in fresh]))


def unlink(connection: sqlite3.Connection, notebooks: Sequence[int]) -> None:
    """Say that what was just written of notebooks is not the version that was there before, where it is not."""
    connection.execute(_UNLIKE, (ids_as_json(notebooks),))


def link(connection: sqlite3.Connection, linked: Sequence[tuple[int, int]]) -> None:
    """Say which versions notebooks are, by the ids of both."""
    connection.executemany(
        "UPDATE versions SET notebook_id = NULL WHERE notebook_id = ?", [pair[:1] for pair in linked]
    )
    connection.executemany("UPDATE versions SET notebook_id = ? WHERE id = ?", linked)


def close(connection: sqlite3.Connection, notebooks: Sequence[int]) -> None:
    """Say of notebooks, by their ids, that they are no more."""
    now = written(datetime.now(UTC))
    gone = connection.execute(_GONE, (ids_as_json(notebooks),)).fetchall()
    connection.executemany(_END, [(now if now > since else _after(since), id_) for id_, since in gone])


def let_go(connection: sqlite3.Connection, kept: Retention) -> None:
    """Let go of the versions that are too old."""
    if kept.seconds is not None and kept.seconds < _FOR_EVER:
        limit = written(datetime.now(UTC) - timedelta(seconds=kept.seconds))
        _let_go(connection, connection.execute(_OLD, (limit,)))


def count_names(connection: sqlite3.Connection, versions: Sequence[int], sign: str = "") -> None:
    """Count what names stand for in versions, by their ids; or, with the sign `-`, do not count it any more."""
    for role in ("scrap", "parameter"):
        connection.execute(_COUNT.format(role=role, sign=sign), (ids_as_json(versions),))


def drop_rows(connection: sqlite3.Connection, versions: Sequence[int]) -> None:
    """Remove the rows of versions from all tables but `versions` itself."""
    if versions:
        count_names(connection, versions, "-")
        for table in schema.KEPT:
            key = "id" if table == "notebooks" else "notebook_id"
            connection.execute(
                f"DELETE FROM version_{table} WHERE {key} IN (SELECT value FROM json_each(?))", (ids_as_json(versions),)
            )


def written(moment: datetime) -> str:
    """Write a moment as the store does."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat('T', 'microseconds')}Z"


def _since(last: _Last, now: str) -> str:
    """Find from when a notebook is as it is: its run's end, its file's time or now, if that follows what was before.

    A run that ended after its file was written is not what is in it.
    """
    ended = last.ended_at if last.ended_at and last.ended_at <= (last.mtime or now) else None
    moments = [moment for moment in (ended, last.mtime, now) if moment and moment <= now]
    if last.since is None:
        return moments[0]
    over = max(_after(last.since), "" if last.is_current else last.until or "")
    return next((moment for moment in moments if moment >= over), over)


def _after(moment: str) -> str:
    """Return the next moment that the store can tell from one."""
    return written(datetime.fromisoformat(moment) + timedelta(microseconds=1))


def _copy_rows(connection: sqlite3.Connection, versions: Sequence[int]) -> None:
    """Copy the rows of notebooks to their versions, which have none."""
    for statement in _copies():
        connection.execute(statement, (ids_as_json(versions),))
    count_names(connection, versions)


@cache
def _copies() -> list[str]:
    """The statements that copy the rows of notebooks."""
    found = []
    for table in schema.KEPT:
        key = "id" if table == "notebooks" else "notebook_id"
        left_out = {key, "id"} if table == "problems" else {key}
        columns = [column for column in schema.tables()[table].columns if column not in left_out]
        found.append(
            f"INSERT INTO version_{table} ({key}, {', '.join(columns)})"
            f" SELECT v.id, {', '.join(f't.{column}' for column in columns)}"
            " FROM json_each(?) AS fresh CROSS JOIN versions AS v ON v.id = fresh.value"
            f" CROSS JOIN {table} AS t ON t.{key} = v.notebook_id"
        )
    return found


def _beyond(connection: sqlite3.Connection, count: int, numbers: Iterable[tuple[str, int]]) -> list[tuple[int]]:
    """Find the versions before the last so many, of paths with the highest number of each."""
    return [row for path, number in numbers for row in connection.execute(_BEYOND, (path, number - count))]


def _let_go(connection: sqlite3.Connection, versions: Iterable[tuple[int]]) -> None:
    ids = [id_ for (id_,) in versions]
    drop_rows(connection, ids)
    connection.execute("DELETE FROM versions WHERE id IN (SELECT value FROM json_each(?))", (ids_as_json(ids),))
