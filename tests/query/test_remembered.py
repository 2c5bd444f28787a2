"""What was planned for a question answers it again, from any connection, as long as it is right."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scrapdb.database import Database
from scrapdb.errors import ExpressionError
from scrapdb.query.select import count
from scrapdb.query.select import fields_of
from scrapdb.query.select import planned
from scrapdb.query.select import select
from scrapdb.query.sql.statements import one_of
from scrapdb.store.connection import open_reader
from tests.query.stores import Notebook
from tests.query.stores import build
from tests.store.made import made
from tests.store.made import write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "scraps.db"
    write(path, [made(f"{number}.ipynb", {"x": number, "dict": {"key": number}}) for number in range(5)])
    return path


@pytest.fixture
def two(path: Path) -> Iterator[tuple[sqlite3.Connection, sqlite3.Connection]]:
    with closing(open_reader(path)) as one, closing(open_reader(path)) as other:
        yield one, other


def plans(two: tuple[sqlite3.Connection, sqlite3.Connection], expression: str | None, **options: Any) -> list[Any]:
    return [planned(connection, fields_of(connection), expression, **options) for connection in two]


def test_a_question_is_planned_once(two: tuple[sqlite3.Connection, sqlite3.Connection]) -> None:
    first, again = plans(two, "x < 3", columns="nb.path", sort="-x", limit=2)
    assert first is again
    other, another = (plans(two, "x < 3", columns="nb.path", sort="-x", limit=limit)[0] for limit in (1, 2))
    assert (other is first, another is first) == (False, True)


@pytest.mark.parametrize(
    ("expression", "options"),
    [
        ("nb.started_at < NOW() - days(7)", {}),
        (None, {"columns": "x, now() as t"}),
        (None, {"columns": "*"}),
        ("x < 3", {"only": one_of([1])}),
        (f"x in ({', '.join(map(str, range(2_000)))})", {}),
    ],
)
def test_a_question_that_is_planned_anew(
    two: tuple[sqlite3.Connection, sqlite3.Connection], expression: str | None, options: dict[str, Any]
) -> None:
    first, again = plans(two, expression, **options)
    assert first is not again


def test_now_is_now(path: Path) -> None:
    first, then = (next(Database(path).query(columns="now()", limit=1).rows())[0] for _ in range(2))
    assert first < then


def test_a_store_that_another_process_has_written(path: Path) -> None:
    """The same questions before and after: columns of `runs` move, types come, names appear that were paths."""
    db = Database(path)
    questions = ["x < 3", "x != 3", "x is null", "dict.key = 4", "x contains 'a'"]

    def answers() -> list[Any]:
        found: list[Any] = []
        for question in questions:
            try:
                rows = list(db.query(question, "nb.path, x", sort="-x").rows())
                found.append((rows, db.count(question)))
            except ExpressionError as error:
                found.append(error.message)
        return found

    before = answers()
    assert before == answers()
    assert before[0][1] == 3
    assert "text, lists and dicts" in before[4]
    write(path, [made("a.ipynb", {"x": "abc"}), made("b.ipynb", {"y": 1}), made("4.ipynb", {"x": 2.5})])
    after = answers()
    assert after[0] == ([("4.ipynb", 2.5), ("2.ipynb", 2), ("1.ipynb", 1), ("0.ipynb", 0)], 4)
    assert after[1][1] == 5  # a text is not 3
    assert after[2] == ([("b.ipynb", None)], 1)
    assert after[3] == ([], 0)
    assert after[4] == ([("a.ipynb", "abc")], 1)
    write(path, [made("c.ipynb", {"dict.key": 4})])
    assert "is a name, and also a path" in answers()[3]
    assert db.query(columns="*").columns[:5] == ("notebook", "dict", "x", "y", "dict.key")


def test_values_that_change_while_there_are_as_many(path: Path) -> None:
    db = Database(path)
    assert [row[0] for row in db.query("x = 3", "nb.path").rows()] == ["3.ipynb"]
    write(path, [made("3.ipynb", {"x": 1, "dict": {"key": 1}}), made("1.ipynb", {"x": 3, "dict": {"key": 1}})])
    assert [row[0] for row in db.query("x = 3", "nb.path").rows()] == ["1.ipynb"]
    assert db.count("x = 3") == 1
    assert [row[0] for row in db.query(None, "nb.path", "-x", 2).rows()] == ["4.ipynb", "1.ipynb"]


def test_stores_that_know_the_same_names_otherwise() -> None:
    stores = [
        build([Notebook("a", {"x": "1"}), Notebook("b", {"x": "2"})]),
        build([Notebook("a", {"x": 1}), Notebook("b", {"x": 2})]),
        build([Notebook("a", {}, {"x": 1}), Notebook("b", {"x": 2})]),
        build([Notebook("a", {"x": 1}), Notebook("b", {"x": 2})], columns=0),
        build([Notebook("a", {"y": 1, "x": 1}), Notebook("b", {"x": 2})]),
    ]
    for _ in range(2):
        for store in stores[1:]:
            assert list(select(store, fields_of(store), "x > 1", columns="nb.path, x").rows) == [("b", 2)]
            assert count(store, fields_of(store), "x > 1") == 1
        with pytest.raises(ExpressionError):
            select(stores[0], fields_of(stores[0]), "x > 1", columns="nb.path, x")
    for store in stores:
        store.close()
