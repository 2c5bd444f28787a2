"""Who may not see a store sees no page of it; and no address leads to a file."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.parse import urlencode

import pytest
from datasette.app import Datasette

import scrapdb.store
from scrapdb.database import Database
from scrapdb.datasette import register_routes
from scrapdb.datasette.routes import PAGES
from scrapdb.datasette.store import OF_SQLITE
from scrapdb.datasette.store import TABLES
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.reporting.made import report

NOBODY = 403
SCHEMA = (Path(scrapdb.store.__file__).parent / "schema.sql").read_text(encoding="utf-8")
TABLES_OF_SCHEMA = re.findall(r"^CREATE TABLE (\w+)", SCHEMA, re.MULTILINE)
LEAST = 6  # characters
# Of what the plugin puts on Datasette's own pages.
PARTS = ("scrapdb-front", "scrapdb-columns", "scrapdb-expression", "/scraps/overview", "/scraps/plot")
REPORT = urlencode({"path": "reports/north/report.ipynb"})
PATHS = ("../../../etc/passwd", "/etc/passwd", "..%2f..%2fetc%2fpasswd", "scraps.db", "%00", "file:///etc/passwd")


def statuses(
    store: Path,
    addresses: list[str],
    actor: str | None = None,
    settings: dict[str, Any] | None = None,
    **database: Any,
) -> set[int]:
    """Ask for addresses, as an actor, of a Datasette with metadata for the store's database."""

    async def ask() -> set[int]:
        datasette = Datasette([str(store)], metadata={"databases": {"scraps": database}}, settings=settings)
        return await asked(datasette, addresses, actor)

    return asyncio.run(ask())


async def asked(datasette: Datasette, addresses: list[str], actor: str | None) -> set[int]:
    cookies = {"ds_actor": datasette.sign({"a": {"id": actor}}, "actor")} if actor else {}
    return {(await datasette.client.get(address, cookies=cookies)).status_code for address in addresses}


@pytest.fixture(scope="module")
def store(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's store, and a report in it."""
    directory = tmp_path_factory.mktemp("reported") / "store"
    shutil.copytree(store.parent, directory)
    report(directory / "reports" / "north")
    Database(directory / store.name).index(directory / "reports")
    return directory / store.name


@pytest.fixture(scope="module")
def addresses(store: Path) -> list[str]:
    """An address of every page that `PAGES` has, with what there is in the store."""
    with closing(sqlite3.connect(store)) as connection:
        (shown,) = connection.execute("SELECT hash FROM displays").fetchone()
        (frame,) = connection.execute("SELECT hash FROM frames").fetchone()
        (path,) = connection.execute("SELECT path FROM notebooks").fetchone()
    pages = [page.replace("\\", "").partition("/(")[0] for page in PAGES if not page.startswith("display")]
    asked = f"path={path}&x=distance&_scrap=distance<1"
    arguments = {
        page: f"hash={frame}" if page.startswith("frame") else REPORT if page.startswith("report") else asked
        for page in pages
    }
    asking = [f"/-/scrapdb/scraps/{page}?{arguments[page]}" for page in pages]
    return [f"/-/scrapdb/scraps/display/{shown}", *asking]


@pytest.mark.parametrize(
    "rules",
    [{"allow": False}, {"allow": {"id": "ann"}}, *({"tables": {name: {"allow": {"id": "ann"}}}} for name in TABLES)],
    ids=lambda rules: next(iter(rules.get("tables", ["database"]))),
)
def test_nobody_sees_a_page_of_what_they_may_not_see(rules: dict[str, Any], store: Path, addresses: list[str]) -> None:
    assert statuses(store, addresses, **rules) == {NOBODY}
    assert statuses(store, addresses, actor="bob", **rules) == {NOBODY}


@pytest.fixture(scope="module")
def full(glued: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with values in every table that are told from anything else on a page."""
    directory = tmp_path_factory.mktemp("full") / "store"
    shutil.copytree(glued.parent, directory)
    times = {"parameters": {"given-name": "given-value", "x": 7}}
    write(
        directory / "run-given.ipynb",
        notebook(code("given_source()", scrap("glued-name", "glued-value", "text")), papermill=times),
    )
    report(directory / "reports" / "north", title="reported-title", bundle="reported-bundle", reason="reported-reason")
    Database(directory / glued.name).index(directory)
    return directory / glued.name


def texts_of(store: Path, table: str) -> set[bytes]:
    """Values of a table that are told from anything else on a page: longer than a word, and on no page anyway."""
    with closing(sqlite3.connect(store)) as connection:
        cells = {cell for row in connection.execute(f'SELECT * FROM "{table}"') for cell in row if cell is not None}
    values = {cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells}
    anyway = asyncio.run(Datasette([], memory=True).client.get("/")).content + SCHEMA.encode()
    return {value for value in values if len(value) >= LEAST and value not in anyway}


def pages_of(store: Path) -> list[str]:
    """Every address that the plugin answers, asked for what the store has."""
    with closing(sqlite3.connect(store)) as connection:
        (shown,) = connection.execute("SELECT hash FROM displays").fetchone()
        (frame,) = connection.execute("SELECT hash FROM frames JOIN blobs USING (hash)").fetchone()
        path, other = (
            path
            for (path,) in connection.execute("SELECT path FROM notebooks WHERE path LIKE 'run%' ORDER BY path LIMIT 2")
        )
    asked = urlencode([("path", path), ("path", other), ("x", "x"), ("start", "c"), ("_scrap", "x > 0")])
    found = []
    for address, _ in register_routes():
        page = address.strip("^$").replace("(?P<database>[^/]+)", "scraps").replace("\\", "").replace("/?", "")
        page = page.replace("(?P<hash>[0-9a-f]{64})", shown)
        of_report = "/report" in page and not page.endswith("/reports")
        found.append(f"{page}?{f'hash={frame}' if '/frame' in page else REPORT if of_report else asked}")
    assert not [address for address in found if "(" in address.partition("?")[0]]
    return found


def answers(store: Path, addresses: list[str], **database: Any) -> dict[str, Any]:
    """The answers to addresses, of a Datasette with rules for the store's database, of somebody who is nobody."""

    async def ask() -> dict[str, Any]:
        datasette = Datasette([str(store)], metadata={"databases": {"scraps": database}})
        return {address: await datasette.client.get(address) for address in addresses}

    return asyncio.run(ask())


def test_every_page_shows_what_the_store_has(full: Path) -> None:
    """Without this the next test could pass for pages that show nothing."""
    found = answers(full, pages_of(full))
    assert {address: answer.status_code for address, answer in found.items() if answer.status_code != 200} == {}
    shown = b"".join(answer.content for answer in found.values())
    tables = {"notebooks", "names", "scraps", "parameters", "displays", "frames", "blobs", "cells", "problems", "runs"}
    tables.add("reports")
    assert {table for table in TABLES_OF_SCHEMA if any(text in shown for text in texts_of(full, table))} >= tables


@pytest.mark.parametrize("table", TABLES_OF_SCHEMA)
def test_no_page_shows_a_value_of_a_table_that_is_closed(full: Path, table: str) -> None:
    closed = {"tables": {table: {"allow": False}}}
    own = [f"/scraps/{table}", f"/scraps/{table}.json", f"/scraps/{table}/1"]
    found = answers(full, [*pages_of(full), *own], **closed)
    assert {address: answer.status_code for address, answer in found.items() if answer.status_code != NOBODY} == {}
    texts = texts_of(full, table)
    assert [address for address, answer in found.items() if any(text in answer.content for text in texts)] == []
    others = ["/", "/scraps", *(f"/scraps/{other}" for other in ("runs", "scraps", "names") if other != table)]
    around = answers(full, others, **closed)
    assert {answer.status_code for answer in around.values()} == {200}
    assert [(address, part) for address, answer in around.items() for part in PARTS if part in answer.text] == []


def test_what_the_plugin_puts_around_is_there_for_who_may_see_the_tables(full: Path) -> None:
    text = "".join(answer.text for answer in answers(full, ["/", "/scraps", "/scraps/runs"]).values())
    assert all(part in text for part in PARTS)


def test_every_table_is_one_that_pages_may_read_or_one_of_sqlite(store: Path) -> None:
    with closing(sqlite3.connect(store)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    assert {"name_types", "run_columns", "search", "search_data", "sqlite_sequence", "sqlite_stat1"} <= {*tables}
    assert [(name in TABLES) + (name in OF_SQLITE) for name in tables] == [1] * len(tables)


@pytest.mark.parametrize("table", ["name_types", "run_columns"])
def test_a_page_tells_nothing_of_the_types_of_names_that_are_closed(table: str, store: Path) -> None:
    pages = [f"/-/scrapdb/scraps/{page}" for page in ("gallery", "plot", "groups", "fields.json?start=d")]
    rules = {"tables": {table: {"allow": {"id": "ann"}}}}
    assert statuses(store, pages, actor="bob", **rules) == {NOBODY}
    assert statuses(store, pages, actor="ann", **rules) == {200}


def test_who_may_see_the_tables_sees_the_pages(store: Path, addresses: list[str]) -> None:
    rules = {"tables": {"scraps": {"allow": {"id": "ann"}}}}
    assert statuses(store, addresses, actor="ann", **rules) == {200}


def test_what_one_request_may_see_is_asked_anew_for_the_next(store: Path, addresses: list[str]) -> None:
    async def ask() -> list[set[int]]:
        rules = {"databases": {"scraps": {"tables": {"scraps": {"allow": {"id": "ann"}}}}}}
        servers = Datasette([str(store)]), Datasette([str(store)], metadata=rules)
        return [await asked(server, addresses[:2], actor) for actor in ("ann", "bob") for server in servers]

    assert asyncio.run(ask()) == [{200}, {200}, {200}, {NOBODY}]


def test_queries_show_no_table_that_is_closed(store: Path) -> None:
    closed = {"scraps": {"allow": False}}
    assert statuses(store, ["/scraps/largest_scraps"], settings={"default_allow_sql": False}, tables=closed) <= {
        403,
        404,
    }
    assert statuses(store, ["/scraps/largest_scraps"]) == {200}


@pytest.mark.parametrize("arguments", ["_search=x", "_scrap=distance<1"])
def test_a_table_that_is_open_does_not_tell_what_is_found_in_closed_ones(arguments: str, store: Path) -> None:
    rules: dict[str, Any] = {"settings": {"default_allow_sql": False}, "tables": {"scraps": {"allow": {"id": "ann"}}}}
    addresses = [f"/scraps/notebooks?{arguments}", f"/scraps/notebooks.json?{arguments}"]
    assert statuses(store, ["/scraps/notebooks"], actor="bob", **rules) == {200}
    assert statuses(store, addresses, actor="bob", **rules) == {NOBODY}
    assert statuses(store, addresses, actor="ann", **rules) == {200}


def test_no_other_table_is_searched_by_what_closed_ones_have(store: Path) -> None:
    rules: dict[str, Any] = {"settings": {"default_allow_sql": False}, "tables": {"scraps": {"allow": {"id": "ann"}}}}
    addresses = [f"/scraps/{table}.json?_fts_table=search&_fts_pk=id&_search=x" for table in ("names", "cells")]
    assert statuses(store, addresses, actor="bob", **rules) <= {NOBODY, 400}  # 1.0 refuses the arguments, too


@pytest.mark.parametrize("path", PATHS)
def test_no_address_leads_to_a_file(path: str, store: Path) -> None:
    pages = [page.replace("\\", "") for page in PAGES if "(" not in page]
    asked = [f"/-/scrapdb/scraps/{page}?path={path}&hash={path}&name={path}&scrap={path}" for page in pages]
    asked += [f"/-/scrapdb/{quote(path, safe='')}/notebook", f"/-/scrapdb/scraps/display/{'0' * 64}"]

    async def ask() -> list[str]:
        datasette = Datasette([str(store)])
        return [(await datasette.client.get(address)).text for address in asked]

    assert [text for text in asyncio.run(ask()) if "root:" in text or "SQLite format 3" in text] == []
