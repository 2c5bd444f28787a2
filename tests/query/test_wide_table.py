"""Where the wide table does not say the whole truth, a question is answered by what does."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from scrapdb.database import Database
from scrapdb.facts import Expression
from scrapdb.query.binding import bind_truth
from scrapdb.query.explain import explain
from scrapdb.query.parser import parse
from scrapdb.query.results import DisplayCell
from scrapdb.query.select import count
from scrapdb.query.select import fields_of
from scrapdb.query.select import ids_condition
from scrapdb.query.select import select
from scrapdb.query.sql.seek import missing
from scrapdb.query.sql.statements import ids_statement
from scrapdb.store.connection import open_reader
from tests.query.stores import Display
from tests.query.stores import Frame
from tests.query.stores import Notebook
from tests.query.stores import build
from tests.store.made import made
from tests.store.made import write
from tests.stores import query

LONG = "a" * 5_000


def answer(store: sqlite3.Connection, expression: str | None = None, **options: Any) -> list[tuple[Any, ...]]:
    return list(select(store, fields_of(store), expression, **options).rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store in which `x` is text; what `renamed` adds takes its column away."""
    path = tmp_path / "scraps.db"
    write(path, [made("a.ipynb", {"x": "b"}), made("b.ipynb", {"x": "c"})])
    assert query(path, "SELECT x FROM runs ORDER BY nb_id") == [("b",), ("c",)]
    return path


def rename(path: Path) -> None:
    write(path, [made("c.ipynb", {"x": 7})])
    assert query(path, 'SELECT "x (text)", x FROM runs ORDER BY nb_id') == [("b", None), ("c", None), (None, 7)]


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_reader(path)) as connection:
        yield connection


@pytest.mark.parametrize("columns", ["x, nb.path", None])
def test_columns_that_move_while_a_reader_knows_their_names(
    path: Path, connection: sqlite3.Connection, columns: str | None
) -> None:
    fields = fields_of(connection)
    assert count(connection, fields, "x = 'b'") == 1
    rename(path)
    assert count(connection, fields, "x = 'b'") == 1
    assert len(list(select(connection, fields, "x = 'b'", columns=columns).rows)) == 1


def test_columns_that_move_before_the_first_row_is_taken(path: Path, connection: sqlite3.Connection) -> None:
    selection = select(connection, fields_of(connection), "x >= 'b'", columns="x, nb.path", sort="-x")
    rename(path)
    assert list(selection.rows) == [("c", "b.ipynb"), ("b", "a.ipynb")]


def test_columns_that_move_before_a_table_is_read(path: Path) -> None:
    table = Database(path).query("x = 'c'", columns="x, nb.path")
    rename(path)
    assert [tuple(row) for row in table.rows()] == [("c", "b.ipynb")]
    assert [tuple(row) for row in table.rows()] == [("c", "b.ipynb")]


def test_columns_that_move_between_two_questions_of_datasette(path: Path, connection: sqlite3.Connection) -> None:
    sql, values = ids_condition(connection, fields_of(connection), ["x = 'b' or x = 'c'", "length(x) = 1"], "p_")
    rename(path)
    with closing(open_reader(path)) as other:
        assert sorted(other.execute(sql, values)) == [(1,), (2,)]


def test_columns_that_are_chosen_anew(path: Path, connection: sqlite3.Connection) -> None:
    fields = fields_of(connection)
    assert count(connection, fields, "x = 'b'") == 1
    write(path, [made("c.ipynb", {"X": "b", "x": 1})])
    Database(path).optimize()
    assert count(connection, fields, "x = 'b'") == 1
    assert [row[0] for row in select(connection, fields, "x is not null", columns="nb.path").rows] == [
        *("a.ipynb", "b.ipynb", "c.ipynb")
    ]


def test_lists_and_dicts_that_are_cut_in_the_wide_table() -> None:
    store = build(
        [
            Notebook("a.ipynb", {"dj": {"long": LONG, "x": 1}}),
            Notebook("b.ipynb", {"dj": {"x": 1}}),
            Notebook("c.ipynb", {"dj": [LONG, "b"]}),
        ]
    )
    assert answer(store, "dj.x = 1", columns="nb.path") == [("a.ipynb",), ("b.ipynb",)]
    assert answer(store, "dj contains 'b'", columns="nb.path") == [("c.ipynb",)]
    assert answer(store, "length(dj) = 2", columns="nb.path, length(dj.long)") == [
        ("a.ipynb", 5_000),
        ("c.ipynb", None),
    ]
    assert answer(store, "dj.x is null", columns="dj[0]") == [(LONG,)]
    assert answer(store, columns="dj.x", sort="dj.x, -nb.path") == [(1,), (1,), (None,)]


@pytest.mark.parametrize("beside", ["plain", "{", 1, Frame(2, 3), Display(), Display(())])
def test_lists_and_dicts_in_one_column_with_what_is_no_json(beside: Any) -> None:
    store = build([Notebook("a.ipynb", {"m": beside}), Notebook("b.ipynb", {"m": {"x": [1]}})])
    assert answer(store, "m.x[0] = 1", columns="m.x") == [([1],)]
    assert answer(store, "m contains 'x'", columns="nb.path") == [("b.ipynb",)]
    assert answer(store, "m is not null", columns="nb.path") == [("a.ipynb",), ("b.ipynb",)]
    assert [row[0] for row in answer(store, columns="m.x[0]")] == [None, 1]


@pytest.mark.parametrize("name", ["scrap.t", "t"])
def test_texts_that_are_cut_in_the_wide_table(name: str) -> None:
    cut = f"{LONG[:4_095]}…"
    store = build(
        Notebook(f"{path}.ipynb", {"t": text}) for path, text in {"a": LONG, "b": f"{LONG}b", "c": cut}.items()
    )
    for expression, found in (
        (f"{name} = '{LONG}'", "a"),
        (f"{name} in ('{LONG}', '{cut}')", "ac"),
        (f"{name} != '{cut}'", "ab"),
        (f"{name} > '{LONG}'", "bc"),
        (f"{name} like '%b'", "b"),
        (f"{name} ~ 'b$'", "b"),
        (f"{name} contains 'b'", "b"),
        (f"length({name}) = 5000", "a"),
        (f"upper({name}) = '{LONG.upper()}B'", "b"),
        (f"coalesce({name}, '') = '{LONG}'", "a"),
    ):
        assert "".join(row[0][0] for row in answer(store, expression, columns="nb.path")) == found
    assert answer(store, columns=name, sort=name) == [(LONG,), (f"{LONG}b",), (cut,)]


@pytest.mark.parametrize("values", [[2.0, 0.5], [2, 3], [True, False], [2.0, 2], [True, 1], [2**70, 2]])
def test_numbers_are_shown_as_their_type(values: list[Any]) -> None:
    store = build(Notebook(f"{number}.ipynb", {"x": value}) for number, value in enumerate(values))
    for name in ("x", "scrap.x"):
        assert repr(answer(store, columns=name)) == repr([(value,) for value in values])


@pytest.mark.parametrize("others", [[], [1.5], [2], ["a"]])
def test_what_is_not_a_number_is_not_null(others: list[Any]) -> None:
    values = [math.nan, None, *others]
    store = build(Notebook(f"{number}.ipynb", {"x": value}) for number, value in enumerate(values))
    assert repr([row[0] for row in answer(store, columns="x")]) == repr(values)
    assert count(store, fields_of(store), "x is null") == 2


def test_a_name_of_which_no_value_is_known() -> None:
    store = build([Notebook("a.ipynb", {}, {"p": Expression("f()"), "n": None}), Notebook("b.ipynb", {"s": None})])
    assert answer(store, columns="p, n, s, param.p") == [
        (Expression("f()"), None, None, Expression("f()")),
        (None, None, None, None),
    ]
    assert answer(store, "p is not null and n is null", columns="nb.path", sort="p, n") == [("a.ipynb",)]
    assert answer(store, "p = 1 or n = 1 or s = 'a'", columns="nb.path") == []


@pytest.mark.parametrize("value", [math.nan, LONG, 2**70, [LONG]])
def test_a_parameter_behind_a_scrap_of_which_the_columns_do_not_tell_all(value: Any) -> None:
    store = build([Notebook("a.ipynb", {"x": None, "y": 1}, {"x": value, "y": value})])
    rows = answer(store, columns="x, param.x, y, param.y")
    assert repr(rows) == repr([(None, value, 1, value)])


def test_a_number_beyond_64_bits_behind_a_parameter() -> None:
    store = build([Notebook("a.ipynb", {}, {"x": 2**70}), Notebook("b.ipynb", {"x": 2}, {"x": 2**80})])
    assert answer(store, columns="x, param.x") == [(2**70, 2**70), (2, 2**80)]
    assert answer(store, f"x = {2**70}", columns="nb.path") == [("a.ipynb",)]


def test_texts_that_look_like_tokens() -> None:
    token = f"frame:3x4:{'0' * 64}"
    store = build([Notebook("a.ipynb", {"t": token}), Notebook("b.ipynb", {"t": Frame(3, 4)})])
    assert answer(store, f"t = '{token}'", columns="t") == [(token,)]
    assert answer(store, "t like 'frame%'", columns="nb.path") == [("a.ipynb",)]
    assert answer(store, "length(t) > 0", columns="nb.path") == [("a.ipynb",)]
    assert answer(store, columns="nb.path", sort="-t") == [("a.ipynb",), ("b.ipynb",)]


def test_a_display_of_which_nothing_could_be_kept_is_there() -> None:
    store = build([Notebook("a.ipynb", {"d": Display(())}), Notebook("b.ipynb", {"d": Display()}), Notebook("c.ipynb")])
    assert answer(store, "d is not null", columns="nb.path, d") == [
        ("a.ipynb", DisplayCell(1, "d", ())),
        ("b.ipynb", DisplayCell(2, "d", ("image/png",))),
    ]
    assert answer(store, "d is null", columns="nb.path") == [("c.ipynb",)]


def test_a_name_that_is_both_in_each_role() -> None:
    store = build(
        [
            Notebook("a.ipynb", {"x": 1}, {"x": 10}),
            Notebook("b.ipynb", {"x": "b"}),
            Notebook("c.ipynb", {}, {"x": 30}),
            Notebook("d.ipynb", {"x": None}, {"x": 40}),
        ]
    )
    assert answer(store, columns="x, scrap.x, param.x") == [
        (1, 1, 10),
        ("b", "b", None),
        (30, None, 30),
        (None, None, 40),
    ]
    for expression, found in (
        ("x < 100", "ac"),
        ("scrap.x < 100", "a"),
        ("param.x < 100", "acd"),
        ("x < param.x", "a"),
        ("x is null", "d"),
        ("scrap.x is null", "cd"),
        ("param.x = 40 and x is null", "d"),
        ("x = 30 or scrap.x = 1", "ac"),
    ):
        assert "".join(row[0][0] for row in answer(store, expression, columns="nb.path")) == found


@pytest.mark.parametrize("room", [0, 1, 2, 3, 100])
def test_names_for_which_the_wide_table_has_no_room(room: int) -> None:
    store = build(
        [Notebook("a.ipynb", {"x": 1, "y": "a", "z": 2}), Notebook("b.ipynb", {"x": "t", "y": [1], "z": 2.5})],
        columns=room,
    )
    assert answer(store, columns="x, y, z") == [(1, "a", 2), ("t", [1], 2.5)]
    for expression, found in (
        ("x = 1", "a"),
        ("x = 't'", "b"),
        ("x != 1", "b"),
        ("x is not null and y is not null", "ab"),
        ("y contains 1 or y = 'a'", "ab"),
        ("z / 2 > 1 and x is not null", "b"),
    ):
        assert "".join(row[0][0] for row in answer(store, expression, columns="nb.path")) == found
    assert answer(store, columns="nb.path", sort="-x, z") == [("a.ipynb",), ("b.ipynb",)]
    assert answer(store, columns="nb.path", sort="-z", limit=1) == [("b.ipynb",)]


@pytest.mark.parametrize("columns", [100, 0])
def test_an_index_tells_who_misses_a_value_as_the_wide_table_does(columns: int) -> None:
    values: list[Any] = [1, 2.5, True, math.nan, None, "", "text", [1], {}, 2**70, Frame(3, 2), Display(), Display(())]
    notebooks = [Notebook(f"{number:02}", {"x": value}) for number, value in enumerate(values)]
    notebooks += [Notebook("n0", {}, {"x": 1}), Notebook("n1", {"x": None}, {"x": 1}), Notebook("n2", {"y": 1})]
    notebooks += [Notebook("n3", {"x": math.nan}), Notebook("n4", {}, {"x": Expression("1 + y")})]
    with closing(build(notebooks, columns=columns)) as store:
        for question in ("x is null", "scrap.x is null", "param.x is null", "x is null and y is null or x is null"):
            where = bind_truth(parse(question), fields_of(store), datetime.now(UTC))
            rewritten = missing(where, 1_000)
            assert rewritten != where
            assert missing(where, 1) == where
            found = [store.execute(*ids_statement(tree)).fetchall() for tree in (where, rewritten)]
            assert sorted(found[1]) == sorted(found[0]), question
        found_paths = [row[0] for row in answer(store, "x is null", columns="nb.path")]
        assert found_paths == ["03", "04", "n1", "n2", "n3"]


@pytest.mark.parametrize(("characters", "share", "is_asked"), [(2_000, 10, True), (2_000, 1, False), (5, 10, False)])
def test_an_index_is_asked_who_misses_a_value_where_the_rows_are_long(
    characters: int, share: int, *, is_asked: bool
) -> None:
    notebooks = [
        Notebook(f"{number:04}", {"text": "a" * characters} | ({"x": number} if number % share == 0 else {}))
        for number in range(2_000)
    ]
    with closing(build(notebooks)) as store:
        assert len(answer(store, "x is null", columns="nb.path")) == 2_000 - 2_000 // share
        assert count(store, fields_of(store), "x is null") == 2_000 - 2_000 // share
        step = explain(store, fields_of(store), "x is null", columns="nb.path").steps[0]
        assert ("scraps" in step.sql) == is_asked, step.sql
