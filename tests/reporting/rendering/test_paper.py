"""PDFs: what is in the page is in them, and nothing else is loaded, behind the wall or not."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.rendering import process
from scrapdb.reporting.rendering.rendered import TemplateError
from scrapdb.reporting.rendering.rendered import pdf
from tests.reporting.rendering.pages import render

HIDDEN = "hidden-from-every-page"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="  # one red dot


def texts(content: bytes) -> bytes:
    """All that stands in a PDF, its streams as they were before they were compressed."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(parts)


@pytest.fixture(scope="module")
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server that answers everything, and what it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(302 if self.path == "/redirect" else 200)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            self.wfile.write(HIDDEN.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", paths
    server.shutdown()
    server.server_close()


WAYS = [
    '<img src="{}">',
    '<link rel="stylesheet" href="{}">',
    '<style>@import "{}";</style>',
    "<style>@import url({});</style>",
    '<link rel="attachment" href="{}">',
    '<a rel="attachment" href="{}">x</a>',
    '<p style="background: url({})">x</p>',
    '<p style="list-style-image: url({}); display: list-item">x</p>',
    "<style>p::before {{ content: url({}) }}</style><p>x</p>",
    "<style>@font-face {{ font-family: x; src: url({}) }} p {{ font-family: x }}</style><p>x</p>",
    '<object data="{}"></object>',
    '<embed src="{}">',
    '<iframe src="{}"></iframe>',
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="{}" width="9" height="9"/></svg>',
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><use href="{}#a"/></svg>',
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><style>@import "{}";</style></svg>',
    "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='{}'/></svg>\">",
    '<link rel="stylesheet" href="data:text/css,@import url({});">',
    '<base href="{}"><img src="x.png"><link rel=attachment href=x>',
]


@pytest.mark.parametrize("wall", ["none", None])
def test_nothing_is_loaded(wall: str | None, asked: tuple[str, list[str]], tmp_path: Path) -> None:
    address, paths = asked
    hidden = tmp_path / "hidden.txt"
    hidden.write_text(HIDDEN)
    targets = [hidden.as_uri(), str(hidden), f"{address}/x", f"{address}/redirect", "ftp://127.0.0.1/x", "bundle://x/y"]
    targets += [
        "../../../../../../etc/passwd",
        "FILE:///etc/passwd",
        "file:/etc/passwd",
        "bundle:///static/../report.ipynb",
    ]
    page = "".join(way.format(target) for way in WAYS for target in targets)
    content = texts(pdf(f"<!doctype html><title>x</title>{page}".encode(), wall=wall))
    assert content.startswith(b"%PDF-")
    for part in (HIDDEN.encode(), b"root:x:0:0", b"EmbeddedFile"):
        assert part not in content
    assert paths == []


def test_what_is_in_the_page_and_in_static_is_shown() -> None:
    page = f'<title>x</title><img src="data:image/png;base64,{PNG}">'
    static = {"static/logo.png": base64.b64decode(PNG), "static/a b.css": b"p { color: rgb(1, 2, 3) }"}
    without = pdf(b"<title>x</title>")
    assert b"/Image" in texts(pdf(page.encode()))
    assert b"/Image" not in texts(without)
    assert b"/Image" in texts(pdf(b'<title>x</title><img src="static/logo.png">', static))
    assert b"/Image" not in texts(pdf(b'<title>x</title><img src="static/other.png">', static))


def test_a_pdf_is_the_same_each_time_tagged_and_in_its_language() -> None:
    template = (
        "{% extends 'scrapdb/report.html' %}{% block content %}<h1>{{ title }}</h1>{{ rows|table('Rows') }}"
        "{{ {'a': [1, 2, 3]}|chart(title='Chart') }}{% endblock %}"
    )
    page = render(template, language="ca", rows=[{"a": 1, "b": "x"}]).html
    first, second = pdf(page), pdf(page)
    assert first == second
    for part in (b"/StructTreeRoot", b"/Lang (ca)", b"/Title (A title)", b"/Table", b"/TH"):
        assert part in texts(first)


def test_the_text_of_a_chart_is_drawn() -> None:
    page = render("{{ {'Zebra': ['Quagga', 'Okapi'], 'n': [1, 2]}|chart(kind='bars') }}").html
    drawn, without = pdf(page), pdf(render("").html)
    assert texts(drawn).count(b"Tj") + texts(drawn).count(b"TJ") > texts(without).count(b"TJ") + 3


def test_a_page_that_takes_too_long_is_a_sentence() -> None:
    page = b"<title>x</title>" + b"<table>" + b"<tr><td>x<td>y" * 30_000
    with pytest.raises(TemplateError, match="takes longer than 2 s"):
        pdf(page, seconds=2)


def test_without_weasyprint_it_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "find_spec", lambda name: None if name == "weasyprint" else True)
    with pytest.raises(ScrapdbError, match=r"pip install 'scrapdb\[pdf\]'"):
        process._seen(["weasyprint"])
