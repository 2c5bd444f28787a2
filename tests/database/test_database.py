from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import scrapdb
from scrapdb.errors import ExpressionError
from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.errors import StoreNotFoundError
from scrapdb.errors import UsageError
from scrapdb.formats import write
from tests import notebook_builder as nb
from tests import sessions

METHODS: dict[str, Callable[[scrapdb.Database], object]] = {
    "query": lambda db: db.query("x = 1"),
    "count": lambda db: db.count(),
    "explain": lambda db: db.explain("x = 1"),
    "check": lambda db: db.check("x = 1"),
    "sql": lambda db: db.sql("SELECT 1"),
    "duckdb": lambda db: db.duckdb("SELECT 1"),
    "plot": lambda db: db.plot(),
    "frame": lambda db: db.frame("x"),
    "frame_table": lambda db: db.frame_table("x"),
    "notebook": lambda db: db.notebook("a"),
    "attempt": lambda db: db.attempt("a"),
    "diff": lambda db: db.diff("a", "b"),
    "reports": lambda db: db.reports(),
    "report": lambda db: db.report("a"),
    "fields": lambda db: db.fields(),
    "completions": lambda db: db.completions(""),
    "problems": lambda db: db.problems(),
    "sizes": lambda db: db.sizes(),
    "totals": lambda db: db.totals(),
    "at": lambda db: db.at("2026-11-01").count(),
    "versions": lambda db: db.versions().count(),
    "looking_back": lambda db: db.looking_back(versions=True).count(),
    "history": lambda db: db.history("a"),
    "sizes_of_versions": lambda db: db.sizes_of_versions(),
    "optimize": lambda db: db.optimize(),
    "gc": lambda db: db.gc(),
    "export": lambda db: db.export(db.path.with_name("exported")),
}


def test_every_public_method_is_tested_here() -> None:
    public = {name for name in vars(scrapdb.Database) if not name.startswith("_")}
    assert public == {"index", *METHODS}


@pytest.mark.parametrize("ask", METHODS.values(), ids=METHODS)
def test_without_a_store_nothing_is_made(tmp_path: Path, ask: Callable[[scrapdb.Database], object]) -> None:
    with pytest.raises(
        StoreNotFoundError, match=r"^There is no store .*none\.db; make one with `scrapdb index DIR`\.$"
    ):
        ask(scrapdb.open(tmp_path / "none.db"))
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(84)])
@pytest.mark.parametrize("ask", METHODS.values(), ids=METHODS)
def test_another_file_is_left_alone(tmp_path: Path, ask: Callable[[scrapdb.Database], object], content: bytes) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="nothing was changed"):
        ask(scrapdb.open(path))
    assert path.read_bytes() == content
    assert [*tmp_path.iterdir()] == [path]


@pytest.fixture
def runs(tmp_path: Path) -> scrapdb.Database:
    """A store of five runs: x is 1, 2, missing, null and NaN."""
    values: dict[str, dict[str, Any]] = {
        "one": {"x": 1, "kind": "good"},
        "two": {"x": 2, "kind": "good"},
        "missing": {"kind": "bad"},
        "null": {"x": None, "kind": "bad"},
        "nan": {"x": float("nan"), "kind": "bad"},
    }
    for name, glued in values.items():
        nb.write(tmp_path / "runs" / f"{name}.ipynb", nb.gluing(**glued))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path / "runs")
    return db


def test_index_tells_what_it_did_and_how_far_it_is(tmp_path: Path) -> None:
    for number in range(3):
        nb.write(tmp_path / "runs" / f"{number}.ipynb", nb.gluing(x=number))
    nb.write(tmp_path / "runs" / "broken.ipynb", b"{")
    db = scrapdb.open(os.fspath(tmp_path / "scraps.db"))
    told: list[Any] = []
    summary = db.index(tmp_path / "runs", progress=told.append)
    assert (summary.added, summary.failed, summary.notebooks) == (3, 1, 4)
    assert told[-1] == (4, 4, 4)
    (tmp_path / "runs" / "0.ipynb").unlink()
    assert db.index(tmp_path / "runs", prune=False).removed == 0
    assert db.index(tmp_path / "runs", exclude=["1.ipynb"]).unchanged == 1
    assert db.index(tmp_path / "runs", force=True, workers=1).unchanged + db.count() >= 2
    assert db.count("x is not null") == 2


def test_query_sorts_limits_and_leaves_out(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    closest = [run["symbol"] for run in db.query(columns=["symbol"], sort="distance")]
    assert closest[:2] == ["BCD", "MNO"]
    assert len(closest) == 12
    assert [run["symbol"] for run in db.query(columns="symbol", sort=["-distance"])] == closest[::-1]
    some = db.query(columns=["symbol", "distance * 100 as percent"], sort="distance", limit=3, offset=1)
    assert [run["symbol"] for run in some] == closest[1:4]
    assert some.columns == ("symbol", "percent")
    assert db.count("distance < 0.1") == 2
    assert db.count() == 12


def test_a_plot_has_the_values_of_a_query(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    asked = db.query("distance < 0.2", columns="nb.path, symbol, distance * 100 as percent")
    drawn = db.plot("distance < 0.2", x="symbol", y="distance * 100 as percent", color="close_to_ath")
    assert [row[:3] for row in drawn.points.rows] == [*asked.rows()]
    assert (drawn.points.labels, drawn.kind) == (("symbol", "percent", "close_to_ath"), "scatter")
    assert [db.plot(x="symbol").kind, db.plot(x="length", y="distance", kind="line").kind] == ["histogram", "line"]
    assert db.plot().points.labels == ("distance",)  # `length` is the same for all
    assert len(db.plot(x="distance", most=5).points.rows) == 5


def test_groups_are_those_of_pandas(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    frame = db.query(columns="symbol, distance, close_to_ath, nb.started_at").to_pandas()
    columns = ["count() as n", "mean(distance)", "stdev(distance) as spread", "min(nb.started_at) as begun"]
    found = db.query(columns=columns, by=["close_to_ath"], having="n > 1", sort=["-mean(distance)"])
    wanted = frame.groupby("close_to_ath", dropna=False).agg(
        n=("distance", "size"), mean=("distance", "mean"), spread=("distance", "std"), begun=("nb.started_at", "min")
    )
    wanted = wanted.sort_values("mean", ascending=False).reset_index().rename(columns={"mean": "mean(distance)"})
    pd.testing.assert_frame_equal(found.to_pandas(), wanted, check_dtype=False)
    assert found.to_pandas().dtypes["begun"] == "datetime64[us, UTC]"
    assert str(found.to_arrow().schema.field("close_to_ath").type) == "bool"


def test_what_is_wrong_with_groups_is_told_at_once(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    for ask in (db.query, db.explain):
        with pytest.raises(ExpressionError, match="neither a key nor an aggregate"):
            ask(columns="distance", by="symbol")
        with pytest.raises(UsageError, match="`having` chooses groups"):
            ask(columns="distance", having="distance > 1")
    with pytest.raises(UsageError, match="Two columns are called `n`"):
        db.query(by="symbol", columns="count() as n, max(length) as n")


def test_a_wrong_question_is_told_at_once(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    for ask in (db.query, db.count, db.explain, db.check):
        with pytest.raises(ExpressionError, match="distanse"):
            ask("distanse < 0.1")
    with pytest.raises(ExpressionError, match="symbl"):
        db.query(columns="symbl")
    with pytest.raises(ExpressionError, match="symbl"):
        db.query(sort="-symbl")


def test_explain_shows_the_statement_and_its_values(ticker_store: Path) -> None:
    explained = scrapdb.open(ticker_store).explain("distance < 0.125")
    assert "SELECT" in explained
    assert "0.125" in explained


@pytest.mark.parametrize(
    ("question", "holds", "looked_at", "offenders"),
    [
        ({"expression": "x >= 1"}, False, 5, {"missing", "nan", "null"}),
        ({"expression": "x >= 1", "where": "kind = 'good'"}, True, 2, set()),
        ({"expression": "not (x < 1)"}, False, 5, {"missing", "nan", "null"}),
        ({"expression": "x = 1", "any_": True}, True, 5, {"two", "missing", "nan", "null"}),
        ({"expression": "x > 5", "any_": True}, False, 5, {"one", "two", "missing", "nan", "null"}),
        ({"expression": "x > 5 or kind is not null"}, True, 5, set()),
        ({"expression": "x > 0", "where": "kind = 'nowhere'"}, False, 0, set()),
        ({"expression": "x > 0", "where": "kind = 'nowhere'", "any_": True}, False, 0, set()),
        ({"expression": "kind = 'good'", "where": "x = 1"}, True, 1, set()),
    ],
)
def test_check(
    runs: scrapdb.Database, question: dict[str, Any], holds: bool, looked_at: int, offenders: set[str]
) -> None:
    """A notebook offends when the expression is false for it, or cannot be decided."""
    verdict = runs.check(**question)
    assert (verdict.holds, verdict.looked_at, verdict.failed) == (holds, looked_at, len(offenders))
    assert {Path(run["notebook"]).stem for run in verdict.offenders} == offenders


def test_check_of_an_empty_store_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path / "runs")
    verdict = db.check("nb.status = 'completed'")
    assert (verdict.holds, verdict.looked_at, verdict.failed, [*verdict.offenders]) == (False, 0, 0, [])


def test_sql_takes_parameters_and_time(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    found = db.sql("SELECT symbol AS s FROM runs WHERE distance < :d ORDER BY s", {"d": 0.1})
    assert [*found] == [{"s": "BCD"}, {"s": "MNO"}]
    with pytest.raises(StoreError, match=r"stopped after 0\.1 seconds"):
        db.sql("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n", seconds=0.1)


def test_notebooks_are_found_by_path_and_by_the_end_of_it(ticker_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = scrapdb.open(ticker_store)
    file = ticker_store.parent / "tickers" / "BCD.ipynb"
    monkeypatch.chdir(ticker_store.parent / "tickers")
    for name in ("BCD", "BCD.ipynb", "tickers/BCD", "tickers/BCD.ipynb", file, str(file), "../tickers/BCD.ipynb"):
        assert db.notebook(name).path == "tickers/BCD.ipynb"
    for name in ("CD", "bcd", "", "%", "_CD", "tickers", "nowhere/BCD"):
        with pytest.raises(NotebookNotFoundError, match="No notebook is called"):
            db.notebook(name)


def test_a_directory_of_the_same_name_hides_no_notebook(
    ticker_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "BCD").mkdir()
    monkeypatch.chdir(tmp_path)
    assert scrapdb.open(ticker_store).notebook("BCD").path == "tickers/BCD.ipynb"


def test_a_name_of_many_notebooks_asks_for_more_of_the_path(tmp_path: Path) -> None:
    for directory in "abcdefg":
        nb.write(tmp_path / directory / "run.ipynb", nb.gluing(x=1))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path)
    sentence = "'run': a/run.ipynb, b/run.ipynb, c/run.ipynb, d/run.ipynb, e/run.ipynb, …. Give more of the path."
    with pytest.raises(NotebookNotFoundError) as raised:
        db.notebook("run")
    assert str(raised.value) == f"More than one notebook is called {sentence}"
    assert db.notebook("c/run").path == "c/run.ipynb"


def test_fields(ticker_store: Path) -> None:
    fields = {(row["name"], row["role"]): row for row in scrapdb.open(ticker_store).fields()}
    glued = [distance(path) for path in (ticker_store.parent / "tickers").glob("*.ipynb")]
    assert (fields["distance", "scrap"]["min"], fields["distance", "scrap"]["max"]) == (min(glued), max(glued))
    assert fields["symbol", "parameter"]["examples"] == "AAA, ABC, BCD"
    assert fields["length", "scrap"]["notebooks"] == fields["length", "parameter"]["notebooks"] == 12
    assert fields["prices", "scrap"]["type"] == "frame"
    assert not [name for name, role in fields if role == "notebook"]
    attributes = scrapdb.open(ticker_store).fields(attributes=True)
    assert "nb.status" in {row["name"] for row in attributes if row["role"] == "notebook"}


def distance(path: Path) -> float:
    for cell in json.loads(path.read_bytes())["cells"]:
        for output in cell.get("outputs", []):
            payload = output.get("data", {}).get("application/scrapbook.scrap.json+json", {})
            if payload.get("name") == "distance":
                return float(payload["data"])
    raise AssertionError(path)


def test_completions(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    assert db.completions("d") == ["d", "distance", "dj"]
    assert db.completions("nb.sta") == ["nb.status", "nb.started_at"]
    assert db.completions("%") == []


def test_problems_of_all_and_of_one(tmp_path: Path) -> None:
    nb.write(tmp_path / "good.ipynb", nb.gluing(x=1))
    nb.write(tmp_path / "twice.ipynb", nb.notebook(nb.code("glue()", nb.scrap("x", 1), nb.scrap("x", 2))))
    nb.write(tmp_path / "broken.ipynb", b"{")
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path)
    assert [(row["notebook"], row["kind"]) for row in db.problems()][1:] == [("twice.ipynb", "repeated")]
    assert [row["notebook"] for row in db.problems("broken")] == ["broken.ipynb"]
    assert [*db.problems("good")] == []
    with pytest.raises(NotebookNotFoundError):
        db.problems("nowhere")


def test_sizes_by_anything_else_are_refused(ticker_store: Path) -> None:
    with pytest.raises(UsageError, match=r"^Bytes are added up by scrap, notebook or encoder, not by 'cell'\.$"):
        scrapdb.open(ticker_store).sizes(by="cell")


def test_sizes_add_up(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    files = sorted((ticker_store.parent / "tickers").iterdir())
    by = {by: [*db.sizes(by)] for by in ("scrap", "notebook", "encoder")}
    totals = db.totals()
    assert {row["notebook"]: row["file"] for row in by["notebook"]} == {
        f"tickers/{path.name}": path.stat().st_size for path in files
    }
    assert totals["files"] == sum(path.stat().st_size for path in files)
    assert {sum(row["bytes"] for row in rows) for rows in by.values()} == {totals["scraps"]}
    assert [row["bytes"] for row in by["scrap"]] == sorted((row["bytes"] for row in by["scrap"]), reverse=True)
    assert totals["notebooks"] == 12
    assert totals["store"] == ticker_store.stat().st_size


def test_optimize_and_gc(ticker_store: Path, tmp_path: Path) -> None:
    shutil.copytree(ticker_store.parent / "tickers", tmp_path / "tickers")
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path / "tickers")
    before = [*db.query(columns="*")]
    assert db.optimize() == 10
    assert not any(db.gc())
    assert [*db.query(columns="*")] == before
    for path in (tmp_path / "tickers").iterdir():
        path.unlink()
    db.index(tmp_path / "tickers")
    assert db.gc().blobs > 12
    assert [*db.fields()] == []


def test_repr_tells_the_path(tmp_path: Path) -> None:
    assert repr(scrapdb.open(tmp_path / "x.db")) == f"Database({str(tmp_path / 'x.db')!r})"


def test_threads_share_a_database(ticker_store: Path) -> None:
    db = scrapdb.open(ticker_store)
    found: list[list[Any]] = []

    def ask() -> None:
        for _ in range(5):
            found.append([*db.query("distance < 0.1", columns="symbol", sort="symbol").rows()])
            found.append([*db.sql("SELECT symbol FROM runs WHERE distance < 0.1 ORDER BY 1").rows()])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[("BCD",), ("MNO",)]] * 80


def test_every_error_is_one_of_scrapdb(tmp_path: Path, ticker_store: Path) -> None:
    content = bytearray(ticker_store.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 3000] = b"\xa5" * 3000
    (tmp_path / "damaged.db").write_bytes(content)
    db = scrapdb.open(tmp_path / "damaged.db")
    for ask in METHODS.values():
        with pytest.raises(ScrapdbError):
            list(ask(db))  # type: ignore[call-overload]


def test_no_connection_is_left_open(ticker_store: Path, tmp_path: Path) -> None:
    """Python 3.13 warns of one; here the open files are counted, as the system sees them."""
    script = tmp_path / "script.py"
    script.write_text(
        f"""
import gc, os, scrapdb, sys
def opened():
    gc.collect()
    return sum("scraps.db" in os.readlink(f"/proc/self/fd/{{fd}}") for fd in os.listdir("/proc/self/fd")
               if os.path.islink(f"/proc/self/fd/{{fd}}"))
db = scrapdb.open({str(ticker_store)!r})
db.query("distance < 0.1")
next(iter(db.query()))
[*db.query(columns="*")]
try: db.query("nowhere = 1")
except scrapdb.ScrapdbError: pass
try: db.sql("DELETE FROM scraps")
except scrapdb.ScrapdbError: pass
table = db.sql("SELECT * FROM scraps")
rows = table.rows()
next(rows)
assert opened() > 0
del rows, table
db.check("distance < 0.1").offenders
db.count(); db.explain("distance < 0.1"); db.completions(""); db.totals()
[*db.fields()]; [*db.problems()]; [*db.sizes()]; next(db.fields().rows())
notebook = db.notebook("BCD")
notebook.scraps["chart"].display; notebook.scraps["prices"].data; notebook.scraps["chart"]._repr_mimebundle_()
db.frame("prices")
print(opened())
""",
    )
    command = [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", str(script)]
    environment = os.environ | {"PYTHONPATH": str(sessions.ROOT)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("0\n", "")


def test_two_columns_of_one_name_are_refused(ticker_store: Path) -> None:
    with pytest.raises(UsageError, match="Two columns are called `a`"):
        scrapdb.open(ticker_store).query(columns="distance as a, symbol as a")


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
def test_columns_are_called_what_was_glued(tmp_path: Path, format_: str) -> None:
    names = {"top1-error": 0.03, "nb.status": "good", "a`b": 1}
    nb.write(tmp_path / "runs" / "a.ipynb", nb.gluing(**names))
    db = scrapdb.open(tmp_path / "scraps.db")
    db.index(tmp_path / "runs")
    columns = "`top1-error`, `nb.status`, nb.status, `a``b`, `top1-error` * 2, notebook"
    labels = ["top1-error", "`nb.status`", "nb.status", "a`b", "`top1-error` * 2", "notebook"]
    table = db.query(columns=columns)
    assert [*table.columns] == table.to_pandas().columns.tolist() == table.to_arrow().column_names == labels
    write(format_, table.columns, table.rows(), tmp_path / "rows", times=table.times)
    read: Any = {"csv": pd.read_csv, "json": pd.read_json, "parquet": pd.read_parquet}[format_]
    assert read(tmp_path / "rows").to_dict("records") == [
        dict(zip(labels, [0.03, "good", "completed", 1, 0.06, "runs/a.ipynb"], strict=True))
    ]
    assert db.query("`top1-error` < 1 and nb.status = 'completed'").columns == ("notebook", "top1-error", "nb.status")
