"""Where Datasette's first page and menus lead to the pages of a store."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from markupsafe import escape

from scrapdb.datasette import expressions
from scrapdb.datasette.page import inserting
from scrapdb.datasette.store import find_visible

Link = dict[str, str]


async def of_stores(datasette: Any, actor: Any) -> list[Link]:
    """Return the pages of every store that the actor may see; of several stores, each with its name."""
    found = {database: await _of_store(datasette, actor, database) for database in datasette.databases}
    several = sum(map(bool, found.values())) > 1
    return [
        {"href": link["href"], "label": f"{database}: {link['label']}" if several else link["label"]}
        for database, links in found.items()
        for link in links
    ]


async def front(datasette: Any, actor: Any, database: str | None = None) -> Markup:
    """Write the pages that the actor may see: of one store for its page of tables, or of all for the first page."""
    found = await (of_stores(datasette, actor) if database is None else _of_store(datasette, actor, database))
    links = [f'<a href="{escape(link["href"])}">{escape(link["label"])}</a>' for link in found]
    return Markup(f'<p class="scrapdb-front">{" · ".join(links)}</p>' if links else "")  # noqa: S704 - escaped


async def front_script(datasette: Any, actor: Any, database: str | None = None) -> str:
    """Write the script that puts the links where Datasette has no place for them (0.65)."""
    selector = "section.content h2" if database is None else ".page-header + *"
    return inserting(await front(datasette, actor, database), selector)


async def of_table(datasette: Any, request: Any, actor: Any, database: str, table: str) -> list[Link]:
    """Return the pages that show the notebooks of a table's page."""
    if table not in expressions.TABLES:
        return []
    return await _links(datasette, actor, database, expressions.joined(request))


async def _of_store(datasette: Any, actor: Any, database: str) -> list[Link]:
    overview, *links = await _links(datasette, actor, database) or [{}]
    return [overview, {"href": datasette.urls.table(database, "runs"), "label": "Runs"}, *links] if links else []


async def _links(datasette: Any, actor: Any, database: str, where: str = "") -> list[Link]:
    store = await find_visible(datasette, database, actor)
    if store is None:
        return []
    return [
        {"href": store.url("overview"), "label": "Overview"},
        {"href": store.url("gallery", where=where), "label": "Gallery"},
        {"href": store.url("plot", where=where), "label": "Plot"},
        {"href": store.url("groups", where=where), "label": "Groups"},
        {"href": store.url("problems"), "label": "Problems"},
    ]
