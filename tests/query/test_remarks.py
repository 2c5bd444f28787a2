from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import ExpressionError
from scrapdb.facts import Expression
from scrapdb.query.remarks import remark
from scrapdb.store.connection import APPLICATION_ID
from scrapdb.store.schema import VERSION
from tests.query.stores import Notebook
from tests.query.stores import build

NOTEBOOKS = [
    Notebook("a.ipynb", {}, {"n": Expression("f()"), "only": Expression("g()"), "odd name": Expression("h()")}),
    Notebook("b.ipynb", {"n": 5}, {"n": Expression("f()")}),  # behind a scrap
    Notebook("c.ipynb", {}, {"n": Expression("f()"), "only": Expression("g()")}),
    Notebook("d.ipynb", {}, {"n": 1, "value": 2}),
    Notebook("e.ipynb", {"mixed": "far", "number": 1, "dj": {"a": "b"}}),
    Notebook("f.ipynb", {"mixed": 5, "number": None, "dj": {"a": 1}}),
    Notebook("g.ipynb", {"mixed": [1]}, {"n": 2}),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "scraps.db"
    with closing(build(NOTEBOOKS, str(path))) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    return path


@pytest.mark.parametrize(
    ("expression", "columns", "counts"),
    [
        ("n > 1", None, ["2 notebooks have an expression for `n`"]),
        ("param.n > 1", None, ["3 notebooks have an expression for `param.n`"]),
        ("n > 1 or param.n > 1", None, ["2 notebooks have an expression for `n`", "3 for `param.n`"]),
        ("scrap.n > 1", None, None),
        ("value > 1", None, None),
        ("nb.path = 'x'", None, None),
        ("n is not null", None, None),
        (None, "n, only", None),
        (None, "*", None),
        (None, "n, only > 1 as large", ["2 notebooks have an expression for `only`"]),
        ("n", None, ["2 notebooks have an expression for `n`"]),
        ("not (1 < n * 2 <= 3)", None, ["2 notebooks have an expression for `n`"]),
        ("n in (1, 2) or n > 5", None, ["2 notebooks have an expression for `n`"]),
        ("`odd name` like 'x%'", None, ["1 notebook has an expression for `odd name`"]),
        ("only.a = 1 or n = 1", None, ["2 notebooks have an expression for `only`", "2 for `n`"]),
        (
            "value = 1 or only contains 'a' or n = value",
            None,
            ["2 notebooks have an expression for `only`", "2 for `n`"],
        ),
    ],
)
def test_what_is_told(store: Path, expression: str | None, columns: str | None, counts: list[str] | None) -> None:
    told = f"{', '.join(counts)}: a comparison with it is neither true nor false." if counts else None
    assert remark(store, expression, columns=columns) == told


MEAN = "that `mean` cannot take, and passes over."


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"columns": "mean(mixed)"}, f"2 notebooks have a value for `mixed` {MEAN}"),
        ({"columns": "number, mean(mixed / 2)", "by": "number"}, f"2 notebooks have a value for `mixed` {MEAN}"),
        ({"by": "number", "having": "1 - mean(mixed) > 1"}, f"2 notebooks have a value for `mixed` {MEAN}"),
        ({"by": "number", "sort": "-mean(-mixed)"}, f"2 notebooks have a value for `mixed` {MEAN}"),
        ({"expression": "number = 1", "columns": "mean(mixed)"}, f"1 notebook has a value for `mixed` {MEAN}"),
        ({"expression": "mixed > 1", "columns": "mean(mixed)"}, None),
        ({"columns": "mean(dj.a), mean(number)"}, f"1 notebook has a value for `dj.a` {MEAN}"),
        ({"columns": "mean(n)"}, f"2 notebooks have a value for `n` {MEAN}"),
        ({"columns": "max(n)"}, "2 notebooks have a value for `n` that `max` cannot take, and passes over."),
        (
            {"columns": "max(mixed)"},
            "2 notebooks have a value for `mixed` that `max` cannot take beside numbers, and passes over.",
        ),
        ({"columns": "max(dj.a)"}, None),
        ({"columns": "count(mixed), first(n), max(nb.path), sum(number), mean(length(dj)), count()"}, None),
        ({"by": "mixed as m", "columns": "m", "having": "m > 1 and count() > 1", "sort": "m"}, None),
        (
            {"columns": "mean(n > 1)"},
            "2 notebooks have an expression for `n`: a comparison with it is neither true nor false.",
        ),
    ],
)
def test_what_aggregates_pass_over_is_told(store: Path, options: dict[str, Any], told: str | None) -> None:
    assert remark(store, options.pop("expression", None), **options) == told


def test_several_expressions_are_told_of_once(store: Path) -> None:
    told = remark(store, "n > 1", None, "n > 2 and only = 1")
    assert told
    assert told.count("`n`") == told.count("`only`") == 1


def test_mistakes_are_told(store: Path) -> None:
    with pytest.raises(ExpressionError, match="No notebook has a field"):
        remark(store, "nothing > 1")
