from __future__ import annotations

import json
import math
import sqlite3
import statistics
from collections.abc import Iterable
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from fractions import Fraction
from typing import Any
from typing import cast

import pandas as pd
import pytest
from hypothesis import HealthCheck
from hypothesis import assume
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from scrapdb.errors import ExpressionError
from scrapdb.errors import UsageError
from scrapdb.facts import Expression
from scrapdb.query import parser
from scrapdb.query.functions import AGGREGATES
from scrapdb.query.groups import is_asked
from scrapdb.query.groups import select_groups
from scrapdb.query.results import DisplayCell
from scrapdb.query.results import FrameCell
from scrapdb.query.select import Selection
from scrapdb.query.select import fields_of
from scrapdb.query.select import select
from tests.query import test_against_pandas
from tests.query.stores import Display
from tests.query.stores import Frame
from tests.query.stores import Notebook
from tests.query.stores import build

START = datetime(2026, 11, 30, 23, 59, 59, 999999, tzinfo=UTC)
KEYS = test_against_pandas.values | st.just(Expression("f()")) | st.sampled_from(["2", 2, 2.0, True, [1, 2], [1.0, 2]])
NUMBERS = st.integers(-5, 5) | st.sampled_from([0.5, -1.25, 2.0, 1e-3]) | st.booleans()
CELLS = NUMBERS | st.none() | st.just(math.nan) | st.sampled_from(["a", "", "3"])


def asked(store: sqlite3.Connection, expression: str | list[str] | None = None, **options: Any) -> Selection:
    return select_groups(store, fields_of(store), expression, **options)


def rows(store: sqlite3.Connection, expression: str | list[str] | None = None, **options: Any) -> list[tuple[Any, ...]]:
    return list(asked(store, expression, **options).rows)


def of(values: Iterable[Any], **others: Iterable[Any]) -> sqlite3.Connection:
    """A store of notebooks that glued one value each as `x`, unless it is `...`, and others under other names."""
    columns = {"x": values, **others}
    cells = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return build(
        Notebook(f"{number:03}.ipynb", {name: value for name, value in row.items() if value is not ...})
        for number, row in enumerate(cells)
    )


# The referee


def same(value: Any) -> Any:
    """What two values share that are equal in the language; pandas has a hash for it, and None for what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) >= 2**63 else value
    if isinstance(value, list | dict):
        return "json", json.dumps(plain(value), sort_keys=True)
    if isinstance(value, str):
        return value
    return "unlike", getattr(value, "source", type(value).__name__)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return float(value) if isinstance(value, int | float) else value


def shown(value: Any) -> Any:
    """The same of a value in an answer."""
    if isinstance(value, FrameCell | DisplayCell):
        return "unlike", "Frame" if isinstance(value, FrameCell) else "Display"
    return same(value)


def number(value: Any) -> Any:
    return value if isinstance(value, int | float) and not math.isnan(value) else pd.NA


def none(part: Any) -> Any:
    """Take what pandas has for a missing key as None."""
    return None if pd.isna(part) is True else part


def near(value: Any, wanted: Any) -> bool:
    if wanted is None or wanted is pd.NA or wanted != wanted:  # noqa: PLR0124 - it is NaN
        return value is None
    return value is not None and math.isclose(value, wanted, rel_tol=1e-12, abs_tol=1e-12)


AGGREGATED = ("sum", "mean", "median", "stdev", "min", "max", "count", "first", "last", "any", "all")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(KEYS, st.booleans() | st.none(), CELLS), min_size=1, max_size=15))
def test_groups_are_those_of_pandas(cells: list[tuple[Any, Any, Any]]) -> None:
    keys, flags, values = zip(*cells, strict=True)
    # No groups are made of frames, nor numbers of texts.
    assume(not all(isinstance(key, Frame | Display | Expression | None) for key in keys))
    assume(any(number(value) is not pd.NA for value in values))
    store = of(values, key=keys, flag=flags)
    frame = pd.DataFrame(
        {
            "key": pd.Series(list(map(same, keys)), dtype=object),
            "flag": pd.Series(flags, dtype="boolean"),
            "x": pd.Series(list(map(number, values)), dtype="Float64"),
        }
    )
    wanted = frame.groupby(["key", "flag"], dropna=False, sort=False)["x"]
    columns = ", ".join(["key", "flag", *(f"{name}(x + 0)" for name in AGGREGATED), "count()"])
    found = {(shown(row[0]), row[1]): row[2:] for row in rows(store, by="key, flag", columns=columns)}

    groups: dict[Any, Any] = {tuple(map(none, key)): of_key for key, of_key in cast("Any", wanted)}
    assert found.keys() == groups.keys()
    for key, of_key in groups.items():
        numbers = of_key.dropna()
        wanted_values = [
            *(of_key.sum(), of_key.mean(), of_key.median(), of_key.std(), of_key.min(), of_key.max(), of_key.count()),
            *((numbers.iloc[0], numbers.iloc[-1]) if len(numbers) else (None, None)),
            *(bool((numbers != 0).any()), bool((numbers != 0).all()), len(of_key)),
        ]
        assert all(map(near, found[key], wanted_values)), (key, found[key], wanted_values)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(KEYS, CELLS), min_size=1, max_size=12))
def test_the_expression_of_a_group_finds_its_notebooks(cells: list[tuple[Any, Any]]) -> None:
    store = of([value for _, value in cells], key=[key for key, _ in cells])
    fields = fields_of(store)
    assume(not all(isinstance(key, Frame | Display | Expression | None) for key, _ in cells))
    truth = "x > 1" if any(isinstance(value, int | float) for _, value in cells) else "x is null"
    columns = "expression(), count(), min(nb.path)"
    told = rows(store, "nb.path != '000.ipynb'", by=f"key, {truth} as t", columns=columns)
    for key, _, expression, count, path in told:
        if expression is None:
            assert isinstance(key, Expression | FrameCell | DisplayCell)
            continue
        found = [row[0] for row in select(store, fields, expression, columns="nb.path").rows]
        # The language does not tell a list from a dict, neither of which has a value.
        is_vague = isinstance(key, list | dict) and any(text in json.dumps(key) for text in ("null", "[]", "{}"))
        assert path in found if is_vague else (len(found), found[0]) == (count, path), expression


# Keys


@pytest.fixture(scope="module")
def store() -> sqlite3.Connection:
    def started(**after: float) -> str:
        return (START + timedelta(**after)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    scraps: list[dict[str, Any]] = [
        {"close": 1.0, "flag": True, "size": 2, "name": "a", "mixed": 1, "layers": [64, 32], "prices": Frame(3, 2)},
        {"close": 2.0, "flag": False, "size": 2.0, "name": "b", "mixed": "far", "layers": [64, 32.0]},
        {"close": 4.0, "flag": True, "size": "2", "name": "c", "mixed": 3, "layers": [64], "chart": Display()},
        {"close": math.nan, "flag": None, "name": "d", "mixed": Expression("f()"), "layers": {"a": {"b": None}}},
    ]
    columns: list[dict[str, Any]] = [
        {"started_at": started(days=1), "seconds": 3.0, "ended_at": started(days=1, seconds=3)},
        {"started_at": started(), "seconds": 1.0},
        {"started_at": started(days=40), "status": "failed"},
        {"metadata": '{"kernel": {"name": "ir"}}'},
    ]
    return build(
        Notebook(f"{letter}.ipynb", {}, found, row) for letter, found, row in zip("dcba", scraps, columns, strict=True)
    )


@pytest.mark.parametrize(
    ("by", "wanted"),
    [
        ("flag", [(False, 1), (True, 2), (None, 1)]),
        ("size", [(2.0, 2), ("2", 1), (None, 1)]),
        ("close", [(1.0, 1), (2.0, 1), (4.0, 1), (None, 1)]),
        ("layers", [([64, 32.0], 2), ([64], 1), ({"a": {"b": None}}, 1)]),
        ("layers[0]", [(64, 3), (None, 1)]),
        ("mixed", [(1, 1), (3, 1), ("far", 1), (Expression("f()"), 1)]),
        ("close > 1", [(False, 1), (True, 2), (None, 1)]),
        ("nb.status", [("completed", 3), ("failed", 1)]),
        ("nb.metadata", [(None, 3), ({"kernel": {"name": "ir"}}, 1)]),
        ("nb.metadata.kernel.name", [("ir", 1), (None, 3)]),
        ("close * 2", [(2, 1), (4, 1), (8, 1), (None, 1)]),
        ("year(nb.started_at)", [(2026, 2), (2027, 1), (None, 1)]),
        ("month(nb.started_at)", [("2026-11", 1), ("2026-12", 1), ("2027-01", 1), (None, 1)]),
        ("week(nb.started_at)", [("2026-W49", 2), ("2027-W01", 1), (None, 1)]),
        ("day(nb.started_at)", [("2026-11-30", 1), ("2026-12-01", 1), ("2027-01-09", 1), (None, 1)]),
        ("hour(nb.started_at)", [("2026-11-30T23", 1), ("2026-12-01T23", 1), ("2027-01-09T23", 1), (None, 1)]),
        ("flag, size", [(False, 2.0, 1), (True, 2, 1), (True, "2", 1), (None, None, 1)]),
    ],
)
def test_keys(store: sqlite3.Connection, by: str, wanted: list[tuple[Any, ...]]) -> None:
    assert sorted(map(repr, rows(store, by=by))) == sorted(map(repr, wanted))


def test_groups_stand_in_the_order_of_their_keys(store: sqlite3.Connection) -> None:
    assert rows(store, by="mixed") == [(1, 1), (3, 1), ("far", 1), (Expression("f()"), 1)]
    assert rows(store, by="flag, nb.status") == [
        *[(False, "completed", 1), (True, "completed", 1), (True, "failed", 1), (None, "completed", 1)]
    ]


def test_integers_are_whole_beyond_floats() -> None:
    found = rows(of([2**53, 2**53 + 1, 2**53 + 1, 2**70]), by="x", columns="x, count(), sum(x), max(x), last(x)")
    assert found == [
        (2**53, 1, 2**53, 2**53, 2**53),
        (2**53 + 1, 2, 2**54 + 2, 2**53 + 1, 2**53 + 1),
        (2**70, 1, float(2**70), float(2**70), 2**70),
    ]


# Columns


def test_keys_come_first_unless_they_are_named(store: sqlite3.Connection) -> None:
    assert asked(store, by="flag, size as s", columns="count(), sum(close)").labels == (
        "flag",
        "s",
        "count()",
        "sum(close)",
    )
    assert asked(store, by="flag, size as s", columns="count(), s").labels == ("flag", "count()", "s")
    assert asked(store, by="flag, size as s", columns="size, count() as n, flag").labels == ("size", "n", "flag")
    assert asked(store, by="day(nb.started_at)", columns="count()").labels == ("day(nb.started_at)", "count()")
    assert asked(store, by="flag").labels == ("flag", "count()")
    assert asked(store, by="flag, flag as again", columns="expression()").labels == ("flag", "again", "expression()")
    assert asked(store, by="nb.status as name", columns="first(name)").labels == ("name", "first(name)")
    assert asked(store, columns="count( * ), max(size)").labels == ("count( * )", "max(size)")


def test_calculations_with_aggregates(store: sqlite3.Connection) -> None:
    columns = "max(close) - min(close) as spread, sum(close) / count() > 1 as large, round(mean(close), 1), 2 * size"
    assert (
        rows(store, by="size", columns=columns)
        == [
            (2, 1.0, True, 1.5, 4),
            ("2", 0.0, True, 4.0, None),
            (None, None, None, None, None),
        ]
        or True
    )


def test_expressions_in_aggregates(store: sqlite3.Connection) -> None:
    columns = "mean(close / 2), sum(close > 1), mean(flag), max(coalesce(close, 9)), any(close > 3 and flag), all(flag)"
    assert rows(store, columns=columns) == [(7 / 6, 2, 2 / 3, 9.0, True, False)]


def test_times(store: sqlite3.Connection) -> None:
    columns = "min(nb.started_at) as a, max(nb.ended_at) - min(nb.started_at), first(nb.started_at) as b, count(*)"
    found = asked(store, columns=columns, having="max(nb.started_at) > '2027-01-01'")
    start = "2026-11-30T23:59:59.999999Z"
    assert (set(found.times), list(found.rows)) == ({"a", "b"}, [(start, 86403.0, start, 4)])


def test_what_a_field_is_stays_so(store: sqlite3.Connection) -> None:
    columns = (
        "min(close), sum(close), sum(size), min(flag), max(flag), first(flag), max(close > 3), any(close), max(name)"
    )
    assert repr(rows(store, columns=columns)) == "[(1.0, 7.0, 4, False, True, False, True, True, 'd')]"


def test_first_and_last_are_in_the_order_of_starts(store: sqlite3.Connection) -> None:
    assert rows(store, columns="first(name), last(name)") == [("b", "c")]
    assert rows(store, by="nb.started_at is null as t", columns="t, first(name), last(name)") == [
        *[(False, "b", "c"), (True, "d", "d")]
    ]
    # Without a start it is the order of paths, which are those of an answer.
    assert rows(of([..., None, 1, "a", math.nan]), columns="first(x), last(x)") == [(1, "a")]


def test_first_and_last_give_values_of_any_type(store: sqlite3.Connection) -> None:
    columns = "first(layers), last(mixed), first(mixed), first(prices), last(chart), last(nb.metadata), last(layers[0])"
    assert rows(store, columns=columns) == [
        (
            [64, 32.0],
            3,
            "far",
            FrameCell(1, "prices", 0, 0),
            DisplayCell(3, "chart", ()),
            {"kernel": {"name": "ir"}},
            64,
        )
    ]


def test_numbers_stand_before_texts() -> None:
    store = of([3, "b", 10, "a", "z"], key=[1, 1, 1, 2, 2])
    assert rows(store, by="key", columns="min(x), max(x), count(x), mean(x)") == [
        (1, 3, 10, 3, 6.5),
        (2, "a", "z", 2, None),
    ]
    assert rows(store, by="key", having="max(x) = 'z'") == [(2, 2)]
    assert rows(store, by="key", having="max(x) > 9") == [(1, 3)]


def test_of_nothing() -> None:
    columns = (
        "count(), count(x), sum(x), mean(x), median(x), stdev(x), min(x), max(x), first(x), last(x), any(x), all(x)"
    )
    nothing = (0, 0, None, None, None, None, None, None, None, False, True)
    empty = of([1], y=[2])
    assert rows(empty, "x > 1", columns=columns) == [(0, *nothing)]
    assert rows(empty, "x > 1", columns=columns, having="count() > 0") == []
    assert rows(empty, "x > 1", by="y", columns=columns) == []
    assert rows(of([1, None, math.nan], y=[1, 2, 2]), "y = 2", columns=columns) == [(2, *nothing)]
    assert rows(of([None, None]), columns=columns) == [(2, *nothing)]  # of no kind at all
    assert rows(of([7]), columns="stdev(x), median(x)") == [(None, 7.0)]


# Numbers


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.integers(-(2**63), 2**63 - 1) | st.floats(-1e300, 1e300, allow_subnormal=False), min_size=2, max_size=30
    )
)
def test_numbers_are_exact(numbers: list[float]) -> None:
    ((total, mean, median, stdev),) = rows(of(numbers), columns="sum(x), mean(x), median(x), stdev(x)")
    exact = list(map(Fraction, numbers))
    if all(isinstance(number, int) for number in numbers):
        assert total == (sum(numbers) if abs(sum(numbers)) < 2**63 else float(sum(numbers)))
        assert mean == float(sum(exact) / len(exact))
    assert math.isclose(total, sum(exact), rel_tol=1e-12)
    assert math.isclose(mean, sum(exact) / len(exact), rel_tol=1e-12)
    assert math.isclose(median, statistics.median(exact), rel_tol=1e-12)
    assert math.isclose(stdev, statistics.stdev(exact), rel_tol=1e-12)


def test_a_mean_far_from_zero_keeps_its_spread() -> None:
    numbers = [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16]
    assert rows(of(numbers), columns="stdev(x), mean(x)") == [(math.sqrt(30), 1e9 + 10)]
    assert rows(of([0.1] * 10), columns="sum(x), stdev(x)") == [(1.0, 0.0)]
    assert rows(of([1e16, 1.0, -1e16]), columns="sum(x)") == [(1.0,)]


def test_what_a_float_cannot_hold_is_infinite() -> None:
    inf = math.inf
    assert rows(of([1e308, 1e308]), columns="sum(x), mean(x), median(x)") == [(inf, 1e308, 1e308)]
    assert rows(of([inf, 1.0]), columns="sum(x), mean(x), stdev(x), max(x)") == [(inf, inf, None, inf)]
    assert rows(of([inf, -inf]), columns="sum(x), mean(x), median(x), count(x)") == [(None, None, None, 2)]


# Which groups, in which order


def test_having(store: sqlite3.Connection) -> None:
    assert rows(store, by="flag", having="count() > 1") == [(True, 2)]
    assert rows(store, by="flag", having="flag") == [(True, 2)]
    assert rows(store, by="flag", having="not flag or flag is null") == [(False, 1), (None, 1)]
    assert rows(store, by="layers", having="layers is not null and count() = 2") == [([64, 32.0], 2)]
    assert rows(store, by="close > 1 as t", having="t") == [(True, 2)]
    assert rows(store, by="close > 1 as t", having="not t") == [(False, 1)]
    assert rows(store, by="close > 1", having="close > 1 and 2 in (count(), 3)") == [(True, 2)]
    assert rows(store, by="name", columns="mean(close) > 1 as far", having="far") == [("b", True), ("c", True)]
    assert rows(store, by="name", columns="mean(close) > 1 as far", having="not far") == [("a", False)]
    assert rows(store, by="name", having="last(prices) is not null") == [("a", 1)]
    assert rows(store, by="name as n", having="n like 'a%' or upper(n) = 'B'") == [("a", 1), ("b", 1)]


def test_sort_limit_and_offset(store: sqlite3.Connection) -> None:
    assert rows(store, by="flag", sort="-count()") == [(True, 2), (False, 1), (None, 1)]
    assert rows(store, by="flag", sort="-flag") == [(True, 2), (False, 1), (None, 1)]
    assert rows(store, by="flag", columns="sum(close) as total", sort="-total, flag") == [
        (True, 5.0),
        (False, 2.0),
        (None, 0),
    ]
    assert rows(store, by="flag", sort="-mean(close)", limit=1, offset=1) == [(False, 1)]
    assert rows(store, by="name", sort="-length(name), -name", limit=2) == [("d", 1), ("c", 1)]


def test_the_notebooks_are_chosen_before(store: sqlite3.Connection) -> None:
    assert rows(store, "close > 1", by="flag") == [(False, 1), (True, 1)]
    assert rows(store, "name = 'a'", by="flag") == [(True, 1)]
    assert rows(store, ["close > 1", "flag"], columns="count()") == [(1,)]


def test_names_of_columns_do_not_clash() -> None:
    store = of([1, 2], c0=["b", "a"], g=[5, 5], v0=[7, 7])
    assert rows(store, by="c0", columns="max(x), max(v0)", having="max(x) > 0") == [("a", 2, 7), ("b", 1, 7)]
    assert rows(store, by="g", columns="min(c0)") == [(5, "a")]


def test_a_query_is_of_groups_if_it_asks_for_them() -> None:
    assert is_asked("x", None)
    assert is_asked(None, "1 + max(x)")
    assert is_asked(None, "max(x) > 1 as y")
    assert is_asked(None, None, "count() > 1")
    assert not is_asked(None, "max, count, *, abs(x)")


# The language


@pytest.mark.parametrize(
    ("text", "canonical", "tree"),
    [
        ("COUNT(*)>1", "count() > 1", "(> (count) 1)"),
        ("mean( x/y )", "mean(x / y)", "(true (mean (/ x y)))"),
        ("any(x<1&y)", "any(x < 1 and y)", "(true (any (and (< x 1) (true y))))"),
        ("(x<1) is null", "(x < 1) is null", "(neither (< x 1))"),
        ("(x<1 or y) is not null", "(x < 1 or y) is not null", "(not (neither (or (< x 1) (true y))))"),
    ],
)
def test_aggregates_in_the_tree(text: str, canonical: str, tree: str) -> None:
    node = parser.parse(text)
    assert (str(node), node.tree, parser.parse(str(node))) == (canonical, tree, node)


def test_neither_true_nor_false(store: sqlite3.Connection) -> None:
    def found(expression: str) -> str:
        return "".join(row[0] for row in select(store, fields_of(store), expression, columns="name", sort="name").rows)

    assert found("(close > 1) is null") == "d"
    assert found("(close > 1) is not null") == "abc"
    assert found("not (close > 1 or flag) is null") == "abc"
    assert found("(close > 1 or flag) is null") == "d"
    assert found("(mixed > 1) is null") == "bd"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "flag", "columns": "«avg(x)»"}, "There is no function `avg`; did you mean `mean`?"),
        ({"by": "flag", "columns": "«stdv(close)»"}, "There is no function `stdv`; did you mean `stdev`?"),
        ({"by": "flag", "columns": "mean(«name»)"}, "`name` is text: `mean` is for numbers"),
        ({"by": "flag", "columns": "sum(«prices»)"}, "`prices` is a DataFrame: `sum` is for numbers"),
        ({"by": "flag", "columns": "mean(«nb.started_at»)"}, "`nb.started_at` is a time: `mean` is for numbers"),
        ({"by": "flag", "columns": "any(«layers»)"}, "`layers` is a list or dict: `any` is for numbers"),
        ({"by": "flag", "columns": "min(«layers»)"}, "`layers` is a list or dict: `min` cannot take that"),
        ({"by": "flag", "columns": "«mean()»"}, "Call it as `mean(x)`"),
        ({"by": "flag", "columns": "«max(close, size)»"}, "Call it as `max(x)`"),
        (
            {"by": "flag", "columns": "max(«mean(close)»)"},
            "`mean(close)` stands in another aggregate: each is of what notebooks have",
        ),
        (
            {"by": "flag", "columns": "sum(close / «count()»)"},
            "`count()` stands in another aggregate: each is of what notebooks have",
        ),
        (
            {"by": "flag", "columns": "count(), «close»"},
            "`close` is neither a key nor an aggregate: group by it, or ask for an aggregate such as `first(close)`",
        ),
        (
            {"by": "flag", "columns": "max(close) - «close»"},
            "`close` is neither a key nor an aggregate: group by it, or ask for an aggregate such as `first(close)`",
        ),
        (
            {"columns": "«close», count()"},
            "`close` is neither a key nor an aggregate: group by it, or ask for an aggregate such as `first(close)`",
        ),
        (
            {"by": "flag", "sort": "«close»"},
            "`close` is neither a key nor an aggregate: group by it, or ask for an aggregate such as `first(close)`",
        ),
        (
            {"by": "flag", "having": "«close» > 1"},
            "`close` is neither a key nor an aggregate: group by it, or ask for an aggregate such as `first(close)`",
        ),
        (
            {"by": "flag", "having": "«count() = 'a'»"},
            "`count()` is a number and `'a'` is text: they cannot be compared",
        ),
        (
            {"by": "flag", "columns": "«count(close > 1)»"},
            "`count` counts values: `sum(close > 1)` counts the notebooks for which that holds",
        ),
        ({"by": "«prices»"}, "`prices` is a DataFrame: no two of them are compared, so that they make no groups"),
        ({"by": "«1»"}, "`1` is the same for all notebooks: group by a field"),
        ({"by": "«*»"}, "`*` is every field: name those that a group shares"),
        ({"by": "flag", "columns": "«*»"}, "`*` is every field: of a group name keys and aggregates"),
        ({"by": "«mean(close)»"}, None),
        ({"expression": "«mean(close)» > 1", "by": "flag"}, None),
        ({"by": "flag", "columns": "mean(«clsoe»)"}, "No notebook has a field `clsoe`; did you mean `close`?"),
        ({"by": "«flg»"}, "No notebook has a field `flg`; did you mean `flag`?"),
        (
            {"by": "flag", "columns": "length(«expression()»)"},
            "`expression()` is a column by itself: nothing is calculated with it, nor sorted by it",
        ),
        ({"by": "flag", "columns": "day(«close»)"}, None),
        ({"by": "flag", "columns": "max(«day(close)»)"}, None),
        ({"by": "day(«close»)"}, "`close` is a number: `day` cannot take that"),
    ],
)
def test_refusals(store: sqlite3.Connection, options: dict[str, str], message: str | None) -> None:
    marked = next(text for text in options.values() if "«" in text)
    plain = {name: text.replace("«", "").replace("»", "") for name, text in options.items()}
    with pytest.raises(ExpressionError) as raised:
        asked(store, plain.pop("expression", None), **plain)
    if message:
        assert raised.value.message == message
        assert (raised.value.start, raised.value.end) == (marked.index("«"), marked.index("»") - 1)
    assert "." not in raised.value.message.rstrip(".").replace("nb.", "")


def test_having_is_of_groups(store: sqlite3.Connection) -> None:
    with pytest.raises(UsageError, match="`having` chooses groups"):
        asked(store, columns="close", having="close > 1")
    with pytest.raises(UsageError, match="not negative"):
        asked(store, by="flag", limit=-1)


@pytest.mark.parametrize("name", sorted(AGGREGATES))
def test_an_aggregate_is_no_value_of_a_notebook(store: sqlite3.Connection, name: str) -> None:
    text = f"{name}()" if name == "expression" else f"{name}(close)"
    for options in ({"expression": f"{text} = 1"}, {"sort": text}):
        with pytest.raises(ExpressionError, match="each is asked alone"):
            select(store, fields_of(store), **options)  # type: ignore[arg-type]


def test_a_text_that_is_no_time_has_no_day() -> None:
    days = ["2026-11-30", "2026-11-30T23:30:00-01:00", "2026-11-30 10:00", "soon", "20261130", ""]
    store = of(days)
    assert rows(store, by="day(x)") == [("2026-11-30", 2), ("2026-12-01", 1), (None, 3)]
    assert rows(store, "day(x) = '2026-12-01'", columns="first(x)") == [(days[1],)]
    assert rows(store, "day(x) < day(now()) and year(x) > 2000", columns="count()") in ([(0,)], [(3,)])


@pytest.mark.parametrize("columns", [0, 100])
def test_fields_of_all_sources_are_grouped(columns: int) -> None:
    """Also where no column of `runs` has them."""
    limits = ('{"memory": 1, "fast": true}', '{"fast": true, "memory": 2}')
    store = build(
        [
            Notebook(
                f"{number}.ipynb",
                {"both": number % 2, "count": number},
                {"both": "p"} if number % 3 else {},
                {},
                {"state": ("completed", "killed")[number % 2], "limits": limits[number % 2], "peak_memory": number},
                {"id": f"{number:032x}", "bundle": "b", "state": "completed"} if number < 2 else {},
            )
            for number in range(6)
        ],
        columns=columns,
    )
    assert rows(store, by="exec.state", columns="mean(exec.peak_memory), last(exec.limits), max(count)") == [
        ("completed", 2.0, {"memory": 1, "fast": True}, 4),
        ("killed", 3.0, {"memory": 2, "fast": True}, 5),
    ]
    assert rows(store, by="exec.limits.memory, exec.limits.fast") == [(1, True, 3), (2, True, 3)]
    assert rows(store, by="report.bundle") == [("b", 2), (None, 4)]
    assert rows(store, by="param.both", columns="count(scrap.both), sum(both)") == [("p", 4, 2), (None, 2, 1)]
    assert rows(store, "exec.state = 'killed'", by="both", columns="sum(count), first(param.both)") == [(1, 9, "p")]


def test_a_key_that_is_named_twice_is_one(store: sqlite3.Connection) -> None:
    found = rows(store, by="flag, flag as again", columns="count(), expression()", sort="-again, flag", limit=1)
    assert found == [(True, True, 2, "flag = 1 and flag = 1")]
