from __future__ import annotations

import base64
import math
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from scrapdb.store import sidecars
from scrapdb.store.upkeep import collect
from scrapdb.store.upkeep import make_searchable
from scrapdb.store.upkeep import optimize
from scrapdb.store.upkeep import settle
from scrapdb.store.write import Writer
from tests.notebook_builder import PNG
from tests.store.made import LARGE
from tests.store.made import OTHER_LARGE
from tests.store.made import SMALL
from tests.store.made import frames_of
from tests.store.made import made
from tests.store.made import named
from tests.store.made import write
from tests.stores import contents
from tests.stores import query
from tests.stores import runs


def age(store: Path) -> None:
    for path in sidecars.directory(store).glob("*/*"):
        os.utime(path, (0, 0))


def test_optimize_changes_no_row(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(
        store,
        [made("a.ipynb", {"n": 1, "chart": PNG, "nan": math.nan}, {"n": "hidden", "p": "x"}, {"prices": SMALL})],
        [made("b.ipynb", {"n": "text", "list": [1], "null": None}, {}, {"prices": LARGE})],
    )
    with Writer(store) as writer:
        make_searchable(writer)
        before = contents(store)
        assert optimize(writer) == 6
    assert contents(store) == before
    assert set(runs(store)["a.ipynb"]) >= {"n", "chart", "p", "prices"}
    assert "nan" not in {row[1] for row in query(store, "PRAGMA table_info(runs)")}


def test_a_reader_that_stays_holds_nobody_up(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer, closing(sqlite3.connect(store)) as reader:
        writer.write([made("a.ipynb")])
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        writer.write([made("b.ipynb")])
        settle(writer)  # would wait a minute for it
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert len(runs(store)) == 2


def test_gc_keeps_what_is_named_or_fresh(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(
        store, [made("a.ipynb", frames={"prices": LARGE}), made("b.ipynb", {"chart": PNG}, {}, {"prices": OTHER_LARGE})]
    )
    with Writer(store) as writer:
        writer.remove(["b.ipynb"])
        assert collect(writer)[:2] == (1, 0)
        assert len(frames_of(store)) == 2  # somebody may be about to name it again
        age(store)
        collected = collect(writer)
        assert (collected.sidecars, collected.sidecar_bytes) == (1, len(base64.b64decode(OTHER_LARGE)))
        assert frames_of(store) == named(store)
        assert query(store, "SELECT count(*) FROM blobs") == [(0,)]
        assert collect(writer) == (0, 0, 0, 0)


def test_a_shared_frame_outlives_one_of_its_notebooks(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", frames={"prices": LARGE}), made("b.ipynb", frames={"other": LARGE})])
    age(store)
    with Writer(store) as writer:
        writer.remove(["a.ipynb"])
        assert collect(writer).sidecars == 0
        assert frames_of(store) == named(store)
        writer.remove(["b.ipynb"])
        assert collect(writer).sidecars == 1


def test_a_frame_that_is_glued_again_is_kept(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", frames={"prices": LARGE})])
    with Writer(store) as writer:
        writer.remove(["a.ipynb"])
        age(store)
        writer.write([made("b.ipynb", frames={"prices": LARGE})])
        writer.remove(["b.ipynb"])
        assert collect(writer).sidecars == 0  # writing marked it as wanted


def test_a_name_that_nothing_uses_is_forgotten(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", {"old": 1})])
    with Writer(store) as writer:
        writer.write([made("a.ipynb", {"new": 1})])
        assert query(store, "SELECT name, type, scraps FROM names ORDER BY id") == [
            ("old", None, 0),
            ("new", "number", 1),
        ]
        optimize(writer)
        assert collect(writer).names == 1
    assert query(store, "SELECT name FROM names") == [("new",)]
    assert "old" not in {row[1] for row in query(store, "PRAGMA table_info(runs)")}


def test_what_users_made_of_runs_survives_optimizing(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made(f"{number}.ipynb", {"x": number, "rare]": "a"}) for number in range(3)])
    with closing(sqlite3.connect(store)) as connection:
        connection.executescript(
            """CREATE VIEW best AS SELECT notebook, x FROM runs WHERE x > 0;
            CREATE TABLE notes (notebook TEXT, note TEXT);
            INSERT INTO notes VALUES ('1.ipynb', 'good');"""
        )
    with Writer(store) as writer:
        optimize(writer)
        optimize(writer)
    assert query(store, "SELECT * FROM best JOIN notes USING (notebook)") == [("1.ipynb", 1, "good")]


def test_the_commonest_numbers_are_indexed_whatever_they_are_called(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    names = ["plain", "a]b", 'o"dd', "[x]", "$y", "a.b", "Ä", "'", "`", "\\", "eleventh", "twelfth"]
    write(store, [made("a.ipynb", dict.fromkeys(names, 1)), made("b.ipynb", dict.fromkeys(names[:10], 2))])
    with Writer(store) as writer:
        optimize(writer)
    indexed = query(store, "SELECT x.name FROM pragma_index_list('runs') AS i, pragma_index_info(i.name) AS x")
    assert {name for (name,) in indexed} == {"nb_status", "nb_started_at", "nb_seconds", *names[:10]}
    assert query(store, "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'runs'") == [(13,)]
