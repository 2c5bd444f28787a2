"""How a page shows a display: the best of its MIME types that can be shown without trusting whoever made it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from markupsafe import Markup

from scrapdb.formats import html
from scrapdb.formats.sandbox import sandboxed

_LONGEST_DOCUMENT = 2_000_000  # bytes of HTML in a page; of one whose scripts were asked for:
_LONGEST_SCRIPTED = 16_000_000
_LONGEST_TEXT = 20_000  # characters
_LONGEST_JSON = 200_000  # bytes
_LIBRARIES = (("plotly", "Plotly"), ("vega", "Vega"), ("bokeh", "Bokeh"), ("holoviews", "HoloViews"))
_END_OF_SCRIPT = re.compile(r"</(?=script)|<!--", re.IGNORECASE)


class Shown(NamedTuple):
    """A display as a page shows it: the hash of a picture, an `iframe`, text, a JSON value, or none of these.

    `sentence` is what the reader should know, `others` MIME type and hash of what is not shown, and `has_scripts` says
    that there are scripts that do not run.
    """

    picture: str | None = None
    frame: Markup | None = None
    text: str | None = None
    data: Any = None
    sentence: str | None = None
    has_scripts: bool = False
    others: tuple[tuple[str, str], ...] = ()


def show(
    hashes: Mapping[str, str], content: Mapping[str, bytes], *, scripts: bool = False, lazy: bool = False
) -> Shown:
    """Choose how to show a display of hashes and bytes by MIME type; the bytes of pictures may be missing.

    Its scripts run where the reader has asked for `scripts`; a `lazy` frame is loaded only when it comes into view.
    """
    scripted = _scripted(content)
    if scripts and scripted:
        mime: str | None = scripted
        display = Shown(frame=_running(scripted, html.text(content[scripted])))
    else:
        mime = html.best([mime for mime in hashes if mime in html.PICTURES or _fits(mime, content)])
        display = _still(mime, hashes, content, lazy=lazy)
    others = tuple((other, hashes[other]) for other in sorted(hashes) if other != mime)
    return display._replace(others=others, has_scripts=not scripts and scripted is not None)


def picture(hashes: Mapping[str, str]) -> str | None:
    """Return the hash of the picture that a display is best shown by, if it has one."""
    mime = html.best(hashes)
    return hashes[mime] if mime in html.PICTURES else None


def _fits(mime: str, content: Mapping[str, bytes]) -> bool:
    """Return whether the content of a MIME type is there, and not too long for a page; text may be cut."""
    if mime not in content:
        return False
    if mime == html.HTML:
        return len(content[mime]) <= _LONGEST_DOCUMENT
    return not html.is_json(mime) or len(content[mime]) <= _LONGEST_JSON


def _still(mime: str | None, hashes: Mapping[str, str], content: Mapping[str, bytes], *, lazy: bool) -> Shown:
    """Show the content of a MIME type so that nothing in it acts."""
    document = content.get(html.HTML)
    sentence = f"The HTML is too long to be shown here: {len(document):,} bytes." if document else None
    if mime is None:
        return Shown(sentence=sentence or "It cannot be shown here, only downloaded.")
    if mime in html.PICTURES:
        return Shown(picture=hashes[mime])
    text = html.text(content[mime])
    if mime == html.HTML:
        return Shown(frame=Markup(sandboxed(text, lazy=lazy)))  # noqa: S704 - escaped there
    if html.is_json(mime):
        return Shown(data=_json(content[mime]), sentence=_library(mime))
    return Shown(text=_cut(text), sentence=sentence)


def _scripted(content: Mapping[str, bytes]) -> str | None:
    """Return the MIME type whose scripts can be run for who asks for it."""
    if b"<script" in content.get(html.HTML, b"").lower() and len(content[html.HTML]) <= _LONGEST_SCRIPTED:
        return html.HTML
    return next((mime for mime in html.SCRIPTS if mime in content and len(content[mime]) <= _LONGEST_SCRIPTED), None)


def _running(mime: str, text: str) -> Markup:
    """Return the frame in which scripts run."""
    if mime != html.HTML:
        source = _END_OF_SCRIPT.sub(lambda match: match[0].replace("<", "\\x3c"), text)
        text = f'<div id="element"></div><script>{source}</script>'
    return Markup(sandboxed(text, scripts=True))  # noqa: S704 - escaped there


def _library(mime: str) -> str | None:
    library = next((library for word, library in _LIBRARIES if word in mime), None)
    return f"Only {library}'s library draws this: glue it with a PNG or as HTML to see it here." if library else None


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return _cut(html.text(content))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"
