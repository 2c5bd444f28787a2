"""The page of what went wrong."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

from tests.datasette.asked import get
from tests.datasette.glued import page


def rows(text: str, label: str) -> list[list[str]]:
    """The texts of the rows of a table."""
    table = text.partition(f'aria-label="{label}"')[2].partition("</table>")[0]
    found = [re.findall(r"<td.*?</td>", row, re.DOTALL) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in found if row]


def kinds(text: str) -> dict[str, str]:
    text = text.partition('class="scrapdb-filters"')[2].partition("</ul>")[0]
    items = re.findall(r"<li>(?:<a[^>]*>|<strong>)([^<]+)</\w+>([^<]*)</li>", text)
    return {kind: " ".join(count.split()) for kind, count in items}


def test_kinds_with_counts(glued: Path) -> None:
    assert kinds(get(glued, page("problems")).text) == {
        "all kinds": "",
        "repeated": "149 in 1 notebook",
        "payload": "1",
        "truncated": "1",
    }


def test_one_kind(glued: Path) -> None:
    found = rows(get(glued, page("problems", kind="payload")).text, "Problems")
    assert [row[:4] for row in found] == [["odd.ipynb", "0", "f", "payload"]]


def test_pages(glued: Path) -> None:
    first = get(glued, page("problems", kind="repeated")).text
    assert len(rows(first, "Problems")) == 100
    assert "1 to 100 of 149" in first
    (link,) = re.findall(r'href="([^"]+)">next<', first)
    second = get(glued, unescape(link).partition("#")[0]).text
    assert len(rows(second, "Problems")) == 49
    assert re.findall(r'href="([^"]+)">next<', second) == []
    (link,) = re.findall(r'href="([^"]+)">previous<', second)
    assert rows(get(glued, unescape(link).partition("#")[0]).text, "Problems") == rows(first, "Problems")
    assert all(row[0] == "odd.ipynb" for row in rows(first, "Problems"))


def test_failed_runs_by_error(glued: Path) -> None:
    text = get(glued, page("problems")).text
    started = "2026-11-10 10:00:00 UTC"
    assert rows(text, "Failed runs") == [
        ["KeyError", "1", "KeyError.ipynb", started, "'KeyError <b>'"],
        ["ValueError", "1", "ValueError.ipynb", started, "'ValueError <b>'"],
    ]
    assert page("notebook", path="KeyError.ipynb") in text


def test_an_unknown_kind_has_none(glued: Path) -> None:
    assert "There is no problem of the kind &lt;b&gt;" in get(glued, page("problems", kind="<b>")).text


def test_a_wrong_offset_is_told(glued: Path) -> None:
    response = get(glued, page("problems", _offset="x"))
    assert response.status_code == 400
    assert "_offset is a whole number from 0 to 999,999,999,999,999, not 'x'." in unescape(response.text)


def test_a_store_without_problems(thirty: Path) -> None:
    text = get(thirty, "/-/scrapdb/scraps/problems").text
    assert "No run failed." in text
    assert "Everything could be read." in text
