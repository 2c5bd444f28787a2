"""What every page has in common: its template and its headers."""

from __future__ import annotations

import json
from typing import Any

from datasette.utils.asgi import Response

from scrapdb.datasette.cells import badge
from scrapdb.datasette.cells import encodable
from scrapdb.datasette.cells import tree
from scrapdb.datasette.store import Store
from scrapdb.formats.values import short

# A page frames nothing but documents that it writes itself (srcdoc), so that these cannot lead anywhere else.
_POLICY = "frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'"
# Nothing in a page goes anywhere else, nor do links: no other policy of Chromium keeps scripts from WebRTC.
_ALONE = {"Connection-Allowlist": "(response-origin)"}


async def render(
    store: Store, request: Any, template: str, context: dict[str, Any], *, status: int = 200, alone: bool = False
) -> Response:
    """Fill a template of `templates/scrapdb`, which has `store`, `url`, `badge`, `tree`, `short` and `time` at hand.

    Args:
        store: the store.
        request: what is answered.
        template: its name, without suffix.
        context: what it has at hand besides.
        status: of the answer.
        alone: whether somebody else's scripts run in the page, which then may not connect to any other server.
    """
    common = {"store": store, "url": store.url, "badge": badge, "tree": tree, "short": short, "time": time}
    common["page_name"] = template.capitalize()
    body = await store.datasette.render_template(f"scrapdb/{template}.html", common | context, request=request)
    headers = {"Content-Security-Policy": _POLICY} | (_ALONE if alone else {})
    return Response.html(encodable(body), status=status, headers=headers)


def time(text: str | None) -> str:
    """Write a time of the store for people: 2026-11-01 12:00:00 UTC."""
    return f"{text[:19].replace('T', ' ')} UTC" if text else ""


def inserting(html: str | None, selector: str) -> str:
    """Write the script that puts HTML before an element of one of Datasette's pages."""
    # In a script, no text may look like its end.
    quoted = json.dumps(html).replace("<", "\\u003c")
    return f'document.querySelector("{selector}").insertAdjacentHTML("beforebegin", {quoted})' if html else ""
