"""What changed since a day: random histories, by SQL and by a plain loop over them."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing
from datetime import date
from datetime import timedelta
from typing import Any
from typing import NamedTuple
from typing import TypeGuard

import pytest

from scrapdb.store import schema
from scrapdb.store.readers import news
from scrapdb.store.readers.problems import FAILED

TODAY = date(2026, 11, 30)
WRONG = {*FAILED, "unreadable"}


class Kept(NamedTuple):
    """A version of a made history."""

    path: str
    version: int
    since: str
    until: str | None
    status: str
    numbers: dict[str, float | int | None]


def moment(day: float) -> str:
    """The moment that is so many days after the first of November, to the hour."""
    return f"{date(2026, 11, 1) + timedelta(days=int(day))}T{int(day % 1 * 24):02}:30:00.000000Z"


def made(seed: int, last_day: int) -> list[Kept]:
    """Forty notebooks that come, change, go, come back, and fail."""
    chance = random.Random(seed)  # noqa: S311 - the same in every run
    found: list[Kept] = []
    for notebook in range(40):
        days = sorted(chance.sample(range(last_day * 24), chance.randint(1, 6)))
        ends = [moment(day / 24) for day in days[1:]]
        ends.append("" if chance.random() < 0.7 else moment(last_day + 0.9))
        for place, (day, end) in enumerate(zip(days, ends, strict=True)):
            numbers = {
                name: chance.choice([0, 1, -2, 0.5, 1e308, -1e308, None, float("inf"), chance.gauss(0, 1)])
                for name in ("x", "y")
                if chance.random() < 0.8
            }
            gone = end and chance.random() < 0.2  # for a while, before the next version
            until = moment((day + 0.5) / 24) if gone and place + 1 < len(days) else end
            status = chance.choice(["completed", "completed", "failed", "killed", "unreadable", "partial"])
            found.append(Kept(f"{notebook:02}.ipynb", place + 1, moment(day / 24), until or None, status, numbers))
    return [kept for kept in found if kept.until is None or kept.until > kept.since]


def store_of(history: list[Kept]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for statement in schema.statements():
        connection.execute(statement)
    connection.execute("INSERT INTO names (id, name) VALUES (1, 'x'), (2, 'y')")
    for id_, kept in enumerate(history, 1):
        connection.execute(
            "INSERT INTO versions (id, path, version, since, until) VALUES (?, ?, ?, ?, ?)", (id_, *kept[:4])
        )
        connection.execute(
            "INSERT INTO version_notebooks (id, path, status) VALUES (?, ?, ?)", (id_, kept.path, kept.status)
        )
        for name, number in kept.numbers.items():
            connection.execute(
                """INSERT INTO version_scraps (notebook_id, name_id, type, number, encoder, size, cell, output)
                   SELECT ?, id, ?, ?, 'json', 1, 0, 0 FROM names WHERE name = ?""",
                (id_, "integer" if isinstance(number, int) else "float", number, name),
            )
    return connection


def expected(history: list[Kept]) -> dict[str, Any]:
    """What a loop over all versions finds."""
    last = max(kept.until or kept.since for kept in history)
    last = max([last, *(kept.since for kept in history)])
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    day = yesterday if last >= yesterday else last[:10]
    before: dict[str, Kept] = {}
    now: dict[str, Kept] = {}
    for kept in history:
        if kept.since < day and (kept.until is None or kept.until >= day):
            before[kept.path] = kept
        if kept.until is None:
            now[kept.path] = kept
    changed = {path: kept for path, kept in now.items() if kept.since >= day}
    turns = {path: (before[path].status, now[path].status) for path in changed.keys() & before}
    moved = []
    for path, kept in changed.items():
        for name, after in kept.numbers.items():
            number = before[path].numbers.get(name) if path in before else None
            if is_finite(after) and is_finite(number) and after != number:
                ratio = abs((float(after) - number) / number) if number else -1.0
                moved.append((-ratio, path, name, number, after))
    return {
        "day": day,
        "changed": len(changed),
        "failed": {path for path, (then, status) in turns.items() if status in WRONG and then not in WRONG},
        "recovered": {path for path, (then, status) in turns.items() if status not in WRONG and then in WRONG},
        "new": changed.keys() - before,
        "gone": before.keys() - now,
        "moved": sorted(moved),
    }


def is_finite(number: Any) -> TypeGuard[float]:
    return number is not None and abs(number) != float("inf")


@pytest.fixture(params=[*((seed, 29) for seed in range(6)), (6, 10), (7, 1)])
def history(request: pytest.FixtureRequest) -> list[Kept]:
    return made(*request.param)


def test_a_loop_over_all_versions_finds_the_same(history: list[Kept]) -> None:
    with closing(store_of(history)) as connection:
        found = news.read(connection, TODAY)
    assert found is not None
    wanted = expected(history)
    assert (found.day, found.changed, found.looked_at) == (wanted["day"], wanted["changed"], wanted["changed"])
    assert found.is_yesterday == (found.day == "2026-11-29")
    for kind in ("failed", "recovered", "new", "gone"):
        assert {version.path for version in getattr(found, kind)} == wanted[kind], kind
    ratios = [ratio for ratio, *_ in wanted["moved"]][: news.MOVED]
    by_value = {(path, name): (ratio, before, after) for ratio, path, name, before, after in wanted["moved"]}
    assert [by_value[moved.path, moved.name][0] for moved in found.moved] == ratios
    assert all(by_value[moved.path, moved.name][1:] == (moved.before, moved.after) for moved in found.moved)


def test_what_the_versions_are_of_is_told(history: list[Kept]) -> None:
    with closing(store_of(history)) as connection:
        found = news.read(connection, TODAY)
    assert found is not None
    versions = {(kept.path, kept.version): kept for kept in history}
    assert all(versions[moved.path, moved.version].numbers[moved.name] == moved.after for moved in found.moved)
    assert all(versions[gone.path, gone.version].until for gone in found.gone)
    assert all((gone.path, gone.version + 1) not in versions for gone in found.gone)


def test_without_versions_there_is_nothing() -> None:
    with closing(store_of([])) as connection:
        assert news.read(connection, TODAY) is None


def test_no_table_of_versions_is_read_whole(history: list[Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "LOOKED_AT", 3)
    asked: list[str] = []
    with closing(store_of(history)) as connection:
        connection.set_trace_callback(asked.append)
        found = news.read(connection, TODAY)
        connection.set_trace_callback(None)
        plans = [step for sql in asked for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert found is not None
    assert found.looked_at == min(3, found.changed)
    assert [step for step in plans if re.match(r"SCAN (version\w+|b|k|n|s)\b(?!.*INDEX)", step)] == []


def test_a_version_that_was_never_there_changes_nothing() -> None:
    side = [
        Kept("a.ipynb", 2, moment(20), moment(20), "failed", {}),
        Kept("b.ipynb", 1, moment(20), moment(20), "x", {}),
    ]
    history = [Kept("a.ipynb", 1, moment(3), None, "completed", {}), *side]
    with closing(store_of(history)) as connection:
        found = news.read(connection, TODAY)
    assert found is not None
    assert (found.day, found.failed, found.gone) == (moment(3)[:10], [], [])
    assert [version.path for version in found.new] == ["a.ipynb"]
