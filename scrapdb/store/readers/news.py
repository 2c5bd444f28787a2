"""Reading what changed in a store since a day, by its versions: which notebooks fail, which numbers moved, what is new.

As the overview, which shows it, it is answered off an index and by a bounded look.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import date
from datetime import timedelta
from typing import NamedTuple

from scrapdb.store.readers.problems import FAILED

LOOKED_AT = 1_000  # notebooks that changed last
MOVED = 10
_COMPARED = 20_000  # values
_WENT_WRONG = frozenset({*FAILED, "unreadable"})
_LAST = """
SELECT max((SELECT ifnull(max(since), '') FROM versions WHERE until IS NULL),
           ifnull((SELECT until FROM versions WHERE until > since ORDER BY until DESC LIMIT 1), ''))"""
_COUNT = "SELECT count(*) FROM versions WHERE until IS NULL AND since >= ?"
# What is there now since the day or later, and what it was when the day began: under the path that it had then.
_CHANGED = """
SELECT v.id, v.path, v.version, n.status, n.error_name, b.id, b.path, k.status
  FROM (SELECT id, path, version FROM versions WHERE until IS NULL AND since >= :day
         ORDER BY since DESC, id DESC LIMIT :most) AS v
  JOIN version_notebooks AS n ON n.id = v.id
  LEFT JOIN versions AS b ON b.id = coalesce(
    (SELECT id FROM versions
      WHERE path = v.path AND since < :day AND (until >= :day OR until IS NULL) ORDER BY version DESC LIMIT 1),
    (SELECT previous FROM versions WHERE path = v.path ORDER BY version LIMIT 1))
  LEFT JOIN version_notebooks AS k ON k.id = b.id"""
_GONE = """
SELECT path, version FROM (
  SELECT path, version FROM versions WHERE until >= :day AND until > since
   ORDER BY until DESC, id DESC LIMIT :most) AS v
 WHERE NOT EXISTS (SELECT 1 FROM versions WHERE path = v.path AND version > v.version
                      AND (until IS NULL OR until > since))
   AND EXISTS (SELECT 1 FROM versions WHERE path = v.path AND since < :day AND until > since AND until >= :day)"""
# Division is of floats, and by 0 it gives NULL; numbers that were 0 come last.
_MOVED = """
SELECT a.place, name, b.number, a.number
  FROM (SELECT pair.key AS place, json_extract(pair.value, '$[1]') AS before, s.name_id, s.type, s.number
          FROM json_each(:pairs) AS pair
          CROSS JOIN version_scraps AS s ON s.notebook_id = json_extract(pair.value, '$[0]') LIMIT :compared) AS a
  CROSS JOIN version_scraps AS b ON b.notebook_id = a.before AND b.name_id = a.name_id
  JOIN names ON names.id = a.name_id
 WHERE a.type IN ('integer', 'float') AND a.number > -9e999 AND a.number < 9e999
   AND b.type IN ('integer', 'float') AND b.number > -9e999 AND b.number < 9e999 AND a.number <> b.number
 ORDER BY abs((0.0 + a.number - b.number) / b.number) DESC NULLS LAST, place, name LIMIT :moved"""


class Changed(NamedTuple):
    """A version that is there now, and the one that was there when the day began; None where there was none."""

    id: int
    path: str
    version: int
    status: str
    error_name: str | None
    before_id: int | None
    before_path: str | None
    before_status: str | None

    @property
    def has_failed(self) -> bool:
        """Whether it went wrong, and did not before."""
        return self.status in _WENT_WRONG and self.before_status is not None and self.before_status not in _WENT_WRONG

    @property
    def has_recovered(self) -> bool:
        """Whether it went wrong before, and does not now."""
        return self.status not in _WENT_WRONG and self.before_status in _WENT_WRONG


class Moved(NamedTuple):
    """A number that is another one than when the day began."""

    path: str
    version: int
    name: str
    before: float
    after: float


class Gone(NamedTuple):
    """The last version of a notebook that is not there any more."""

    path: str
    version: int


class News(NamedTuple):
    """What changed since a day.

    Args:
        day: in UTC, as 2026-11-01.
        is_yesterday: whether it is yesterday; else it is the last day on which anything changed.
        changed: how many notebooks are not what they were when it began.
        looked_at: at how many of them, those that changed last, was looked for what follows.
        failed: those that went wrong, and did not before.
        recovered: those that went wrong before, and do not now.
        moved: numbers with the largest relative change, the largest first.
        new: notebooks that were not there.
        gone: the last versions of notebooks that are not there any more.
    """

    day: str
    is_yesterday: bool
    changed: int
    looked_at: int
    failed: list[Changed]
    recovered: list[Changed]
    moved: list[Moved]
    new: list[Changed]
    gone: list[Gone]


def read(connection: sqlite3.Connection, today: date) -> News | None:
    """Read what changed since yesterday, or since the last day on which anything did; None if there are no versions."""
    (last,) = connection.execute(_LAST).fetchone()
    if not last:
        return None
    yesterday = (today - timedelta(days=1)).isoformat()
    day = yesterday if last >= yesterday else last[:10]
    (count,) = connection.execute(_COUNT, (day,)).fetchone()
    values = {"day": day, "most": LOOKED_AT}
    changed = [Changed(*row) for row in connection.execute(_CHANGED, values)]
    renamed = {version.before_path for version in changed}
    return News(
        day,
        day == yesterday,
        count,
        len(changed),
        [version for version in changed if version.has_failed],
        [version for version in changed if version.has_recovered],
        _moved(connection, changed),
        [version for version in changed if version.before_id is None],
        [Gone(*row) for row in connection.execute(_GONE, values) if row[0] not in renamed],
    )


def _moved(connection: sqlite3.Connection, changed: Sequence[Changed]) -> list[Moved]:
    pairs = json.dumps([(version.id, version.before_id) for version in changed])
    rows = connection.execute(_MOVED, {"pairs": pairs, "compared": _COMPARED, "moved": MOVED})
    return [Moved(changed[place].path, changed[place].version, *moved) for place, *moved in rows]
