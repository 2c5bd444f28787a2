"""Reading what a store is like at a glance: statuses, days, failures, numbers and pictures.

Every question is answered off an index or by a bounded sample, so that a store of many runs is seen as soon as a small
one.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

DAYS, FAILURES, FIELDS, PICTURES = 30, 6, 8, 12
MOST_PROBLEMS = 100_000  # that are counted
SAMPLED = 1_000  # notebooks, whose numbers stand for those of all
_READ_WHOLE = 5_000  # values of a name
_MOST_COUNTED = 500_000  # runs of the last days
_TRIED = 40  # names of numbers
_LOOKED_THROUGH = 200  # notebooks, for the latest pictures
_LONGEST = 400  # characters of an error's message
_FAILED = "(SELECT id FROM notebooks WHERE status = 'failed')"


class Day(NamedTuple):
    """A day in UTC, as 2026-11-01: how many runs began on it, and how many of them failed."""

    day: str
    runs: int
    failed: int


class Failed(NamedTuple):
    """A run that failed: which, when it began, and the class and message of its error."""

    path: str
    started_at: str | None
    error: str | None
    message: str | None


class Field(NamedTuple):
    """Numbers of one name in one role.

    Args:
        role: scrap or param.
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
    has_failed = "failed" in statuses
    chosen, seconds = _look(connection, sum(statuses.values()))
    fields, constants = _fields(connection, chosen)
    return Overview(
        statuses,
        _problems(connection),
        days(connection, failures=has_failed),
        failures(connection) if has_failed else [],
        fields,
        constants,
        seconds,
        None if chosen is None else len(chosen),
        latest_pictures(connection, pictures),
    )


def days(connection: sqlite3.Connection, *, failures: bool = True) -> list[Day]:
    """Read the last days with runs."""
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
    failed = _failed_by_day(connection, after) if failures and counted else {}
    return [Day(day, runs, failed.get(day, 0)) for day, runs in reversed(counted.items())]


def failures(connection: sqlite3.Connection) -> list[Failed]:
    """Read the runs that failed last; those without a start come after all others, the last that was indexed first."""
    # The sign keeps SQLite from beginning with all that failed, whose rows it would have to read to sort them.
    rows = connection.execute(
        f"""SELECT path, started_at, error_name, substr(error_value, 1, {_LONGEST}) FROM notebooks
             WHERE id IN (SELECT id FROM notebooks WHERE +id IN {_FAILED} ORDER BY started_at DESC, id DESC LIMIT ?)
             ORDER BY started_at DESC, id DESC""",
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


def _problems(connection: sqlite3.Connection) -> int:
    bounded = f"SELECT count(*) FROM (SELECT 1 FROM problems LIMIT {MOST_PROBLEMS + 1})"
    return int(connection.execute(bounded).fetchone()[0])


def _failed_by_day(connection: sqlite3.Connection, first: str) -> dict[str, int]:
    rows = connection.execute(
        f"""SELECT substr(started_at, 1, 10), count(*) FROM notebooks
             WHERE started_at >= ? AND +id IN {_FAILED} GROUP BY 1""",
        (first,),
    )
    return dict(rows.fetchall())


def _look(connection: sqlite3.Connection, count: int) -> tuple[list[int] | None, list[float]]:
    """Choose notebooks whose ids lie at even distances, and read their seconds.

    Returns:
        Their ids, or None if all notebooks are few enough, and the finite seconds.
    """
    if count <= SAMPLED:
        return None, _finite(connection.execute("SELECT seconds FROM notebooks"))
    # Together they would be found by reading all of them.
    ends = "SELECT (SELECT min(id) FROM notebooks), (SELECT max(id) FROM notebooks)"
    first, last = connection.execute(ends).fetchone()
    places = [first + (last - first) * place // (SAMPLED - 1) for place in range(SAMPLED)]
    nearest = connection.execute(
        "SELECT DISTINCT (SELECT min(id) FROM notebooks WHERE id >= value) FROM json_each(?)", (json.dumps(places),)
    )
    chosen = [id_ for (id_,) in nearest]
    seconds = connection.execute(
        "SELECT seconds FROM notebooks WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(chosen),)
    )
    return chosen, _finite(seconds)


def _finite(rows: Iterable[tuple[float | None]]) -> list[float]:
    return [number for (number,) in rows if number is not None and math.isfinite(number)]


def _fields(connection: sqlite3.Connection, chosen: list[int] | None) -> tuple[list[Field], dict[str, float]]:
    """Read the commonest names of numbers: those that vary, and those that do not, with their number."""
    fields: dict[tuple[str, int], Field] = {}
    constants: dict[str, float] = {}
    for name_id, name, role, runs, is_alone in _commonest(connection):
        lowest, highest = (_end(connection, role, name_id, end) for end in ("min", "max"))
        if lowest is None or highest is None:
            continue
        if lowest == highest:
            constants.setdefault(name, lowest)
        elif len(fields) < FIELDS:
            is_sampled = chosen is not None and runs > _READ_WHOLE
            fields[role, name_id] = Field(role, name, is_alone, runs, lowest, highest, [], is_sampled)
    for role in _TABLES:
        sampled = [name_id for (of, name_id), field in fields.items() if of == role and field.is_sampled]
        whole = [name_id for (of, name_id), field in fields.items() if of == role and not field.is_sampled]
        for names, among in ((sampled, chosen), (whole, None)):
            for name_id, number in _numbers(connection, role, names, among):
                fields[role, name_id].numbers.append(float(number))
    return list(fields.values()), dict(islice(constants.items(), FIELDS))


def _commonest(connection: sqlite3.Connection) -> Iterable[tuple[int, str, str, int, bool]]:
    """Read id, name, role, number of runs, and whether the name has no other role; scraps come before parameters."""
    rows = connection.execute(
        """SELECT name_id, name, iif(role = 'scrap', role, 'param'), sum(notebooks) AS runs,
                  (SELECT count(DISTINCT role) FROM name_types AS other
                    WHERE other.name_id = names.id AND other.notebooks > 0) = 1
             FROM name_types JOIN names ON names.id = name_id
            WHERE name_types.type IN ('integer', 'float') AND notebooks > 0
            GROUP BY name_id, role ORDER BY role = 'scrap' DESC, runs DESC, name LIMIT ?""",
        (_TRIED,),
    )
    return [(name_id, name, role, runs, bool(is_alone)) for name_id, name, role, runs, is_alone in rows]


def _end(connection: sqlite3.Connection, role: str, name_id: int, end: str) -> float | None:
    """Read the lowest or highest finite number, off the index."""
    row = connection.execute(
        f"""SELECT {end}(number) FROM {_TABLES[role]}
             WHERE name_id = ? AND number > -9e999 AND number < 9e999""",
        (name_id,),
    ).fetchone()
    return None if row[0] is None else float(row[0])


def _numbers(
    connection: sqlite3.Connection, role: str, name_ids: list[int], chosen: list[int] | None
) -> Iterable[tuple[int, float]]:
    """Read the finite numbers of some names, with the id of the name: of all notebooks or of the chosen ones."""
    if not name_ids:
        return []
    among = "" if chosen is None else "AND notebook_id IN (SELECT value FROM json_each(:chosen))"
    return connection.execute(
        f"""SELECT name_id, number FROM {_TABLES[role]}
             WHERE name_id IN (SELECT value FROM json_each(:names)) AND number > -9e999 AND number < 9e999 {among}""",
        {"names": json.dumps(name_ids)} | ({} if chosen is None else {"chosen": json.dumps(chosen)}),
    )


def _pictures(connection: sqlite3.Connection, notebooks: str, mime_types: Sequence[str]) -> list[Picture]:
    rows = connection.execute(
        f"""SELECT path, name, mime_type, hash, started_at
              FROM (SELECT id FROM ({notebooks})) AS latest
              JOIN notebooks ON notebooks.id = latest.id
              JOIN displays ON notebook_id = notebooks.id
              JOIN names ON names.id = name_id
             WHERE mime_type IN (SELECT value FROM json_each(?))
             ORDER BY started_at DESC, notebooks.id DESC, name""",
        (_LOOKED_THROUGH, json.dumps(mime_types)),
    )
    best: dict[tuple[str, str], tuple[int, Picture]] = {}
    for path, name, mime, digest, started in rows:
        rank = mime_types.index(mime)
        if (path, name) not in best or rank < best[path, name][0]:
            best[path, name] = rank, Picture(path, name, digest, started)
    return _spread([picture for _, picture in best.values()])


def _spread(pictures: Iterable[Picture]) -> list[Picture]:
    """Take the first picture of each notebook, then the second ones, until there are enough."""
    seen: Counter[str] = Counter()
    turns: list[tuple[int, Picture]] = []
    for picture in pictures:
        turns.append((seen[picture.path], picture))
        seen[picture.path] += 1
    return [picture for _, picture in islice(sorted(turns, key=lambda turn: turn[0]), PICTURES)]


_TABLES = {"scrap": "scraps", "param": "parameters"}
