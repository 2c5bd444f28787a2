"""Tables are described, sorted and searched, and queries answer, without a word of configuration."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest
from datasette.app import Datasette

from scrapdb.database import Database
from scrapdb.datasette.store import Store
from scrapdb.datasette.tables import tables
from scrapdb.errors import ScrapdbError
from scrapdb.store.connection import APPLICATION_ID
from tests.datasette.asked import get
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import write
from tests.query.stores import build


def test_a_table_says_what_its_comments_say(store: Path) -> None:
    page = unescape(get(store, "/scraps/notebooks").text)
    assert "One row per notebook file" in page
    assert "Cell in which it was raised" in page
    assert "Duration of the run, in seconds" in page


def test_what_is_internal_is_hidden(store: Path) -> None:
    tables = get(store, "/scraps.json").json()["tables"]
    shown = {table["name"] for table in tables if not table["hidden"]}
    assert shown - {"cells"} == {
        "runs", "notebooks", "names", "scraps", "parameters", "displays", "frames", "records", "reports", "executions",
        "problems", "versions",
    }  # fmt: skip


def test_the_latest_run_comes_first(store: Path) -> None:
    rows = get(store, "/scraps/runs.json?_shape=array").json()
    started = [row["nb_started_at"] for row in rows]
    assert len(started) == 12
    assert started == sorted(started, reverse=True)


@pytest.mark.parametrize("table", ["runs", "notebooks"])
def test_the_search_box_finds_texts_and_paths(table: str, store: Path) -> None:
    assert 'name="_search"' in get(store, f"/scraps/{table}").text
    rows = get(store, f"/scraps/{table}.json?_search=BCD&_shape=array").json()
    assert [row.get("notebook") or row["path"] for row in rows] == ["tickers/BCD.ipynb"]


@pytest.mark.parametrize(
    "name", ["latest_completed", "failures_by_error", "largest_scraps", "slowest_runs", "slowest_cells"]
)
def test_queries_answer(name: str, store: Path) -> None:
    response = get(store, f"/scraps/{name}")
    assert response.status_code == 200
    assert f"/scraps/{name}" in get(store, "/scraps").text


def test_queries_show_pictures_and_statuses(store: Path) -> None:
    page = get(store, "/scraps/latest_completed").text
    assert page.count("scrapdb-thumbnail") >= 12
    assert page.count("scrapdb-badge") >= 12
    rows = get(store, "/scraps/latest_completed.json?_shape=array").json()
    assert len({row["symbol"] for row in rows}) == 12


def test_what_the_user_says_of_a_table_stands(store: Path) -> None:
    said = {"databases": {"scraps": {"tables": {"runs": {"title": "My runs", "label_column": "notebook"}}}}}
    assert "My runs" in get(store, "/scraps/runs", metadata=said).text


def test_times_and_long_numbers_are_short_and_exact_below(store: Path) -> None:
    (row,) = get(store, "/scraps/runs.json?symbol=BCD&_shape=array").json()
    started, distance = row["nb_started_at"], row["distance"]
    page = get(store, "/scraps/runs?symbol=BCD&threshold__gt=0").text
    assert f'title="{started}">{started[:10]} {started[11:19]}</span>' in page
    assert f'<span title="{distance!r}">{distance:.6g}</span>' in page
    assert f"{distance!r}" in get(store, "/scraps/runs.csv?symbol=BCD").text
    assert ">0.1<" in page  # a number that is short has nothing to tell
    assert f">{started[:10]} {started[11:19]}</span>" in get(store, "/scraps/slowest_runs").text


def test_the_latest_run_of_each_set_of_parameters_is_found(tmp_path: Path) -> None:
    def run(name: str, day: int, symbol: str, source: str = "a.ipynb") -> None:
        papermill = {"parameters": {"symbol": symbol}, "input_path": source, "start_time": f"2026-11-0{day}T00:00:00"}
        write(tmp_path / name, notebook(code("1"), papermill=papermill))

    run("old.ipynb", 1, "A")
    run("new.ipynb", 3, "A")
    run("middle.ipynb", 2, "A")
    run("other.ipynb", 1, "B")
    run("source.ipynb", 1, "A", "b.ipynb")
    for name in ("plain.ipynb", "plain2.ipynb"):
        write(tmp_path / name, notebook(code("1")))
    Database(tmp_path / "scraps.db").index(tmp_path)
    rows = get(tmp_path / "scraps.db", "/scraps/latest_completed.json?_shape=array").json()
    found = [row["notebook"] for row in rows]
    assert [name for name in found if name != "old.ipynb" and "plain" not in name] == [
        "new.ipynb", "source.ipynb", "other.ipynb",
    ]  # fmt: skip
    assert sorted(found) == ["new.ipynb", "other.ipynb", "plain.ipynb", "plain2.ipynb", "source.ipynb"]


def test_the_largest_scraps_and_the_slowest_cells_come_first(glued: Path) -> None:
    rows = get(glued, "/scraps/largest_scraps.json?_shape=array").json()
    assert [(row["notebook"], row["name"]) for row in rows[:3]] == [(f"run{n}.ipynb", "prices") for n in range(3)]
    assert [row["bytes"] for row in rows] == sorted((row["bytes"] for row in rows), reverse=True)
    rows = get(glued, "/scraps/slowest_cells.json?_shape=array").json()
    assert [(row["notebook"], row["cell"], row["seconds"], row["source"]) for row in rows] == [
        *((f"run{n}.ipynb", 1, 2.5, "show()") for n in range(3)),
        *((f"run{n}.ipynb", 0, 1.25, "glue(<values>)") for n in range(3)),
    ]


def test_thumbnails_and_frames_say_what_they_are(store: Path) -> None:
    page = get(store, "/scraps/runs?symbol=BCD").text
    assert '<img loading="lazy" alt="chart" src="/-/scrapdb/scraps/display/' in page
    assert re.search(r'<a class="scrapdb-shape" href="/-/scrapdb/scraps/frame\?hash=\w+">1,000 rows × 2</a>', page)


def test_large_tables_are_sorted_by_what_has_an_index(tmp_path: Path) -> None:
    path = tmp_path / "scraps.db"
    with closing(build([], str(path))) as connection, connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(
            """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20001)
               INSERT INTO notebooks (id, path, status) SELECT i, i, 'completed' FROM n"""
        )
        assert tables(connection)["runs"]["sort_desc"] == "nb_id"
        connection.execute("CREATE INDEX any_one ON runs (nb_started_at)")
        assert tables(connection)["runs"]["sort_desc"] == "nb_started_at"
        assert "facets" not in tables(connection)["runs"]


def test_a_question_that_takes_too_long_ends_in_a_sentence(store: Path) -> None:
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

    async def ask() -> None:
        await Store(Datasette([str(store)]), "scraps").ask(lambda connection: connection.execute(endless), seconds=0.05)

    with pytest.raises(ScrapdbError, match=r"takes longer than 0\.05 seconds"):
        asyncio.run(ask())
