from __future__ import annotations

import base64
from typing import Any

import pytest

from scrapdb.formats.html import best
from scrapdb.formats.html import bundle
from scrapdb.formats.html import decoded
from scrapdb.formats.html import element
from scrapdb.formats.html import figure
from scrapdb.formats.html import gallery
from scrapdb.formats.html import table
from tests.formats.test_sandbox import BREAKOUTS
from tests.formats.test_sandbox import SCRIPT
from tests.formats.test_sandbox import Elements
from tests.notebook_builder import PNG

HTML = SCRIPT.encode()
LATEX = b"$\\href{javascript:alert(1)}{x}$"
EVERYTHING = {
    "application/javascript": b"alert(1)",
    "application/vnd.bokehjs_exec.v0+json": b"{}",
    "application/vnd.jupyter.widget-view+json": b"{}",
    "application/x-unknown": b"?",
    "image/png": base64.b64decode(PNG),
    "image/svg+xml": b"<svg onload='alert(1)'/>",
    "text/html": HTML,
    "text/latex": LATEX,
    "text/markdown": HTML,
    "text/plain": HTML,
}


def names(document: str) -> list[str]:
    return [tag for tag, _ in Elements(document).found]


@pytest.mark.parametrize(
    ("mimes", "mime"),
    [
        ([*EVERYTHING], "image/png"),
        (["text/html", "image/svg+xml", "text/plain"], "image/svg+xml"),
        (["text/plain", "application/vnd.plotly.v1+json", "text/html"], "text/html"),
        (["text/plain", "application/vnd.b+json", "application/vnd.a+json"], "application/vnd.a+json"),
        (["text/plain", "application/javascript"], "application/javascript"),
        (["text/latex", "text/markdown", "text/plain"], "text/plain"),
        (["application/pdf", "image/tiff"], None),
        ([], None),
    ],
)
def test_the_best_comes_first(mimes: list[str], mime: str | None) -> None:
    assert best(mimes) == mime
    assert best(mimes[::-1]) == mime


def test_a_picture_is_shown_as_jupyter_shows_pictures() -> None:
    assert bundle(EVERYTHING) == {"image/png": PNG, "text/plain": SCRIPT}


@pytest.mark.parametrize(
    ("mime", "elements"),
    [
        ("image/svg+xml", ["img"]),
        ("text/html", ["iframe", "p"]),
        ("text/markdown", ["pre"]),
        ("text/latex", ["pre"]),
        ("application/javascript", ["p"]),
        ("application/vnd.jupyter.widget-view+json", ["p"]),
        ("application/x-unknown", ["p"]),
    ],
)
def test_the_rest_becomes_html_that_cannot_act(mime: str, elements: list[str]) -> None:
    shown = bundle({mime: EVERYTHING[mime]})
    assert shown.keys() == {"text/html"}
    assert names(shown["text/html"]) == elements


def test_what_is_not_shown_is_named_and_escaped() -> None:
    shown = Elements(element({"<script>alert(1)</script>": b""}))
    assert [tag for tag, _ in shown.found] == ["p"]
    assert shown.text == "<script>alert(1)</script> is not shown: it could act in this page."


def test_html_without_scripts_stands_alone() -> None:
    assert names(element({"text/html": b"<b>bold</b>"})) == ["iframe"]


@pytest.mark.parametrize("order", [1, -1])
def test_svg_is_shown_as_a_picture_rather_than_the_html_beside_it(order: int) -> None:
    shown = {"image/svg+xml": b"<svg/>", "text/html": b"<b>bold</b>"}
    assert names(bundle(dict([*shown.items()][::order]))["text/html"]) == ["img"]


def test_plain_text_needs_no_html() -> None:
    assert bundle({"text/plain": b"1\xff"}) == {"text/plain": "1\ufffd"}
    assert bundle({}) == {}


@pytest.mark.parametrize("text", BREAKOUTS)
def test_texts_stay_texts(text: str) -> None:
    for document in (table([text], [[text]]), figure(text, ""), gallery([figure(text, "")])):
        assert {*names(document)} <= {"table", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "div"}
        assert text.replace("\r", "") in Elements(document).text


@pytest.mark.parametrize("document", [table(["$1"], [["$2"]]), figure("$1 and $2", ""), element({"text/latex": LATEX})])
def test_dollars_are_no_formula(document: str) -> None:
    holders = [
        dict(attributes) for tag, attributes in Elements(document).found if tag in {"table", "figcaption", "pre"}
    ]
    assert [holder["class"] for holder in holders] == ["tex2jax_ignore mathjax_ignore"]


def test_no_colour_is_fixed_but_that_of_frames() -> None:
    documents = [table(["a"], [["b"]]), gallery([figure("a", element({"text/plain": b"b"}))])]
    assert not any("color" in document or "background" in document for document in documents)
    assert "background: white" in element({"text/html": b"black on whatever is behind"})


def test_outputs_are_decoded_as_notebooks_hold_them() -> None:
    data: dict[str, Any] = {
        "application/vnd.plotly.v1+json": {"data": []},
        "image/jpeg": {"not": "text"},
        "image/png": f"{PNG[:20]}\n{PNG[20:]}",
        "image/svg+xml": "<svg/>",
        "text/html": "\ud800é",
    }
    assert decoded(data) == {
        "application/vnd.plotly.v1+json": b"",
        "image/png": EVERYTHING["image/png"],
        "image/svg+xml": b"<svg/>",
        "text/html": b"?\xc3\xa9",
    }
