"""Reading attempts at runs: what is queued, what is under way, and how it ended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

UNFINISHED = ("queued", "running", "retrying")
_COMPARED = 100  # earlier runs of the same code


class Attempt(NamedTuple):
    """One attempt at a run, as a row of `executions`: `parameters` and `report` are JSON, times as in `notebooks`."""

    id: str
    batch: str
    notebook: str
    source: str | None = None
    parameters: str | None = None
    attempt: int = 1
    state: str = "queued"
    reason: str | None = None
    cell: int | None = None
    cells: int | None = None
    expected_seconds: float | None = None
    wall: str | None = None
    runner: str | None = None
    queued_at: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    report: str | None = None


class Batch(NamedTuple):
    """The runs of one command: when they were queued, and how many are in each state by their last attempts."""

    id: str
    queued_at: str | None
    states: dict[str, int]

    @property
    def runs(self) -> int:
        """How many there are."""
        return sum(self.states.values())

    @property
    def unfinished(self) -> int:
        """How many are not over."""
        return sum(self.states.get(state, 0) for state in UNFINISHED)


_READ = f"SELECT {', '.join(Attempt._fields)} FROM executions"
_UNFINISHED = f"{_READ} WHERE state IN {UNFINISHED} ORDER BY rowid"
_OF_BATCH = f"{_READ} WHERE batch = ? ORDER BY rowid"
_LAST_OF = f"""
{_READ} WHERE rowid IN (SELECT max(rowid) FROM executions
                         WHERE notebook IN (SELECT value FROM json_each(?)) GROUP BY notebook)"""
_SECONDS = """
SELECT seconds FROM notebooks
 WHERE code_hash = ? AND status = 'completed' AND seconds IS NOT NULL ORDER BY started_at DESC LIMIT ?"""
# Paths that end so, as `find_notebook` has them.
_CALLED = """
(notebook = :name OR substr('/' || notebook, -length(:end)) = :end
                  OR substr('/' || notebook, -length(:whole)) = :whole)"""
_LAST_ATTEMPTS = "(SELECT max(rowid) FROM executions WHERE batch = :batch GROUP BY notebook)"
# What a person looks for first: what is under way, what went wrong, what waits.
_ORDER = ("running", "retrying", "failed", "timed out", "killed", "lost", "cancelled", "queued", "skipped", "completed")
_PLACE = " ".join(f"WHEN '{state}' THEN {place}" for place, state in enumerate(_ORDER))
_STATES = f"SELECT state, count(*) FROM executions WHERE rowid IN {_LAST_ATTEMPTS} GROUP BY state"


def unfinished(connection: sqlite3.Connection) -> list[Attempt]:
    """Read the attempts that are not over; they are so for ever if their runner is gone."""
    return [Attempt(*row) for row in connection.execute(_UNFINISHED)]


def of_batch(connection: sqlite3.Connection, batch: str) -> list[Attempt]:
    """Read the attempts of a batch in the order in which they were queued."""
    return [Attempt(*row) for row in connection.execute(_OF_BATCH, (batch,))]


def expected_seconds(connection: sqlite3.Connection, code_hash: str) -> float | None:
    """Compute the median of the seconds that the last completed runs of some code took; None if there are none."""
    from statistics import median  # takes longer than many a question

    seconds = [row[0] for row in connection.execute(_SECONDS, (code_hash, _COMPARED))]
    return median(seconds) if seconds else None


def last_of(connection: sqlite3.Connection, notebooks: Iterable[str]) -> list[Attempt]:
    """Read the last attempt at each of some notebooks, by their paths."""
    return [Attempt(*row) for row in connection.execute(_LAST_OF, (json.dumps(list(notebooks)),))]


def under_way(connection: sqlite3.Connection, notebook: str) -> Attempt | None:
    """Read the attempt at a notebook, by its path, that is not over; None if there is none."""
    last = connection.execute(
        f"{_READ} WHERE state IN {UNFINISHED} AND notebook = ? ORDER BY rowid DESC", (notebook,)
    ).fetchone()
    return Attempt(*last) if last else None


def called(connection: sqlite3.Connection, name: str) -> list[Attempt]:
    """Read the last attempt at each notebook that is called so: by its path, or by the end of it."""
    values = {"name": name, "end": f"/{name}", "whole": f"/{name}.ipynb"}
    paths = connection.execute(f"SELECT DISTINCT notebook FROM executions WHERE {_CALLED}", values)
    return last_of(connection, [path for (path,) in paths])


def are_any(connection: sqlite3.Connection) -> bool:
    """Return whether a runner has ever written here."""
    return connection.execute("SELECT 1 FROM executions LIMIT 1").fetchone() is not None


def batches(connection: sqlite3.Connection, *, unfinished: bool, limit: int) -> list[Batch]:
    """Read the batches that were queued last, the last one first: those that are not over, or all."""
    which = f"WHERE state IN {UNFINISHED}" if unfinished else ""
    rows = connection.execute(
        f"SELECT batch, max(rowid) FROM executions {which} GROUP BY batch ORDER BY 2 DESC LIMIT ?", (limit,)
    )
    return [batch(connection, id_) for id_, _ in rows.fetchall()]


def batch(connection: sqlite3.Connection, id_: str) -> Batch:
    """Count the runs of a batch by their states; there are none if nobody knows it."""
    (queued_at,) = connection.execute("SELECT min(queued_at) FROM executions WHERE batch = ?", (id_,)).fetchone()
    states = dict(connection.execute(_STATES, {"batch": id_}).fetchall())
    return Batch(id_, queued_at, {state: states[state] for state in _ORDER if state in states})


def runs_of_batch(
    connection: sqlite3.Connection, batch: str, state: str | None, limit: int, offset: int
) -> list[Attempt]:
    """Read the last attempt at each run of a batch, in one state or in any: what is under way comes first."""
    rows = connection.execute(
        f"""{_READ} WHERE rowid IN {_LAST_ATTEMPTS} AND (:state IS NULL OR state = :state)
             ORDER BY CASE state {_PLACE} END, rowid LIMIT :limit OFFSET :offset""",
        {"batch": batch, "state": state, "limit": limit, "offset": offset},
    )
    return [Attempt(*row) for row in rows]
