"""Tables are described, sorted and searched, and queries answer, without a word of configuration."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest

from tests.datasette.asked import get


def test_a_table_says_what_its_comments_say(store: Path) -> None:
    page = unescape(get(store, "/scraps/notebooks").text)
    assert "One row per notebook file" in page
    assert "Cell in which it was raised" in page
    assert "Duration of the run, in seconds" in page


def test_what_is_internal_is_hidden(store: Path) -> None:
    tables = get(store, "/scraps.json").json()["tables"]
    shown = {table["name"] for table in tables if not table["hidden"]}
    assert shown - {"cells"} == {
        "runs", "notebooks", "names", "scraps", "parameters", "displays", "frames", "problems"
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


@pytest.mark.parametrize("name", ["latest_completed", "failures_by_error", "largest_scraps", "slowest_runs"])
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
