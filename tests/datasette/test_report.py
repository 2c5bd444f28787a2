"""The pages of reports: fetched from a real Datasette, and looked at in a browser."""

from __future__ import annotations

import html
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scrapdb.database import Database
from tests.datasette.asked import get
from tests.datasette.server import served
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import write
from tests.reporting.made import build
from tests.reporting.made import report

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = "/-/scrapdb/scraps/"
STILL = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports that were made, failed, and are under way; nobody changes it."""
    return build(tmp_path_factory.mktemp("reports"))


def page(store: Path, address: str, status: int = 200) -> tuple[str, str]:
    """Fetch a page: its HTML, and what of it is read."""
    response = get(store, PAGES + address)
    assert response.status_code == status
    main = response.text.partition('<nav class="scrapdb-nav"')[2].partition("</nav>")[2].partition("<footer")[0]
    return response.text, " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


def names(source: str) -> list[str]:
    return re.findall(r'<small class="scrapdb-null">([^<]+)</small>', source)


def test_the_list_has_the_newest_first(store: Path) -> None:
    source, text = page(store, "reports")
    assert [name[-8:] for name in names(source)] == [
        "6f6f6f6f", "70707070", "5e5e5e5e", "4d4d4d4d", "3c3c3c3c", "2b2b2b2b", "1a1a1a1a"
    ]  # fmt: skip
    assert "any state completed 2 error 2 cancelled 1 queued 1 running 1" in text
    assert "any bundle voltage 6 near-high 1 any language en 4 ca 2 de 1" in text
    assert "Qualitat de la tensió voltage-ca-2b2b2b2b completed ca voltage 1.2 2026-11-29 12:00:20 UTC" in text
    assert '<meta http-equiv="refresh" content="5">' in source


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("state=error", ["4d4d4d4d", "3c3c3c3c"]),
        ("bundle=near-high", ["4d4d4d4d"]),
        ("language=ca", ["6f6f6f6f", "2b2b2b2b"]),
        ("language=ca&state=completed&bundle=voltage", ["2b2b2b2b"]),
        ("batch=b2", ["6f6f6f6f", "70707070", "5e5e5e5e"]),
        ("state=lost", []),
    ],
)
def test_the_list_is_filtered(store: Path, asked: str, expected: list[str]) -> None:
    source, text = page(store, f"reports?{asked}")
    assert [name[-8:] for name in names(source)] == expected
    assert ("There is no such report." in text) == (not expected)


def test_a_long_list_has_pages(tmp_path: Path) -> None:
    for number in range(103):
        report(tmp_path / f"r{number:03}", made_at=f"2026-11-29T12:{number // 60:02}:{number % 60:02}Z", language="ca")
    Database(tmp_path / "scraps.db").index(tmp_path)
    source, text = page(tmp_path / "scraps.db", "reports?language=ca")
    assert (len(names(source)), names(source)[0]) == (100, "r102")
    assert "1 to 100 of 103" in text
    assert 'href="/-/scrapdb/scraps/reports?_offset=100&amp;language=ca">next' in source
    source, text = page(tmp_path / "scraps.db", "reports?_offset=100&language=ca")
    assert (names(source), "101 to 103 of 103" in text) == (["r002", "r001", "r000"], True)


def test_the_page_of_a_report(store: Path) -> None:
    source, text = page(store, "report?path=reports/voltage-ca-2b2b2b2b/report.ipynb")
    assert source == page(store, "report?id=2b2b2b2b")[0]
    assert "Qualitat de la tensió completed · language ca · bundle voltage 1.2 · made 2026-11-29 12:00:20 UTC" in text
    assert "days 7 site north" in text
    assert "wall bubblewrap memory 128.0 MB at most processor 4.5 seconds" in text
    assert "pushed s3://reports/voltage-ca.html" in text
    assert r"12:00:01 cell 2: \x1b[31mred" in text
    assert 'report?path=reports%2Fvoltage-en-1a1a1a1a%2Freport.ipynb" hreflang="en">Voltage in en</a>' in source
    assert "3c3c3c3c" not in source  # of other parameters
    assert 'href="/-/scrapdb/scraps/notebook?path=reports%2Fvoltage-ca-2b2b2b2b%2Freport.ipynb"' in source
    frame = re.findall(r"<iframe[^>]*>", source)
    address = "/-/scrapdb/scraps/report.html?path=reports%2Fvoltage-ca-2b2b2b2b%2Freport.ipynb"
    assert frame == [f'<iframe class="scrapdb-report" title="Qualitat de la tensió" sandbox="" src="{address}">']
    shown = get(store, address)
    assert shown.content == (store.parent / "reports/voltage-ca-2b2b2b2b/report.html").read_bytes()
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert shown.headers["content-security-policy"].startswith(STILL)
    assert shown.headers["content-security-policy"].endswith("; sandbox")
    assert shown.headers["x-content-type-options"] == "nosniff"


def test_files_are_saved(store: Path) -> None:
    directory = store.parent / "reports" / "voltage-ca-2b2b2b2b"
    for name, saved in (
        ("report.html", "voltage-ca-2b2b2b2b.html"), ("report.pdf", "voltage-ca-2b2b2b2b.pdf"),
        ("output.json", "voltage-ca-2b2b2b2b-output.json"), ("log.txt", "voltage-ca-2b2b2b2b-log.txt"),
    ):  # fmt: skip
        answer = get(store, f"{PAGES}report/file?id=2b2b2b2b&name={name}")
        assert answer.content == (directory / name).read_bytes()
        assert answer.headers["content-disposition"] == f'attachment; filename="{saved}"'
        assert answer.headers["content-type"] == "application/octet-stream"
    for name in ("report.ipynb", "../../scraps.db", "/etc/passwd", "static/x"):
        assert get(store, f"{PAGES}report/file?id=2b2b2b2b&name={name}").status_code == 404


def test_what_went_wrong(store: Path) -> None:
    _, text = page(store, "report?id=4d4d4d4d")
    assert "Near their high error" in text
    assert (
        "What went wrong UndefinedError: 'share' is undefined (template.html, line 7) 6 <p> 7 {{ share }} 8 </p>"
        in text
    )
    _, text = page(store, "report?id=3c3c3c3c")
    assert "What went wrong KeyError: 'l4' (cell 1) glue() Traceback Traceback of l4" in text
    _, text = page(store, "report?id=70707070")
    assert "cancelled · language de" in text
    assert "it was stopped" in text
    assert "site south" in text
    source, text = page(store, "report?id=5e5e5e5e")
    assert "running cell 2 of 5" in text
    assert ("<iframe" in source, '<meta http-equiv="refresh" content="5">' in source) == (False, True)


def test_what_is_no_report_is_told(store: Path) -> None:
    assert "No report is called" in page(store, "report?id=nope", 404)[1]
    assert "More than one report is called" in page(store, "report?id=voltage", 404)[1]
    assert "There is no report of plain.ipynb" in page(store, "report?path=plain.ipynb", 404)[1]
    assert "No report is called ''" in page(store, "report", 404)[1]


def test_other_pages_lead_there(store: Path) -> None:
    assert 'href="/-/scrapdb/scraps/reports"' in page(store, "overview")[0]
    source, text = page(store, "notebook?path=reports/voltage-en-1a1a1a1a/report.ipynb")
    assert "Report: Voltage in en" in text
    assert 'href="/-/scrapdb/scraps/report?path=reports%2Fvoltage-en-1a1a1a1a%2Freport.ipynb"' in source
    assert "Report:" not in page(store, "notebook?path=plain.ipynb")[1]
    source, _ = page(store, "batch?id=b2")
    assert 'href="/-/scrapdb/scraps/report?path=reports%2Fvoltage-ca-6f6f6f6f%2Freport.ipynb">report</a>' in source
    assert 'href="/-/scrapdb/scraps/reports?batch=b2"' in source
    badge = get(store, "/scraps/reports?state=error").text
    assert "scrapdb-badge scrapdb-failed" in badge


def test_a_store_without_reports_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a.ipynb", notebook(code("1")))
    Database(tmp_path / "scraps.db").index(tmp_path)
    assert "reports" not in page(tmp_path / "scraps.db", "overview")[1]
    assert "No report was made yet." in page(tmp_path / "scraps.db", "reports")[1]


def test_who_may_not_see_the_database_sees_no_report(store: Path) -> None:
    closed = {"databases": {"scraps": {"allow": {"id": "root"}}}}
    for address in ("reports", "report?id=1a1a", "report.html?id=1a1a", "report/file?id=1a1a&name=log.txt"):
        response = get(store, PAGES + address, metadata=closed)
        assert (response.status_code, "Voltage" in response.text) == (403, False)


def test_reports_at_urls_are_told_to_be_elsewhere(tmp_path: Path, store: Path) -> None:
    other = tmp_path / "scraps.db"
    other.write_bytes(store.read_bytes())
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("UPDATE notebooks SET path = 's3://bucket/' || path")
    source, text = page(other, "report?id=1a1a1a1a")
    assert "The notebook of this report lies at a URL; its page lies beside it, and cannot be shown from here." in text
    assert "<iframe" not in source
    assert "report/file" not in source
    assert page(other, "report.html?id=1a1a1a1a", 404)


def test_what_is_no_plain_file_is_not_there(tmp_path: Path) -> None:
    made = report(tmp_path / "linked", pages=["report.html", "../../etc/passwd"])
    for name in ("report.html", "log.txt", "output.json", "report.json"):
        (made / name).unlink()
    (made / "report.html").symlink_to("/etc/passwd")
    (made / "output.json").symlink_to(made / "report.ipynb")
    os.mkfifo(made / "log.txt")
    os.mkfifo(made / "report.json")
    Database(tmp_path / "scraps.db").index(tmp_path)
    source, text = page(tmp_path / "scraps.db", "report?id=linked")
    assert "There is no page beside the notebook of this report, nor anything else of it" in text
    assert ("root:" in source, "<iframe" in source) == (False, False)
    for name in ("report.html", "log.txt", "output.json"):
        answer = get(tmp_path / "scraps.db", f"{PAGES}report/file?id=linked&name={name}")
        assert (answer.status_code, "root:" in answer.text) == (404, False)
    assert get(tmp_path / "scraps.db", f"{PAGES}report.html?id=linked").status_code == 404


def test_pages_that_are_huge_or_no_utf8(tmp_path: Path) -> None:
    huge = report(tmp_path / "huge")
    with (huge / "report.html").open("wb") as file:
        file.truncate(2**26 + 1)
    latin = report(
        tmp_path / "latin", files={"report.html": b"<p>\xe9\xff\x00</p>", "log.txt": b"\xe9\xff\x00" * 50_000}
    )
    Database(tmp_path / "scraps.db").index(tmp_path)
    source, text = page(tmp_path / "scraps.db", "report?id=huge")
    assert "The page is too long to be shown here: 67,108,865 bytes. It can be saved." in text
    assert "<iframe" not in source
    source, text = page(tmp_path / "scraps.db", "report?id=latin")
    assert ("<iframe" in source, "The end of its log" in text) == (True, True)
    assert get(tmp_path / "scraps.db", f"{PAGES}report.html?id=latin").content == (latin / "report.html").read_bytes()


def test_a_report_is_seen_in_its_frame(store: Path, browser: Browser) -> None:
    with served("datasette", store) as address:
        for width in (1280, 400):
            seen = browser.new_page(viewport={"width": width, "height": 800})
            seen.goto(f"{address}{PAGES}report?id=1a1a1a1a")
            assert seen.frame_locator("iframe").locator("p").inner_text() == "ürgent"
            assert seen.evaluate("document.documentElement.scrollWidth") <= width
            seen.get_by_text("In a full window").click()
            assert seen.frame_locator("iframe").locator("h1").inner_text() == "Voltage in en"
            seen.goto(f"{address}{PAGES}reports")
            assert seen.evaluate("document.documentElement.scrollWidth") <= width
            seen.get_by_text("Qualitat de la tensió").click()
            with seen.expect_download() as download:
                seen.get_by_text("Save as PDF").click()
            assert download.value.suggested_filename == "voltage-ca-2b2b2b2b.pdf"
            seen.close()
