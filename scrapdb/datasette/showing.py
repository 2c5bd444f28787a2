"""How a display is shown: the best of its MIME types that can be shown without trusting whoever made it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from markupsafe import Markup

from scrapdb.formats.sandbox import sandboxed

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
_TEXTS = ("text/plain", "text/markdown", "text/latex")
_SCRIPTS = ("application/javascript", "text/javascript")
_LONGEST_DOCUMENT = 2_000_000  # bytes of HTML in a page; of one whose scripts were asked for:
_LONGEST_SCRIPTED = 16_000_000
_LONGEST_TEXT = 20_000  # characters
_LONGEST_JSON = 200_000  # bytes
_LIBRARIES = (("plotly", "Plotly"), ("vega", "Vega"), ("bokeh", "Bokeh"), ("holoviews", "HoloViews"))
_END_OF_SCRIPT = re.compile(r"</(?=script)|<!--", re.IGNORECASE)


class Showing(NamedTuple):
    """A display as a page shows it. One of `picture`, `frame`, `text` and `data` is set, or none.

    Args:
        picture: hash of a picture.
        frame: an `iframe`.
        text: plain text.
        data: a JSON value.
        sentence: what the reader should know.
        has_scripts: there are scripts that do not run.
        others: MIME type and hash of what is not shown.
    """

    picture: str | None = None
    frame: Markup | None = None
    text: str | None = None
    data: Any = None
    sentence: str | None = None
    has_scripts: bool = False
    others: tuple[tuple[str, str], ...] = ()


def showing(hashes: Mapping[str, str], content: Mapping[str, bytes], *, scripts: bool) -> Showing:
    """Choose how to show a display.

    Args:
        hashes: SHA-256 by MIME type.
        content: bytes by MIME type; pictures may be missing.
        scripts: whether the reader has asked for its scripts.
    """
    mime, shown = _with_scripts(content) if scripts else (None, None)
    if shown is None:
        mime, shown = _without_scripts(hashes, content)
    others = tuple((other, hashes[other]) for other in sorted(hashes) if other != mime)
    return shown._replace(others=others, has_scripts=not scripts and _with_scripts(content)[1] is not None)


def _with_scripts(content: Mapping[str, bytes]) -> tuple[str | None, Showing | None]:
    document = content.get("text/html", b"")
    if b"<script" in document.lower() and len(document) <= _LONGEST_SCRIPTED:
        return "text/html", Showing(frame=Markup(sandboxed(_text(document), scripts=True)))  # noqa: S704 - escaped there
    for mime in _SCRIPTS:
        if mime in content and len(content[mime]) <= _LONGEST_SCRIPTED:
            source = _END_OF_SCRIPT.sub(lambda match: match[0].replace("<", "\\x3c"), _text(content[mime]))
            page = f'<div id="element"></div><script>{source}</script>'
            return mime, Showing(frame=Markup(sandboxed(page, scripts=True)))  # noqa: S704 - escaped there
    return None, None


def _without_scripts(hashes: Mapping[str, str], content: Mapping[str, bytes]) -> tuple[str | None, Showing]:
    for mime in PICTURES:
        if mime in hashes:
            return mime, Showing(picture=hashes[mime])
    document = content.get("text/html")
    if document is not None and len(document) <= _LONGEST_DOCUMENT:
        return "text/html", Showing(frame=Markup(sandboxed(_text(document))))  # noqa: S704 - escaped there
    for mime in sorted(content):
        if mime.endswith("json") and len(content[mime]) <= _LONGEST_JSON:
            return mime, Showing(data=_json(content[mime]), sentence=_library(mime))
    for mime in (*_SCRIPTS, *_TEXTS):
        if mime in content:
            return mime, Showing(text=_cut(_text(content[mime])), sentence=_too_long(document))
    return None, Showing(sentence=_too_long(document) or "It cannot be shown here, only downloaded.")


def _library(mime: str) -> str | None:
    for word, library in _LIBRARIES:
        if word in mime:
            return f"Only {library}'s library draws this: glue it with a PNG or as HTML to see it here."
    return None


def _too_long(document: bytes | None) -> str | None:
    return f"The HTML is too long to be shown here: {len(document):,} bytes." if document else None


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return _cut(_text(content))


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
