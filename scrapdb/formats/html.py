"""What is shown of a display, and what Jupyter shows: rows as tables, displays so that they cannot act. Pure.

Everything from a notebook is escaped. A picture is shown as it is, HTML in a frame that runs no script, and of the rest
it is said why it is not shown. Colours are the page's own.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from html import escape
from typing import Any

from scrapdb.formats.sandbox import picture
from scrapdb.formats.sandbox import sandboxed

_BITMAPS = ("image/png", "image/jpeg", "image/gif", "image/webp")
SVG = "image/svg+xml"
PICTURES = (*_BITMAPS, SVG)
HTML = "text/html"
SCRIPTS = ("application/javascript", "text/javascript")
_TEXTS = ("text/plain", "text/markdown", "text/latex")
_IN_JUPYTER = frozenset({*PICTURES, HTML, *_TEXTS})
# Two prices in dollars are no formula: Jupyter lets MathJax read the text of HTML, links to scripts and all.
NO_MATH = 'class="tex2jax_ignore mathjax_ignore"'


def best(mimes: Collection[str]) -> str | None:
    """Return which of a display's MIME types says most to who looks at it; None if none can be shown.

    Pictures come before HTML, HTML before JSON, and JSON before scripts, as their source, and other text.
    """
    json = sorted(filter(is_json, mimes))
    return next((mime for mime in (*PICTURES, HTML, *json, *SCRIPTS, *_TEXTS) if mime in mimes), None)


def is_json(mime: str) -> bool:
    """Return whether a MIME type is one of JSON."""
    return mime.endswith("json")


def text(content: bytes) -> str:
    """Return the text of a display; what is not UTF-8 in it is replaced."""
    return content.decode(errors="replace")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Make a table of texts."""
    columns = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table {NO_MATH}><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"


def bundle(displays: Mapping[str, bytes]) -> dict[str, str]:
    """Make a MIME bundle for Jupyter that is safe to show.

    No scripts, and no LaTeX either: Jupyter's MathJax makes links to scripts of it.

    Args:
        displays: bytes by MIME type, as the store has them.
    """
    safe = {mime: base64.b64encode(displays[mime]).decode() for mime in _BITMAPS if mime in displays}
    if not safe and displays and displays.keys() != {"text/plain"}:
        safe["text/html"] = element(displays)
    if "text/plain" in displays:
        safe["text/plain"] = text(displays["text/plain"])
    return safe


def element(displays: Mapping[str, bytes]) -> str:
    """Return the HTML of the best that can be shown of a display, as `bundle` takes it."""
    mime = best(displays.keys() & _IN_JUPYTER)
    if mime is None:
        return f"<p {NO_MATH}>{escape(', '.join(displays))} is not shown: it could act in this page.</p>"
    if mime in PICTURES:
        return picture(mime, displays[mime])
    content = text(displays[mime])
    if mime == HTML:
        still = "<p>Its scripts do not run here.</p>" if "<script" in content.lower() else ""
        return sandboxed(content) + still
    return f"<pre {NO_MATH}>{escape(content)}</pre>"


def figure(caption: str, content: str) -> str:
    """Put a caption below HTML."""
    label = f"<figcaption {NO_MATH}>{escape(caption)}</figcaption>"
    return f'<figure style="margin: 0; max-width: 100%">{content}{label}</figure>'


def gallery(figures: Iterable[str]) -> str:
    """Put figures side by side, as many as there is room for."""
    return f'<div style="display: flex; flex-wrap: wrap; gap: 1em">{"".join(figures)}</div>'


def decoded(data: Mapping[str, Any]) -> dict[str, bytes]:
    """Return a display's bytes by MIME type, from the `data` of an output; of what cannot be shown, none.

    Pictures are base64 there, but for SVG, and JSON types hold JSON. A damaged picture is left out.
    """
    displays = {}
    for mime, part in data.items():
        if mime not in _BITMAPS:
            displays[mime] = part.encode(errors="replace") if isinstance(part, str) else b""
            continue
        try:
            displays[mime] = base64.b64decode(part)
        except (TypeError, ValueError):
            continue
    return displays
