"""The page of groups: rows that lead to their runs, and bars beside numbers."""

from __future__ import annotations

import math
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from scrapdb.database import Database
from scrapdb.datasette.bars import amounts
from scrapdb.datasette.pages import groups
from tests.datasette.asked import get
from tests.formats.test_sandbox import Elements
from tests.notebook_builder import gluing
from tests.notebook_builder import write

GROUPS = "/-/scrapdb/scraps/groups"
EVIL = '<img src=x onerror="document.title=1">'


def asked(store: Path, **arguments: str) -> Any:
    return get(store, f"{GROUPS}?{'&'.join(f'{name}={quote(text)}' for name, text in arguments.items())}")


def table(html: str) -> list[list[str]]:
    """The texts of the cells of a page's table, its head first."""
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    return [[Elements(cell).text for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def test_groups_are_those_of_python(thirty: Path) -> None:
    question = {
        "by": "symbol",
        "columns": "count(), mean(distance) as average",
        "where": "distance < 2",
        "sort": "-average",
    }
    page = asked(thirty, **question).text
    found = list(Database(thirty).query("distance < 2", question["columns"], "-average", by="symbol"))
    assert table(page) == [
        ["symbol", "count()", "average"],
        *([row["symbol"], str(row["count()"]), f"{row['average']:.6g}"] for row in found),
    ]
    assert "<option" not in page
    for name, text in question.items():
        assert f'name="{name}" value="{text}"' in unescape(page)


def test_every_group_leads_to_its_runs(thirty: Path) -> None:
    page = asked(thirty, by="symbol, distance > 1 as far", where="distance is null or distance < 2.5").text
    rows = table(page)[1:]
    links = re.findall(r'<td[^>]*><a href="([^"]+)"', page)
    assert len(links) == len(rows) == 7
    for link, row in zip(links, rows, strict=True):
        found = get(thirty, unescape(link).replace("/runs?", "/runs.json?_shape=array&_col=notebook&") + "&_size=max")
        assert len(found.json()) == int(row[-1])


def test_a_key_without_a_value_is_named(tmp_path: Path) -> None:
    values: list[dict[str, Any]] = [{"x": None}, {"x": ""}, {"x": "a"}, {}, {"x": True, "y": [1]}]
    for number, glued in enumerate(values):
        write(tmp_path / f"{number}.ipynb", gluing(**glued))
    Database(tmp_path / "scraps.db").index(tmp_path)
    rows = table(asked(tmp_path / "scraps.db", by="x", columns="count(), last(y)").text)
    assert rows[1:] == [["true", "1", "[1]"], ['""', "1", "none"], ["a", "1", "none"], ["none", "2", "none"]]


def test_numbers_have_bars_and_keys_have_none(thirty: Path) -> None:
    page = asked(
        thirty, by="round(distance) as whole", columns="count(), min(distance) - 1 as below", where="distance < 2.5"
    ).text
    bars = re.findall(r'class="scrapdb-amount([^"]*)" style="margin-left: ([\d.]+)%; width: ([\d.]+)%"', page)
    assert [width for _, _, width in bars[::2]] == ["50.00", "100.00", "100.00"]
    assert [bool(negative) for negative, _, _ in bars[1::2]] == [True, True, False]
    assert len(bars) == 6
    assert page.count("<script") == get(thirty, "/-/scrapdb/scraps/gallery").text.count("<script")


@pytest.mark.parametrize(
    ("numbers", "wanted"),
    [
        ([], []),
        ([0, 0], [(0, 0), (0, 0)]),
        ([1, 2, 4], [(0, 25), (0, 50), (0, 100)]),
        ([-1, 3], [(0, 25), (25, 75)]),
        ([-2.0, -1.0], [(0, 100), (50, 50)]),
        ([math.inf, 1, -math.inf], [(0, 100), (0, 100), (0, 0)]),
        ([1e308, -1e308], [(50, 50), (0, 50)]),
        ([10**400, 5], [(0, 100), (0, 100)]),
        ([5e-324], [(0, 0)]),
    ],
)
def test_bars_begin_at_zero(numbers: list[float], wanted: list[Any]) -> None:
    found = amounts(numbers)
    pairs = zip(found, numbers, strict=True)
    assert all(amount.is_negative == (number < 0) for amount, number in pairs if amount.width)
    assert [(pytest.approx(amount.start), pytest.approx(amount.width)) for amount in found] == wanted


def test_without_a_key_runs_are_counted_by_their_status(store: Path) -> None:
    assert table(get(store, GROUPS).text) == [["nb.status", "count()"], ["completed", "12"]]


def test_aggregates_without_a_key_are_of_all_runs(thirty: Path) -> None:
    page = asked(thirty, columns="count(), max(distance)").text
    assert "<h1>All runs as one group</h1>" in page
    assert table(page) == [["count()", "max(distance)"], ["30", "2.8"]]
    assert "/runs?_scrap=nb.path+is+not+null" in page


def test_pages_of_many_groups(thirty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_PAGE", 12)
    pages = [asked(thirty, by="nb.path", sort="-nb.path", page=str(page)).text for page in (1, 2, 3, 4)]
    listed = [row[0] for page in pages for row in table(page)[1:]]
    assert listed == [f"n{number:02}.ipynb" for number in reversed(range(30))]
    assert ["Next page" in page for page in pages] == [True, True, False, False]
    assert re.search(r'href="[^"]*groups\?page=2&(amp;)?by=nb.path&(amp;)?sort=-nb.path"', pages[0])
    assert "There are fewer pages" in pages[3]


def test_what_is_passed_over_is_remarked(tmp_path: Path) -> None:
    for number, value in enumerate([1, "far", 3]):
        write(tmp_path / f"{number}.ipynb", gluing(x=value))
    Database(tmp_path / "scraps.db").index(tmp_path)
    page = unescape(asked(tmp_path / "scraps.db", columns="mean(x)").text)
    assert (
        '<p class="scrapdb-note">1 notebook has a value for `x` that `mean` cannot take, and passes over.</p>' in page
    )


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ({"by": "symbl"}, "did you mean `symbol`?\n  symbl\n  ^^^^^"),
        (
            {"by": "symbol", "columns": "count(), mean(symbol)"},
            "`symbol` is text: `mean` is for numbers\n  count(), mean(symbol)\n                ^^^^^^",
        ),
        ({"by": "symbol", "columns": "distance"}, "neither a key nor an aggregate"),
        ({"by": "symbol", "where": "distance <"}, "Expected a field or a value"),
        ({"by": "symbol", "having": "count() ="}, "Expected a field or a value"),
        ({"by": "symbol", "sort": "-nix"}, "No notebook has a field `nix`"),
        ({"by": "symbol", "page": "0"}, "page is a whole number"),
        ({"columns": "distance"}, "neither a key nor an aggregate"),
        ({"by": "symbol, symbol as again, symbol", "sort": "-distance"}, "neither a key nor an aggregate"),
    ],
)
def test_what_is_wrong_is_told(question: dict[str, str], told: str, thirty: Path) -> None:
    page = asked(thirty, **question)
    assert (page.status_code, told in unescape(page.text)) == (400, True)


def test_nothing_that_was_glued_is_html(tmp_path: Path) -> None:
    write(tmp_path / "one.ipynb", gluing(**{EVIL: EVIL}))
    Database(tmp_path / "scraps.db").index(tmp_path)
    page = asked(
        tmp_path / "scraps.db", by=f"`{EVIL}`", columns=f"first(`{EVIL}`), count() as '{EVIL}'", sort=f"`{EVIL}`"
    )
    assert page.status_code == 200
    assert "<img" not in page.text
    assert [row[0] for row in table(page.text)] == [EVIL, EVIL]


def test_other_pages_lead_to_groups(thirty: Path) -> None:
    plot = unescape(get(thirty, "/-/scrapdb/scraps/plot?x=distance&y=distance&color=symbol&where=distance<2").text)
    assert 'href="/-/scrapdb/scraps/groups?by=symbol&where=distance%3C2"' in plot
    assert 'href="/-/scrapdb/scraps/groups"' in get(thirty, "/-/scrapdb/scraps/overview").text
    runs = unescape(get(thirty, "/scraps/runs?_scrap=distance<2").text)
    assert runs.count("/-/scrapdb/scraps/groups?where=distance%3C2") >= 2
