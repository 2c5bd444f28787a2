"""The page of one notebook."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from scrapdb.database import Database
from tests.datasette.asked import get
from tests.datasette.glued import PLOTLY
from tests.datasette.glued import SCRIPT
from tests.datasette.glued import hash_of
from tests.datasette.glued import page
from tests.datasette.glued import small
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write


def row(text: str, name: str) -> str:
    """The row of a scrap or display."""
    (found,) = re.findall(rf'<tr id="{name}">.*?(?=<tr id="|<h[23])', text, re.DOTALL)
    return str(found)


def frames(text: str) -> list[tuple[str, str]]:
    """Sandbox and document of the frames."""
    found = re.findall(r'<iframe sandbox="([^"]*)"[^>]* srcdoc="([^"]*)"', text)
    return [(sandbox, unescape(document)) for sandbox, document in found]


@pytest.fixture(scope="module")
def run1(glued: Path) -> str:
    response = get(glued, page("notebook", path="run1.ipynb"))
    assert response.status_code == 200
    return str(response.text)


def test_summary(run1: str) -> None:
    summary = " ".join(re.sub(r"<[^>]+>", "", run1.partition('scrapdb-summary">')[2].partition("</p>")[0]).split())
    assert summary.startswith("completed · started 2026-11-02 10:00:00 UTC · 11 seconds · kernel python3 · 2 cells · ")


def test_parameters_with_their_source(run1: str) -> None:
    assert re.search(r'<th scope="row">symbol</th>\s*<td>B</td>\s*<td>recorded</td>', run1)


def test_scraps_in_the_order_and_the_cells_in_which_they_were_glued(run1: str) -> None:
    names = ["distance", "config", "same", "summary", "small", "prices"]
    shown = ["chart", "table", "scripted", "both", "plotly", "javascript", "pdf"]
    assert re.findall(r'<tr id="([^"]+)">', run1) == names + shown
    cells = [" ".join(re.sub(r"<[^>]+>", "", head).split()) for head in re.findall(r"<h3.*?</h3>", run1, re.DOTALL)]
    assert cells == ["Cell 0 [1] · id gluing · 1.25 seconds", "Cell 1 [2] · id showing · 2.5 seconds"]
    assert '<pre class="scrapdb-source">glue(&lt;values&gt;)</pre>' in run1


def test_frames_with_their_first_rows(run1: str) -> None:
    assert page("frame", hash=hash_of(small())) in row(run1, "small")
    assert "2026-11-02" in row(run1, "small")
    prices = row(run1, "prices")
    assert "19,999 rows × 4 columns" in prices
    assert prices.count("<tr>") == 1 + 5


def test_a_picture_links_to_itself(run1: str) -> None:
    (address,) = set(re.findall(r'(?:href|src)="([^"]*/display/[0-9a-f]{64})"', row(run1, "chart").partition("<p")[0]))
    assert row(run1, "chart").count(address) == 2


def test_html_stands_in_a_sandbox_without_scripts(run1: str) -> None:
    assert [sandbox for sandbox, _ in frames(run1)] == ["", ""]
    assert SCRIPT not in run1
    table, scripted = (document for _, document in frames(run1))
    assert "<td>1</td>" in table
    assert "script-src" not in scripted


def test_only_what_has_scripts_offers_to_run_them(run1: str) -> None:
    offering = [name for name in re.findall(r'<tr id="([^"]+)">', run1) if "Run its scripts" in row(run1, name)]
    assert offering == ["scripted", "both", "javascript"]


def test_other_mime_types_are_downloads(run1: str) -> None:
    assert "application/pdf</a>" in row(run1, "pdf")
    assert "It cannot be shown here" in row(run1, "pdf")
    both = re.findall(r'/display/[0-9a-f]{64}">([^<]+)</a>', row(run1, "both").partition("<p")[2])
    assert both == [PLOTLY, "text/html"]


def test_plotly_without_a_companion_is_folded_json(run1: str) -> None:
    assert "data: 1 item" in row(run1, "plotly")
    assert "Only Plotly&#39;s library draws this" in row(run1, "plotly")


def test_javascript_is_text(run1: str) -> None:
    assert "element.append(&#39;&lt;/script&gt;" in row(run1, "javascript")


@pytest.mark.parametrize("name", ["scripted", "both", "javascript"])
def test_scripts_run_after_a_click_in_a_sandbox_that_leads_nowhere(glued: Path, run1: str, name: str) -> None:
    (link,) = re.findall(r'href="([^"]+)"[^>]*>Run its scripts', row(run1, name))
    response = get(glued, unescape(link).partition("#")[0])
    assert "frame-src 'none'" in response.headers["content-security-policy"]
    ((sandbox, document),) = frames(row(response.text, name))
    assert sandbox == "allow-scripts"
    assert document.startswith(
        '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
    )
    assert "script-src 'unsafe-inline'" in document.partition('">')[0]
    assert document.count("</script>") == 1
    others = [found for found in frames(response.text) if found[0]]
    assert len(others) == 1


def test_scripts_of_another_name_run_nothing(glued: Path) -> None:
    assert {sandbox for sandbox, _ in frames(get(glued, page("notebook", path="run1", scripts="nope")).text)} == {""}


def test_neighbours_and_runs_of_the_same_code(run1: str) -> None:
    assert f'<a href="{page("notebook", path="run0.ipynb")}" rel="prev">' in run1
    assert f'<a href="{page("notebook", path="run2.ipynb")}" rel="next">' in run1
    same = run1.partition("<h2>Same code</h2>")[2]
    assert re.findall(r">(run\d\.ipynb)<", same) == ["run0.ipynb", "run1.ipynb", "run2.ipynb"]
    for other, word in (("run0.ipynb", "just before"), ("run2.ipynb", "just after")):
        address = page("compare", path=["run1.ipynb", other]).replace("&", "&amp;")
        assert f'<a href="{address}">{word}</a>' in run1


def test_time_of_the_cells(run1: str) -> None:
    widths = re.findall(r'class="scrapdb-bar" style="width: ([\d.]+)%"', run1)
    assert widths == ["50.0", "100.0"]


def test_error_with_its_trace(glued: Path) -> None:
    text = get(glued, page("notebook", path="KeyError")).text
    assert "<strong>KeyError</strong>: &#39;KeyError &lt;b&gt;&#39; (cell 0)" in text
    assert '<pre class="scrapdb-error">Traceback\nline 2</pre>' in text
    assert '<pre class="scrapdb-source">1 / 0</pre>' in text


def test_problems_of_the_notebook(glued: Path) -> None:
    text = get(glued, page("notebook", path="damaged")).text
    assert "unreadable</span>" in text
    assert "Nothing was glued." in text
    assert '<span class="scrapdb-null">truncated</span>' in text


def test_many_problems_are_folded(glued: Path) -> None:
    assert "<details><summary>150 problems</summary>" in get(glued, page("notebook", path="odd")).text


def test_plain_text_beside_a_value_is_shown(tmp_path: Path) -> None:
    shown = display("config", {"text/plain": "Config(depth=2)"})
    shown["data"] |= scrap("config", {"depth": 2})["data"]
    shown["metadata"]["scrapbook"] |= {"data": True}
    write(tmp_path / "a.ipynb", notebook(code("1", shown)))
    Database(tmp_path / "scraps.db").index(tmp_path)
    text = get(tmp_path / "scraps.db", page("notebook", path="a.ipynb")).text
    assert '<pre class="scrapdb-text">Config(depth=2)</pre>' in text
    assert "cannot be shown" not in text


def test_an_index_without_a_name_is_called_index(store: Path) -> None:
    text = get(store, page("notebook", path="tickers/BCD.ipynb")).text
    assert re.findall(r'<th scope="col">(index|price|ATH|__.*)</th>', text) == ["index", "price", "ATH"]


def test_unknown_notebook(glued: Path) -> None:
    response = get(glued, page("notebook", path="nope"))
    assert response.status_code == 404
    assert "No notebook is called" in response.text
