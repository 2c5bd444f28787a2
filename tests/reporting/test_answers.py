from __future__ import annotations

import base64
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import scrapbook as sb

import scrapdb
from scrapdb import errors
from scrapdb.reporting.answers import Answers
from scrapdb.store.connection import reading
from tests import notebook_builder as nb

TICKERS = 12
OBJECTS = 10**30


@pytest.fixture
def ask(ticker_store: Path) -> Iterator[dict[str, Any]]:
    """What may be asked of the store of the tickers, by name."""
    with reading(ticker_store) as connection:
        yield Answers(connection).by_name()


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What may be asked of a store of odd values."""
    values = {"whole": OBJECTS, "real": 1.0, "nothing": None, "yes": True, "many": {"a": [1, math.nan]}, "items": "x"}
    nb.write(tmp_path / "a.ipynb", nb.gluing(**values, kind=1))
    nb.write(tmp_path / "b.ipynb", nb.gluing(kind=True, items="y"))
    nb.write(tmp_path / "sub" / "a.ipynb", nb.gluing(kind=1.0))
    nb.write(tmp_path / "none.ipynb", nb.notebook(nb.code("pass")))
    scrapdb.open(tmp_path / "scraps.db").index(tmp_path)
    with reading(tmp_path / "scraps.db") as connection:
        yield Answers(connection).by_name()


def glued(ticker_store: Path) -> dict[str, Any]:
    """Everything that scrapbook itself reads of the notebooks, by symbol."""
    read = sb.read_notebooks(str(ticker_store.parent / "tickers")).notebooks
    return {each.scraps["symbol"].data: each.scraps for each in read}


def test_rows_are_what_scrapbook_reads(ask: dict[str, Any], ticker_store: Path) -> None:
    distances = {symbol: scraps["distance"].data for symbol, scraps in glued(ticker_store).items()}
    near = sorted((distance, symbol) for symbol, distance in distances.items() if distance < 0.1)
    rows = ask["query"]("distance < 0.1", sort="distance")
    assert [(row["distance"], row["symbol"]) for row in rows] == near
    assert [row.notebook for row in rows] == [f"tickers/{symbol}.ipynb" for _, symbol in near]
    assert len(ask["query"]()) == len(ask["query"](None)) == TICKERS


def test_columns_are_those_of_python(ask: dict[str, Any], ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    for where, columns in (
        (None, None),
        ("distance < 0.1", None),
        ("scrap.distance < 0.1 and nb.status = 'completed'", None),
        (None, "symbol, distance * 100 as percent, dj.a, nb.started_at"),
        (None, ["symbol", "nb.path", "notebook"]),
    ):
        rows = ask["query"](where, columns, "-distance", 3)
        assert [dict(row) for row in rows] == list(db.query(where, columns, "-distance", 3))
        assert all(row.notebook.endswith(".ipynb") for row in rows)


def test_every_other_field_can_be_asked_for(ask: dict[str, Any], ticker_store: Path) -> None:
    scraps = glued(ticker_store)["BCD"]
    run = "tickers/BCD.ipynb"
    for name in ("distance", "close_to_ath", "message"):
        assert ask["value"](run, name) == ask["value"](run, f"scrap.{name}") == scraps[name].data
    assert ask["value"](run, "param.symbol") == "BCD"
    assert ask["value"](run, "nb.status") == "completed"
    assert ask["value"](run, "chart").content == base64.b64decode(scraps["chart"].display["data"]["image/png"])
    frame = scraps["prices"].data
    assert [row[1] for row in ask["value"](run, "prices").rows] == list(frame["price"])


def test_a_display_is_its_picture(ask: dict[str, Any], ticker_store: Path) -> None:
    wanted = base64.b64decode(glued(ticker_store)["MNO"]["chart"].display["data"]["image/png"])
    for run in ("tickers/MNO.ipynb", "MNO"):
        shown = ask["display"](run, "chart")
        assert (shown.mime, shown.content, shown.alt) == ("image/png", wanted, "chart, MNO")


def test_frames_are_those_of_the_notebooks_one_below_the_other(ask: dict[str, Any], ticker_store: Path) -> None:
    scraps = glued(ticker_store)
    near = {symbol: scraps[symbol]["prices"].data for symbol in ("BCD", "MNO")}
    found = ask["frame"]("prices", "distance < 0.1")
    assert [(column.name, column.type, column.is_index) for column in found.columns] == [
        ("notebook", "text", True),
        ("index", "date", True),
        ("price", "number", False),
        ("ATH", "number", False),
    ]
    wanted = [
        [f"tickers/{symbol}.ipynb", day.date().isoformat(), row["price"], row["ATH"]]
        for symbol, frame in near.items()
        for day, row in frame.iterrows()
    ]
    assert found.rows == wanted
    assert found.total == len(wanted)
    first = ask["frame"]("prices", "distance < 0.1", columns="price", limit=1001)
    assert ([row[1] for row in first.rows], first.total) == ([row[2] for row in wanted[:1001]], len(wanted))
    one = ask["frame"]("prices", run="tickers/MNO.ipynb", columns=["ATH"], limit=5)
    assert [row[0] for row in one.rows] == list(near["MNO"]["ATH"][:5])
    assert one.total == len(near["MNO"])


def test_a_frame_of_no_notebook_has_columns_and_no_rows(ask: dict[str, Any]) -> None:
    found = ask["frame"]("prices", "distance < 0")
    assert ([column.name for column in found.columns][1:], found.rows, found.total) == (
        ["index", "price", "ATH"],
        [],
        0,
    )


def test_groups_have_the_runs_of_a_key(ask: dict[str, Any], ticker_store: Path) -> None:
    near: dict[bool, list[str]] = {False: [], True: []}
    for symbol, scraps in sorted(glued(ticker_store).items()):
        near[scraps["close_to_ath"].data].append(symbol)
    found = ask["groups"]("close_to_ath", columns="symbol")
    assert [(group["key"], [run["symbol"] for run in group["runs"]]) for group in found] == list(near.items())
    several = ask["groups"](["close_to_ath", "length"], "close_to_ath")
    assert [(group["key"], len(group["runs"])) for group in several] == [([True, 1000], 2)]
    by_expression = ask["groups"]("distance < 0.1")
    assert [group["key"] for group in by_expression] == [False, True]


def test_groups_share_what_is_equal_in_the_language_and_put_what_has_no_key_last(odd: dict[str, Any]) -> None:
    found = [(group["key"], [run.notebook for run in group["runs"]]) for group in odd["groups"]("kind")]
    assert found == [(1, ["a.ipynb", "b.ipynb", "sub/a.ipynb"]), (None, ["none.ipynb"])]
    assert len(odd["query"]("kind = 1")) == 3
    assert [group["key"] for group in odd["groups"]("many")] == [{"a": [1, pytest.approx(math.nan, nan_ok=True)]}, None]


def test_groups_have_aggregates(ask: dict[str, Any], ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    aggregates = ["count()", "mean(distance) as average", "close_to_ath as again"]
    found = ask["groups"](
        "close_to_ath", columns="symbol", aggregates=aggregates, sort="-average", having="average > 0"
    )
    of_python = db.query(by="close_to_ath", columns=aggregates, sort="-average")
    assert [{name: group[name] for name in ("count()", "average", "again")} for group in found] == list(of_python)
    assert [(group["key"], len(group["runs"])) for group in found] == [(False, 10), (True, 2)]
    few = ask["groups"](["close_to_ath", "length"], "distance < 0.3", having="count() < 3", aggregates="last(chart)")
    assert [(group["key"], [run["symbol"] for run in group["runs"]]) for group in few] == [
        ([True, 1000], ["BCD", "MNO"])
    ]
    assert few[0].keys() == {"key", "runs"}  # a picture is asked for by itself


def test_values_are_exact(odd: dict[str, Any]) -> None:
    (row,) = odd["query"]("whole > 0", "whole, real, nothing, yes, many, items")
    values = dict(row)
    many = values.pop("many")
    assert values == {"whole": OBJECTS, "real": 1.0, "nothing": None, "yes": True, "items": "x"}
    assert type(values["real"]) is float
    assert many["a"][0] == 1
    assert math.isnan(many["a"][1])


def test_a_field_that_some_have_is_none_where_it_is_missing(odd: dict[str, Any]) -> None:
    assert odd["value"]("b.ipynb", "whole") is None
    assert odd["value"]("b.ipynb", "items") == "y"


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "told"),
    [
        ("query", {"where": "distnce < 1"}, errors.ExpressionError, "did you mean `distance`?"),
        ("query", {"columns": "symbol, distnce"}, errors.ExpressionError, "\n  symbol, distnce\n          ^^^^^^^"),
        ("query", {"sort": "-nix"}, errors.ExpressionError, "nix"),
        ("query", {"columns": "symbol, upper(symbol) as symbol"}, errors.UsageError, "Two columns are called `symbol`"),
        ("query", {"where": 3}, errors.UsageError, "where of query() is not what it takes"),
        ("query", {"where": "x" * 100_001}, errors.UsageError, "where of query()"),
        ("query", {"limit": -1}, errors.UsageError, "limit of query()"),
        ("query", {"limit": True}, errors.UsageError, "limit of query()"),
        ("query", {"store": "/etc/passwd"}, errors.UsageError, "query(where, columns, sort, limit) is not called so"),
        ("groups", {}, errors.UsageError, "missing a required argument: 'by'"),
        ("groups", {"by": "nix"}, errors.ExpressionError, "nix"),
        ("groups", {"by": "symbol", "aggregates": "mean(symbol)"}, errors.ExpressionError, "`mean` is for numbers"),
        (
            "groups",
            {"by": "symbol", "aggregates": "count() as runs"},
            errors.UsageError,
            "Two columns are called `runs`",
        ),
        ("frame", {"name": "prces"}, errors.ScrapNotFoundError, "did you mean prices?"),
        ("frame", {"name": "prices", "columns": "nix"}, errors.UsageError, "has a column nix"),
        ("frame", {"name": "prices", "columns": "nix", "run": "BCD"}, errors.UsageError, "has no column nix"),
        ("frame", {"name": "nix", "run": "BCD"}, errors.ScrapNotFoundError, "it has prices"),
        ("frame", {"name": "prices", "run": "/etc/passwd"}, errors.NotebookNotFoundError, "/etc/passwd"),
        ("display", {"run": "BCD", "name": "chrt"}, errors.ScrapNotFoundError, "did you mean chart?"),
        ("display", {"run": "BCD", "name": "dj"}, errors.ScrapNotFoundError, "it was shown as text/plain"),
        ("display", {"run": "NIX", "name": "chart"}, errors.NotebookNotFoundError, "NIX"),
        ("value", {"run": "tickers/BCD.ipynb", "name": "distnce"}, errors.UsageError, "did you mean `distance`?"),
        ("value", {"run": "tickers/BCD.ipynb", "name": "*"}, errors.UsageError, "not one field"),
        ("value", {"run": "tickers/BCD.ipynb", "name": "symbol, distance"}, errors.UsageError, "not one field"),
        ("value", {"run": ["a"], "name": "symbol"}, errors.UsageError, "run of value()"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence(
    ask: dict[str, Any], name: str, arguments: dict[str, Any], kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind) as caught:
        ask[name](**arguments)
    assert told in str(caught.value)


def test_an_answer_is_limited_in_time(tmp_path: Path) -> None:
    for number in range(150):
        nb.write(tmp_path / f"{number}.ipynb", nb.gluing(text="a" * 2000, n=number))
    scrapdb.open(tmp_path / "scraps.db").index(tmp_path)
    hard = " and ".join(f"upper(text) != '{number}'" for number in range(400))
    with reading(tmp_path / "scraps.db") as connection:
        ask = Answers(connection, seconds=0.0).by_name()
        begin = time.monotonic()
        with pytest.raises(errors.StoreError, match=r"query\(\) takes longer than 0 seconds: ask for less"):
            ask["query"](hard)
        assert time.monotonic() - begin < 10
        assert len(Answers(connection).by_name()["query"]("n < 3")) == 3


def test_an_answer_is_limited_in_size(tmp_path: Path) -> None:
    for number in range(20):
        nb.write(tmp_path / f"{number}.ipynb", nb.gluing(text="a" * 4 * 2**20))
    scrapdb.open(tmp_path / "scraps.db").index(tmp_path)
    with reading(tmp_path / "scraps.db") as connection:
        ask = Answers(connection).by_name()
        with pytest.raises(errors.UsageError, match="too large for a page"):
            ask["query"](None, "text")
        assert len(ask["query"](None, "text", limit=3)) == 3
        assert len(ask["query"](None, "length(text) as n")) == 20


def test_nothing_can_be_written(ticker_store: Path) -> None:
    before = ticker_store.read_bytes()
    with reading(ticker_store) as connection:
        ask = Answers(connection).by_name()
        for text in ("1; DROP TABLE notebooks", "symbol = '' OR 1=1; --", "load_extension('x')"):
            for name, arguments in (("query", (text,)), ("query", (None, text)), ("groups", (text,))):
                with pytest.raises(errors.ScrapdbError):
                    ask[name](*arguments)
    assert ticker_store.read_bytes() == before
