"""The runs of the same code around one, against all of them sorted in Python."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from scrapdb.store.related import same_code

# (path, start, code) in the order in which the runs of one code stand: those without a start first, then by path.
RUNS: list[tuple[str, str | None, str | None]] = [
    ("b", None, "x"), ("d", None, "x"), ("f", None, "x"), ("c", "2026-11-01", "x"), ("a", "2026-11-02", "x"),
    ("e", "2026-11-02", "x"), ("g", "2026-11-02", "x"), ("0", "2026-11-03", "x"),
]  # fmt: skip
OTHERS: list[tuple[str, str | None, str | None]] = [
    ("o", "2026-11-02", "y"),
    ("p", None, "y"),
    ("q", "2026-11-02", None),
]


@pytest.mark.parametrize("place", range(len(RUNS)))
def test_runs_of_the_same_code_by_start_and_path(place: int) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE TABLE notebooks (id INTEGER PRIMARY KEY, path, started_at, code_hash, status, seconds)"
        )
        connection.executemany("INSERT INTO notebooks (path, started_at, code_hash) VALUES (?, ?, ?)", RUNS + OTHERS)
        before, after = same_code(connection, place + 1, 3)
    paths = [path for path, _, _ in RUNS]
    assert [run.path for run in before] == paths[:place][::-1][:3]
    assert [run.path for run in after] == paths[place + 1 :][:3]
