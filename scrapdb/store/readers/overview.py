"""Reading what a store is like at a glance: statuses, days, failures, numbers and pictures.

Every question is answered off an index or by a bounded sample, so that a store of many runs is seen as soon as a small
one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from scrapdb.store.readers.names import number_range
from scrapdb.store.readers.problems import ERROR
from scrapdb.store.readers.problems import FAILED
from scrapdb.store.readers.problems import MESSAGE

DAYS, FAILURES, FIELDS, PICTURES = 30, 6, 8, 12
MOST_PROBLEMS = 100_000  # that are counted
SAMPLED = 1_000  # notebooks, whose numbers stand for those of all
_READ_WHOLE = 5_000  # values of a name
_MOST_COUNTED = 500_000  # runs of the last days
_TRIED = 40  # names of numbers
_LOOKED_THROUGH = 200  # notebooks, for the latest pictures
_LONGEST = 400  # characters of an error's message
_IS_FINITE = "number > -9e999 AND number < 9e999"
_FAILED = f"(SELECT id FROM notebooks WHERE status IN {FAILED})"


class Day(NamedTuple):
    """A day in UTC, as 2026-11-01: how many runs began on it, and how many of them failed."""

    day: str
    runs: int
    failed: int


class Failed(NamedTuple):
    """A run that failed: which, when it began, and class and message of its error, or what became of it and why."""

    path: str
    started_at: str | None
    error: str | None
    message: str | None


class Field(NamedTuple):
    """Numbers of one name in one role.

    Args:
        role: scrap or parameter.
        name: the name.
        is_alone: whether the name has numbers in this role only.
        runs: how many have it.
        lowest: of all finite numbers.
        highest: of all finite numbers.
        numbers: finite ones, of all runs or of a sample.
        is_sampled: whether they are of a sample.
    """

    role: str
    name: str
    is_alone: bool
    runs: int
    lowest: float
    highest: float
    numbers: list[float]
    is_sampled: bool


class Picture(NamedTuple):
    """A picture, and where and when it was shown."""

    path: str
    name: str
    hash: str
    started_at: str | None


class Overview(NamedTuple):
    """A store at a glance.

    Args:
        statuses: how many notebooks have each status.
        problems: how many there are; `MOST_PROBLEMS` + 1 if there are more.
        days: the last ones with runs, the first of them first.
        failures: the runs that failed last, the last one first.
        fields: the commonest names of numbers that vary.
        constants: the commonest names of numbers that are always the same, with that number.
        seconds: durations of runs, of all or of a sample.
        sampled: how many notebooks were looked at for a sample; None if all.
        pictures: the latest ones.
    """

    statuses: dict[str, int]
    problems: int
    days: list[Day]
    failures: list[Failed]
    fields: list[Field]
    constants: dict[str, float]
    seconds: list[float]
    sampled: int | None
    pictures: list[Picture]

    @property
    def notebooks(self) -> int:
        """How many there are."""
        return sum(self.statuses.values())


def read(connection: sqlite3.Connection, pictures: Sequence[str]) -> Overview:
    """Read a store at a glance; `pictures` are the MIME types of pictures, the best first."""
    statuses = dict(connection.execute("SELECT status, count(*) FROM notebooks GROUP BY status").fetchall())
    problems = f"SELECT count(*) FROM (SELECT 1 FROM problems LIMIT {MOST_PROBLEMS + 1})"
    has_failed = not statuses.keys().isdisjoint(FAILED)
    chosen, seconds = _look(connection, sum(statuses.values()))
    fields, constants = _fields(connection, chosen)
    return Overview(
        statuses,
        connection.execute(problems).fetchone()[0],
        days(connection, failures=has_failed),
        failures(connection) if has_failed else [],
        fields,
        constants,
        seconds,
        None if chosen is None else len(chosen),
        latest_pictures(connection, pictures),
    )


def days(connection: sqlite3.Connection, *, failures: bool) -> list[Day]:
    """Read the last days with runs; whether there are `failures` to count is known."""
    counted: dict[str, int] = {}
    after = "~"  # follows every time
    while len(counted) < DAYS and sum(counted.values()) < _MOST_COUNTED:
        (last,) = connection.execute("SELECT max(started_at) FROM notebooks WHERE started_at < ?", (after,)).fetchone()
        if last is None:
            break
        day = last[:10]
        (counted[day],) = connection.execute(
            "SELECT count(*) FROM notebooks WHERE started_at >= ? AND started_at < ?", (day, after)
        ).fetchone()
        after = day
    failed: dict[str, int] = {}
    if failures and counted:
        # The sign keeps SQLite from beginning with all that failed, whose rows it would have to read.
        rows = connection.execute(
            f"""SELECT substr(started_at, 1, 10), count(*) FROM notebooks
                 WHERE started_at >= ? AND +id IN {_FAILED} GROUP BY 1""",
            (after,),
        )
        failed = dict(rows.fetchall())
    return [Day(day, runs, failed.get(day, 0)) for day, runs in reversed(counted.items())]


def failures(connection: sqlite3.Connection) -> list[Failed]:
    """Read the runs that failed last; those without a start come after all others, the last that was indexed first."""
    # The sign: see `days`.
    rows = connection.execute(
        f"""SELECT path, n.started_at, {ERROR}, substr({MESSAGE}, 1, {_LONGEST})
              FROM notebooks AS n LEFT JOIN records ON notebook_id = n.id
             WHERE n.id IN (SELECT id FROM notebooks WHERE +id IN {_FAILED} ORDER BY started_at DESC, id DESC LIMIT ?)
             ORDER BY n.started_at DESC, n.id DESC""",
        (FAILURES,),
    )
    return [Failed(*row) for row in rows]


def latest_pictures(connection: sqlite3.Connection, mime_types: Sequence[str]) -> list[Picture]:
    """Read the latest pictures, one of each notebook before the second of any.

    They are looked for among the runs that started last and, if these have none, among the last that were indexed.
    """
    started = "SELECT id FROM notebooks ORDER BY started_at DESC, id DESC LIMIT ?"
    indexed = "SELECT DISTINCT notebook_id AS id FROM displays ORDER BY notebook_id DESC LIMIT ?"
    return _pictures(connection, started, mime_types) or _pictures(connection, indexed, mime_types)


def _pictures(connection: sqlite3.Connection, notebooks: str, mime_types: Sequence[str]) -> list[Picture]:
    # CROSS, so that SQLite begins with the notebooks; `min` chooses the row whose hash stands for a picture's types.
    rows = connection.execute(
        f"""SELECT path, name, hash, started_at
              FROM (SELECT path, name, hash, started_at, id, row_number() OVER (PARTITION BY id ORDER BY name) AS turn
                      FROM (SELECT notebooks.path, name, hash, started_at, notebooks.id, min(wanted.key)
                              FROM ({notebooks}) AS latest
                              CROSS JOIN notebooks ON notebooks.id = latest.id
                              CROSS JOIN displays ON notebook_id = latest.id
                              CROSS JOIN names ON names.id = name_id
                              CROSS JOIN json_each(?) AS wanted ON wanted.value = mime_type
                             GROUP BY notebooks.id, name_id))
             ORDER BY turn, started_at DESC, id DESC, name LIMIT ?""",
        (_LOOKED_THROUGH, json.dumps(mime_types), PICTURES),
    )
    return [Picture(*row) for row in rows]


def _look(connection: sqlite3.Connection, count: int) -> tuple[list[int] | None, list[float]]:
    """Choose ids of notebooks at even distances, or None where all are few enough; and read their finite seconds."""
    finite = "SELECT seconds FROM notebooks WHERE seconds > -9e999 AND seconds < 9e999"
    if count <= SAMPLED:
        return None, [seconds for (seconds,) in connection.execute(finite)]
    # Together they would be found by reading all of them.
    ends = "SELECT (SELECT min(id) FROM notebooks), (SELECT max(id) FROM notebooks)"
    first, last = connection.execute(ends).fetchone()
    places = [first + (last - first) * place // (SAMPLED - 1) for place in range(SAMPLED)]
    nearest = connection.execute(
        "SELECT DISTINCT (SELECT min(id) FROM notebooks WHERE id >= value) FROM json_each(?)", (json.dumps(places),)
    )
    chosen = [id_ for (id_,) in nearest]
    sample = connection.execute(f"{finite} AND id IN (SELECT value FROM json_each(?))", (json.dumps(chosen),))
    return chosen, [seconds for (seconds,) in sample]


def _fields(connection: sqlite3.Connection, chosen: list[int] | None) -> tuple[list[Field], dict[str, float]]:
    """Read the commonest names of numbers: those that vary, and those that do not, with their number."""
    fields: list[Field] = []
    constants: dict[str, float] = {}
    for name_id, name, role, runs, is_alone in _commonest(connection):
        lowest, highest = number_range(connection, role, name_id, _IS_FINITE)
        if lowest is None or highest is None:
            continue
        if lowest == highest:
            constants.setdefault(name, float(lowest))
        elif len(fields) < FIELDS:
            is_sampled = chosen is not None and runs > _READ_WHOLE
            numbers = _numbers(connection, role, name_id, chosen if is_sampled else None)
            fields.append(Field(role, name, bool(is_alone), runs, float(lowest), float(highest), numbers, is_sampled))
    return fields, dict(islice(constants.items(), FIELDS))


def _commonest(connection: sqlite3.Connection) -> Iterable[tuple[int, str, str, int, int]]:
    """Read id, name, role, number of runs, and whether the name has no other role; scraps come before parameters."""
    return connection.execute(
        """SELECT name_id, name, role, sum(notebooks) AS runs,
                  (SELECT count(DISTINCT role) FROM name_types AS other
                    WHERE other.name_id = names.id AND other.notebooks > 0) = 1
             FROM name_types JOIN names ON names.id = name_id
            WHERE name_types.type IN ('integer', 'float') AND notebooks > 0
            GROUP BY name_id, role ORDER BY role = 'scrap' DESC, runs DESC, name LIMIT ?""",
        (_TRIED,),
    ).fetchall()


def _numbers(connection: sqlite3.Connection, role: str, name_id: int, chosen: list[int] | None) -> list[float]:
    """Read the finite numbers of a name: of all notebooks or of the chosen ones."""
    # CROSS, so that SQLite looks up each of the chosen, in place of reading all numbers.
    source = "" if chosen is None else "json_each(:chosen) AS chosen CROSS JOIN "
    among = "" if chosen is None else "AND notebook_id = chosen.value"
    rows = connection.execute(
        f"SELECT number FROM {source}{role}s WHERE name_id = :name AND {_IS_FINITE} {among}",
        {"name": name_id, "chosen": json.dumps(chosen)},
    )
    return [float(number) for (number,) in rows]
