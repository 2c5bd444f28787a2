from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest

from scrapdb.query.explain import explain
from scrapdb.query.groups import select_groups
from scrapdb.query.select import count
from scrapdb.query.select import fields_of
from scrapdb.query.select import select
from tests.query.stores import Notebook
from tests.query.stores import build

# What is looked up before a question is answered: names, how many notebooks a term has, and how long the rows are.
BESIDES = (
    *("BEGIN", "ROLLBACK", "PRAGMA", "name_types", "FROM names", "run_columns"),
    *("SELECT count(*)", "max(id)", "avg(length)", "table_info"),
)


@pytest.fixture(scope="module", params=["fresh", "analyzed"])
def store(request: pytest.FixtureRequest) -> sqlite3.Connection:
    """A store of a few thousand notebooks, before and after ANALYZE, which may change SQLite's mind."""
    connection = build(
        Notebook(
            f"{number}.ipynb",
            {
                "distance": number / 3000,
                "flag": number % 2 == 0,
                "symbol": f"S{number}",
                "dj": {"a": number},
                "both": 1,
            }
            | ({"few": {"a": number} if number % 20 else number} if number % 10 == 0 else {}),
            {"rate": number % 7, "both": 2},
            {
                "started_at": f"2026-11-{number % 28 + 1:02}T00:00:00.000000Z",
                "status": ("completed", "failed")[number % 2],
            },
        )
        for number in range(3000)
    )
    if request.param == "analyzed":
        connection.execute("ANALYZE")
    return connection


def test_every_stage(store: sqlite3.Connection) -> None:
    found = explain(store, fields_of(store), "Distance<0.1 AND !flag".lower())
    assert found.tokens[:3] == (("name", "distance"), ("sign", "<"), ("number", "0.1"))
    assert (found.expression, found.tree) == ("distance < 0.1 and not flag", "(and (< distance 0.1) (not (true flag)))")
    step, *later = found.steps
    assert set(re.findall(r":(\w+)", step.sql)) == set(step.values)
    assert 0.1 in step.values.values()
    assert store.execute(step.sql, step.values).fetchall()
    titles = [line for line in str(found).splitlines() if not line.startswith(" ")]
    each = ["values", "plan"]
    assert titles[:6] == ["tokens", "expression", "tree", "sql", *each]
    # Of the parameters that differ only the rows tell, so that their ids are not there to be bound.
    assert titles[6:] == [
        "sql, for the parameters of these rows",
        *each,
        "sql, for values in these rows",
        *each,
    ]
    assert {value for step in later for value in step.values.values()} == {"[…]"}


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"expression": "distance < 0.5 and rate = 3"},
        {"expression": "flag", "columns": "symbol, both, distance * 2 as double", "sort": "-distance"},
        {"columns": "*", "limit": 3, "offset": 2},
        {"columns": ", ".join(["symbol", *(f"dj.a + {number} as a{number}" for number in range(30))]), "limit": 3},
        {"sort": "-distance", "limit": 2},
    ],
)
def test_what_is_explained_is_what_is_run(store: sqlite3.Connection, question: dict[str, Any]) -> None:
    """Of a walk through an index the second statement is run only if the first gives too few rows."""
    run: list[str] = []
    explained = {_unbound(step.sql) for step in explain(store, fields_of(store), **question).steps}
    store.set_trace_callback(run.append)
    try:
        list(select(store, fields_of(store), **question, differing=True).rows)
    finally:
        store.set_trace_callback(None)
    answering = {_unbound(sql) for sql in run if not any(word in sql for word in BESIDES)}
    assert answering
    assert answering <= explained


def test_groups_are_explained(store: sqlite3.Connection) -> None:
    question: dict[str, Any] = {"by": "flag, rate % 2 as odd", "columns": "first(few), mean(distance) as m"}
    question |= {"having": "m > 0 and odd = 1", "sort": "-count()"}
    found = explain(store, fields_of(store), "distance < 0.5", **question)
    assert dict(found.of_groups) == {
        "by": "flag\n(% rate 2)",
        "columns": "flag\n(% rate 2)\n(first few)\n(mean distance)",
        "having": "(and (> m 0) (= odd 1))",
        "sort": "(count)",
    }
    titles = [line for line in str(found).splitlines() if not line.startswith(" ")]
    assert titles[3:8] == ["by", "columns", "having", "sort", "sql"]
    run: list[str] = []
    store.set_trace_callback(run.append)
    try:
        list(select_groups(store, fields_of(store), "distance < 0.5", **question).rows)
    finally:
        store.set_trace_callback(None)
    answering = {
        _unbound(sql)
        for sql in run
        if "SELECT count(*)" not in sql[:20] and not any(word in sql for word in BESIDES[:6])
    }
    assert {_unbound(step.sql) for step in found.steps} <= answering


def _unbound(sql: str) -> str:
    """Take out what is bound, which SQLite's trace writes into the statement."""
    return re.sub(r":\w+|'\[[^']*'|-Inf|-?\d+(\.\d+)?(e-?\d+)?|'[^']*'", "?", sql)


def test_the_first_rows_are_looked_for_before_all_are_sorted(store: sqlite3.Connection) -> None:
    first, all_ = explain(store, fields_of(store), columns="symbol", sort="-distance", limit=2).steps
    assert not any("ORDER BY" in line and "RIGHT PART" not in line for line in first.plan)
    assert "USE TEMP B-TREE FOR ORDER BY" in all_.plan
    rows = [store.execute(step.sql, step.values).fetchall() for step in (first, all_)]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 2


@pytest.mark.parametrize(
    ("expression", "index"),
    [
        ("distance < 0.001", r"COVERING INDEX scraps_by_value \(name_id=\? AND number<\?\)"),
        ("0.5 < distance <= 0.501", r"COVERING INDEX scraps_by_value \(name_id=\? AND number>\? AND number<\?\)"),
        ("distance in (0.5, 1)", r"COVERING INDEX scraps_by_value \(name_id=\? AND number=\?\)"),
        ("symbol in ('S1', 'S2')", r"COVERING INDEX scraps_by_value \(name_id=\? AND number=\? AND text=\?\)"),
        ("symbol = 'S7'", r"COVERING INDEX scraps_by_value \(name_id=\? AND number=\? AND text=\?\)"),
        ("symbol like 'S77%'", r"COVERING INDEX scraps_by_value \(name_id=\? AND number=\? AND text>\? AND text<\?\)"),
        ("distance < 0.001 and flag", r"COVERING INDEX scraps_by_value \(name_id=\? AND number<\?\)"),
        (
            "flag and symbol = 'S7' and rate < 3",
            r"COVERING INDEX scraps_by_value \(name_id=\? AND number=\? AND text=\?\)",
        ),
        ("distance < 0.001 or symbol = 'S7'", r"COVERING INDEX scraps_by_value \(name_id=\? AND number<\?\)"),
        ("rate = 3 or distance > 0.9 and flag", r"COVERING INDEX parameters_by_value \(name_id=\? AND number=\?\)"),
        ("few / distance > 100", r"COVERING INDEX scraps_by_value \(name_id=\?\)"),
        ("few.a = 1 and distance > 0.5", r"INDEX scraps_by_value \(name_id=\? AND number=\? AND text=\?\)"),
        ("few.a is not null", r"INDEX scraps_by_value \(name_id=\? AND number=\? AND text=\?\)"),
        ("few is not null", r"INDEX scraps_by_value \(name_id=\?\)"),
        (
            "distance is null and symbol = 'S7'",
            r"COVERING INDEX scraps_by_value \(name_id=\? AND number=\? AND text=\?\)",
        ),
        ("not (distance < 0.999)", r"COVERING INDEX scraps_by_value \(name_id=\? AND number>\?\)"),
        ("nb.status = 'failed' and distance < 0.001", r"COVERING INDEX scraps_by_value \(name_id=\? AND number<\?\)"),
        ("nb.started_at >= '2026-11-28'", r"COVERING INDEX notebooks_by_started_at \(started_at>\?\)"),
        ("nb.path = '7.ipynb'", r"COVERING INDEX sqlite_autoindex_notebooks_1 \(path=\?\)"),
    ],
)
def test_questions_reach_the_index(store: sqlite3.Connection, expression: str, index: str) -> None:
    plan = explain(store, fields_of(store), expression).steps[0].plan
    assert any(re.search(f"SEARCH .* USING {index}", line) for line in plan), plan
    assert not any(line.startswith("SCAN") for line in plan), plan


@pytest.mark.parametrize(
    ("expression", "driver"),
    [
        ("rate = 3 and distance < 0.001", "scraps"),
        ("distance < 0.9 and rate = 3", "parameters"),
        ("nb.status = 'failed' and symbol = 'S7' and rate = 3", "scraps"),
        ("rate < 3 and (symbol = 'S1' or symbol = 'S2' and flag)", "scraps"),
    ],
)
def test_the_term_with_the_fewest_notebooks_is_looked_up(
    store: sqlite3.Connection, expression: str, driver: str
) -> None:
    plan = explain(store, fields_of(store), expression).steps[0].plan
    found = [line for line in plan if line.startswith("SEARCH v")]
    assert found
    assert all(f"INDEX {driver}_by_value" in line for line in found), plan


@pytest.mark.parametrize(
    "expression",
    [
        *("flag", "both = 1", "distance / rate > 100", "dj.a = 1", "distance is not null", "distance is null"),
        *("distance < 0.9 and flag", "distance < 0.001 or flag", "distance < 0.001 or dj.a = 1", "rate + 1 = 2"),
    ],
)
def test_what_holds_for_many_or_is_in_no_index_is_read_off_the_wide_table(
    store: sqlite3.Connection, expression: str
) -> None:
    step = explain(store, fields_of(store), expression).steps[0]
    assert "scraps" not in step.sql
    assert step.plan == ("SCAN r", "USE TEMP B-TREE FOR ORDER BY")


@pytest.mark.parametrize("characters", [10, 2_000])
def test_an_index_may_find_more_where_the_rows_are_long(characters: int) -> None:
    store = build(
        Notebook(f"{number}.ipynb", {"x": number, "text": "a" * characters + f"{number}"}) for number in range(5_000)
    )
    for expression, found in (("x < 2000", 2000), ("abs(x) < 2000", 2000), ("x < 3000", 3000), ("text like '%7'", 500)):
        is_sought = characters > 10 and found < 2_500
        plan = explain(store, fields_of(store), expression).steps[0].plan
        assert ("SCAN r" not in plan) == is_sought, (expression, plan)
        assert len(list(select(store, fields_of(store), expression, columns="nb.path").rows)) == found
        assert count(store, fields_of(store), expression) == found
