"""Pages in a browser: nothing is asked for, nothing runs, and whoever does not see, or has a phone, can read them."""

from __future__ import annotations

from collections.abc import Iterator
from socketserver import BaseRequestHandler
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING
from typing import Any

import pytest

from scrapdb.reporting.rendering.given import Image
from tests.reporting.rendering.pages import render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROWS = [{"day": f"2025-01-{day:02}", "price": day / 7, "a long name of a column": "words " * 5} for day in range(1, 29)]
TEMPLATE = """{% extends "scrapdb/report.html" %}{% block content %}<h1>{{ title }}</h1><h2>Table</h2>
{{ rows|table("Prices", units={"price": "EUR"}) }}{{ rows|chart(y="price", title="Chart", bands=[1, 3]) }}
<dl class="facts"><dt>Site</dt><dd>north</dd></dl><span class="pass">PASS</span> <span class="fail">FAIL</span>
<p class="warning">Mind.</p><p><a href="http://example.invalid/">A link</a></p>{{ image }}{% endblock %}
{% block footer %}The end{% endblock %}"""
IMAGE = Image(mime="image/gif", content=b"GIF89a\x01\0\x01\0\0\0\0;", alt="A dot")
HOSTILE = """<html a=b"><script>document.title = "ran"; fetch("http://127.0.0.1:9/a")</script><head><title>stays</title>
<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/b"><link rel="preconnect" href="http://127.0.0.1:9/">
<link rel="stylesheet" href="http://127.0.0.1:9/c"><script src="http://127.0.0.1:9/d"></script>
<base href="http://127.0.0.1:9/e/"></head><body onload="document.title = 'ran'"><img src="http://127.0.0.1:9/f">
<img src="x" onerror="document.title = 'ran'"><iframe src="http://127.0.0.1:9/g"></iframe>
<iframe srcdoc="<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/h'>
<script>top.document.title='ran'</script>"></iframe>
<p style="background: url(http://127.0.0.1:9/i)">x</p><style>@import "http://127.0.0.1:9/j";</style>
<object data="http://127.0.0.1:9/k"></object><video src="http://127.0.0.1:9/l" autoplay></video>
<svg><script>document.title = "ran"</script><image href="http://127.0.0.1:9/m"/></svg>
<form action="http://127.0.0.1:9/n"><input autofocus onfocus="this.form.submit()"></form>"""
# What a checker of accessibility looks at first.
CHECKS = """() => {
  const all = (query) => [...document.querySelectorAll(query)];
  return {
    language: document.documentElement.lang, title: document.title, main: all("main").length, h1: all("h1").length,
    headings: all("h1, h2, h3").map((each) => +each.tagName[1]),
    images: all("img:not([alt]), svg[role=img]:not([aria-label])").length,
    headers: all("th:not([scope])").length, captions: all("table:not(:has(caption))").length,
    scrolling: all(".wide:not([tabindex])").length,
  };
}"""
CONTRAST = """() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (each) => {
    for (; each; each = each.parentElement) {
      const color = numbers(getComputedStyle(each).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll("main *, footer")].filter((each) => each.closest("svg") === null &&
    [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const svg = [...document.querySelectorAll("svg text")]
    .map((each) => [numbers(getComputedStyle(each).fill), ground(each)]);
  return [...texts.map((each) => [numbers(getComputedStyle(each).color), ground(each)]), ...svg].map(([one, other]) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  });
}"""


def shown(browser: Browser, html: bytes, tmp_path: Any, **settings: Any) -> tuple[Any, list[str], list[str]]:
    """Open a page from a file: the page, what it asked for, and what the console said."""
    path = tmp_path / "report.html"
    path.write_bytes(html)
    asked: list[str] = []
    said: list[str] = []
    opened = browser.new_context(**settings).new_page()
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.goto(path.as_uri())
    return opened, [url for url in asked if not url.startswith(("data:", path.as_uri()))], said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_can_be_read_by_everybody(browser: Browser, tmp_path: Any, scheme: Any) -> None:
    page, asked, said = shown(browser, render(TEMPLATE, rows=ROWS, image=IMAGE).html, tmp_path, color_scheme=scheme)
    assert (asked, said) == ([], [])
    checks = page.evaluate(CHECKS)
    assert checks == {
        "language": "en",
        "title": "A title",
        "main": 1,
        "h1": 1,
        "headings": [1, 2],
        **dict.fromkeys(("images", "headers", "captions", "scrolling"), 0),
    }
    assert min(page.evaluate(CONTRAST)) >= 4.5
    page.context.close()


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_a_page_fits_a_phone(browser: Browser, tmp_path: Any, language: str, direction: str) -> None:
    html = render(TEMPLATE, None, language, rows=ROWS, image=IMAGE).html
    page, _, _ = shown(browser, html, tmp_path, viewport={"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("getComputedStyle(document.body).direction") == direction
    page.context.close()


def test_a_page_prints_on_a4_with_heads_that_come_again(browser: Browser, tmp_path: Any) -> None:
    page, _, _ = shown(browser, render(TEMPLATE, rows=ROWS, image=IMAGE).html, tmp_path)
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    assert page.evaluate("getComputedStyle(document.querySelector('tr')).breakInside") == "avoid"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.context.close()


@pytest.fixture
def connections() -> Iterator[tuple[int, list[Any]]]:
    """A port, and who connected to it, also without asking for anything."""
    found: list[Any] = []

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            found.append(self.request.recv(1000))

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], found
        server.shutdown()


def test_a_hostile_page_neither_runs_nor_asks(
    browser: Browser, tmp_path: Any, connections: tuple[int, list[Any]]
) -> None:
    port, found = connections
    hostile = HOSTILE.replace("127.0.0.1:9/", f"127.0.0.1:{port}/")
    rendered = render(hostile)
    page, _, _ = shown(browser, rendered.html, tmp_path)
    page.wait_for_timeout(700)
    assert page.title() == "stays"
    assert page.url.startswith("file:")
    assert found == []
    assert len([each for each in rendered.warnings if "was left out" in each]) == 4
    page.context.close()
