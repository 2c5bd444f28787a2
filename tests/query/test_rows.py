"""What is asked of the rows of DataFrames in expressions, held against pandas."""

from __future__ import annotations

import base64
import io
import os
import shutil
import signal
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import scrapdb
from scrapdb.errors import ExpressionError
from scrapdb.errors import ScrapdbError
from scrapdb.query import columnar
from tests.store.made import made
from tests.store.made import write
from tests.stores import sidecars

RANDOM = np.random.default_rng(7)
DAYS = pd.date_range("2026-01-01", periods=50)


def frame(rows: int, low: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "price": RANDOM.normal(low, 30, rows).round(3),
            "n": RANDOM.integers(-5, 50, rows),
            "ok": RANDOM.random(rows) > 0.2,
            "tag": RANDOM.choice(["a", "bc", "BCD", "ü%"], rows),
            "day": DAYS[:rows],
            "odd col": RANDOM.random(rows),
        }
    )


def with_gaps(rows: int) -> pd.DataFrame:
    found = frame(rows, 100)
    found.loc[::3, ["price", "tag"]] = None
    found["n"] = found["n"].astype("Int64").mask(found["n"] > 20)
    found["tag"] = found["tag"].astype("category")
    return found.set_index("day")


FRAMES = {
    "a.ipynb": frame(50, 100),
    "b.ipynb": frame(40, 160),
    "c.ipynb": with_gaps(30),
    "d.ipynb": frame(0, 0),
    "e.ipynb": frame(1, 300),
}
LIMITS = {"a.ipynb": 150, "b.ipynb": 220.5, "c.ipynb": 100, "d.ipynb": 1, "e.ipynb": 300}


def payload(found: pd.DataFrame) -> str:
    file = io.BytesIO()
    found.to_parquet(file)
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "scraps.db"
    odd = pd.DataFrame(
        {"wide": [2**62, 2**62, 2**62], "dec": [Decimal("1.10"), None, Decimal("2.20")], "list": [[1], [2], None]}
    )
    odd["tz"] = pd.DatetimeIndex(["2026-01-01", "2026-06-01", pd.NaT]).tz_localize("Europe/Madrid")
    levels = pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_tuples([("price", "mean"), ("price", "max")]))
    large = pd.DataFrame({"noise": [os.urandom(100_000)], "x": [5]})
    rows = [
        made(name, {"limit": LIMITS[name], "word": "bc"}, {"p": 1}, {"prices": payload(found)})
        for name, found in FRAMES.items()
    ]
    rows.append(made("none.ipynb", {"limit": 0, "word": "bc", "cfg": {"a": 7}}))
    rows.append(made("odd.ipynb", {"cfg": {"a": 3}}, {}, {"odd": payload(odd), "levels": payload(levels)}))
    rows.append(made("other.ipynb", {}, {}, {"odd": payload(pd.DataFrame({"x": ["text"]})), "large": payload(large)}))
    rows.append(made("third.ipynb", {}, {}, {"odd": payload(pd.DataFrame({"x": [7]}))}))
    write(path, rows)
    return path


def found(store: Path, expression: str) -> list[str]:
    table = scrapdb.open(store).query(expression, columns="notebook", sort="notebook")
    return [row["notebook"] for row in table]


def shown(store: Path, column: str) -> dict[str, Any]:
    table = scrapdb.open(store).query(columns=f"notebook, {column} as value")
    return {row["notebook"]: row["value"] for row in table if row["notebook"] in FRAMES}


def is_true(series: pd.Series[Any]) -> pd.Series[Any]:
    return series.fillna(value=False).astype(bool)


VALUES: list[tuple[str, Callable[[pd.DataFrame], Any]]] = [
    ("max(prices.price)", lambda f: f["price"].max()),
    ("min(prices.price)", lambda f: f["price"].min()),
    ("mean(prices.price)", lambda f: f["price"].mean()),
    ("median(prices.price)", lambda f: f["price"].median()),
    ("stdev(prices.price)", lambda f: f["price"].std()),
    ("sum(prices.price)", lambda f: f["price"].sum()),
    ("count(prices.price)", lambda f: f["price"].count()),
    ("count(prices)", len),
    ("sum(prices.n)", lambda f: f["n"].sum()),
    ("mean(prices.n)", lambda f: f["n"].mean()),
    ("median(prices.n)", lambda f: f["n"].median()),
    ("first(prices.n)", lambda f: f["n"].dropna().iloc[0] if f["n"].count() else None),
    ("last(prices.price)", lambda f: f["price"].dropna().iloc[-1] if f["price"].count() else None),
    ("sum(prices.ok)", lambda f: f["ok"].sum()),
    ("mean(prices.price * 2 - prices.n / 4)", lambda f: (f["price"] * 2 - f["n"] / 4).mean()),
    ("sum(prices.n % 7)", lambda f: (f["n"] % 7).sum()),
    ("max(abs(-prices.n))", lambda f: f["n"].abs().max()),
    ("max(length(prices.tag))", lambda f: f["tag"].astype("object").str.len().max()),
    ('sum(prices["odd col"] > 0.5)', lambda f: (f["odd col"] > 0.5).sum()),
    ("sum(prices.price > 100 and prices.ok)", lambda f: (is_true(f["price"] > 100) & f["ok"]).sum()),
    ("sum(prices.price > 100 or prices.n < 3)", lambda f: (is_true(f["price"] > 100) | is_true(f["n"] < 3)).sum()),
    ("sum(not prices.price > 100)", lambda f: is_true(f["price"] <= 100).sum()),
    ("sum(prices.price is null)", lambda f: f["price"].isna().sum()),
    ("sum((prices.price > 3) is null)", lambda f: f["price"].isna().sum()),
    ('sum(prices.tag in ("a", "bc"))', lambda f: f["tag"].isin(["a", "bc"]).sum()),
    ('sum(prices.tag like "B%")', lambda f: is_true(f["tag"].astype("object").str.startswith("B")).sum()),
    ('sum(prices.tag contains "c")', lambda f: is_true(f["tag"].astype("object").str.contains("c")).sum()),
    ('sum(prices.tag ~ "^b|D$")', lambda f: is_true(f["tag"].astype("object").str.contains("^b|D$")).sum()),
    ('sum(upper(prices.tag) = "BC")', lambda f: (f["tag"] == "bc").sum()),
    ("sum(10 < prices.n <= 30)", lambda f: (is_true(f["n"] > 10) & is_true(f["n"] <= 30)).sum()),
]


@pytest.mark.parametrize(("column", "of"), VALUES, ids=[column for column, _ in VALUES])
def test_values_are_those_of_pandas(store: Path, column: str, of: Callable[[pd.DataFrame], Any]) -> None:
    expected = {name: of(each) for name, each in FRAMES.items()}
    values = shown(store, column)
    for name, value in expected.items():
        if value is None or value is pd.NA or value != value:  # noqa: PLR0124 - NaN
            assert values[name] is None, name
        else:
            assert values[name] == pytest.approx(value, rel=1e-12), name


TRUTHS: list[tuple[str, Callable[[pd.DataFrame, float], Any]]] = [
    ("any(prices.price > 160)", lambda f, _: (f["price"] > 160).any()),
    ("all(prices.price > 50)", lambda f, _: (f["price"].dropna() > 50).all()),
    ("not any(prices.price > 160)", lambda f, _: not (f["price"] > 160).any()),
    ("any(prices.ok)", lambda f, _: f["ok"].any()),
    ("all(prices.ok)", lambda f, _: f["ok"].all()),
    ("any(prices.price > limit)", lambda f, limit: (f["price"] > limit).any()),
    ("any(prices.price > limit * 2 - param.p * limit)", lambda f, limit: (f["price"] > limit).any()),
    ("max(prices.price) > 1.2 * limit", lambda f, limit: f["price"].max() > 1.2 * limit),
    ("any(prices.tag = word)", lambda f, _: (f["tag"] == "bc").any()),
    ("count(prices) > 30", lambda f, _: len(f) > 30),
    ("mean(prices.price) between 90 and 120", lambda f, _: 90 <= f["price"].mean() <= 120),
    ("max(prices.price) - min(prices.price) > 100", lambda f, _: f["price"].max() - f["price"].min() > 100),
    ('max(prices.day) >= "2026-02-01"', lambda f, _: f.reset_index()["day"].max() >= pd.Timestamp("2026-02-01")),
    ('any(prices.day > "2026-01-31T12:00")', lambda f, _: (f.reset_index()["day"] > "2026-01-31 12:00").any()),
    ("coalesce(stdev(prices.price), 0) = 0", lambda f, _: len(f) < 2),
    ('max(prices.tag) = "ü%"', lambda f, _: f["tag"].astype("object").dropna().max() == "ü%"),
]


@pytest.mark.parametrize(("expression", "of"), TRUTHS, ids=[expression for expression, _ in TRUTHS])
def test_expressions_find_what_pandas_finds(
    store: Path, expression: str, of: Callable[[pd.DataFrame, float], Any]
) -> None:
    expected = [name for name, each in FRAMES.items() if of(each, LIMITS[name])]
    assert found(store, f"({expression}) and prices is not null") == expected
    assert [name for name in found(store, expression) if name in FRAMES] == expected
    if not expression.startswith("coalesce"):
        assert "none.ipynb" not in found(store, expression) + found(store, f"not ({expression})")


def test_where_there_is_no_frame_nothing_is_known(store: Path) -> None:
    table = scrapdb.open(store).query("any(prices.price > 0) is null", columns="notebook", sort="notebook")
    assert [row["notebook"] for row in table] == ["none.ipynb", "odd.ipynb", "other.ipynb", "third.ipynb"]


def test_it_is_a_column_and_a_key_to_sort_by(store: Path) -> None:
    table = scrapdb.open(store).query("any(prices.price > 160) and limit > 0", sort="-max(prices.price)")
    assert table.columns[:3] == ("notebook", "any(prices.price > 160)", "limit")
    order = sorted(
        (name for name, each in FRAMES.items() if (each["price"] > 160).any()),
        key=lambda name: -FRAMES[name]["price"].max(),
    )
    assert [row["notebook"] for row in table] == order
    assert all(row["any(prices.price > 160)"] is True for row in table)


def test_times_are_times(store: Path) -> None:
    table = scrapdb.open(store).query("prices is not null", columns="notebook, max(prices.day) as day")
    assert table.times == {"day"}
    assert {row["notebook"]: row["day"] for row in table}["a.ipynb"] == "2026-02-19T00:00:00.000000Z"
    assert found(store, 'max(odd.tz) = "2026-06-01T00:00+02:00"') == ["odd.ipynb"]


def test_groups_take_aggregates_of_aggregates(store: Path) -> None:
    table = scrapdb.open(store).query(columns="mean(max(prices.price)) as m, sum(count(prices)) as s")
    expected = pd.Series([each["price"].max() for each in FRAMES.values()]).mean()
    (row,) = table.rows()
    assert row == (pytest.approx(expected), sum(map(len, FRAMES.values())))
    by = scrapdb.open(store).query(by="count(prices) > 30 as long", columns="long, count()", sort="long")
    assert list(by.rows()) == [(False, 3), (True, 2), (None, 4)]
    with pytest.raises(ExpressionError, match=r"`max\(prices.price\)` is of each notebook: group by it, or ask for"):
        scrapdb.open(store).query(by="word", columns="max(prices.price)")
    whole = scrapdb.open(store).query(by="word", columns="count(prices)", sort="word")  # of notebooks, as any value
    assert [row[-1] for row in whole.rows()] == [5, 0]


def test_integers_that_are_too_large_together_are_not_wrong(store: Path) -> None:
    (row,) = (
        scrapdb.open(store)
        .query(
            "count(odd.wide) = 3",
            columns="sum(odd.wide), mean(odd.wide), max(odd.wide * 4)",
        )
        .rows()
    )
    assert row == (float(3 * 2**62), float(2**62), float(2**64))


def test_a_column_of_two_kinds_is_asked_where_it_fits(store: Path) -> None:
    assert found(store, "max(odd.x) = 7") == ["third.ipynb"]
    assert found(store, 'max(odd.x) = "text"') == ["other.ipynb"]
    assert found(store, "max(odd.x) > 1") == ["third.ipynb"]


def test_names_with_levels_and_of_indexes_are_found(store: Path) -> None:
    assert found(store, "max(levels.price.mean) = 1 and max(levels.price.max) = 2") == ["odd.ipynb"]
    assert found(store, "count(prices.day) = 30") == ["c.ipynb"]  # it is the index there


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("max(prices.prise) > 1", "No DataFrame `prices` has a column `prise`; did you mean `price`?"),
        ("mean(prices.tag) > 1", "`prices.tag` is text: `mean` is for numbers"),
        ("sum(prices.day) > 1", "`prices.day` is a time: `sum` is for numbers"),
        ("any(prices.tag > 1)", "`prices.tag` is text and `1` is a number: they cannot be compared"),
        ('any(prices.price = "a")', '`prices.price` is a number and `"a"` is text: they cannot be compared'),
        ("mean(prices) > 1", "`prices` is a DataFrame: name one of its columns, such as `prices.day`"),
        ("max(odd.list) > 1", "`odd.list` has neither numbers, texts nor times: nothing can be asked of it"),
        ("count(prices.price > 1) > 1", "`count` counts values: `sum(prices.price > 1)` counts the rows"),
        ("max(prices.price + odd.dec) > 1", "is asked of the rows of one DataFrame, and `odd` and `prices` are two"),
        ("any(days(prices.n) > 1)", "`days` is not for the rows of a DataFrame: abs, round, length, lower, upper are"),
        ("any(prices.price > cfg)", "`cfg` is a list or dict: a row is compared with a number, a text or a time"),
        ("max(limit) > 1", "is an aggregate of many notebooks, and here each is asked alone"),
        ("any(max(prices.n) > prices.n)", "stands in another aggregate"),
        ("prices.price > 1", "`prices` is a DataFrame: nothing can be looked up in it"),
    ],
)
def test_mistakes_are_told(store: Path, expression: str, sentence: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        found(store, expression)
    assert sentence in str(raised.value).split("\n")[0]


def test_only_what_the_rest_leaves_over_is_read(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = columnar._Source.read

    def seen(self: Any, names: Any) -> Any:
        read.append(self._notebook)
        return original(self, names)

    monkeypatch.setattr(columnar._Source, "read", seen)
    columnar._answers.clear()
    for expression in ("max(prices.price) > 0 and limit = 150", "limit = 150 and max(prices.price) > 0"):
        columnar._answers.clear()
        assert found(store, expression) == ["a.ipynb"]
    assert read == ["a.ipynb", "a.ipynb"]
    read.clear()
    columnar._answers.clear()
    either = "max(prices.price) > 0 and limit = 150 or min(prices.price) > 0 and limit = 100"
    assert found(store, either) == ["a.ipynb", "c.ipynb"]
    assert sorted(read) == ["a.ipynb", "c.ipynb"]
    read.clear()
    found(store, "count(prices) > 1")
    assert read == []


def test_equal_frames_are_asked_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columnar._answers.clear()
    expected = found(store, "median(prices.n) > 20")
    monkeypatch.setattr(columnar, "_answer", None)
    assert found(store, "median(prices.n) > 20") == expected


def test_a_damaged_frame_is_told(store: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(store, tmp_path))
    shutil.copytree(store.with_name("scraps.db-frames"), copy.with_name("scraps.db-frames"))
    (sidecar,) = sidecars(copy)
    assert found(copy, "max(large.x) = 5") == ["other.ipynb"]
    columnar._answers.clear()
    sidecar.write_bytes(sidecar.read_bytes()[:-100] + b"\0" * 100)
    with pytest.raises(ScrapdbError, match=r"The DataFrame of other\.ipynb is damaged: its file is not what was glued"):
        found(copy, "max(large.x) = 5")


def test_ctrl_c_is_ctrl_c(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(columnar, "_answer", interrupted)
    columnar._answers.clear()
    assert threading.current_thread() is threading.main_thread()
    with pytest.raises(KeyboardInterrupt):
        found(store, "max(prices.price) = 12345")


def test_it_is_explained(store: Path) -> None:
    told = scrapdb.open(store).explain("any(prices.price > limit)")
    assert "(true (any (> prices.price limit)))" in told
    assert "any(price > param.`0`)" in told
