"""Looking back: a connection for which the tables of the present hold what notebooks were.

It has temporary views over the tables of versions, called as those of the present; SQLite looks for a name there first
(https://www.sqlite.org/lang_naming.html). What is asked of it need not know: an id of a notebook is versions.id then.
Each view is of one table, without a join, so that SQLite asks the table itself. None of them has an index by value.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from scrapdb.errors import StoreError
from scrapdb.store.schema import KEPT
from scrapdb.store.values import KINDS_IN_SQL

_VERSIONS = "id, path, version, id AS notebook_id, previous, since, until, commit_hash, authored_at, branch"
_RUN = """id AS nb_id, path AS notebook, status AS nb_status, started_at AS nb_started_at, seconds AS nb_seconds,
  error_name || ifnull(': ' || error_value, '') AS nb_error"""
# As `names` say it of the present, but for columns of `runs`, which there are none of.
_NAMES = f"""
SELECT id, name,
  (SELECT CASE count(DISTINCT CASE type {KINDS_IN_SQL} END)
     WHEN 0 THEN min(type) WHEN 1 THEN max(CASE type {KINDS_IN_SQL} END) ELSE 'mixed' END
     FROM main.version_name_types WHERE name_id = n.id AND notebooks > 0) AS type,
  (SELECT coalesce(sum(notebooks), 0) FROM main.version_name_types
    WHERE name_id = n.id AND role = 'scrap') AS scraps,
  (SELECT coalesce(sum(notebooks), 0) FROM main.version_name_types
    WHERE name_id = n.id AND role = 'parameter') AS parameters,
  0 AS whole
FROM main.names AS n"""
# Those that were there at a moment: of a notebook one, unless it was kept and committed.
_CHOSEN = """
INSERT INTO temp.chosen
SELECT id FROM main.versions WHERE until > ?1 AND since <= ?1 UNION ALL
SELECT id FROM main.versions WHERE until IS NULL AND since <= ?1"""
_ONE_OF_EACH = """
DELETE FROM temp.chosen WHERE id IN (
  SELECT id FROM (
    SELECT v.id, row_number() OVER (PARTITION BY path ORDER BY since DESC, version DESC) AS place
      FROM temp.chosen CROSS JOIN main.versions AS v ON v.id = chosen.id)
   WHERE place > 1)"""
_ARE_KEPT = """
SELECT EXISTS (SELECT 1 FROM main.versions)
    OR EXISTS (SELECT 1 FROM main.settings WHERE name = 'keep' OR name GLOB 'git *')"""


class Past(NamedTuple):
    """What is looked back at: what the store was at a moment, written as it writes times, or every version."""

    moment: str | None = None


EVERY_VERSION = Past()


class LookingBack(sqlite3.Connection):
    """A connection that has a past in place of the present."""

    past: Past


def of(connection: sqlite3.Connection) -> Past | None:
    """Tell what a connection looks back at; None if it is one to the present."""
    return connection.past if isinstance(connection, LookingBack) else None


def is_every_version(connection: sqlite3.Connection) -> bool:
    """Return whether a notebook may have several rows."""
    return of(connection) == EVERY_VERSION


def are_commits(connection: sqlite3.Connection) -> bool:
    """Return whether versions were read of repositories."""
    return connection.execute("SELECT 1 FROM main.settings WHERE name GLOB 'git *'").fetchone() is not None


def are_kept(connection: sqlite3.Connection) -> bool:
    """Return whether a store keeps versions, or has some."""
    return bool(connection.execute(_ARE_KEPT).fetchone()[0])


def began(connection: sqlite3.Connection) -> str | None:
    """Tell when the first version was there, if none was yet at the moment that is looked at."""
    looked_at = of(connection)
    if looked_at is None or looked_at.moment is None:
        return None
    if connection.execute("SELECT 1 FROM temp.chosen LIMIT 1").fetchone():
        return None
    (first,) = connection.execute("SELECT min(since) FROM main.versions").fetchone()
    return str(first) if first is not None and first > looked_at.moment else None


def look_back(connection: sqlite3.Connection, past: Past) -> None:
    """Have a connection of that kind look back, once.

    Raises:
        StoreError: the store keeps no versions.
    """
    if not are_kept(connection):
        raise StoreError(
            "The store keeps no versions of its notebooks: `scrapdb index PATH --keep` keeps from now on what is"
            " replaced, and `scrapdb index --git REPO` reads what was committed."
        )
    connection.past = past  # type: ignore[attr-defined]
    connection.execute("PRAGMA temp_store = MEMORY")
    if past.moment is not None:
        connection.execute("CREATE TEMP TABLE chosen (id INTEGER PRIMARY KEY)")
        connection.execute(_CHOSEN, (past.moment,))
        if are_commits(connection):
            connection.execute(_ONE_OF_EACH)
    for name, select in _views(past):
        connection.execute(f"CREATE TEMP VIEW {name} AS {select}")


def _views(past: Past) -> Iterator[tuple[str, str]]:
    def chosen(key: str) -> str:
        return "" if past.moment is None else f" WHERE {key} IN (SELECT id FROM temp.chosen)"

    for table in KEPT:
        yield table, f"SELECT * FROM main.version_{table}{chosen('id' if table == 'notebooks' else 'notebook_id')}"
    yield "runs", f"SELECT {_RUN} FROM main.version_notebooks{chosen('id')}"
    yield "versions", f"SELECT {_VERSIONS} FROM main.versions"
    yield "names", _NAMES
    yield "name_types", "SELECT * FROM main.version_name_types"
    yield "run_columns", "SELECT * FROM main.run_columns WHERE 0"
    yield "cells", "SELECT * FROM main.cells WHERE 0"
    yield "executions", "SELECT rowid AS rowid, * FROM main.executions WHERE 0"
