from __future__ import annotations

import base64
import io
import math
import os
import sqlite3
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.errors import StoreError
from scrapdb.store import sidecars
from scrapdb.store.marks import File
from scrapdb.store.marks import Known
from scrapdb.store.rows import Rows
from scrapdb.store.rows import rows
from scrapdb.store.write import Writer
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import facts_of
from tests.notebook_builder import scrap
from tests.store_contents import check
from tests.store_contents import contents
from tests.store_contents import query
from tests.store_contents import runs

Values = Mapping[str, Any]
NAMES = st.sampled_from(["x", "X", "y", "x (text)", "nb_id", "\ud800", "z\0"])
VALUES = st.sampled_from(
    [0, 1, -0.5, True, "", "007", "text", None, math.nan, 2**70, [1, math.nan], {"a": "\ud800"}, PNG]
)
NOTEBOOKS = st.dictionaries(NAMES, VALUES, max_size=4)


def frame_of(size: int) -> str:
    """The payload of a frame of about so many bytes that cannot be compressed."""
    file = io.BytesIO()
    pd.DataFrame({"x": [os.urandom(size)]}).to_parquet(file)
    return base64.b64encode(file.getvalue()).decode()


LARGE, OTHER_LARGE = frame_of(100_000), frame_of(100_000)
SMALL = frame_of(10)


def made(path: str, scraps: Values = {}, parameters: Values = {}, frames: Mapping[str, str] = {}) -> Rows:  # noqa: B006
    outputs = [scrap(name, value) for name, value in scraps.items() if value is not PNG]
    outputs += [display(name, {"image/png": PNG}) for name, value in scraps.items() if value is PNG]
    outputs += [scrap(name, payload, "pandas") for name, payload in frames.items()]
    found = facts_of(code("glue()", *outputs), papermill={"parameters": dict(parameters)})
    return rows(File(path, None, 1, 2, "hash"), found)


def write(store: Path, *batches: Sequence[Rows]) -> None:
    for batch in batches:
        with Writer(store) as writer:
            writer.write(batch)


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
                writer.make_searchable()
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
            writer.make_searchable()
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
            writer.optimize()
            writer.gc()
        with Writer(fresh) as writer:
            writer.write(list(left.values()))
            writer.optimize()
        assert searched == contents(fresh)["search"]
        assert contents(changed) == contents(fresh)


def test_optimize_changes_no_row(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(
        store,
        [made("a.ipynb", {"n": 1, "chart": PNG, "nan": math.nan}, {"n": "hidden", "p": "x"}, {"prices": SMALL})],
        [made("b.ipynb", {"n": "text", "list": [1], "null": None}, {}, {"prices": LARGE})],
    )
    with Writer(store) as writer:
        writer.make_searchable()
        before = contents(store)
        assert writer.optimize() == 6
    assert contents(store) == before
    assert set(runs(store)["a.ipynb"]) >= {"n", "chart", "p", "prices"}
    assert "nan" not in {row[1] for row in query(store, "PRAGMA table_info(runs)")}


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


def test_what_is_known_and_touched(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        writer.write([made("a.ipynb")])
        assert writer.known(["a.ipynb", "b.ipynb"]) == {"a.ipynb": Known(1, 1, 2, None, "hash", "completed")}
        writer.touch([File("a.ipynb", None, 3, 1_600_000_000 * 10**9, "hash")])
        assert writer.known(["a.ipynb"]) == {"a.ipynb": Known(1, 3, 1_600_000_000 * 10**9, None, "hash", "completed")}
        assert writer.journal_mode == "wal"
    assert query(store, "SELECT mtime FROM notebooks") == [("2020-09-13T12:26:40.000000Z",)]


@pytest.mark.parametrize("wanted", [[0, 1, 2], [0, 2], [0, 9], [9], [5, 3], [0, 77]])
def test_only_what_is_asked_for_is_known_or_lies_between(tmp_path: Path, wanted: list[int]) -> None:
    with Writer(tmp_path / "scraps.db") as writer:
        writer.write([made(f"{number}.ipynb") for number in range(10)])
        paths = [f"{number}.ipynb" for number in wanted]
        known = writer.known(paths)
        assert {path: known[path].id for path in paths if path in known} == {
            f"{number}.ipynb": number + 1 for number in wanted if number < 10
        }
        assert len(known) <= 2 * len(paths)


def test_others_are_those_without_a_mark(tmp_path: Path) -> None:
    with Writer(tmp_path / "scraps.db") as writer:
        assert (writer.extent(), list(writer.others(bytearray(1)))) == ((0, 0), [[]])
        writer.write([made(f"{number}.ipynb") for number in range(2_500)])
        writer.remove(["2499.ipynb", "7.ipynb"])
        assert writer.extent() == (2_498, 2_499)
        seen = bytearray(2_499 + 1)
        for id_ in (1, 1_000, 2_499):
            seen[id_] = 1
        writer.write([made("fresh.ipynb")])  # after it was seen who is there
        expected = {f"{number}.ipynb" for number in range(2_500)} - {f"{n}.ipynb" for n in (0, 7, 999, 2_498, 2_499)}
        others = [other for some in writer.others(seen) for other in some]
        assert len(others) == len(expected)
        assert {path for path, _ in others} == expected


def test_a_time_beyond_64_bit_is_not_kept(tmp_path: Path) -> None:
    """tmpfs has years up to 292 billion; without its time, the file is read again at the next index."""
    far = File("a.ipynb", None, 3, 9_000 * 365 * 24 * 3600 * 10**9, "hash")
    with Writer(tmp_path / "scraps.db") as writer:
        writer.write([rows(far, facts_of(code("1")))])
        assert writer.known(["a.ipynb"]) == {"a.ipynb": Known(1, 3, None, None, "hash", "completed")}
        writer.touch([far])
        assert writer.known(["a.ipynb"]) == {"a.ipynb": Known(1, 3, None, None, "hash", "completed")}


def test_a_reader_that_stays_holds_nobody_up(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer, closing(sqlite3.connect(store)) as reader:
        writer.write([made("a.ipynb")])
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        writer.write([made("b.ipynb")])
        writer.settle()  # would wait a minute for it
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    assert len(runs(store)) == 2


def frames_of(store: Path) -> set[str]:
    return {path.stem for path in sidecars.directory(store).glob("*/*")}


def named(store: Path) -> set[str]:
    return {digest for (digest,) in query(store, "SELECT hash FROM frames WHERE stored = 'sidecar'")}


def age(store: Path) -> None:
    for path in sidecars.directory(store).glob("*/*"):
        os.utime(path, (0, 0))


def test_a_large_frame_is_a_file_and_reads_back(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", frames={"prices": LARGE})])
    (digest,) = named(store)
    assert frames_of(store) == {digest}
    assert sidecars.location(store, digest).read_bytes() == base64.b64decode(LARGE)
    assert query(store, "SELECT count(*) FROM blobs") == [(0,)]


def test_gc_keeps_what_is_named_or_fresh(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(
        store, [made("a.ipynb", frames={"prices": LARGE}), made("b.ipynb", {"chart": PNG}, {}, {"prices": OTHER_LARGE})]
    )
    with Writer(store) as writer:
        writer.remove(["b.ipynb"])
        assert writer.gc()[:2] == (1, 0)
        assert len(frames_of(store)) == 2  # somebody may be about to name it again
        age(store)
        collected = writer.gc()
        assert (collected.sidecars, collected.sidecar_bytes) == (1, len(base64.b64decode(OTHER_LARGE)))
        assert frames_of(store) == named(store)
        assert query(store, "SELECT count(*) FROM blobs") == [(0,)]
        assert writer.gc() == (0, 0, 0, 0)


def test_a_shared_frame_outlives_one_of_its_notebooks(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", frames={"prices": LARGE}), made("b.ipynb", frames={"other": LARGE})])
    age(store)
    with Writer(store) as writer:
        writer.remove(["a.ipynb"])
        assert writer.gc().sidecars == 0
        assert frames_of(store) == named(store)
        writer.remove(["b.ipynb"])
        assert writer.gc().sidecars == 1


def test_a_frame_that_is_glued_again_is_kept(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", frames={"prices": LARGE})])
    with Writer(store) as writer:
        writer.remove(["a.ipynb"])
        age(store)
        writer.write([made("b.ipynb", frames={"prices": LARGE})])
        writer.remove(["b.ipynb"])
        assert writer.gc().sidecars == 0  # writing marked it as wanted


def test_a_frame_is_there_before_its_row(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store)
    sidecars.directory(store).write_text("in the way")
    with Writer(store) as writer:
        with pytest.raises(StoreError, match="A large frame cannot be written beside the store"):
            writer.write([made("a.ipynb", frames={"prices": LARGE})])
        assert query(store, "SELECT count(*) FROM notebooks") == [(0,)]


def test_a_name_that_nothing_uses_is_forgotten(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", {"old": 1})])
    with Writer(store) as writer:
        writer.write([made("a.ipynb", {"new": 1})])
        assert query(store, "SELECT name, type, scraps FROM names ORDER BY id") == [
            ("old", None, 0),
            ("new", "number", 1),
        ]
        writer.optimize()
        assert writer.gc().names == 1
    assert query(store, "SELECT name FROM names") == [("new",)]
    assert "old" not in {row[1] for row in query(store, "PRAGMA table_info(runs)")}
