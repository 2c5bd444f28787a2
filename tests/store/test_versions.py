"""What is kept of notebooks that change: against the files as they were, and the rows as they were before."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scrapdb.database import Database
from scrapdb.errors import UsageError
from scrapdb.indexing.loop import index
from scrapdb.store import schema
from scrapdb.store.versions import Retention
from scrapdb.store.versions import set_retention
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.stores import check
from tests.stores import query

ALL = Retention()
DAY = 86_400
FIRST = 1_700_000_000


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def of(store: Path, path: str = "a.ipynb") -> list[tuple[Any, ...]]:
    """Number, value of x, since and until of each version of a notebook, and whether it is there now."""
    return query(
        store,
        "SELECT version, number, since, until, versions.notebook_id IS NOT NULL FROM versions"
        " LEFT JOIN version_scraps ON version_scraps.notebook_id = versions.id WHERE path = ? ORDER BY version",
        path,
    )


def rows(store: Path, table: str, key: str, notebook: int) -> list[Any]:
    """The rows of one notebook, or version, without their ids."""
    with closing(sqlite3.connect(store)) as connection:
        connection.row_factory = sqlite3.Row
        left_out = {key, "id"} if table.endswith("problems") else {key}
        found = connection.execute(f"SELECT * FROM {table} WHERE {key} = ?", (notebook,))
        return [{name: row[name] for name in row.keys() if name not in left_out} for row in found]  # noqa: SIM118


def rich(x: int) -> dict[str, Any]:
    outputs = (
        scrap("x", x),
        scrap("x", x + 1),
        scrap("words", f"number {x}", "text"),
        display("chart", {"image/png": PNG}),
    )
    return notebook(
        code(f"x = {x}", tags=("parameters",)), code("glue()", *outputs), papermill={"parameters": {"y": x}}
    )


def test_what_replaces_a_notebook_leaves_it_behind_in_every_table(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    keys = {table: "id" if table == "notebooks" else "notebook_id" for table in schema.KEPT}
    seen = []
    for x in range(3):
        write(path, rich(x), FIRST + x * DAY)
        index(store, [str(tmp_path)], keep=ALL)
        seen.append({table: rows(store, table, key, 1) for table, key in keys.items()})
    assert [len(found["scraps"]) for found in seen] == [3, 3, 3]
    assert [len(found["problems"]) for found in seen] == [1, 1, 1]
    for version, found in enumerate(seen, 1):
        assert found == {table: rows(store, f"version_{table}", key, version) for table, key in keys.items()}


def test_a_version_lasts_until_the_next_one(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    for night in range(3):
        write(path, gluing(x=night), FIRST + night * DAY)
        index(store, [str(tmp_path)], keep=ALL)
    times = [at(FIRST + night * DAY) for night in range(3)]
    assert of(store) == [(1, 0, times[0], times[1], 0), (2, 1, times[1], times[2], 0), (3, 2, times[2], None, 1)]
    assert query(store, "SELECT id, previous FROM versions") == [(1, None), (2, 1), (3, 2)]


def test_the_same_content_is_the_same_version(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    for night in range(3):
        write(path, gluing(x=7), FIRST + night * DAY)
        index(store, [str(tmp_path)], keep=ALL, force=night == 2)
    assert of(store) == [(1, 7, at(FIRST), None, 1)]
    assert query(store, "SELECT type, notebooks FROM version_name_types") == [("integer", 1)]


def test_the_end_of_the_run_says_more_than_the_file(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    for night in range(2):
        ended = {"start_time": at(FIRST + night * DAY - 60), "end_time": at(FIRST + night * DAY)}
        write(path, {**gluing(x=night), "metadata": {"papermill": ended}}, FIRST + 50 * DAY + night)
        index(store, [str(tmp_path)], keep=ALL)
    edited = {**gluing(x=9), "metadata": {"papermill": ended}}  # after the run, so that the file says more
    write(path, edited, FIRST + 60 * DAY)
    index(store, [str(tmp_path)])
    copied = {**edited, "metadata": {"papermill": {"end_time": at(FIRST + 90 * DAY)}}}  # no run of this file
    write(path, copied, FIRST + 80 * DAY)
    index(store, [str(tmp_path)])
    assert [row[2] for row in of(store)] == [at(FIRST), at(FIRST + DAY), at(FIRST + 60 * DAY), at(FIRST + 80 * DAY)]


@pytest.mark.parametrize("mtime", [FIRST - DAY, 4_000_000_000], ids=["back", "in the future"])
def test_time_goes_on_even_if_clocks_do_not(tmp_path: Path, mtime: int) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    began = at(datetime.now(UTC).timestamp())
    for x, changed in enumerate((FIRST, mtime, mtime)):
        write(path, gluing(x=x), changed + x)
        index(store, [str(tmp_path)], keep=ALL)
    first, second, third = of(store)
    assert first[2] == at(FIRST)
    assert began < second[2] < third[2] <= at(datetime.now(UTC).timestamp())
    assert (first[3], second[3], third[3]) == (second[2], third[2], None)


def test_a_run_that_is_seen_under_way_is_one_version(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    for run, states in enumerate((["running", "running", "completed"], ["running"], ["running", "completed"])):
        began = at(FIRST + run * DAY)
        for step, state in enumerate(states):
            cells = [
                code("1", scrap("x", step), papermill={"status": "completed"}),
                code("2", papermill={"status": state}),
            ]
            ended = at(FIRST + run * DAY + 60) if state == "completed" else None
            write(path, notebook(*cells, papermill={"start_time": began, "end_time": ended}), FIRST + run * DAY + step)
            index(store, [str(tmp_path)], keep=ALL)
    statuses = "SELECT status FROM version_notebooks ORDER BY id"
    assert query(store, statuses) == [("completed",), ("running",), ("completed",)]
    assert [row[:2] for row in of(store)] == [(1, 2), (2, 0), (3, 1)]
    assert query(store, "SELECT notebooks FROM version_name_types") == [(3,)]


def test_a_notebook_that_is_gone_and_comes_back(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    write(tmp_path / "b.ipynb", gluing(x=1))
    for x in (1, 1, 2):
        before = at(datetime.now(UTC).timestamp())
        write(path, gluing(x=x), FIRST + x)
        index(store, [str(tmp_path)], keep=ALL)
        path.unlink()
        index(store, [str(tmp_path)])
    first, second, third = of(store)
    assert first[2] == at(FIRST + 1)
    assert first[3] <= second[2] < second[3] <= before <= third[2] < third[3]
    assert query(store, "SELECT version, previous IS NULL FROM versions WHERE path = 'a.ipynb'") == [
        (1, 1),
        (2, 0),
        (3, 0),
    ]
    assert query(store, "SELECT path FROM versions WHERE notebook_id IS NOT NULL") == [("b.ipynb",)]


def test_what_was_there_before_versions_were_kept_is_the_first(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    write(path, gluing(x=1), FIRST)
    index(store, [str(tmp_path)])
    assert query(store, "SELECT * FROM versions") == query(store, "SELECT * FROM settings") == []
    write(path, gluing(x=2), FIRST + DAY)
    index(store, [str(tmp_path)], keep=ALL)
    write(path, gluing(x=3), FIRST + 2 * DAY)
    Database(store).index(tmp_path)  # it is a setting of the store
    assert [row[:2] for row in of(store)] == [(1, 1), (2, 2), (3, 3)]


def test_a_notebook_that_cannot_be_read_is_a_version_too(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    for night, document in enumerate((gluing(x=1), b"{", gluing(x=1))):
        write(path, document, FIRST + night * DAY)
        index(store, [str(tmp_path)], keep=ALL)
    assert query(store, "SELECT status FROM version_notebooks") == [("completed",), ("unreadable",), ("completed",)]
    assert query(store, "SELECT notebook_id FROM version_problems") == [(2,)]


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    write(tmp_path / "b.ipynb", gluing(x=1, y=2))
    for night in range(6):
        write(path, gluing(x=night, **{f"only {night}": night}), FIRST + night * DAY)
        index(store, [str(tmp_path)], keep=Retention(count=3))
    kept = "SELECT version FROM versions WHERE path = 'a.ipynb' ORDER BY version"
    assert query(store, kept) == [(4,), (5,), (6,)]
    index(store, [str(tmp_path)], keep=Retention(count=2))
    assert query(store, kept) == [(5,), (6,)]
    assert query(store, "SELECT count(*) FROM version_scraps") == [(2 * 2 + 2,)]
    Database(store).optimize()  # a name that has a column in the wide table stays
    Database(store).gc()
    names = query(store, "SELECT name FROM names ORDER BY name")
    assert {"only 3", "only 4", "only 5"} & {name for (name,) in names} == {"only 4", "only 5"}
    index(store, [str(tmp_path)], keep=Retention(count=0))
    assert query(store, "SELECT * FROM versions") == query(store, "SELECT * FROM settings") == []
    assert query(store, "SELECT count(*) FROM scraps") == [(4,)]


def test_only_those_are_kept_that_ended_not_long_ago(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    now = int(datetime.now(UTC).timestamp())
    for days in (40, 20, 10, 5):
        write(path, gluing(x=days), now - days * DAY)
        index(store, [str(tmp_path)], keep=Retention(seconds=15 * DAY))
    assert [row[:2] for row in of(store)] == [(2, 20), (3, 10), (4, 5)]


@pytest.mark.parametrize(
    ("kept", "meant"),
    [
        (True, Retention()),
        (False, Retention(0)),
        (0, Retention(0)),
        (5, Retention(5)),
        (timedelta(days=2), Retention(None, 2 * DAY)),
    ],
)
def test_in_python_a_number_or_an_age_is_said(tmp_path: Path, kept: bool | int | timedelta, meant: Retention) -> None:
    assert Retention.of(kept) == meant
    db = Database(tmp_path / "scraps.db")
    db.index(write(tmp_path / "a.ipynb", gluing(x=1)), keep=kept)
    assert len(query(db.path, "SELECT * FROM settings")) == len(of(db.path)) == int(kept not in (0, False))


@pytest.mark.parametrize("kept", [-1, timedelta(0), timedelta(days=-1)])
def test_what_cannot_be_kept_is_refused(kept: int | timedelta) -> None:
    with pytest.raises(UsageError, match="by a number or an age"):
        Retention.of(kept)


def test_gc_leaves_what_versions_show(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    write(path, rich(1))
    index(store, [str(tmp_path)], keep=ALL)
    write(path, gluing(x=1))
    index(store, [str(tmp_path)])
    assert Database(store).gc().blobs == 0
    write(path, gluing(x=2))
    index(store, [str(tmp_path)], keep=Retention(count=1))
    assert Database(store).gc().blobs == 1


def test_who_writes_meanwhile_keeps_versions_too(tmp_path: Path) -> None:
    from scrapdb.store.write import Writer

    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    write(path, gluing(x=1))
    with Writer(store):
        index(store, [str(tmp_path)], keep=ALL)
    write(path, gluing(x=2))
    os.utime(path)
    index(store, [str(path)])
    assert [row[1] for row in of(store)] == [1, 2]


def test_what_a_killed_index_has_not_kept_the_next_one_keeps(tmp_path: Path) -> None:
    from scrapdb.store.write import Writer

    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    write(path, gluing(x=1))
    index(store, [str(tmp_path)])
    with Writer(store) as writer, writer.transaction():
        set_retention(writer.connection, ALL)
    assert of(store) == []
    index(store, [str(tmp_path)], keep=ALL)
    assert [row[:2] for row in of(store)] == [(1, 1)]


def test_what_an_older_scrapdb_read_is_no_other_version(tmp_path: Path) -> None:
    store, path = tmp_path / "scraps.db", tmp_path / "a.ipynb"
    for each in (path, tmp_path / "b.ipynb", tmp_path / "c.ipynb"):
        write(each, gluing(x=1))
    index(store, [str(tmp_path)])
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA user_version = 2")
    write(path, gluing(x=2), FIRST)
    (tmp_path / "c.ipynb").unlink()
    index(store, [str(tmp_path)], keep=ALL)
    assert query(store, "SELECT path, version FROM versions ORDER BY 1, 2") == [
        *[("a.ipynb", 1), ("a.ipynb", 2)],
        *[("b.ipynb", 1), ("c.ipynb", 1)],
    ]
    outdated = "SELECT path, version FROM version_problems JOIN versions AS v ON v.id = version_problems.notebook_id"
    assert query(store, outdated) == [("a.ipynb", 1), ("c.ipynb", 1)]
    check(store)
