"""Reading what belongs together: the notebooks beside one, the runs of the same code, where a frame is from."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from scrapdb.store.read import Frame


class Run(NamedTuple):
    """One run of a notebook, in the few words that a link needs."""

    path: str
    status: str
    started_at: str | None
    seconds: float | None


class NamedFrame(NamedTuple):
    """A frame and the name under which it was glued."""

    name: str
    frame: Frame


def frames_by_hash(connection: sqlite3.Connection, digest: str, limit: int) -> list[NamedFrame]:
    """Read where a DataFrame was glued, by path and name: equal ones are kept once."""
    rows = connection.execute(f"{_FRAMES} WHERE frames.hash = ? ORDER BY path, name LIMIT ?", (digest, limit))
    return [NamedFrame(name, Frame(*frame)) for name, *frame in rows]


def frame_of(connection: sqlite3.Connection, notebook_id: int, name: str) -> NamedFrame | None:
    """Read the DataFrame that a notebook glued under a name."""
    row = connection.execute(f"{_FRAMES} WHERE notebook_id = ? AND name = ?", (notebook_id, name)).fetchone()
    return NamedFrame(row[0], Frame(*row[1:])) if row else None


def beside(connection: sqlite3.Connection, path: str) -> tuple[str | None, str | None]:
    """Read the paths just before and after a path."""
    before = connection.execute("SELECT max(path) FROM notebooks WHERE path < ?", (path,)).fetchone()[0]
    after = connection.execute("SELECT min(path) FROM notebooks WHERE path > ?", (path,)).fetchone()[0]
    return before, after


def same_code(connection: sqlite3.Connection, notebook_id: int, limit: int) -> tuple[list[Run], list[Run]]:
    """Read the runs of the same code that started just before and just after a run, the nearest first.

    A run without a start comes before all that have one.
    """
    code, start, path = connection.execute(
        "SELECT code_hash, started_at, path FROM notebooks WHERE id = ?", (notebook_id,)
    ).fetchone()
    values = {"code": code, "start": start, "path": path}
    before, after = (_BEFORE_UNSTARTED, _AFTER_UNSTARTED) if start is None else (_BEFORE, _AFTER)
    return _nearest(connection, before, "DESC", values, limit), _nearest(connection, after, "ASC", values, limit)


# Which runs lie before and after one, nearer ones first; each is a range of the index on code and start.
_BEFORE = ("started_at <= :start AND (started_at < :start OR path < :path)", "started_at IS NULL")
_AFTER = ("started_at >= :start AND (started_at > :start OR path > :path)",)
_BEFORE_UNSTARTED = ("started_at IS NULL AND path < :path",)
_AFTER_UNSTARTED = ("started_at IS NULL AND path > :path", "started_at IS NOT NULL")


def _nearest(
    connection: sqlite3.Connection, ranges: tuple[str, ...], order: str, values: dict[str, str | None], limit: int
) -> list[Run]:
    found: list[Run] = []
    for condition in ranges:
        rows = connection.execute(
            f"""SELECT path, status, started_at, seconds FROM notebooks WHERE code_hash = :code AND {condition}
                 ORDER BY started_at {order}, path {order} LIMIT :limit""",
            values | {"limit": limit - len(found)},
        )
        found += [Run(*row) for row in rows]
    return found


_FRAMES = """
SELECT name, notebook_id, path, rows, columns, hash, frames.size, stored
  FROM frames JOIN names ON names.id = name_id JOIN notebooks ON notebooks.id = notebook_id"""
