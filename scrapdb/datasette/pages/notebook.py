"""The page of one notebook: how its run ended, with which parameters, and everything it glued."""

from __future__ import annotations

import sqlite3
from typing import Any

from datasette.utils.asgi import Response

from scrapdb.datasette.page import render
from scrapdb.datasette.store import Store
from scrapdb.sandbox import sandboxed
from scrapdb.store import read

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
_LONGEST_DOCUMENT = 2_000_000  # bytes of HTML that are put into the page


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/notebook?path=PATH`."""
    path = request.args.get("path") or ""
    context = await store.ask(lambda connection: _context(connection, path))
    return await render(store, request, "notebook", context)


def _context(connection: sqlite3.Connection, path: str) -> dict[str, Any]:
    notebook_id, _ = read.find_notebook(connection, path)
    scraps = read.scraps(connection, notebook_id)
    return {
        "notebook": read.notebook(connection, notebook_id),
        "parameters": read.parameters(connection, notebook_id),
        "scraps": scraps,
        "shown": {scrap.name: _shown(connection, notebook_id, scrap) for scrap in scraps if scrap.displays},
        "problems": list(read.problems(connection, notebook_id)),
    }


def _shown(connection: sqlite3.Connection, notebook_id: int, scrap: read.Value) -> dict[str, Any]:
    """Choose how to show a display: the hash of a picture, else HTML in a frame, else text."""
    hashes = read.display_hashes(connection, notebook_id, scrap.name)
    for mime in _PICTURES:
        if mime in hashes:
            return {"picture": hashes[mime], "hashes": hashes}
    content = read.display(connection, notebook_id, scrap.name)
    document = content.get("text/html", b"")
    if document and len(document) <= _LONGEST_DOCUMENT:
        return {"frame": sandboxed(document.decode()), "hashes": hashes}
    return {"text": content.get("text/plain", b"").decode(errors="replace"), "hashes": hashes}
