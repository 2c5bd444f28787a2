"""The route of displays: bytes that somebody else's notebook made, sent so that they cannot act.

A display is found by the hash of its bytes; its type is the one that the store has, never one that the address
claims. Pictures whose first bytes are those of their type are shown, SVG as a picture or under a policy that forbids it
everything, and all else is a download.
"""

from __future__ import annotations

import re
from typing import Any
from typing import NamedTuple

from datasette.utils.asgi import NotFound
from datasette.utils.asgi import Response

from scrapdb.datasette import page
from scrapdb.datasette.store import Store
from scrapdb.formats.html import SVG
from scrapdb.formats.sandbox import picture
from scrapdb.store.readers.displays import display_of_hash
from scrapdb.store.readers.versions import display_of

# With these a picture can do nothing, even if it is opened by its own address.
PICTURE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HEADERS = PICTURE_HEADERS | {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Sec-Fetch-Dest"}
_MAGIC = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_SUFFIX = re.compile(r"[^a-z0-9]")


class Question(NamedTuple):
    """What an address asks, beside its path: the id of a version."""

    version: page.Row = 0


def response(mime_type: str, content: bytes, digest: str) -> Response:
    """Send a display so that it can do nothing."""
    if content.startswith(_MAGIC.get(mime_type, ())) or mime_type == SVG:
        return Response(content, content_type=mime_type, headers=dict(_HEADERS))
    if mime_type == "text/plain":
        return Response(content, content_type="text/plain; charset=utf-8", headers=dict(_HEADERS))
    name = f"{digest[:12]}.{_SUFFIX.sub('', mime_type.partition('/')[2].lower()) or 'bin'}"
    headers = _HEADERS | {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, content_type="application/octet-stream", headers=headers)


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/display/HASH`; with `version=ID` it is one of what that version has shown."""
    digest = request.url_vars["hash"]
    version = page.read(request, Question).version
    display = await store.ask(
        lambda connection: display_of(connection, version, digest) if version else display_of_hash(connection, digest)
    )
    if display is None:
        raise NotFound("There is no such display")
    mime_type, content = display
    if mime_type == SVG and request.headers.get("sec-fetch-dest") == "document":
        return _opened(content)
    return response(mime_type, content, digest)


def _opened(content: bytes) -> Response:
    """Send an SVG that is opened by its address as a picture in a page: as a document, its links would lead away."""
    policy = {"Content-Security-Policy": "default-src 'none'; img-src data:; sandbox"}
    return Response.html(f"<!doctype html><title>SVG</title>{picture(SVG, content)}", headers=_HEADERS | policy)
