"""Connections that look back: against what the tables of the present said at that time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import StoreError
from scrapdb.store import schema
from scrapdb.store.connection import reading
from scrapdb.store.past import EVERY_VERSION
from scrapdb.store.past import Past
from scrapdb.store.past import of
from scrapdb.store.readers.displays import display_of_hash
from scrapdb.store.readers.frames import frames_of_hash
from scrapdb.store.readers.names import name_summaries
from scrapdb.store.readers.names import used_names
from scrapdb.store.upkeep import keep_versions
from scrapdb.store.versions import Retention
from scrapdb.store.write import Writer
from tests.notebook_builder import PNG
from tests.store.made import LARGE
from tests.store.made import SMALL
from tests.store.made import Values
from tests.store.made import made
from tests.store.made import write
from tests.stores import query

_FIRST, _SECOND, _THIRD = (f"2020-11-0{day}T00:00:00.000000Z" for day in (1, 2, 3))
_VIEWS = (*schema.KEPT, "names", "name_types")


def night(store: Path, since: str, notebooks: dict[str, Sequence[Values]]) -> None:
    """Have these notebooks and no others there since then, each with a content of its own, in a store that keeps."""
    with Writer(store) as writer:
        keep_versions(writer, Retention())
        gone = [path for (path,) in query(store, "SELECT path FROM notebooks")]
        writer.remove([path for path in gone if path not in notebooks])
    batch = [made(path, *values) for path, values in notebooks.items()]
    for rows in batch:
        rows.notebook = tuple(since + rows.path if value == "hash" else value for value in rows.notebook)
    write(store, batch)
    with closing(sqlite3.connect(store)) as connection, connection:  # whose files are older, and whose clock is later
        for column in ("since", "until"):
            connection.execute(f"UPDATE versions SET {column} = ?1 WHERE {column} > ?1 OR {column} < '2'", (since,))


def rows(connection: sqlite3.Connection, table: str) -> list[str]:
    """The rows of a table without ids, which are others in the past, and without what only the present says."""
    cursor = connection.execute(f"SELECT * FROM {table}")
    columns = [column[0] for column in cursor.description]
    left_out = {"id", "notebook_id", "whole"}
    found = [{name: value for name, value in zip(columns, row, strict=True) if name not in left_out} for row in cursor]
    return sorted(repr(row) for row in found if row.get("notebooks", 1) and row.get("type", "") is not None)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "scraps.db"


@pytest.fixture
def then(store: Path) -> list[dict[str, list[str]]]:
    """What the tables said of each night."""
    found = []
    for since, notebooks in (
        (_FIRST, {"a.ipynb": ({"x": 1, "pic": PNG}, {"n": 1}, {"t": SMALL}), "b.ipynb": ({"old": "x"},)}),
        (_SECOND, {"a.ipynb": ({"x": "text"}, {"n": 2}, {"t": LARGE})}),
        (_THIRD, {"a.ipynb": ({"x": 0.5, "l": [1, 2]}, {"n": 2.5}), "b.ipynb": ({"new": True},)}),
    ):
        night(store, since, notebooks)  # type: ignore[arg-type]
        with reading(store) as connection:
            found.append({table: rows(connection, table) for table in schema.KEPT})
    return found


def test_tables_as_of_a_moment_are_those_of_that_time(store: Path, then: list[dict[str, list[str]]]) -> None:
    moments = ((_FIRST, 0), ("2020-11-01T23:59:59.999999Z", 0), (_SECOND, 1), (_THIRD, 2), ("2099", 2))
    for moment, number in moments:
        with reading(store, Past(moment)) as connection:
            assert {table: rows(connection, table) for table in schema.KEPT} == then[number], moment
    with reading(store, Past("2020-10-31T23:59:59.999999Z")) as connection:
        assert not any(rows(connection, table) for table in schema.KEPT)


def test_all_versions_are_all_that_tables_ever_said(store: Path, then: list[dict[str, list[str]]]) -> None:
    with reading(store, EVERY_VERSION) as connection:
        for table in schema.KEPT:
            assert rows(connection, table) == sorted(row for night in then for row in night[table])
        numbers = (
            "SELECT notebooks.path, version, since FROM notebooks JOIN versions ON versions.notebook_id = notebooks.id"
        )
        assert sorted(connection.execute(numbers)) == [
            ("a.ipynb", 1, _FIRST),
            ("a.ipynb", 2, _SECOND),
            ("a.ipynb", 3, _THIRD),
            ("b.ipynb", 1, _FIRST),
            ("b.ipynb", 2, _THIRD),
        ]


def test_names_stand_for_what_all_versions_had(store: Path, then: list[dict[str, list[str]]]) -> None:
    assert then
    with reading(store, EVERY_VERSION) as connection:
        types = dict(connection.execute("SELECT name, type FROM names"))
        counts = connection.execute("SELECT scraps, parameters FROM names WHERE name IN ('x', 'n') ORDER BY name")
        assert types == {
            "x": "mixed",
            "pic": "display",
            "t": "frame",
            "old": "text",
            "l": "json",
            "new": "boolean",
            "n": "number",
        }
        assert counts.fetchall() == [(0, 3), (3, 0)]
        told = {name: (role, type_, *numbers) for name, role, type_, *numbers in name_summaries(connection)}
    assert told["x"] == ("scrap", "float, integer, text", 3, 0.5, 1, "text")
    assert told["n"] == ("parameter", "float, integer", 3, 1, 2.5, None)
    assert (told["old"], told["pic"][2], told["new"][2:5]) == (("scrap", "text", 1, None, None, "x"), 1, (1, 1, 1))


def test_names_are_those_that_were_there(store: Path, then: list[dict[str, list[str]]]) -> None:
    assert then
    with reading(store, Past(_SECOND)) as connection:
        assert set(used_names(connection)) == {"x", "t", "n"}
        assert [row[0] for row in name_summaries(connection)] == ["n", "t", "x"]


def test_nothing_that_is_looked_at_is_put_together_before(store: Path, then: list[dict[str, list[str]]]) -> None:
    assert then
    sql = """SELECT r.notebook, versions.since, records.state, count(*)
               FROM (SELECT id AS nb_id, path AS notebook FROM notebooks) AS r
               LEFT JOIN versions ON versions.notebook_id = r.nb_id
               LEFT JOIN records ON records.notebook_id = r.nb_id
               LEFT JOIN reports ON reports.notebook_id = r.nb_id
              WHERE (SELECT v.number FROM scraps AS v WHERE v.notebook_id = r.nb_id AND v.name_id = 1) < 2
                AND EXISTS (SELECT 1 FROM frames WHERE notebook_id = r.nb_id) GROUP BY 1, 2, 3"""
    for past in (EVERY_VERSION, Past(_SECOND)):
        with reading(store, past) as connection:
            plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        scanned = [line for line in plan if line.startswith("SCAN")]
        assert scanned in ([], ["SCAN main.version_notebooks"], ["SCAN version_notebooks"])
        assert not [line for line in plan if line.startswith(("MATERIALIZE", "CO-ROUTINE")) or "AUTOMATIC" in line]


def test_of_what_was_kept_and_committed_the_later_was_there(store: Path, then: list[dict[str, list[str]]]) -> None:
    assert then
    with sqlite3.connect(store) as connection:  # as if both had been read of one notebook
        connection.execute("INSERT INTO settings VALUES ('git /r', '{}')")
        connection.execute("UPDATE versions SET until = NULL WHERE path = 'a.ipynb' AND version = 1")
    for moment, version in ((_FIRST, 1), (_SECOND, 2), (_THIRD, 3)):
        with reading(store, Past(moment)) as connection:
            found = connection.execute(
                "SELECT version FROM notebooks JOIN versions ON versions.notebook_id = notebooks.id WHERE"
                " notebooks.path = 'a.ipynb'"
            )
            assert found.fetchall() == [(version,)]


def test_what_a_token_stands_for_is_found_also_where_no_notebook_has_it(
    store: Path, then: list[dict[str, list[str]]]
) -> None:
    assert then
    (picture,) = query(store, "SELECT hash FROM version_displays")[0]
    frames = query(store, "SELECT hash FROM version_frames ORDER BY notebook_id")
    for past in (None, EVERY_VERSION):
        with reading(store, past) as connection:
            shown = display_of_hash(connection, picture)
            assert shown is not None
            assert shown[0] == "image/png"
            for number, (digest,) in enumerate(frames, 1):
                ((name, frame),) = frames_of_hash(connection, digest, 5)
                assert (name, frame.notebook, frame.version) == ("t", "a.ipynb", number)
            assert display_of_hash(connection, "0" * 64) is None
            assert frames_of_hash(connection, "../" * 30, 5) == frames_of_hash(connection, "0" * 64, 5) == []


def test_a_store_without_versions_says_how_they_are_kept(store: Path) -> None:
    write(store, [made("a.ipynb", {"x": 1})])
    for past in (EVERY_VERSION, Past(_FIRST)):
        told = r"no versions.*`scrapdb index PATH --keep`.*`scrapdb index --git REPO`"
        with pytest.raises(StoreError, match=told), reading(store, past):
            pass


def test_nothing_can_be_written(store: Path, then: list[dict[str, list[str]]]) -> None:
    assert then
    with reading(store, Past(_FIRST)) as connection:
        assert of(connection) == Past(_FIRST)
        for sql in ("DELETE FROM chosen", "DELETE FROM main.versions", "CREATE TEMP TABLE t (x)"):
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                connection.execute(sql)


def _all_views(connection: sqlite3.Connection) -> Any:
    return {table: connection.execute(f"SELECT * FROM {table}").description for table in _VIEWS}


def test_views_have_the_columns_of_the_present(store: Path, then: list[dict[str, list[str]]]) -> None:
    assert then
    with reading(store) as now, reading(store, EVERY_VERSION) as past:
        assert _all_views(past) == _all_views(now)
