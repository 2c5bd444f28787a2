from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.errors import StoreError
from scrapdb.notebooks.extract import read_facts
from scrapdb.store.known import forget_older
from scrapdb.store.rows import File
from scrapdb.store.rows import Rows
from scrapdb.store.rows import rows
from scrapdb.store.runs import FIXED
from scrapdb.store.runs import LIMIT
from scrapdb.store.runs import Column
from scrapdb.store.runs import add_columns
from scrapdb.store.runs import labels
from scrapdb.store.runs import read_columns
from scrapdb.store.schema import OLDEST
from scrapdb.store.schema import statements
from scrapdb.store.upkeep import optimize
from scrapdb.store.write import Writer
from scrapdb.text import valid_text
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook as document
from tests.store.made import made
from tests.store.made import write
from tests.stores import check
from tests.stores import query
from tests.stores import runs as runs_of

NAMES = st.text(st.characters(), max_size=6).map(lambda name: valid_text(name).replace("\0", "\\u0000"))
CLASHING = st.sampled_from(["x", "X", "x (2)", "x (text)", "X (Text)", "nb_id", "NB_ID", "notebook", "é", "É", "", " "])
COLUMNS = st.sets(st.tuples(NAMES | CLASHING, st.sampled_from(["number", "text", "expression"])), max_size=12)


def notebook(path: str, **values: object) -> Rows:
    return rows(File(path, content_hash="hash"), read_facts(content(gluing(**values))))


@pytest.mark.parametrize(
    ("columns", "called"),
    [
        ({"x": "number"}, {"x": "x"}),
        ({"x": "text"}, {"x": "x"}),
        ({"odd name/with.dots": "text"}, {"odd name/with.dots": "odd name/with.dots"}),
        ({"x": "number", "X": "number"}, {"X": "X", "x": "x (2)"}),
        ({"é": "number", "É": "number"}, {"é": "é", "É": "É"}),  # SQLite folds ASCII only
        ({"notebook": "text"}, {"notebook": "notebook (2)"}),
        ({"NB_Status": "text"}, {"NB_Status": "NB_Status (2)"}),
        ({"x": "number", "x (2)": "number", "X": "number"}, {"X": "X", "x": "x (2)", "x (2)": "x (2) (2)"}),
        ({"a\x1b[31m\r\nb": "text"}, {"a\x1b[31m\r\nb": "a [31m b"}),
        ({"\u202eabc\u200b": "text"}, {"\u202eabc\u200b": " abc "}),
        ({"": "number", "\x01": "number"}, {"": " ", "\x01": "  (2)"}),
        ({"l" * 300: "number", "l" * 301: "number"}, {"l" * 300: "l" * 100, "l" * 301: "l" * 100 + " (2)"}),
    ],
)
def test_what_columns_are_called(columns: dict[str, str], called: dict[str, str]) -> None:
    assert labels(list(columns.items())) == {(name, kind): called[name] for name, kind in columns.items()}


def test_text_of_a_name_with_numbers_is_told_apart() -> None:
    both = [("x", "text"), ("x", "number")]
    assert labels(both) == {("x", "number"): "x", ("x", "text"): "x (text)"}
    assert labels([*both, ("x (text)", "number")]) == {
        ("x", "number"): "x",
        ("x", "text"): "x (text)",
        ("x (text)", "number"): "x (text) (2)",
    }


def test_expressions_have_a_column_of_their_own() -> None:
    assert labels([("x", "expression")]) == {("x", "expression"): "x (expression)"}
    assert labels([("x", "expression"), ("x", "text"), ("x (expression)", "number")]) == {
        ("x", "text"): "x",
        ("x", "expression"): "x (expression)",
        ("x (expression)", "number"): "x (expression) (2)",
    }


def test_expressions_are_not_in_the_columns_of_values(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    cells = {"a": "x = f()", "b": "x = 'text'", "c": "x = 2\ny = g()", "d": f"x = f({' ' * 5000}1)"}
    with Writer(store) as writer:
        for path, cell in cells.items():
            facts = read_facts(content(document(code(cell, tags=("parameters",)))))
            writer.write([rows(File(f"{path}.ipynb", content_hash="hash"), facts)])
        before = runs_of(store)
        assert optimize(writer) == 4
    assert runs_of(store) == before
    assert [before[f"{path}.ipynb"].get("x (expression)", "")[:5] for path in "abcd"] == ["f()", "", "", "f(   "]
    assert query(store, 'SELECT max(length("x (expression)")) FROM runs') == [(4096,)]
    assert query(store, 'SELECT max(x), max("x (text)"), max("y (expression)") FROM runs') == [(2, "text", "g()")]
    assert query(store, "SELECT name, type FROM names ORDER BY name") == [("x", "mixed"), ("y", "expression")]
    check(store)


@settings(deadline=None)
@given(COLUMNS, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(columns: set[Column], order: random.Random) -> None:
    shuffled = list(columns)
    order.shuffle(shuffled)
    assert labels(shuffled) == labels(sorted(columns))


@settings(deadline=None)
@given(COLUMNS, st.data())
@example({("x", "text"), ("x", "number"), ("X", "text"), ("x (text)", "text")}, None)
def test_sqlite_takes_the_columns_in_any_pieces(columns: set[Column], data: st.DataObject | None) -> None:
    pieces = sorted(columns) if data is None else data.draw(st.permutations(sorted(columns)))
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements():
            connection.execute(statement)
        present: dict[Column, str] = {}
        for name, kind in pieces:
            connection.execute("INSERT OR IGNORE INTO names (name) VALUES (?)", (name,))
            present = add_columns(connection, present, [(name, kind)])
        assert present == labels(columns) == read_columns(connection)
        made = {row[1]: row[2] for row in connection.execute("PRAGMA table_info(runs)")}
    types = {"number": "NUMERIC", "text": "TEXT", "expression": "TEXT"}
    assert {name: made[name] for name in made if name not in FIXED} == {
        label: types[kind] for (_, kind), label in present.items()
    }


def test_there_are_at_most_a_hundred_columns(tmp_path: Path) -> None:
    """Some writers glue `event-<uuid>`."""
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        for number in range(150):
            values = {f"event-{number:08x}-{name}": "path" for name in range(2)} | (
                {"accuracy": 1} if number > 60 else {}
            )
            writer.write([notebook(f"{number}.ipynb", **values)])
        assert len(query(store, "PRAGMA table_info(runs)")) == LIMIT + len(FIXED)
        assert query(store, "SELECT count(*) FROM scraps") == [(150 * 2 + 89,)]
        assert "accuracy" not in runs_of(store)["70.ipynb"]
        assert optimize(writer) == LIMIT
        assert runs_of(store)["70.ipynb"]["accuracy"] == 1
        assert optimize(writer) == LIMIT
    assert len(query(store, "PRAGMA table_info(runs)")) == LIMIT + len(FIXED)
    check(store)


def test_a_column_of_text_that_gets_numbers_is_renamed(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        writer.write([notebook("a.ipynb", x="007")])
        assert runs_of(store)["a.ipynb"]["x"] == "007"
        writer.write([notebook("b.ipynb", x=7)])
    assert runs_of(store)["a.ipynb"]["x (text)"] == "007"
    assert runs_of(store)["b.ipynb"]["x"] == 7
    types = {row[1]: row[2] for row in query(store, "PRAGMA table_info(runs)")}
    assert (types["x"], types["x (text)"]) == ("NUMERIC", "TEXT")


def test_numbers_and_texts_compare_as_such(tmp_path: Path) -> None:
    """In a column without a type every text is greater than every number."""
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        writer.write([notebook(f"{number}.ipynb", distance=number / 100) for number in range(50)])
        writer.write([notebook("text.ipynb", distance="0.05")])
    assert query(store, "SELECT count(*) FROM runs WHERE distance < '0.1'") == [(10,)]
    assert query(store, "SELECT count(*) FROM scraps WHERE number < 0.1") == [(10,)]


def test_optimize_indexes_what_is_sorted_by(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        writer.write([notebook(f"{number}.ipynb", distance=number, **{'o"dd': number}) for number in range(50)])
        optimize(writer)
        (*_, plan) = query(store, "EXPLAIN QUERY PLAN SELECT * FROM runs ORDER BY distance, nb_id LIMIT 5")[0]
        assert plan == "SCAN runs USING INDEX runs_by_distance"
        writer.write([notebook("51.ipynb", Distance=7, **{'o"dd': "text"})])  # renames indexed columns
        optimize(writer)
        optimize(writer)
    assert runs_of(store)["51.ipynb"]["Distance"] == 7
    check(store)


def test_columns_that_nobody_knows_of_say_what_to_do(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    with Writer(store) as writer:
        writer.write([notebook("a.ipynb", generation=1)])
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("DELETE FROM run_columns")
    sentence = r"not as this scrapdb makes it: duplicate column name: generation\. .*: remove it and index again\.$"
    with Writer(store) as writer, pytest.raises(StoreError, match=sentence):
        writer.write([notebook("b.ipynb", generation=2)])


PARTS = {
    "cut": "a" * 4_097,
    "long": ["a" * 5_000],
    "nan": float("nan"),
    "huge": 2**70,
    "surrogate": "\ud800",
    "zero": "a\0",
    "odd": [float("inf")],
}
WHOLE = {"x": 1, "half": 0.5, "infinite": float("inf"), "t": "a" * 4_096, "dj": {"a": [1]}, "flag": True, "none": None}


def of_which_all_is_told(store: Path) -> set[str]:
    return {name for (name,) in query(store, "SELECT name FROM names WHERE whole")}


def test_names_of_which_the_wide_table_does_not_tell_all(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    shadowed = made("c.ipynb", {"behind": "x", "before": 1}, {"behind": "a" * 5_000, "before": 2})
    write(store, [made("a.ipynb", WHOLE), shadowed])
    assert of_which_all_is_told(store) == {*WHOLE, "before"}
    write(store, [made("b.ipynb", {**WHOLE, **PARTS}), made("d.ipynb", {}, {"p": "b" * 5_000})])
    assert of_which_all_is_told(store) == {*WHOLE, "before"}
    with Writer(store) as writer:
        optimize(writer)
    assert of_which_all_is_told(store) == {*WHOLE, "before"}
    write(store, [made("b.ipynb", dict.fromkeys(PARTS, 1)), made("d.ipynb", {}, {"p": 1})])
    assert of_which_all_is_told(store) == {*WHOLE, "before"}  # until the columns are chosen anew
    with Writer(store) as writer:
        optimize(writer)
    assert of_which_all_is_told(store) == {*WHOLE, *PARTS, "before", "p"}


def test_a_mark_is_not_forgotten_with_a_transaction_that_failed(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    cut = made("a.ipynb", {"x": "a" * 5_000})
    with Writer(store) as writer:
        writer.write([made("b.ipynb", {"x": "b"})])
        with patch.object(Writer, "_count", side_effect=KeyError), pytest.raises(KeyError):
            writer.write([cut])
        writer.write([cut])
    assert of_which_all_is_told(store) == set()


def test_a_store_of_version_4_is_marked_without_its_notebooks(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    write(store, [made("a.ipynb", {**WHOLE, **PARTS}), made("b.ipynb", {"behind": 1}, {"behind": "a" * 5_000})])
    query(store, "ALTER TABLE names DROP COLUMN whole")
    query(store, "PRAGMA user_version = 4")
    with pytest.raises(StoreError, match="older scrapdb; `scrapdb index"):
        Writer(store)
    with Writer(store, oldest=OLDEST) as writer:
        forget_older(writer)
    assert of_which_all_is_told(store) == {*WHOLE}
    check(store)
