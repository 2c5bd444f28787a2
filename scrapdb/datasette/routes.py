"""Addresses of the pages: one ordered table, and what every page has in common.

Every address names a database. It is found, and the actor's permission checked, before a page is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable
from collections.abc import Callable
from typing import Any

from datasette.utils import tilde_decode
from datasette.utils.asgi import Response

from scrapdb.datasette.page import render
from scrapdb.datasette.pages import batch
from scrapdb.datasette.pages import compare
from scrapdb.datasette.pages import completion
from scrapdb.datasette.pages import display
from scrapdb.datasette.pages import frame
from scrapdb.datasette.pages import frame_files
from scrapdb.datasette.pages import gallery
from scrapdb.datasette.pages import groups
from scrapdb.datasette.pages import notebook
from scrapdb.datasette.pages import overview
from scrapdb.datasette.pages import plot
from scrapdb.datasette.pages import problems
from scrapdb.datasette.pages import report
from scrapdb.datasette.pages import reports
from scrapdb.datasette.store import Store
from scrapdb.datasette.store import find
from scrapdb.errors import ScrapdbError

Page = Callable[[Store, Any], Awaitable[Response]]

# What follows /-/scrapdb/DATABASE/, and the page that answers it.
PAGES: dict[str, Page] = {
    r"overview": overview.view,
    r"notebook": notebook.view,
    r"batch": batch.view,
    r"compare": compare.view,
    r"problems": problems.view,
    r"reports": reports.view,
    r"report": report.view,
    r"report\.html": report.still,
    r"report/file": report.download,
    r"frame": frame.view,
    r"frame\.parquet": frame_files.parquet,
    r"frame\.csv": frame_files.csv,
    r"frame\.svg": frame_files.svg,
    r"gallery": gallery.view,
    r"groups": groups.view,
    r"plot": plot.view,
    r"plot\.svg": plot.svg,
    r"plot\.csv": plot.table,
    r"fields\.json": completion.fields,
    r"check\.json": completion.check,
    r"display/(?P<hash>[0-9a-f]{64})": display.view,
}


def routes() -> list[tuple[str, Callable[..., Awaitable[Response]]]]:
    """List the addresses for Datasette."""
    first = (r"^/-/scrapdb/(?P<database>[^/]+)/?$", _answering(overview.view))
    others = [(rf"^/-/scrapdb/(?P<database>[^/]+)/{address}$", _answering(page)) for address, page in PAGES.items()]
    return [first, *others]


def _answering(page: Page) -> Callable[..., Awaitable[Response]]:
    async def answer(datasette: Any, request: Any) -> Response:
        store = await find(datasette, tilde_decode(request.url_vars["database"]), request.actor)
        try:
            await store.check()
            return await page(store, request)
        except ScrapdbError as error:
            status = 404 if isinstance(error, LookupError) else 400
            return await render(store, request, "error", {"error": str(error)}, status=status)

    return answer
