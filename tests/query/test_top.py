"""The first rows of a query are those of the whole answer, whichever way they were found."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest

from scrapdb.query.select import fields_of
from scrapdb.query.select import ids_condition
from scrapdb.query.select import select
from tests.query.stores import Notebook
from tests.query.stores import build

# More notebooks than an estimate counts, so that walking in order is tried.
COUNT = 2500
RANDOM = random.Random(7)  # noqa: S311 - a fixed sequence


def values(number: int) -> dict[str, Any]:
    found: dict[str, Any] = {"common": RANDOM.randrange(40), "word": RANDOM.choice("abc")}
    if number % 3:
        found["number"] = RANDOM.choice([RANDOM.random(), RANDOM.randrange(3), float("inf"), float("-inf")])
    if number % 5 == 0:
        found["mixed"] = RANDOM.choice([1, 2.5, "x", "y", None])
    return found


ROWS = {f"{RANDOM.randrange(10**9):09}.ipynb": values(number) for number in range(COUNT)}
PARAMETERS = {path: {"word": "p", "number": -1} for path in list(ROWS)[::7]}
STARTED = {path: f"2026-11-{place % 28 + 1:02}T12:00:00.000000Z" for place, path in enumerate(ROWS) if place % 4}


@pytest.fixture(scope="module")
def store() -> Iterator[sqlite3.Connection]:
    connection = build(
        Notebook(path, glued, PARAMETERS.get(path, {}), {"started_at": STARTED.get(path)})
        for path, glued in ROWS.items()
    )
    yield connection
    connection.close()


def field(path: str, name: str) -> Any:
    if name == "nb.started_at":
        return STARTED.get(path)
    if name.startswith("scrap."):
        return ROWS[path].get(name.removeprefix("scrap."))
    return ROWS[path].get(name, PARAMETERS.get(path, {}).get(name))


def expected(wanted: list[str], name: str, *, descending: bool) -> list[str]:
    """Sort numbers before texts before nothing, in both directions, and equal ones by path."""
    there = {path: field(path, name) for path in wanted}
    ranks = {path: 2 if value is None else isinstance(value, str) for path, value in there.items()}
    found = []
    for rank in (0, 1, 2):
        some = sorted(path for path in wanted if ranks[path] == rank)
        found += some if rank == 2 else sorted(some, key=lambda path: there[path], reverse=descending)
    return found


CONDITIONS: dict[str | None, Callable[[str], bool]] = {
    None: lambda _: True,
    "common >= 0": lambda _: True,
    "common = 3": lambda path: field(path, "common") == 3,
    "word = 'a' or common < 2": lambda path: field(path, "word") == "a" or field(path, "common") < 2,
    "not (common in (1, 2))": lambda path: field(path, "common") not in {1, 2},
}


@pytest.mark.parametrize("offset", [0, 7, COUNT - 5])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("name", ["common", "number", "scrap.number", "word", "scrap.word", "mixed", "nb.started_at"])
@pytest.mark.parametrize("where", CONDITIONS)
def test_first_rows(where: str | None, name: str, descending: bool, offset: int, store: sqlite3.Connection) -> None:
    order = expected(list(filter(CONDITIONS[where], ROWS)), name, descending=descending)
    sort = f"-{name}" if descending else name
    found = select(store, fields_of(store), where, columns="nb.path", sort=sort, limit=20, offset=offset)
    assert [path for (path,) in found.rows] == order[offset : offset + 20]


@pytest.mark.parametrize("where", ["common >= 0", "number < 0.5 and word = 'b'", "mixed is null"])
def test_first_rows_by_path(where: str, store: sqlite3.Connection) -> None:
    everything = [path for (path,) in select(store, fields_of(store), where, columns="nb.path").rows]
    first = select(store, fields_of(store), where, columns="nb.path", limit=10, offset=3)
    assert everything == sorted(everything)
    assert [path for (path,) in first.rows] == everything[3:13]


def test_ids_stand_in_another_statement(store: sqlite3.Connection) -> None:
    texts = ["common = 3", "scrap.word = 'a'"]
    sql, bound = ids_condition(store, fields_of(store), texts, "ours_")
    assert all(name.startswith("ours_") for name in bound)
    rows = store.execute(f"SELECT path FROM notebooks WHERE id IN ({sql}) AND path > :v0", {**bound, "v0": "5"})
    assert {path for (path,) in rows} == {
        path for path, glued in ROWS.items() if glued["common"] == 3 and glued["word"] == "a" and path > "5"
    }
