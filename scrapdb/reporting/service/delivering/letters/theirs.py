"""A letter of which the bundle has a template: letter.html, letter.txt, or both, rendered as its pages are."""

from __future__ import annotations

from html import escape
from typing import Any

from msgspec.structs import replace

from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.rendering import rendered
from scrapdb.reporting.rendering.given import Letter
from scrapdb.reporting.rendering.given import Page

_SECONDS = 10.0  # that a template may take; others wait meanwhile
_LARGEST = 2**22  # bytes of a letter, in which its charts are still drawings
_MOST = 20  # pictures


def templates(bundle: Bundle | None, name: str | None) -> dict[str, str]:
    """Return the templates of a letter that a bundle has, by suffix."""
    if bundle is None or not name:
        return {}
    return {suffix: f"{name}.{suffix}" for suffix in ("html", "txt") if f"{name}.{suffix}" in bundle.files}


def written(page: Page, found: dict[str, str], letter: dict[str, Any]) -> Letter:
    """Render a letter.

    Args:
        page: what templates of the bundle are given.
        found: the templates.
        letter: what is known of the letter, which they have as `letter`.

    Raises:
        ScrapdbError: one of them is wrong.
    """
    given = replace(page, context={**page.context, "letter": letter})
    text = ""
    if "txt" in found:
        text = rendered.text(replace(given, template=found["txt"]), seconds=_SECONDS, size=_LARGEST)
    if "html" not in found:
        return Letter(text=text, html=_as_html(text))
    html = rendered.rendered(replace(given, template=found["html"]), seconds=_SECONDS, size=_LARGEST).html
    made = rendered.letter(html, _MOST, whole=True, seconds=_SECONDS)
    return replace(made, text=text or made.text)


def _as_html(text: str) -> str:
    head = '<meta charset="utf-8">'
    return f"<!doctype html>\n<html><head>{head}</head><body><pre>{escape(text)}</pre></body></html>\n"
