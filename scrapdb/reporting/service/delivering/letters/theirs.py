"""A letter of which the bundle has a template: letter.html, letter.txt, or both, rendered as its pages are."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any
from typing import NamedTuple

from msgspec.structs import replace

from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.rendering import head
from scrapdb.reporting.rendering import rendered
from scrapdb.reporting.rendering.given import Page
from scrapdb.reporting.service.delivering.letters import pictures
from scrapdb.reporting.service.delivering.letters.letter import File

_POLICY = f'<meta http-equiv="Content-Security-Policy" content="{head.POLICY}">'  # which would hide what is beside it
_SECONDS = 10.0  # that a template may take; others wait meanwhile
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "h1", "h2", "h3", "h4", "table", "tr", "ul", "ol", "li", "br", "section", "dl", "dt"})
_UNSEEN = frozenset({"style", "script", "title", "svg"})


class Written(NamedTuple):
    """What a bundle's templates made: the title of the HTML, if there is one, and the letter."""

    subject: str | None
    text: str
    html: str
    pictures: tuple[File, ...]


def templates(bundle: Bundle | None, name: str | None) -> dict[str, str]:
    """Return the templates of a letter that a bundle has, by suffix."""
    if bundle is None or not name:
        return {}
    bare = name.removesuffix(".html").removesuffix(".txt")
    return {suffix: f"{bare}.{suffix}" for suffix in ("html", "txt") if f"{bare}.{suffix}" in bundle.files}


def written(page: Page, found: dict[str, str], letter: dict[str, Any]) -> Written:
    """Render a letter.

    Args:
        page: what templates of the bundle are given.
        found: the templates.
        letter: what is known of the letter, which they have as `letter`.

    Raises:
        ScrapdbError: one of them is wrong.
    """
    given = replace(page, context={**page.context, "letter": letter})
    text = rendered.text(replace(given, template=found["txt"]), seconds=_SECONDS) if "txt" in found else ""
    if "html" not in found:
        return Written(None, text, _as_html(text), ())
    made = rendered.rendered(replace(given, template=found["html"]), seconds=_SECONDS).html.decode(errors="replace")
    html, beside = pictures.beside(made.replace(_POLICY, ""))
    title = _TITLE.search(html)
    return Written(unescape(title[1]).strip() if title else None, text or as_text(html), html, beside)


def as_text(html: str) -> str:
    """Return what can be read of HTML."""
    reader = _Reader()
    reader.feed(html)
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(line for line in lines if line) + "\n"


def _as_html(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<!doctype html>\n<html><head><meta charset="utf-8"></head><body><pre>{escaped}</pre></body></html>\n'


class _Reader(HTMLParser):
    """Collects the text of HTML, a block a line."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._unseen += tag in _UNSEEN
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in _UNSEEN))
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)
