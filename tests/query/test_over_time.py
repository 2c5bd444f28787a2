"""Functions over time, against a plain loop over the versions of each notebook."""

from __future__ import annotations

import base64
import io
import math
import sqlite3
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.database import Database
from scrapdb.errors import ExpressionError
from scrapdb.indexing.loop import index
from scrapdb.query import groups
from scrapdb.query import remarks
from scrapdb.query import select
from scrapdb.query.explain import explain
from scrapdb.query.patterns import execute
from scrapdb.store.connection import reading
from scrapdb.store.past import EVERY_VERSION
from scrapdb.store.past import LookingBack
from scrapdb.store.past import look_back
from scrapdb.store.versions import Retention
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.query.stores import Frame
from tests.query.stores import Notebook
from tests.query.stores import Version
from tests.query.stores import build
from tests.query.stores import build_versions

FAILED = 'nb.status = "failed"'


def day(number: int) -> str:
    return f"2026-11-{number + 1:02}T00:00:00.000000Z"


def version(
    path: str, since: int, previous: int | None = None, status: str = "completed", *, now: bool = False, **scraps: Any
) -> Version:
    held = Notebook(path, scraps, {"given": since}, {"status": status, "ended_at": day(since)})
    return Version(held, day(since), previous, now)


HISTORY = [
    version("a", 0, x=1, flag=True, dj={"k": [1, 2]}, gone=3.5, kind="odd"),
    version("a", 1, 0, "failed", x=3.0, flag=False, kind=7, prices=Frame(3, 2)),
    version("a", 2, 1, "failed", now=True, x=4, flag=True),
    version("b", 2, now=True, x=math.nan),
    version("old", 0, x=10, flag=False),
    version("new", 1, 4, "failed", now=True, x=12),
]


@pytest.fixture(scope="module")
def store() -> sqlite3.Connection:
    return build_versions(HISTORY)


def asked(
    connection: sqlite3.Connection, expression: str | None = None, columns: str = "nb.path", **options: Any
) -> list[tuple[Any, ...]]:
    return list(select.select(connection, select.fields_of(connection), expression, columns=columns, **options).rows)


def looking_back(store: sqlite3.Connection) -> sqlite3.Connection:
    found = LookingBack(":memory:")
    found.deserialize(store.serialize())
    look_back(found, EVERY_VERSION)
    return found


# What the functions mean, as a loop.

Value = Callable[[Version], Any]


class Loop:
    """The versions of all notebooks, each with what went before it."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self.versions = versions

    def back(self, version: Version) -> Iterator[Version]:
        """A version and those before it."""
        yield version
        while version.previous is not None:
            version = self.versions[version.previous]
            yield version

    def previous(self, value: Value) -> Value:
        def found(version: Version) -> Any:
            before = list(self.back(version))[1:2]
            return value(before[0]) if before else None

        return found

    def first(self, value: Value) -> Value:
        return lambda version: value(list(self.back(version))[-1])

    def change(self, value: Value) -> Value:
        def found(version: Version) -> Any:
            now, before = number(value(version)), number(self.previous(value)(version))
            return None if now is None or before is None else number(now - before)

        return found

    def streak(self, condition: Value) -> Value:
        def found(version: Version) -> int:
            count = 0
            for each in self.back(version):
                if condition(each) is not True:
                    break
                count += 1
            return count

        return found

    def since(self, condition: Value) -> Value:
        def found(version: Version) -> str | None:
            count = self.streak(condition)(version)
            return list(self.back(version))[count - 1].since if count else None

        return found


def number(value: Any) -> float | None:
    """The number that the language calculates with: beyond 64 bit it is the nearest float."""
    if not isinstance(value, bool | int | float) or math.isnan(value):
        return None
    return value + 0 if abs(value) < 2**63 else float(value)


def glued(name: str) -> Value:
    return lambda version: version.notebook.scraps.get(name)


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def above(value: Value, bound: float) -> Value:
    def found(version: Version) -> bool | None:
        known = number(value(version))
        return None if known is None else known > bound

    return found


def failed(version: Version) -> bool:
    return bool(version.notebook.columns["status"] == "failed")


def of_x(loop: Loop) -> dict[str, Value]:
    """Expressions that are columns, and what each gives."""
    x = glued("x")
    return {
        "previous(x)": loop.previous(x),
        "first(x)": loop.first(x),
        "change(x)": loop.change(x),
        "previous(nb.status)": loop.previous(lambda version: version.notebook.columns["status"]),
        "first(nb.path)": loop.first(lambda version: version.notebook.path),
        "previous(param.given)": loop.previous(lambda version: version.notebook.parameters["given"]),
        "previous(previous(x))": loop.previous(loop.previous(x)),
        "first(previous(x))": lambda _: None,
        "previous(first(x))": loop.previous(loop.first(x)),
        "previous(change(x))": loop.previous(loop.change(x)),
        "change(change(x))": loop.change(loop.change(x)),
        "previous(x is null)": loop.previous(lambda version: is_missing(x(version))),
        "first(x > 1)": loop.first(above(x, 1)),
        "previous(x > 1)": loop.previous(above(x, 1)),
        "change(nb.ended_at)": loop.change(
            lambda version: datetime.fromisoformat(version.notebook.columns["ended_at"]).timestamp()
        ),
        "streak(x > 1)": loop.streak(above(x, 1)),
        "streak(not (x > 1))": loop.streak(lambda version: above(x, 1)(version) is False),
        "streak(x is null)": loop.streak(lambda version: is_missing(x(version))),
        f"streak({FAILED})": loop.streak(failed),
        f"since({FAILED})": loop.since(failed),
        f"streak({FAILED} and x > 1)": loop.streak(lambda version: failed(version) and above(x, 1)(version)),
        f"since({FAILED} or x is null)": loop.since(lambda version: failed(version) or is_missing(x(version))),
        "streak(change(x) > 1)": loop.streak(above(loop.change(x), 1)),
        "streak(previous(x) is null)": loop.streak(lambda version: is_missing(loop.previous(x)(version))),
        f"streak(streak({FAILED}) > 1)": loop.streak(above(loop.streak(failed), 1)),
        f"previous(streak({FAILED}))": loop.previous(loop.streak(failed)),
        f"change(streak({FAILED}))": loop.change(loop.streak(failed)),
        f"previous(since({FAILED}))": loop.previous(loop.since(failed)),
    }


def same(one: Any, other: Any) -> Any:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


VALUES = st.one_of(
    st.sampled_from([0, 1, 2, 3, 2.5, math.nan, math.inf, None, True, False, "1", "text", [1, 2], {"a": 1}, 2**70]),
    st.integers(-3, 3),
)
SMALL = st.sampled_from([0, 1, 2, 2.5, math.nan, None, True])


@st.composite
def histories(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> list[Version]:
    """Versions of a few notebooks: some begin anew, go on under another path, or are no more."""
    versions: list[Version] = []
    for since in range(draw(st.integers(1, 9))):
        path = draw(st.sampled_from(["a", "b", "c"]))
        before = [place for place, each in enumerate(versions) if each.notebook.path == path] or range(len(versions))
        previous = draw(st.sampled_from([None, *before, *list(before)[-1:] * 4]))
        scraps = {"x": draw(values)} if draw(st.integers(0, 4)) else {}
        versions.append(version(path, since, previous, draw(st.sampled_from(["completed", "failed"])), **scraps))
    last = {each.notebook.path: each for each in versions}
    gone = draw(st.sampled_from(["a", ""]))
    return [
        Version(
            each.notebook, each.since, each.previous, each is last[each.notebook.path] and each.notebook.path != gone
        )
        for each in versions
    ]


@pytest.mark.parametrize("examples", [8, pytest.param(400, marks=pytest.mark.slow)])
def test_functions_over_time_are_a_loop_over_versions(examples: int) -> None:
    settings(max_examples=examples, deadline=None)(given(histories(VALUES | SMALL) | histories(SMALL))(agree))()


def agree(versions: list[Version]) -> None:
    store, loop = build_versions([*versions, version("z", 9, x=1)]), Loop(versions)
    expected = of_x(loop)
    back = looking_back(store)
    for text, value in expected.items():
        now = {each.notebook.path: value(each) for each in versions if each.is_there}
        try:
            found = dict(asked(store, None, f"nb.path, {text}"))
        except ExpressionError as error:
            assert "change" in text and "takes anything" in str(error)  # noqa: PT017, PT018 - no version has a number
            continue
        assert found.keys() == now.keys()
        assert all(same(found[path], now[path]) for path in now), (text, found, now)
        then = [value(each) for each in versions]
        listed = [row[0] for row in asked(back, 'nb.path != "z"', text, sort="nb.since")]
        assert all(map(same, listed, then)), (text, listed, then)
        assert len(listed) == len(then)


# Conditions, columns and keys


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("change(x) > 0.5", ["a", "new"]),
        ("change(x) > 1", ["new"]),
        ("not (change(x) > 1)", ["a"]),
        ("x > previous(x)", ["a", "new"]),
        ("previous(x) is null", ["b"]),
        ("change(x) is null", ["b"]),
        ("previous(x) in (3, 10)", ["a", "new"]),
        ("previous(nb.path) = 'old'", ["new"]),
        ("previous(nb.status) like 'f%' and nb.status = 'failed'", ["a"]),
        ("first(nb.status) = 'completed' and x > 0", ["a", "new"]),
        ("first(dj) contains 'k'", ["a"]),
        ("first(dj.k) contains 2", ["a"]),
        ("first(dj.k[1]) = 2", ["a"]),
        ("first(length(dj)) = 1", ["a"]),
        ("previous(gone) is null and first(gone) = 3.5", ["a"]),
        ("previous(kind) = 7", ["a"]),
        ("first(kind) = 'odd'", ["a"]),
        ("flag and not previous(flag)", ["a"]),
        ("previous(flag)", []),
        ("previous(not flag) and previous(x > 5)", ["new"]),
        ("previous(x is not null)", ["a", "new"]),
        ("not previous(x is null)", ["a", "new"]),
        ("previous(coalesce(gone, 0)) = 0", ["a", "new"]),
        ("coalesce(previous(x), 100) = 100", ["b"]),
        ("previous(5) = 5", ["a", "new"]),
        ("previous(prices) is not null", ["a"]),
        ("previous(count(prices)) = 3", ["a"]),
        (f"streak({FAILED}) >= 2", ["a"]),
        (f"streak({FAILED} and x > 3.5) = 1", ["a", "new"]),
        ("streak(flag) = 1", ["a"]),
        (f'since({FAILED}) = "2026-11-02"', ["a", "new"]),
        (f"since({FAILED}) is null", ["b"]),
        (f"day(since({FAILED})) = '2026-11-02'", ["a", "new"]),
        ("change(nb.ended_at) = days(1)", ["a", "new"]),
        ("change(param.given) = 1", ["a", "new"]),
        ("previous(nb.ended_at) < '2026-11-02'", ["new"]),
    ],
)
def test_conditions(store: sqlite3.Connection, expression: str, paths: list[str]) -> None:
    assert [path for (path,) in asked(store, expression)] == paths
    fields = select.fields_of(store)
    assert select.count(store, fields, expression) == len(paths)
    others = select.count(store, fields, unless=expression)
    assert others == 3 - len(paths)


def test_columns_are_what_was_asked(store: sqlite3.Connection) -> None:
    answer = select.select(store, select.fields_of(store), f"change(x) > 0 or x > streak({FAILED})")
    assert answer.labels == ("notebook", "change(x)", "x", f"streak({FAILED})", "given")


def test_values_are_shown_as_they_are(store: sqlite3.Connection) -> None:
    columns = "first(dj), first(dj.k), first(flag), first(kind), previous(kind), previous(prices), previous(nope)"
    (row,) = asked(store, "nb.path = 'a'", columns.replace("nope", "gone"))
    assert row == ({"k": [1, 2]}, [1, 2], True, "odd", 7, "DataFrame 3 × 2", None)


def test_sort(store: sqlite3.Connection) -> None:
    assert asked(store, sort="-change(x)", columns="nb.path") == [("new",), ("a",), ("b",)]
    assert asked(store, sort="first(x)") == [("a",), ("new",), ("b",)]


def of_groups(store: sqlite3.Connection, **options: Any) -> list[tuple[Any, ...]]:
    return list(groups.select_groups(store, select.fields_of(store), **options).rows)


def test_groups(store: sqlite3.Connection) -> None:
    assert of_groups(store, columns="max(change(x)), mean(first(x)), count(previous(x))") == [(2, 5.5, 2)]
    assert of_groups(store, by="previous(nb.status) as was") == [("completed", 1), ("failed", 1), (None, 1)]
    assert of_groups(store, by="previous(flag)", columns="count(), expression()") == [
        (False, 2, "previous(flag) = 0"),
        (None, 1, "previous(flag) is null"),
    ]
    assert of_groups(store, columns="max(x)", having="max(change(x)) > 1") == [(12,)]


FIRST = [
    ("first(x)", True),
    ("first(x), first(nb.path)", True),
    ("first(x) * 2 as twice", True),
    ("first(x), last(x)", True),
    ("count(), first(x)", True),
    ("nb.path, first(x)", False),
    ("*, first(x)", False),
    ("x - first(x)", False),
    ("first(x), previous(x)", False),
    ("first(x), max(prices.price)", False),
    ("change(x)", False),
    ("previous(first(x))", False),
    ("max(first(x))", True),
]


@pytest.mark.parametrize(("columns", "is_of_groups"), FIRST)
def test_first_is_an_aggregate_where_no_notebook_is_asked_alone(columns: str, *, is_of_groups: bool) -> None:
    store = build([Notebook("a", {"x": 1, "prices": Frame(1, 1)})])
    assert groups.is_asked(None, columns, None, select.fields_of(store)) == is_of_groups
    assert groups.is_asked("x", columns)


# What is wrong


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("previous(nope) = 1", "No version has a field `nope`"),
        ("previous(flags) = 1", "did you mean `flag`?"),
        ("gone > 1", "No notebook has `gone` any more, but versions had: ask for `previous(gone)`"),
        ("change(nb.status) = 1", "`nb.status` is text: `change` is for numbers and times"),
        ("change(dj) = 1", "`dj` is a list or dict: `change` is for numbers and times"),
        ("change(x > 1) = 1", "`change` is for numbers and times"),
        ("change(x, 2) = 1", "Call it as `change(x)`"),
        ("streak() = 1", "Call it as `streak(condition)`"),
        ("streak('a') = 1", "A text is neither true nor false"),
        ("streak(nb.status) = 1", "neither true nor false"),
        ("previous(max(x)) = 1", "each is asked alone"),
        ("previous(dj) = 1", "cannot be compared"),
        ("previous(nb.status) = failed", "A text needs quotes"),
        ("changes(x) = 1", "did you mean `change`?"),
        (f"{'change(' * 5}x{')' * 5} = 1", "nested more than 4 deep"),
        ("max(previous(prices.price)) > 1", "aggregate of many notebooks"),
    ],
)
def test_errors(store: sqlite3.Connection, expression: str, said: str) -> None:
    with pytest.raises(ExpressionError) as error:
        asked(store, expression)
    assert said in error.value.message


def test_of_groups_it_is_an_aggregate_that_is_asked(store: sqlite3.Connection) -> None:
    with pytest.raises(ExpressionError, match="is of each notebook"):
        of_groups(store, by="x", columns="change(x)")
    with pytest.raises(ExpressionError, match="they make no groups"):
        of_groups(store, by="first(dj)")
    with pytest.raises(ExpressionError, match="`last` cannot take that"):
        of_groups(store, columns="last(first(dj))")
    assert of_groups(store, columns="count(first(dj)), last(first(flag))") == [(1, False)]


@pytest.mark.parametrize("inside", ["change({})", "streak({} > 0)", "previous({})", "first({})", "change(-{} * 2)"])
def test_as_deep_as_they_may_be_nested(store: sqlite3.Connection, inside: str) -> None:
    text = "x"
    for _ in range(4):
        text = inside.format(text)
    assert len(asked(store, None, text, sort=text)) == 3


@pytest.mark.parametrize("expression", ["change(x) > 0", "streak(x > 0) > 1", "previous(nope) = 1"])
def test_a_store_without_versions_says_how_to_keep_them(expression: str) -> None:
    store = build([Notebook("a", {"x": 1})])
    with pytest.raises(ExpressionError, match=r"keeps no versions: `scrapdb index PATH --keep` .* --git REPO"):
        asked(store, expression)
    assert asked(store, "x > 0") == [("a",)]


# How it is answered


def test_what_was_is_not_looked_up_in_an_index_of_what_is(store: sqlite3.Connection) -> None:
    told = explain(store, select.fields_of(store), "x > previous(x) and x < 100", columns="nb.path")
    assert "main.version_scraps" in told.steps[0].sql
    assert told.tree == "(and (> x (previous x)) (< x 100))"


def test_a_plan_is_as_good_as_the_names_of_versions() -> None:
    store = build_versions(HISTORY)
    assert asked(store, "first(kind) = 'odd'", "first(x)") == [(1,)]
    store.execute("DELETE FROM version_name_types WHERE type = 'text'")
    with pytest.raises(ExpressionError, match="is a number"):
        asked(store, "first(kind) = 'odd'", "first(x)")


def test_a_long_streak_is_gone_back_once() -> None:
    versions = [version("a", 0, place - 1 if place else None, x=1, now=place == 1999) for place in range(2000)]
    store = build_versions(versions)
    asked_for = []
    store.set_progress_handler(lambda: asked_for.append(1), 1000)
    assert asked(store, None, "streak(x = 1), previous(streak(x = 1)), first(x), nb.path")[0][:3] == (2000, 1999, 1)
    assert len(asked_for) < 1000  # thousands of steps of SQLite


def test_remarks_tell_of_what_is(store: sqlite3.Connection) -> None:
    assert remarks.told(store, select.fields_of(store), "first(gone) = 1 and x > 1", columns="previous(gone)") is None
    assert remarks.asks_before("x > 1 and change(x) > 0")
    assert not remarks.asks_before("streak(x > 1) > 2")


# Of notebooks that were really indexed


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A notebook of five nights: its numbers, and a DataFrame that is a list in the fourth."""
    directory = tmp_path_factory.mktemp("nights")
    for night, auc in enumerate(AUC):
        frame = scrap("prices", payload(PRICES[night]), "pandas") if night != 3 else scrap("prices", [1, 2])
        values = {"auc": auc} if auc is not None else {}
        outputs = [scrap(name, value) for name, value in values.items()]
        write(directory / "a.ipynb", notebook(code("glue()", *outputs, frame)), 1_700_000_000 + night * 86_400)
        if night == 4:
            write(directory / "b.ipynb", notebook(code("glue()", scrap("auc", 0.5))), 1_700_000_000)
        index(directory / "scraps.db", [str(directory)], keep=Retention())
    return Database(directory / "scraps.db")


AUC = (0.5, 0.75, None, 0.875, 0.625)
PRICES = [pd.DataFrame({"price": [night, night * 10.0, 7]}) for night in range(5)]


def payload(frame: pd.DataFrame) -> str:
    file = io.BytesIO()
    frame.to_parquet(file)
    return base64.b64encode(file.getvalue()).decode()


def test_dataframes_of_versions_are_asked_as_pandas_would(nights: Database) -> None:
    columns = "sum(prices.price), previous(sum(prices.price)), first(sum(prices.price)), previous(count(prices))"
    found = list(nights.versions().query("notebook = 'a.ipynb'", columns=columns, sort="nb.version"))
    sums = [None if night == 3 else PRICES[night]["price"].sum() for night in range(5)]
    counts = [None if night == 3 else 3 for night in range(5)]
    assert [tuple(row.values()) for row in found] == list(
        zip(sums, [None, *sums[:-1]], [sums[0]] * 5, [None, *counts[:-1]], strict=True)
    )
    (now,) = nights.query("notebook = 'a.ipynb'", columns="previous(prices), first(any(prices.price > 6)) as was")
    assert now == {"previous(prices)": [1, 2], "was": True}


def test_the_present_is_the_last_version(nights: Database) -> None:
    (row,) = nights.query("notebook = 'a.ipynb'", columns="change(auc), first(auc), streak(auc > 0.6), nb.version")
    assert tuple(row.values()) == (-0.25, 0.5, 2, 5)
    assert [row["notebook"] for row in nights.query("previous(change(auc)) is null")] == ["a.ipynb", "b.ipynb"]
    wanted = "change(auc), previous(auc), since(auc > 0.6)"
    (then,) = nights.at("2023-11-15T23:00").query("notebook = 'a.ipynb'", columns=wanted)
    assert tuple(then.values()) == (0.25, 0.5, "2023-11-15T22:13:20.000000Z")


def test_check_says_which_offenders_are_new(nights: Database) -> None:
    verdict = nights.check("change(auc) > -0.1")
    assert (verdict.holds, verdict.looked_at, verdict.failed, verdict.new) == (False, 2, 2, 1)
    verdict = nights.check("change(auc) > -0.3", where="previous(auc) is not null")
    assert (verdict.holds, verdict.looked_at, verdict.failed, verdict.new) == (True, 1, 0, 0)
    assert nights.check("auc > 1").new == 0


def test_an_expression_that_filters_a_table_elsewhere(nights: Database) -> None:
    with reading(nights.path) as connection:
        sql, values = select.ids_condition(connection, select.fields_of(connection), ["change(auc) < 0"], "p")
        found = execute(connection, f"SELECT path FROM notebooks WHERE id IN ({sql})", values).fetchall()
    assert found == [("a.ipynb",)]
