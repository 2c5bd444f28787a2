"""The query language on Datasette's tables: filters, links, and what the box above tables asks while one types."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.datasette.asked import get

BELOW_HALF = ["n00.ipynb", "n01.ipynb", "n02.ipynb", "n03.ipynb", "n04.ipynb"]
CLOSED = {"databases": {"scraps": {"tables": {"scraps": {"allow": False}}}}}
BREAKING_OUT = 'symbol = "</script><script>alert(1)</script>"'


def filtered(store: Path, *expressions: str, table: str = "runs", more: str = "") -> list[dict[str, Any]]:
    asked = "&".join(f"_scrap={quote(expression)}" for expression in expressions)
    response = get(store, f"/scraps/{table}.json?{asked}&_shape=array&_size=max{more}")
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()
    return rows


def test_an_expression_filters_runs(thirty: Path) -> None:
    assert sorted(row["notebook"] for row in filtered(thirty, "distance < 0.5")) == BELOW_HALF


def test_all_of_several_expressions_hold(thirty: Path) -> None:
    found = filtered(thirty, "distance < 0.5", "distance > 0.2 and symbol = 'A'")
    assert [row["notebook"] for row in found] == ["n03.ipynb"]


@pytest.mark.parametrize(("table", "rows"), [("runs", 5), ("notebooks", 5), ("scraps", 5 * 5), ("parameters", 0)])
def test_an_expression_filters_what_belongs_to_the_notebooks(table: str, rows: int, thirty: Path) -> None:
    assert len(filtered(thirty, "distance < 0.5", table=table)) == rows


def test_regular_expressions_work_in_the_server(thirty: Path) -> None:
    assert {row["symbol"] for row in filtered(thirty, 'symbol ~ "^[AB]$"')} == {"A", "B"}


def test_datasettes_own_filters_stand_beside_expressions(thirty: Path) -> None:
    found = filtered(thirty, "distance < 0.5", more="&distance__gt=0.15&symbol__exact=A&_where=nb_id>0")
    assert [row["notebook"] for row in found] == ["n03.ipynb"]


def test_counts_and_facets_follow(thirty: Path) -> None:
    response = get(thirty, "/scraps/runs?_scrap=distance<0.5&_facet=symbol")
    assert re.search(r"5 rows\s*(<[^>]*>\s*)*where distance&lt;0.5", response.text)
    page = re.sub(r"<[^>]+>", " ", response.text)
    assert re.search(r"A\s+2\s+B\s+2\s+C\s+1", page)


def test_csv_follows(thirty: Path) -> None:
    lines = get(thirty, "/scraps/runs.csv?_scrap=distance<0.5&_stream=1").text.split("\r\n")
    assert len(list(filter(None, lines))) == 1 + 5


def test_the_next_page_keeps_the_expression(thirty: Path) -> None:
    page = get(thirty, "/scraps/runs?_scrap=distance<0.5&_size=2").text
    (following,) = re.findall(r'href="([^"]*_next=[^"]*)">Next page', page)
    assert "_scrap=" in following


def test_an_empty_expression_asks_nothing(thirty: Path) -> None:
    assert len(filtered(thirty, "")) == 30


@pytest.mark.parametrize("expression", ["distence < 0.5", "distance <", 'symbol ~ "("', "distance < 'x'", "(" * 2000])
def test_a_wrong_expression_is_told_with_its_place(expression: str, thirty: Path) -> None:
    address = f"/scraps/runs?_scrap={quote(expression)}"
    page = get(thirty, address)
    assert page.status_code == 400
    assert re.search(r"<pre[^>]*>[^<]*\n +\^", page.text)
    answer = get(thirty, address.replace("runs?", "runs.json?"))
    assert (answer.status_code, answer.json()["ok"]) == (400, False)
    assert "^" in answer.json()["error"]
    assert get(thirty, address.replace("runs?", "runs.csv?")).status_code == 400


def test_a_wrong_expression_can_be_mended_where_it_is_told(thirty: Path) -> None:
    page = unescape(get(thirty, "/scraps/runs?_scrap=distence<0.5&_sort=symbol").text)
    assert '<form class="core scrapdb-box" action="/scraps/runs"' in page
    assert 'name="_scrap" value="distence<0.5"' in page
    assert '<input type="hidden" name="_sort" value="symbol">' in page


def test_other_databases_are_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.executescript("CREATE TABLE runs (nb_id INTEGER PRIMARY KEY); INSERT INTO runs VALUES (1)")
    page = get(tmp_path / "other.db", "/other/runs?_scrap=distance<0.5")
    assert page.status_code == 200
    assert "scrapdb-box" not in page.text


def test_who_may_not_see_scraps_cannot_ask_for_them(thirty: Path) -> None:
    assert get(thirty, "/scraps/runs?_scrap=distance<0.5", metadata=CLOSED).status_code == 403
    page = get(thirty, "/scraps/runs", metadata=CLOSED)
    assert page.status_code == 200
    assert "scrapdb-box" not in page.text
    assert "/gallery" not in page.text


def test_an_expression_cannot_break_out_of_the_box(thirty: Path) -> None:
    page = get(thirty, f"/scraps/runs?_scrap={quote(BREAKING_OUT)}")
    assert page.status_code == 200
    assert "<script>alert(1)" not in page.text


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("dis", [("distance", "number")]),
        ("scrap.sy", [("scrap.symbol", "text")]),
        ("param.sy", []),
        ("`dist", [("distance", "number")]),
        ("nb.sta", [("nb.status", "text"), ("nb.started_at", "time")]),
        ("roun", [("round(", "function")]),
        ("nothing", []),
    ],
)
def test_fields_that_begin_so(start: str, expected: list[tuple[str, str]], thirty: Path) -> None:
    fields = get(thirty, f"/-/scrapdb/scraps/fields.json?start={quote(start)}").json()["fields"]
    assert [(field["text"], field["kind"]) for field in fields] == expected


def test_an_expression_is_checked_without_being_asked(thirty: Path) -> None:
    assert get(thirty, "/-/scrapdb/scraps/check.json?_scrap=distance<0.5").json() == {"ok": True, "error": None}
    answer = get(thirty, "/-/scrapdb/scraps/check.json?_scrap=distance<").json()
    assert not answer["ok"]
    assert answer["error"].endswith("distance<\n           ^")


@pytest.mark.parametrize("address", ["/", "/scraps"])
def test_menus_and_first_pages_lead_to_the_pages_of_the_store(address: str, thirty: Path) -> None:
    page = unescape(get(thirty, address).text).replace("\\", "")
    for name in ("gallery", "plot", "groups", "problems"):
        assert page.count(f'href="/-/scrapdb/scraps/{name}"') == 2


def test_above_a_table_are_links_to_what_shows_its_rows(thirty: Path) -> None:
    table = unescape(get(thirty, "/scraps/runs?_scrap=distance<0.5").text)
    assert table.count("/-/scrapdb/scraps/gallery?where=distance%3C0.5") >= 2
