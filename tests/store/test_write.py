from __future__ import annotations

import base64
import math
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.errors import StoreError
from scrapdb.store import sidecars
from scrapdb.store.rows import Rows
from scrapdb.store.upkeep import collect
from scrapdb.store.upkeep import make_searchable
from scrapdb.store.upkeep import optimize
from scrapdb.store.write import Writer
from tests.notebook_builder import PNG
from tests.store.made import LARGE
from tests.store.made import SMALL
from tests.store.made import Values
from tests.store.made import frames_of
from tests.store.made import made
from tests.store.made import named
from tests.store.made import write
from tests.stores import check
from tests.stores import contents
from tests.stores import query
from tests.stores import runs

NAMES = st.sampled_from(["x", "X", "y", "x (text)", "nb_id", "\ud800", "z\0"])
VALUES = st.sampled_from(
    [0, 1, -0.5, True, "", "007", "text", None, math.nan, 2**70, [1, math.nan], {"a": "\ud800"}, PNG]
)
NOTEBOOKS = st.dictionaries(NAMES, VALUES, max_size=4)


def test_everything_of_a_notebook_is_written(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", {"n": 1, "s": "a", "chart": PNG}, {"p": 0.5, "n": 2}, {"prices": SMALL})])
    check(store)
    shown = runs(store)["a.ipynb"]
    assert (shown["n"], shown["s"], shown["p"], shown["nb_status"]) == (1, "a", 0.5, "completed")
    assert shown["chart"].startswith("display:image/png:")
    assert shown["prices"].startswith("frame:1x1:")
    assert query(store, "SELECT name, type, scraps, parameters FROM names ORDER BY name") == [
        ("chart", "display", 1, 0),
        ("n", "number", 1, 1),
        ("p", "number", 0, 1),
        ("prices", "frame", 1, 0),
        ("s", "text", 1, 0),
    ]


def test_names_of_earlier_sessions_keep_their_columns(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", {"x": "a"})], [made("b.ipynb", {"y": 1})], [made("c.ipynb", {"x": 2})])
    assert {path: {key: row[key] for key in row if key[0] in "xy"} for path, row in runs(store).items()} == {
        "a.ipynb": {"x (text)": "a"},
        "b.ipynb": {"y": 1},
        "c.ipynb": {"x": 2},
    }
    check(store)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(NOTEBOOKS, NOTEBOOKS), min_size=2, max_size=6), st.data())
def test_any_order_and_any_pieces_give_the_same_rows(
    notebooks: list[tuple[Values, Values]], data: st.DataObject
) -> None:
    batch = [made(f"{number}.ipynb", *values) for number, values in enumerate(notebooks)]
    shuffled = data.draw(st.permutations(batch))
    cut = data.draw(st.integers(0, len(batch)))
    with TemporaryDirectory() as directory:
        one, other = Path(directory, "one.db"), Path(directory, "other.db")
        for store in (one, other):
            with Writer(store) as writer:
                make_searchable(writer)
        write(one, batch)
        write(other, shuffled[:cut], shuffled[cut:])
        assert contents(one) == contents(other)
        check(one)
        check(other)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 3), st.none() | st.tuples(NOTEBOOKS, NOTEBOOKS)), max_size=8))
def test_changes_leave_what_a_fresh_index_gives(steps: list[tuple[int, tuple[Values, Values] | None]]) -> None:
    """A step writes a notebook, or removes it."""
    left: dict[str, Rows] = {}
    with TemporaryDirectory() as directory:
        changed, fresh = Path(directory, "changed.db"), Path(directory, "fresh.db")
        with Writer(changed) as writer:
            make_searchable(writer)
            for number, values in steps:
                path = f"{number}.ipynb"
                if values is None:
                    writer.remove([path])
                    left.pop(path, None)
                else:
                    left[path] = made(path, *values)
                    writer.write([left[path]])
                check(changed)
            searched = contents(changed)["search"]
            optimize(writer)
            collect(writer)
        with Writer(fresh) as writer:
            writer.write(list(left.values()))
            optimize(writer)
        assert searched == contents(fresh)["search"]
        assert contents(changed) == contents(fresh)


def test_the_same_path_twice_in_a_batch_is_one_notebook(tmp_path: Path) -> None:
    write(tmp_path / "scraps.db", [made("a.ipynb", {"x": 1}), made("a.ipynb", {"y": 2})])
    check(tmp_path / "scraps.db")
    assert query(tmp_path / "scraps.db", "SELECT name FROM scraps JOIN names ON names.id = name_id") == [("y",)]


def test_a_batch_that_fails_leaves_nothing_and_the_writer_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        writer.write([made("a.ipynb", {"x": 1})])
        before = contents(store)
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("CREATE TRIGGER full BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'no'); END")
        with pytest.raises(StoreError, match="failed: no"):
            writer.write([made("b.ipynb", {"y": 2, "z": "a"})])
        assert contents(store) == before
        with closing(sqlite3.connect(store)) as connection:
            connection.execute("DROP TRIGGER full")
        writer.write([made("b.ipynb", {"y": 2, "z": "a"})])
    check(store)
    assert runs(store)["b.ipynb"]["z"] == "a"


def test_a_failed_write_does_not_remember_names(tmp_path: Path) -> None:
    """Ids of names that were rolled back belong to other names later."""
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        bad = made("b.ipynb", {"first": 1})
        bad.scraps.append(("first",))  # not a row of the table
        with pytest.raises(StoreError):
            writer.write([bad])
        writer.write([made("c.ipynb", {"second": 2})])
        writer.write([made("d.ipynb", {"first": 1, "second": 2})])
    check(store)
    assert query(
        store, "SELECT name, number FROM scraps JOIN names ON names.id = name_id ORDER BY notebook_id, name"
    ) == [
        ("second", 2),
        ("first", 1),
        ("second", 2),
    ]


def test_two_writers_take_turns(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as one, Writer(store) as other:
        for number in range(6):
            writer = other if number % 2 else one
            writer.write([made(f"{number}.ipynb", {f"x{number}": number, "x": "a" if number < 3 else 1})])
        other.remove(["0.ipynb"])
        one.write([made("1.ipynb", {"y": 1})])
    check(store)
    assert sorted(runs(store)) == [f"{number}.ipynb" for number in range(1, 6)]


def test_a_large_frame_is_a_file_and_reads_back(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", frames={"prices": LARGE})])
    (digest,) = named(store)
    assert frames_of(store) == {digest}
    assert sidecars.location(store, digest).read_bytes() == base64.b64decode(LARGE)
    assert query(store, "SELECT count(*) FROM blobs") == [(0,)]


def test_a_frame_is_there_before_its_row(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store)
    sidecars.directory(store).write_text("in the way")
    with Writer(store) as writer:
        with pytest.raises(StoreError, match="A large frame cannot be written beside the store"):
            writer.write([made("a.ipynb", frames={"prices": LARGE})])
        assert query(store, "SELECT count(*) FROM notebooks") == [(0,)]
