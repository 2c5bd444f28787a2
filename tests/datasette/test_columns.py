"""The table of runs: its pictures are seen first, any columns can be chosen, and the address tells which."""

from __future__ import annotations

import csv
import html
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scrapdb.database import Database
from scrapdb.datasette.columns import with_sorted
from scrapdb.store.readers.columns import choose
from tests.datasette.asked import get
from tests.datasette.server import served
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page

WIDE = 40
FIRST = ["notebook", "nb_status", "chart", "a_rate", "x00", "x01", "x02", "x03", "nb_started_at"]
ODD = "a & b <i>\"'=?#"


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of sixty runs: forty numbers, a text, a dict, a parameter that varies, and a chart that is glued last."""
    directory = tmp_path_factory.mktemp("wide")
    for number in range(60):
        values = [scrap(f"x{place:02}", number * (place - 0.5)) for place in range(WIDE)]
        values += [scrap("text", f"run {number}", "text"), scrap("config", {"depth": number}), scrap(ODD, 1)]
        values += [display("chart", {"image/png": PNG})] + ([error()] if number % 10 == 0 else [])
        start = f"2026-11-01T00:{number:02}:00"
        times = {"start_time": start, "end_time": start, "parameters": {"a_rate": number / 10, "fixed": 3}}
        write(directory / f"n{number:02}.ipynb", notebook(code("1", *values), papermill=times))
    Database(directory / "scraps.db").index(directory)
    return directory / "scraps.db"


def shown(text: str) -> list[str]:
    """Find the columns of a page's table, but for the key."""
    return [html.unescape(column) for column in re.findall(r'<th[^>]* data-column="([^"]*)"', text)][1:]


def following(text: str) -> str:
    """Find the address of the next page, if there is one."""
    found = re.search(r'href="([^"]*)"[^>]*>Next page', text)
    return html.unescape(found[1]).removeprefix("http://localhost") if found else ""


def test_pictures_and_what_varies_are_seen_first(wide: Path) -> None:
    assert shown(get(wide, "/scraps/runs").text) == FIRST


def test_pictures_and_frames_are_seen_first_of_the_example(store: Path) -> None:
    columns = shown(get(store, "/scraps/runs").text)
    assert columns[:5] == ["notebook", "nb_status", "chart", "prices", "symbol"]
    assert {"distance", "close_to_ath", "message"} <= set(columns)
    assert not {"d", "dj", "length"} & set(columns)


@pytest.mark.parametrize(
    ("arguments", "besides"),
    [
        ("x30__gt=5", ["x30"]),
        ("_sort=x31", ["x31"]),
        ("_sort_desc=config", ["config"]),
        ("_scrap=x32+>+5+and+(nb.seconds+is+null+or+nb.seconds+>=+0)", ["nb_seconds", "x32"]),
        ("nb_status=failed", ["nb_error"]),
        ("_facet=a_rate&_size=2", []),
    ],
)
def test_what_an_address_asks_for_is_seen_too(arguments: str, besides: list[str], wide: Path) -> None:
    response = get(wide, f"/scraps/runs?{arguments}")
    assert response.status_code == 200
    assert shown(response.text) == FIRST + besides


def test_an_address_that_names_columns_is_obeyed(wide: Path) -> None:
    assert shown(get(wide, "/scraps/runs?_col=x39&_col=nb_started_at&_col=x01").text) == ["x39", "nb_started_at", "x01"]
    every = shown(get(wide, "/scraps/runs?_nocol=x05").text)
    assert len(every) == 5 + WIDE - 1 + 6
    assert "x05" not in every
    assert get(wide, "/scraps/runs?_col=nowhere").status_code == 400


@pytest.mark.parametrize(
    ("arguments", "columns"),
    [
        ("_col=x01", ["x01", "nb_started_at"]),
        ("_col=x01&_sort=x02", ["x01", "x02"]),
        ("_col=x01&_col=x02&_nocol=x02&_sort_desc=x02", ["x01", "x02"]),
        ("_col=x01&_sort=nb_id", ["x01"]),
    ],
)
def test_the_column_that_sorts_is_there_so_that_pages_follow_each_other(
    arguments: str, columns: list[str], wide: Path
) -> None:
    seen: list[str] = []
    address = f"/scraps/runs?{arguments}&_size=25"
    for _ in range(3):
        response = get(wide, address)
        assert (response.status_code, shown(response.text)) == (200, columns)
        seen += re.findall(r'<td class="col-nb_id[^>]*><a[^>]*>(\d+)', response.text)
        address = following(response.text) or address
    assert sorted(map(int, seen)) == list(range(1, 61))


def test_pages_of_the_first_columns_follow_each_other(wide: Path) -> None:
    response = get(wide, "/scraps/runs?_size=25")
    second = get(wide, following(response.text))
    assert shown(second.text) == FIRST
    assert "n34.ipynb" in second.text


def test_exports_have_the_columns_of_their_page_and_programs_have_all(wide: Path) -> None:
    text = get(wide, "/scraps/runs?x30__lt=100").text
    links = {kind: re.search(rf'href="([^"]*runs\.{kind}[^"]*)"', text) for kind in ("json", "csv")}
    answers = {
        kind: get(wide, html.unescape(link[1]).removeprefix("http://localhost")) for kind, link in links.items() if link
    }
    rows = list(csv.DictReader(StringIO(answers["csv"].text)))
    assert [column for column in rows[0] if not column.startswith("nb_id")] == [*FIRST, "x30"]
    columns = answers["json"].json().get("columns") or list(answers["json"].json()["rows"][0])
    assert columns == ["nb_id", *FIRST, "x30"]
    (row,) = get(wide, "/scraps/runs.json?notebook=n07.ipynb&_shape=array").json()
    assert len(row) == 6 + WIDE + 6
    assert len(get(wide, "/scraps/runs.csv").text.partition("\n")[0].split(",")) >= 6 + WIDE + 6


def test_other_tables_have_all_their_columns(store: Path) -> None:
    assert "code_hash" in shown(get(store, "/scraps/notebooks").text)
    assert "Columns:" not in get(store, "/scraps/notebooks").text


def test_a_table_of_another_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE runs (nb_id INTEGER PRIMARY KEY, a, b)")
        connection.execute("INSERT INTO runs VALUES (1, 2, 3)")
    assert shown(get(tmp_path / "other.db", "/other/runs").text) == ["a", "b"]
    assert get(tmp_path / "other.db", "/nowhere/runs").status_code == 404


def test_below_another_address_it_is_the_same(wide: Path) -> None:
    assert shown(get(wide, "/scraps/runs", settings={"base_url": "/below/"}).text) == FIRST


def test_nobody_is_told_of_columns_that_they_may_not_see(wide: Path) -> None:
    for table in ("runs", "scraps"):
        closed = {"databases": {"scraps": {"tables": {table: {"allow": False}}}}}
        text = get(wide, "/scraps/runs", metadata=closed).text
        assert "scrapdb-columns" not in text
        assert ("a_rate" in text) == (table == "scraps")  # who may see the table sees its columns


def test_an_empty_table_has_its_columns(tmp_path: Path) -> None:
    Database(tmp_path / "scraps.db").index(tmp_path)
    response = get(tmp_path / "scraps.db", "/scraps/runs")
    assert response.status_code == 200
    assert "Columns: 3 of 5" in response.text


def test_columns_are_chosen_by_what_they_hold() -> None:
    columns = ["notebook", "nb_status", "nb_started_at", "rare", "json", "frame", "page", "picture", "same", "given"]
    rows = [
        ["a", "completed", None, None, "[1]", "frame:1x1:0", "display:text/html:0", "display:image/png:0", 1, 1],
        ["b", "completed", None, 2, "[2]", "frame:1x1:1", "display:text/html:1", "display:image/png:1", 1, 2],
    ]
    assert choose(columns, rows, {"given"}) == [
        "notebook", "nb_status", "picture", "frame", "given", "same", "rare", "nb_started_at",
    ]  # fmt: skip
    assert choose(columns[:3], [], set()) == ["notebook", "nb_status", "nb_started_at"]


def test_the_column_that_sorts_is_added_once() -> None:
    named = [("_col", "a"), ("_col", "b")]
    assert with_sorted(named, "c") == [*named, ("_col", "c")]
    assert with_sorted(named, "b") == with_sorted(named, "nb_id") == named
    assert with_sorted([("_nocol", "a"), ("_nocol", "b")], "b") == [("_nocol", "a")]


# From here on a browser lives, beside which no other test of this module can ask Datasette without a server.


@pytest.fixture(scope="module")
def address(wide: Path) -> Iterator[str]:
    with served("datasette", wide, "--setting", "default_page_size", "20") as running:
        yield running


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.goto(f"{address}/scraps/runs")
    yield tab
    context.close()


def columns_of(page: Page) -> list[str]:
    found: list[str] = page.locator("th[data-column]").evaluate_all("all => all.map(head => head.dataset.column)")
    return found[1:]


def test_a_picture_is_seen_without_scrolling_to_the_right(page: Page) -> None:
    box = page.locator("td a.scrapdb-thumbnail").first.bounding_box()
    assert box
    assert box["x"] + box["width"] < 1280


def test_columns_are_chosen_by_keyboard(page: Page) -> None:
    page.locator(".scrapdb-columns summary").focus()
    page.keyboard.press("Enter")
    page.locator(".scrapdb-columns input[value=x03]").focus()
    page.keyboard.press("Space")
    page.locator('.scrapdb-columns input[value="x39"]').focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url("**_col=x39*")
    assert columns_of(page) == [column for column in FIRST if column != "x03"] + ["x39"]
    page.click("th[data-column=x39] a")
    page.wait_for_url("**_sort=x39*")
    assert columns_of(page)[-1] == "x39"
    page.click(".scrapdb-columns summary")
    page.click(".scrapdb-columns >> text=Only the first ones")
    page.wait_for_load_state()
    assert columns_of(page) == [*FIRST, "x39"]  # by which it is sorted


def test_an_odd_name_is_chosen(page: Page) -> None:
    page.click(".scrapdb-columns summary")
    page.get_by_label(ODD, exact=True).check()
    page.click("text=Show these")
    page.wait_for_url("**_col=a*")
    assert columns_of(page) == [*FIRST, ODD]


def test_all_columns_are_one_click_away(page: Page) -> None:
    page.click(".scrapdb-columns summary")
    page.click(".scrapdb-columns >> text=All columns")
    page.wait_for_load_state()
    assert len(columns_of(page)) == 5 + WIDE + 6
    assert page.locator(".scrapdb-columns summary").inner_text().endswith(f"{5 + WIDE + 6} of {5 + WIDE + 6}")


def test_the_menus_of_datasette_go_by_what_is_seen(page: Page) -> None:
    def choose_in_menu(column: str, words: str) -> None:
        page.locator(f"th[data-column={column}] :is(svg, button)").first.click()
        page.locator("a:visible", has_text=words).first.click()
        page.wait_for_load_state()

    choose_in_menu("x03", "Hide this column")
    assert columns_of(page) == [column for column in FIRST if column != "x03"]
    choose_in_menu("x01", "Show all columns")
    page.wait_for_function("document.querySelectorAll('th[data-column]').length > 20")
    assert len(columns_of(page)) == 5 + WIDE + 6


def test_an_expression_is_asked_of_the_first_columns_and_shows_its_own(page: Page) -> None:
    page.fill("input[name=_scrap]", "x33 < 100")
    page.press("input[name=_scrap]", "Enter")
    page.wait_for_url("**_scrap=*")
    assert columns_of(page) == [*FIRST, "x33"]


def test_the_choice_fits_a_phone(browser: Browser, address: str) -> None:
    phone = browser.new_page(viewport={"width": 390, "height": 844})
    phone.goto(f"{address}/scraps/runs")
    phone.click(".scrapdb-columns summary")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    box = phone.locator(".scrapdb-columns form").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    phone.close()
