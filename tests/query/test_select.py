from __future__ import annotations

import json
import math
import random
import re
import shutil
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from typing import Literal

import pytest

from scrapdb.database import Database
from scrapdb.errors import ExpressionError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.facts import Expression
from scrapdb.query.results import DisplayCell
from scrapdb.query.results import FrameCell
from scrapdb.query.select import LOOKED_AT
from scrapdb.query.select import check
from scrapdb.query.select import count
from scrapdb.query.select import fields_of
from scrapdb.query.select import notebook_ids
from scrapdb.query.select import select
from tests.query.stores import Display
from tests.query.stores import Frame
from tests.query.stores import Notebook
from tests.query.stores import build

MANY = 24
NOTEBOOKS = [
    Notebook("t/aaa.ipynb", {"distance": 0.5, "ath": False, "n": 2**70}, {"symbol": "AAA", "rate": 1, "both": 1}),
    Notebook("t/bcd.ipynb", {"distance": 0.1, "ath": True, "both": "b"}, {"symbol": "BCD", "rate": 1, "both": 2}),
    Notebook(
        "t/mno.ipynb", {"distance": math.nan, "dj": {"list": [1, {"x": None}], "t": "é"}}, {"symbol": "MNO", "rate": 1}
    ),
    Notebook(
        "t/xyz.ipynb", {"distance": "far", "prices": Frame(1000, 2)}, {"symbol": "XYZ", "rate": 1}, {"status": "failed"}
    ),
    Notebook("t/zzz.ipynb", {"chart": Display(("text/plain", "image/png")), "distance": None}, {"rate": 1, "few": 5}),
]


@pytest.fixture(scope="module")
def store() -> sqlite3.Connection:
    return build(NOTEBOOKS)


def answer(store: sqlite3.Connection, expression: str | None = None, **options: Any) -> list[tuple[Any, ...]]:
    return list(select(store, fields_of(store), expression, **options).rows)


def paths(store: sqlite3.Connection, expression: str | None = None, **options: Any) -> str:
    """The notebooks as single letters."""
    return "".join(row[0][2] for row in answer(store, expression, columns="notebook", **options))


def test_values_come_back_as_they_were(store: sqlite3.Connection) -> None:
    rows = answer(store, columns="distance, ath, n, both, param.both, dj, dj.list[-1].x, dj.t")
    assert rows[0] == (0.5, False, 2**70, 1, 1, None, None, None)
    assert rows[0][1] is False
    assert rows[1] == (0.1, True, None, "b", 2, None, None, None)
    assert math.isnan(rows[2][0])
    assert rows[2][5:] == ({"list": [1, {"x": None}], "t": "é"}, None, "é")
    assert rows[3][0] == "far"
    assert rows[4][0] is None


def test_frames_and_displays_stand_for_themselves(store: sqlite3.Connection) -> None:
    rows = answer(store, "prices is not null or chart is not null", columns="prices, chart")
    assert rows == [
        (FrameCell(4, "prices", 1000, 2), None),
        (None, DisplayCell(5, "chart", ("image/png", "text/plain"))),
    ]
    assert [str(rows[0][0]), str(rows[1][1])] == ["DataFrame 1,000 × 2", "image/png"]


def test_columns_can_be_expressions(store: sqlite3.Connection) -> None:
    selection = select(
        store, fields_of(store), columns="symbol, distance * 100 as pct, distance < 0.2, upper(symbol) as s"
    )
    assert selection.labels == ("symbol", "pct", "distance < 0.2", "s")
    assert list(selection.rows) == [
        ("AAA", 50.0, False, "AAA"),
        ("BCD", 10.0, True, "BCD"),
        ("MNO", None, None, "MNO"),
        ("XYZ", None, None, "XYZ"),
        (None, None, None, None),
    ]


def test_default_columns(store: sqlite3.Connection) -> None:
    selection = select(store, fields_of(store), "distance < 1 or dj.list[0] = 1 or nb.status = 'failed' or `ath`")
    assert selection.labels == (("notebook", "distance", "dj.list[0]", "nb.status", "ath", "symbol", "both"))
    assert next(selection.rows) == ("t/aaa.ipynb", 0.5, None, "completed", False, "AAA", 1)


def test_a_path_that_is_asked_for_is_shown_once(store: sqlite3.Connection) -> None:
    selection = select(store, fields_of(store), "notebook like 't/a%' and nb.path is not null")
    assert selection.labels == ("notebook", "symbol", "both")
    assert [row[0] for row in selection.rows] == ["t/aaa.ipynb"]


def test_columns_that_would_be_called_the_same_keep_their_backticks() -> None:
    names = {"nb.status": 1, "a": 2, "scrap.a": 3}
    store = build([Notebook("a.ipynb", names)])
    for columns, labels in {
        "`nb.status`, nb.status": ("`nb.status`", "nb.status"),
        "a, `scrap.a`, scrap.a": ("a", "`scrap.a`", "scrap.a"),
        "a, `a`": ("a", "`a`"),
        "nb.status as a, `a`": ("a", "`a`"),
        "*, a as b": ("notebook", "`nb.status`", "a", "scrap.a", "nb.status"),
    }.items():
        selection = select(store, fields_of(store), columns=columns)
        assert selection.labels[: len(labels)] == labels
        assert len(set(selection.labels)) == len(selection.labels)
        values = dict(zip(selection.labels, next(selection.rows), strict=True))
        assert values.get("`nb.status`", 1) == 1
        assert values.get("nb.status", "completed") == "completed"


def test_a_parameter_that_is_called_like_a_column_keeps_its_backticks() -> None:
    store = build(Notebook(f"{p}.ipynb", {}, {"nb.status": p}) for p in (1, 2))
    selection = select(store, fields_of(store), "nb.status = 'completed'")
    assert selection.labels == ("notebook", "nb.status", "`nb.status`")
    assert list(selection.rows) == [("1.ipynb", "completed", 1), ("2.ipynb", "completed", 2)]


def test_remainders_are_those_of_python() -> None:
    pairs = [(7, 3), (-7, 3), (7, -3), (-7, -3), (7.5, 2), (-0.3, 0.2), (2**62 + 1, 2), (True, 2), (1, math.inf)]
    store = build(Notebook(f"{n}.ipynb", {"a": a, "b": b}) for n, (a, b) in enumerate(pairs))
    found = [row[0] for row in answer(store, columns="a % b")]
    assert [(type(each), each) for each in found] == [(type(a % b), a % b) for a, b in pairs]
    constants = ", ".join(f"{a!r} % {b!r}" for a, b in pairs[:7])
    assert answer(store, columns=constants, limit=1) == [tuple(a % b for a, b in pairs[:7])]


def test_a_remainder_of_nothing_or_by_nothing_is_missing() -> None:
    store = build([Notebook("a.ipynb", {"a": 1, "zero": 0, "none": None, "nan": math.nan, "inf": math.inf})])
    columns = "a % zero, a % 0, a % 0.0, 1 % 0, a % none, none % a, nan % a, inf % a, a % nan"
    assert answer(store, columns=columns) == [(None,) * 9]
    assert answer(store, "a % zero = 0 or not (a % zero = 0)") == []


def test_operators_of_one_rank_are_read_from_the_left() -> None:
    store = build([Notebook("a.ipynb", {"a": 7, "b": 4, "c": 3})])
    assert answer(store, columns="a % b * c, a * b % c, a + b % c, -a % b, a % -b") == [(9, 1, 8, 1, -1)]
    assert paths(store, "a % b = 3 and a % 2") == "i"


@pytest.mark.parametrize("count_", [1, 3 * MANY])
def test_a_number_comes_off_the_index_as_its_type(count_: int) -> None:
    """A name of one type is not looked up again; among many columns it is."""
    others = [f"s{number}" for number in range(count_)]
    for values in ([0.5, 2.0, None], [True, False, True], [1, 2**70, 3]):
        store = build(
            Notebook(f"{number}.ipynb", {"x": value, **dict.fromkeys(others, 1)}) for number, value in enumerate(values)
        )
        rows = answer(store, "x > 0", columns=f"x, {', '.join(others)}, nb.status", sort="x")
        expected = sorted(value for value in values if value)
        assert [repr(row[0]) for row in rows] == [repr(value) for value in expected]
        assert {row[-1] for row in rows} == {"completed"}


def test_a_path_leads_nowhere_in_what_is_no_list_or_dict() -> None:
    values = [{"a": 1}, 1.5, 2, "a", True, None, Frame(3, 2), Display()]
    store = build(Notebook(f"{number}.ipynb", {"m": value}) for number, value in enumerate(values))
    assert [row[0] for row in answer(store, columns="m.a")] == [1, *[None] * 7]


def test_only_parameters_that_vary_are_shown() -> None:
    for varying in ([1, 2], ["a", "b"], [1, True], [None, 1], [[1], [2]], [1.5, "a"]):
        runs = [Notebook(f"{number}.ipynb", {}, {"p": value, "same": [0]}) for number, value in enumerate(varying)]
        store = build(
            [*runs, *(Notebook(f"x{number}.ipynb", {}, {"p": varying[0], "same": [0]}) for number in range(3))]
        )
        assert select(store, fields_of(store)).labels == ("notebook", "p")
        store = build([Notebook(f"{number}.ipynb", {}, {"p": varying[0]}) for number in range(3)])
        assert select(store, fields_of(store)).labels == ("notebook",)


def test_parameters_that_differ_in_the_rows_are_shown_however_many() -> None:
    """What varies elsewhere is not, nor is what only one of the rows has: a directory of many kinds of notebooks."""
    kinds = [
        Notebook(f"{kind}/{run}.ipynb", {"kind": kind}, {f"{kind}{number}": run for number in range(30)} | {"run": run})
        for kind in "ab"
        for run in range(3)
    ]
    store = build(kinds)
    of_a = tuple(f"a{number}" for number in range(30))
    selection = select(store, fields_of(store), "kind = 'a'", differing=True)
    assert selection.labels == ("notebook", "kind", *of_a, "run")
    assert selection.optional == 31
    assert list(selection.rows) == [(f"a/{run}.ipynb", "a", *[run] * 31) for run in range(3)]
    assert select(store, fields_of(store), "kind = 'a'", differing=True, limit=1).labels == ("notebook", "kind")
    assert select(store, fields_of(store), "nb.path like '%/0.ipynb'", differing=True).labels == ("notebook",)
    everything = select(store, fields_of(store), differing=True)
    assert len(everything.labels) == 1 + 1 + 2 * 30
    assert everything.labels[1] == "run"  # which most have
    assert select(store, fields_of(store), columns="notebook, run").optional == 0


@pytest.mark.parametrize(
    ("values", "differ"),
    [
        ([1, 1], False),
        ([1, None], True),
        ([None, None], False),
        ([math.nan, math.nan], False),
        ([math.nan, 1.5], True),
        ([2**70, 2**70 + 1], True),  # the same float
        ([2**70, 2**70], False),
        (["1", 1], True),
        (["a", "a"], False),
        ([[1, 2], [1, 3]], True),
        ([{"a": [1]}, {"a": [1]}], False),
        ([True, False], True),
    ],
)
def test_what_differs_of_every_type(values: list[Any], differ: bool) -> None:
    store = build([Notebook(f"{number}.ipynb", {}, {"p": value}) for number, value in enumerate(values)])
    assert (select(store, fields_of(store)).labels == ("notebook", "p")) is differ


def test_a_program_has_the_parameters_that_vary_also_in_one_row() -> None:
    store = build(
        Notebook(f"{kind}.ipynb", {"kind": kind}, {"run": kind, "same": 0, f"of_{kind}": [kind]}) for kind in "abc"
    )
    assert answer(store, "kind = 'a'") == [("a.ipynb", "a", "a")]
    assert select(store, fields_of(store), "kind = 'a'").labels == ("notebook", "kind", "run")


def test_a_parameter_behind_a_scrap_is_shown_as_the_scrap() -> None:
    store = build([Notebook(f"{run}.ipynb", {"p": f"glued {run}"} if run else {}, {"p": run}) for run in range(2)])
    assert answer(store) == [("0.ipynb", 0), ("1.ipynb", "glued 1")]


def test_of_very_many_rows_the_parameters_that_vary_in_the_store_are_shown() -> None:
    store = build(
        Notebook(f"{run:05}.ipynb", {"x": run}, {"p": run < LOOKED_AT, "q": max(run, LOOKED_AT), "same": 1})
        for run in range(LOOKED_AT + 600)
    )
    few = select(store, fields_of(store), f"x < {LOOKED_AT}", differing=True)
    assert few.labels == ("notebook", "x")
    many = select(store, fields_of(store), f"x <= {LOOKED_AT}", differing=True)
    assert many.labels == ("notebook", "x", "p", "q")
    rows = list(many.rows)
    assert rows[0] == ("00000.ipynb", 0, True, LOOKED_AT)
    assert rows[-1] == (f"{LOOKED_AT}.ipynb", LOOKED_AT, False, LOOKED_AT)
    assert len(rows) == LOOKED_AT + 1


def test_an_answer_that_waits_for_its_reader_holds_no_transaction(store: sqlite3.Connection) -> None:
    selection = select(store, fields_of(store))
    assert not store.in_transaction
    assert len(list(selection.rows)) == 5


@pytest.mark.parametrize("columns", ["stats, plot", "plot, distance, stats, param.rate", None])
@pytest.mark.parametrize("others", [0, 3 * MANY])
def test_the_rows_of_an_answer_cost_no_statement_each(columns: str | None, others: int) -> None:
    names = [f"s{number}" for number in range(others)]

    def statements(count_: int) -> int:
        run: list[str] = []
        store = build(
            Notebook(
                f"{number:04}.ipynb",
                {"stats": Frame(number, 3), "plot": Display(("text/html", "image/png")), "distance": number / 7}
                | dict.fromkeys(names, 1),
                {"rate": number},
            )
            for number in range(count_)
        )
        store.set_trace_callback(run.append)
        shown = ", ".join([columns, *names]) if columns else None
        question = "stats is not null and plot is not null"
        rows = list(select(store, fields_of(store), question, columns=shown).rows)
        assert len(rows) == count_
        assert FrameCell(count_, "stats", count_ - 1, 3) in rows[-1]
        assert DisplayCell(1, "plot", ("image/png", "text/html")) in rows[0]
        return len(run)

    # A thousand rows come in two chunks, of which each may be looked up; and an index is asked how many there are.
    assert statements(1000) - statements(10) <= 6


def test_a_display_of_which_nothing_is_kept_is_one() -> None:
    store = build([Notebook("a.ipynb", {"chart": Display(()), "prices": Frame(0, 0)})])
    assert answer(store, columns="chart, prices") == [(DisplayCell(1, "chart", ()), FrameCell(1, "prices", 0, 0))]


def test_star_is_every_field(store: sqlite3.Connection) -> None:
    selection = select(store, fields_of(store), columns="*")
    names = ["distance", "ath", "n", "symbol", "rate", "both", "param.both", "dj", "prices", "chart", "few"]
    attributes = [row[1] for row in store.execute("PRAGMA table_info(notebooks)")]
    hidden = ("id", "path", "os_path", "mtime_ns", "etag")
    labels = set(selection.labels)
    assert selection.labels[:12] == ("notebook", *names)
    recorded = [row[1] for row in store.execute("PRAGMA table_info(records)")]
    reported = [row[1] for row in store.execute("PRAGMA table_info(reports)")]
    left_out = ("notebook_id", "execution", "started_at", "ended_at", "code_hash", "parameters_hash")
    assert labels == {
        "notebook",
        *names,
        *(f"nb.{name}" for name in attributes if name not in hidden),
        *(f"exec.{name}" for name in recorded if name not in left_out),
        *(f"report.{name}" for name in reported if name not in left_out),
    }
    assert dict(zip(selection.labels, next(selection.rows), strict=True))["n"] == 2**70


def test_notebook_is_the_path_unless_something_is_called_so(store: sqlite3.Connection) -> None:
    assert paths(store, sort="-notebook") == "zxmba"
    other = build([Notebook("a.ipynb", {"notebook": 7})])
    assert answer(other, columns="notebook, nb.path") == [(7, "a.ipynb")]
    assert select(other, fields_of(other)).labels == ("nb.path",)


REPORTS = [
    Notebook("r/a.ipynb", report={"id": "0a", "state": "completed", "language": "ca", "pages": '["report.html"]'}),
    Notebook("r/b.ipynb", report={"id": "0b", "state": "error", "language": "en", "title": "No"}),
    Notebook("r/c.ipynb"),
]


@pytest.mark.parametrize("prefix", ["", "nb."])
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("report.language = 'ca'", "a"),
        ("report.state != 'completed'", "b"),
        ("report.state is null", "c"),
        ("report.title = 'No' or report.pages contains 'report.html'", "ab"),
        ("report.pages[0] = 'report.html'", "a"),
    ],
)
def test_reports_are_asked_for(prefix: str, where: str, expected: str) -> None:
    store = build([*REPORTS, Notebook("r/d.ipynb", {"report": "weekly"}), Notebook("r/e.ipynb", {}, {"report": 7})])
    found = paths(store, re.sub(r"\breport\.(?!html)", f"{prefix}report.", where))
    assert found.strip("de") == expected
    assert answer(store, "report = 'weekly'", columns="report, report.state") == [("weekly", None)]


def test_a_dict_that_is_called_report_is_not_hidden_by_the_fields_of_reports() -> None:
    store = build([*REPORTS, Notebook("r/d.ipynb", {"report": {"accuracy": 0.9, "state": "error", "x": {"y": 1}}})])
    assert paths(store, "report.accuracy > 0.5") == "d"
    assert paths(store, "report.x.y = 1") == "d"
    assert paths(store, "scrap.report.state = 'error'") == "d"
    assert paths(store, "`report`.state = 'error'") == "d"
    assert paths(store, "nb.report.state = 'error'") == "b"
    assert select(store, fields_of(store), columns="report.accuracy, nb.report.state").labels == (
        "report.accuracy", "nb.report.state"
    )  # fmt: skip
    with pytest.raises(ExpressionError, match=r"write nb\.report\.state for the one, `report`\.state with backticks"):
        paths(store, "report.state = 'error'")


def test_a_name_with_a_dot_that_begins_so() -> None:
    store = build([*REPORTS, Notebook("r/d.ipynb", {"report.accuracy": 0.9})])
    assert paths(store, "report.accuracy > 0.5") == "d"
    assert paths(store, "report.state = 'error'") == "b"
    with pytest.raises(ExpressionError, match=r"`report\.state` is known of reports"):
        paths(build([Notebook("r/d.ipynb", {"report.state": 1})]), "report.state = 1")


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (None, "abmxz"),
        ("distance", "baxmz"),
        ("-distance", "abxmz"),
        ("symbol", "abmxz"),
        ("-symbol", "xmbaz"),
        ("ath, -symbol", "abxmz"),
        ("-ath, symbol", "bamxz"),
        ("-distance * 2", "abmxz"),
        ("both", "abmxz"),
        ("-nb.status, -notebook", "xzmba"),
        ("dj.list[0]", "mabxz"),
        ("prices", "abmxz"),
    ],
)
def test_order(store: sqlite3.Connection, sort: str | None, expected: str) -> None:
    assert paths(store, sort=sort) == expected
    for offset in range(6):
        for limit in range(6):
            assert paths(store, sort=sort, limit=limit, offset=offset) == expected[offset : offset + limit]
        assert paths(store, sort=sort, offset=offset) == expected[offset:]
    assert paths(store, "rate = 1", sort=sort, limit=3) == expected[:3]


def test_an_order_by_what_a_column_is_called(store: sqlite3.Connection) -> None:
    called = {"columns": "nb.path as path, -distance as d, few as distance", "expression": "distance > 0"}
    assert answer(store, sort="d", **called) == answer(store, sort="-scrap.distance", **called)
    assert [path for path, *_ in answer(store, sort="-d", **called)] == ["t/bcd.ipynb", "t/aaa.ipynb"]
    assert answer(store, sort="distance, path", **called) == answer(store, sort="few, nb.path", **called)


def test_random_orders() -> None:
    """A referee of its own: numbers, then texts, then nothing; equal ones by path."""
    random_ = random.Random(7)  # noqa: S311
    values = [1, 2, 2.5, -1, True, "a", "b", None, math.nan, [1], "missing"]
    for _ in range(30):
        found = {f"{number:02}.ipynb": random_.choice(values) for number in range(20)}
        store = build(
            Notebook(path, {} if value == "missing" else {"x": value}, {"x": 0.5} if random_.random() < 0.2 else {})
            for path, value in found.items()
        )
        descending = random_.random() < 0.5
        cells = dict(answer(store, columns="notebook, x"))

        def key(path: str, cells: dict[str, Any] = cells, descending: bool = descending) -> tuple[Any, ...]:
            value = cells[path]
            if isinstance(value, int | float) and not math.isnan(value):
                return 0, -value if descending else value, path
            if isinstance(value, str):
                return 1, -ord(value) if descending else ord(value), path
            return 2, 0, path

        expected = sorted(found, key=key)
        sort = "-x" if descending else "x"
        assert [row[0] for row in answer(store, columns="notebook", sort=sort)] == expected
        assert [row[0] for row in answer(store, columns="notebook", sort=sort, limit=7, offset=2)] == expected[2:9]


def test_many_columns_are_the_same_as_few() -> None:
    names = [f"s{number}" for number in range(3 * MANY)]
    random_ = random.Random(3)  # noqa: S311
    values = [1, "a", None, math.inf, [1], {"a": 2}, True, 2**70, Frame(1, 1), Display()]
    runs = [
        Notebook(
            f"{run}.ipynb",
            {name: random_.choice(values) for name in names if random_.random() < 0.5},
            {name: random_.choice(values[:8]) for name in names if random_.random() < 0.3},
        )
        for run in range(600)
    ]
    store = build(runs)
    together = answer(store, columns=", ".join([*names, *(f"param.{name}" for name in names)]), sort="s0")
    for number, name in enumerate(names[:10]):
        alone = answer(store, columns=f"{name}, param.{name}", sort="s0")
        assert [(row[number], row[number + len(names)]) for row in together] == alone


def test_a_name_in_both_roles_is_the_scrap_where_there_is_one(store: sqlite3.Connection) -> None:
    assert paths(store, "both = 1") == "a"
    assert paths(store, "both = 2") == ""
    assert paths(store, "param.both = 2") == "b"
    assert paths(store, "both = 'b'") == "b"
    assert paths(store, "both is null") == "mxz"


def test_unless_means_not_true(store: sqlite3.Connection) -> None:
    assert paths(store, unless="distance < 0.2") == "amxz"
    assert paths(store, "symbol is not null", unless="distance < 0.2") == "amx"
    assert count(store, fields_of(store), "rate = 1", unless="distance < 0.2") == 4
    assert select(store, fields_of(store), unless="distance < 0.2").labels[:2] == ("notebook", "distance")


def test_count_and_ids(store: sqlite3.Connection) -> None:
    fields = fields_of(store)
    assert (count(store, fields), count(store, fields, "distance < 1"), count(store, fields, "distance > 1")) == (
        5,
        2,
        0,
    )
    assert sorted(notebook_ids(store, fields, "distance < 1 or symbol = 'AAA'")) == [1, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"expression": "a <"},
        {"expression": "foo"},
        {"columns": "foo"},
        {"sort": "foo"},
        {"unless": "foo"},
        {"columns": ""},
    ],
)
def test_wrong_texts_are_told_before_any_row(store: sqlite3.Connection, options: dict[str, str]) -> None:
    with pytest.raises(ExpressionError):
        select(store, fields_of(store), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"expression": "distance <"},
        {"expression": "rate < 'far'"},
        {"expression": ["distance < 1", "foo"]},
        {"columns": "foo"},
        {"columns": "rate * 'a'"},
        {"columns": ""},
    ],
)
def test_texts_are_checked_without_asking_for_rows(store: sqlite3.Connection, options: dict[str, Any]) -> None:
    fields = fields_of(store)
    check(fields, ["distance < 1", "symbol is null"], columns="*, distance * 2 as double")
    check(fields)
    with pytest.raises(ExpressionError):
        check(fields, **options)


@pytest.mark.parametrize("options", [{"limit": -1}, {"offset": -1}])
def test_negative_limits(store: sqlite3.Connection, options: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        select(store, fields_of(store), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "found", "others"),
    [
        ("'a'", "klt", "b"),
        ("'2'", "lt", "bk"),
        ("'b'", "", "bklt"),
        ("1", "bl", "k"),  # true is 1
        ("true", "bl", "k"),
        ("word", "kt", "bl"),
        ("nothing", "", ""),
    ],
)
def test_members_of_lists_keys_of_dicts_and_parts_of_texts(item: str, found: str, others: str) -> None:
    """Random questions hardly ever ask for what is there. Of a number it is neither true nor false."""
    values = {"b": [True, ["a"]], "k": {"a": "b"}, "l": [1, "a", "2"], "n": 1, "t": "2 a 2"}
    words = {"b": "c", "k": "a", "l": "b", "n": "a", "t": "a"}
    store = build(
        [Notebook(f"t/{name}.ipynb", {"x": x, "nothing": None, "word": words[name]}) for name, x in values.items()]
    )
    assert paths(store, f"x contains {item}") == found
    assert paths(store, f"x not contains {item}") == others


def test_limits_beyond_what_sqlite_counts_to(store: sqlite3.Connection) -> None:
    assert paths(store, limit=2**70) == paths(store)
    assert paths(store, offset=2**70) == ""


def test_an_empty_store_has_no_rows() -> None:
    store = build([])
    assert answer(store) == []
    assert answer(store, columns="*") == []
    assert count(store, fields_of(store), "nb.status = 'failed'") == 0


def test_a_name_is_found_in_both_spellings() -> None:
    composed, decomposed = "gr\u00f6\u00dfe", "gro\u0308\u00dfe"
    store = build([Notebook("t/a.ipynb", {composed: 1, f"{composed}n.x": 2}, {f"p {composed}": 3})])
    for name in (composed, decomposed):
        selection = select(store, fields_of(store), f"{name} > 0", columns=f"{name}, `{name}n.x`, param.`p {name}`")
        assert selection.labels == (composed, f"{composed}n.x", f"param.p {composed}")
        assert list(selection.rows) == [(1, 2, 3)]
        assert select(store, fields_of(store), f"{composed} = 1 and {decomposed} = 1").labels == ("notebook", composed)
    assert answer(store, f"{decomposed}n.x = 2", columns="nb.path") == [("t/a.ipynb",)]


def test_columns_of_times_are_told() -> None:
    store = build([Notebook("a.ipynb", {"x": 1, "t": "2026-11-01"}, {}, {"started_at": "2026-11-01T00:00:00.000000Z"})])
    columns = "nb.started_at, nb.ended_at as e, now(), coalesce(nb.ended_at, nb.mtime) as c, x, t, nb.seconds"
    columns += ", nb.ended_at - nb.started_at as s, nb.started_at > '2026-01-01' as after, nb.path, nb.metadata.t as m"
    selection = select(store, fields_of(store), columns=columns)
    assert selection.times == {"nb.started_at", "e", "now()", "c"}
    every = {"nb.started_at", "nb.ended_at", "nb.mtime", "report.made_at"}
    assert select(store, fields_of(store), columns="*").times == every


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    "question", ["= '{}'", "in ('{}', 'b')", "like '{}'", "like '%{}'", "contains '{}'", "~ '^{}'"]
)
def test_a_path_is_found_in_both_spellings(form: Literal["NFC", "NFD"], question: str) -> None:
    path = "caf\u00e9/\u00fc.ipynb"
    store = build([Notebook(path), Notebook("u.ipynb")])
    asked = question.format(unicodedata.normalize(form, path))
    assert answer(store, f"nb.path {asked}", columns="notebook") == [(path,)]
    assert answer(store, f"not (nb.path {asked})", columns="notebook") == [("u.ipynb",)]


def test_the_difference_of_times_is_exact_to_the_millisecond() -> None:
    times = {"started_at": "2026-11-01T10:00:00.000000Z", "ended_at": "2026-11-01T10:00:01.234000Z"}
    store = build([Notebook("a.ipynb", {}, {}, times)])
    assert answer(store, columns="nb.ended_at - nb.started_at") == [(1.234,)]
    assert count(store, fields_of(store), "nb.ended_at - nb.started_at = 1.234") == 1
    assert count(store, fields_of(store), "nb.started_at - '2026-11-01T09:59:59' = 1") == 1


@pytest.mark.parametrize("value", [Expression("f()"), [1], {"a": 1}, Frame(2, 2), Display()], ids=repr)
def test_coalesce_does_not_look_beyond_what_is_neither_number_nor_text(value: Any) -> None:
    values = {"x": value}
    there = Notebook("v.ipynb", {}, values) if isinstance(value, Expression) else Notebook("v.ipynb", values)
    store = build([Notebook("a.ipynb", {"x": 5}), Notebook("b.ipynb", {"x": "a"}), there, Notebook("z.ipynb")])
    assert answer(store, columns="coalesce(x, 0), coalesce(x, '-')") == [(5, None), (None, "a"), (None, None), (0, "-")]


def test_coalesce_takes_what_stands_in_a_list_or_dict() -> None:
    dicts = [{"a": 1}, {"a": "b"}, {"a": [2]}, {"a": {"b": 3}}, {"a": None}, {}]
    store = build([Notebook(f"{number}.ipynb", {"d": d}) for number, d in enumerate(dicts)])
    assert answer(store, columns="coalesce(d.a, 0)") == [(1,), (None,), (None,), (None,), (0,), (0,)]
    assert answer(store, columns="coalesce(d['a'][0], length(d.a), 0)") == [(0,), (1,), (2,), (1,), (0,), (0,)]


def test_a_text_beside_a_time_is_a_time_in_coalesce() -> None:
    start = "2026-11-02T00:00:00.000000Z"
    store = build([Notebook("a.ipynb", {}, {}, {"started_at": start}), Notebook("b.ipynb")])
    selection = select(store, fields_of(store), columns="coalesce(nb.started_at, '2026-11-01') as t")
    assert list(selection.rows) == [(start,), ("2026-11-01T00:00:00.000000Z",)]
    assert selection.times == {"t"}
    assert count(store, fields_of(store), "coalesce(nb.started_at, '2026-11-01') < '2026-11-01T12:00'") == 1


def test_lone_surrogates_and_zeros_are_found_as_the_store_writes_them() -> None:
    store = build([Notebook("a.ipynb", {"x": r"a\ud800b\u0000"})])
    assert count(store, fields_of(store), "x = 'a\ud800b\0'") == 1
    assert count(store, fields_of(store), "x contains '\ud800' and x like '%\0' and x ~ 'a.ud800'") == 1


def test_a_result_is_one_state_of_the_store(tmp_path: Path) -> None:
    file = str(tmp_path / "scraps.db")
    build([Notebook(f"{number:04}.ipynb", {f"s{number % 40}": number}) for number in range(1500)], file).close()
    reader, writer = sqlite3.connect(file), sqlite3.connect(file)
    writer.execute("PRAGMA journal_mode=WAL")
    rows = select(reader, fields_of(reader), columns=", ".join(f"s{number}" for number in range(40))).rows
    first = next(rows)
    writer.execute("UPDATE scraps SET number = -1")
    writer.commit()
    assert [sum(cell or 0 for cell in row) for row in [first, *rows]] == list(range(1500))
    assert not reader.in_transaction


def test_a_query_can_be_stopped(store: sqlite3.Connection) -> None:
    store = build([Notebook(f"{number}.ipynb", {"x": number}) for number in range(3000)])
    fields = fields_of(store)
    selection = select(store, fields, "abs(x) >= 0", columns="x")
    store.set_progress_handler(lambda: 1, 100)
    with pytest.raises(StoreError, match="stopped"):
        list(selection.rows)
    store.set_progress_handler(None, 0)


def test_a_file_that_is_no_store_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    connection = sqlite3.connect(tmp_path / "x.db")
    with pytest.raises(StoreError, match="is not a SQLite database"):
        select(connection, fields_of(connection), "x < 1")


def test_results_can_go_to_json(store: sqlite3.Connection) -> None:
    rows: Iterator[tuple[Any, ...]] = select(store, fields_of(store), columns="dj, ath, distance < 1").rows
    assert json.dumps(list(rows)[2]) == '[{"list": [1, {"x": null}], "t": "\\u00e9"}, null, null]'


def test_a_dictionary_that_contradicts_itself_is_damage(ticker_store: Path, tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    shutil.copy(ticker_store, store)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("DELETE FROM name_types WHERE name_id = (SELECT id FROM names WHERE name = 'distance')")
    with pytest.raises(StoreError, match="is damaged"):
        Database(store).query("distance < 0.1")
