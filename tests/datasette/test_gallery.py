"""The gallery: one display across notebooks."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest

from scrapdb.database import Database
from tests.datasette.asked import get
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import gluing
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

GALLERY = "/-/scrapdb/scraps/gallery"


def paths(page: str) -> list[str]:
    return re.findall(r'name="path" value="([^"]+)"', page)


def test_pages_of_twenty_four(thirty: Path) -> None:
    first = get(thirty, f"{GALLERY}?scrap=chart").text
    assert paths(first) == [f"n{number:02}.ipynb" for number in range(24)]
    (following,) = re.findall(r'href="([^"]+)">Next page', first)
    second = get(thirty, unescape(following)).text
    assert paths(second) == [f"n{number:02}.ipynb" for number in range(24, 30)]
    assert "Next page" not in second
    assert "Previous page" in second


def test_sorted_and_filtered(thirty: Path) -> None:
    page = get(thirty, f"{GALLERY}?scrap=chart&where=symbol='A'+and+distance<1&sort=-distance").text
    assert paths(page) == ["n09.ipynb", "n06.ipynb", "n03.ipynb", "n00.ipynb"]


def test_what_has_nothing_to_sort_by_comes_last(thirty: Path) -> None:
    assert paths(get(thirty, f"{GALLERY}?scrap=chart&sort=-distance&page=2").text)[-2:] == ["n00.ipynb", "n29.ipynb"]


def test_fields_of_the_expression_and_the_order_are_shown(thirty: Path) -> None:
    page = get(thirty, f"{GALLERY}?scrap=chart&where=symbol='B'+and+nb.path+like+'n%25'&sort=distance*2").text
    assert re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)[:4] == [
        ("symbol", "B"),
        ("distance", "0.1"),
        ("symbol", "B"),
        ("distance", "0.4"),
    ]


def test_pictures_come_lazily_by_their_hash(thirty: Path) -> None:
    page = get(thirty, GALLERY).text
    pictures = re.findall(r'<img loading="lazy" alt="chart of ([^"]+)" src="([^"]+)"', page)
    assert [name for name, _ in pictures] == paths(page)
    shown = get(thirty, pictures[0][1])
    assert shown.headers["content-type"] == "image/png"
    assert "sandbox" in shown.headers["content-security-policy"]


def test_html_waits_folded_in_a_sandbox(thirty: Path) -> None:
    page = get(thirty, f"{GALLERY}?scrap=report").text
    assert len(re.findall(r'<details><summary>[^<]*</summary><iframe loading="lazy" sandbox=""', page)) == 24
    assert "<script>document.title" not in page


def test_the_commonest_display_is_shown_and_the_others_offered(thirty: Path) -> None:
    page = get(thirty, GALLERY).text
    assert re.findall(r"<option( selected)?>([^<]+)</option>", page) == [(" selected", "chart"), ("", "report")]


def test_ticked_notebooks_are_compared(thirty: Path) -> None:
    page = get(thirty, GALLERY).text
    assert '<form action="/-/scrapdb/scraps/compare" method="get">' in page
    assert get(thirty, "/-/scrapdb/scraps/compare?path=n00.ipynb&path=n01.ipynb").status_code == 200


@pytest.mark.parametrize("query", ["where=distence<1", "where=distance<", "sort=nope", "scrap=nope"])
def test_what_is_wrong_is_told_in_the_form(query: str, thirty: Path) -> None:
    response = get(thirty, f"{GALLERY}?{query}")
    assert response.status_code == 400
    assert re.search(r'<pre class="scrapdb-error" role="alert">[^<]+\n +\^', response.text)
    assert "<form" in response.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "²"])
def test_an_odd_page_is_told(page: str, thirty: Path) -> None:
    response = get(thirty, f"{GALLERY}?page={page}")
    assert response.status_code == 400
    assert f"page is a whole number from 1 to 999,999, not {page!r}." in unescape(response.text)


def test_an_empty_page_is_the_first(thirty: Path) -> None:
    assert len(paths(get(thirty, f"{GALLERY}?page=").text)) == 24


def test_a_store_without_displays_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", gluing(x=1))
    Database(tmp_path / "scraps.db").index(tmp_path)
    assert "no pictures yet" in get(tmp_path / "scraps.db", GALLERY).text


def test_what_was_shown_for_a_null_is_there(tmp_path: Path) -> None:
    shown = display("chart", {"image/png": PNG})
    shown["data"] |= scrap("chart", None)["data"]
    shown["metadata"]["scrapbook"] |= {"data": True}
    write(tmp_path / "null.ipynb", notebook(code("1", shown)))
    write(tmp_path / "none.ipynb", notebook(code("1", scrap("chart", None))))
    Database(tmp_path / "scraps.db").index(tmp_path)
    with closing(sqlite3.connect(tmp_path / "scraps.db")) as connection:
        assert connection.execute("SELECT type FROM scraps").fetchall() == [("null",)] * 2
    assert paths(get(tmp_path / "scraps.db", f"{GALLERY}?scrap=chart").text) == ["null.ipynb"]
