"""Pictures, put into the page."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from markupsafe import Markup

from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.inside.filters import files
from scrapdb.reporting.rendering.inside.filters.values import shown
from scrapdb.reporting.rendering.inside.view import View

_DATA = re.compile(r"data:(image/[a-z0-9.+-]+);base64,")
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)
_SVG = re.compile(rb"\s*(<\?xml|<!doctype svg|<!--|<svg)", re.IGNORECASE)
_SUFFIX = re.compile(r"[^\0-\x1f]{1,200}\.(png|jpe?g|gif|webp|svg|bmp|avif)", re.IGNORECASE)


def image(environment: View, value: Any, alt: str | None = None, width: Any = None) -> Markup:
    """Show a picture: one that is given, one as base64, or a file of static/."""
    if value is None:
        raise TemplateError("image: there is no picture, but null.")
    source, said = _source(environment, value)
    text = said if alt is None else alt
    if alt is None and not said:
        environment.warnings.append(
            'A picture has no alternative text; write it as image(alt="…"), or alt="" if it tells nothing.'
        )
    size = Markup(' width="{}"').format(_width(width)) if width is not None else ""
    return Markup('<img src="{}" alt="{}"{}>').format(source, text, size)


def _source(environment: View, value: Any) -> tuple[str, str]:
    """Return the data: address of a picture, and what it says that it shows."""
    if isinstance(value, Image):
        return files.data(value.mime, value.content), value.alt
    if not isinstance(value, str):
        raise TemplateError(f"image: {shown(value)} is no picture; it is one that is given, base64, or in static/.")
    if _SUFFIX.fullmatch(value) and not value.startswith("data:"):
        return files.static(environment, value), ""
    content = _decoded(value)
    return files.data(_mime(content), content), ""


def _decoded(value: str) -> bytes:
    text = _DATA.sub("", value[:60]) + value[60:]
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise TemplateError(f"image: {shown(value)} is neither base64 nor a picture in static/.") from None


def _mime(content: bytes) -> str:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:12] in {b"ftypavif", b"ftypavis"}:
        return "image/avif"
    known = next((mime for magic, mime in _MAGIC if content.startswith(magic)), None)
    if known is None and _SVG.match(content):
        return "image/svg+xml"
    if known is None:
        raise TemplateError("image: this is no picture that browsers show: PNG, JPEG, GIF, WebP, AVIF, BMP or SVG.")
    return known


def _width(width: Any) -> str:
    text = str(width)
    if not re.fullmatch(r"\d{1,5}(\.\d+)?%?", text):
        raise TemplateError(f"image: {shown(width)} is no width; write it as 400 or 50%.")
    return text
