"""A service without workers: its desk, its application, and what a worker would write, for tests."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from msgspec.structs import replace
from starlette.testclient import TestClient

from scrapdb.reporting.making.record import File
from scrapdb.reporting.making.record import OfBundle
from scrapdb.reporting.making.record import Record
from scrapdb.reporting.making.record import Trace
from scrapdb.reporting.making.record import write
from scrapdb.reporting.service import access
from scrapdb.reporting.service import desk as desks
from scrapdb.reporting.service import links
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.catalogue import Catalogue
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.host import Asker
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.host import Rule
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.web.app import application
from tests import notebook_builder as nb

ORIGIN = "http://127.0.0.1:8765"
PAGE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HTML = '<!doctype html><html lang="en"><title>R</title><h1>Report of {}</h1>'
CONFIG: dict[str, Any] = {
    "title": "Supply voltage",
    "description": "Ten-minute means of three lines, and whether they stay within the limits.",
    "version": "1.2",
    "parameters": {
        "site": {"type": "choice", "label": "Site", "choices": ["north", "south"], "default": "south"},
        "from_day": {"type": "date", "label": "First day", "default": "2026-02-02"},
        "threshold": {"type": "number", "label": "Time needed, in %", "default": 95, "range": [0, 100]},
        "hours": {"type": "integer", "label": "Hours", "default": 24, "range": [1, None]},
        "all_lines": {"type": "boolean", "label": "All lines", "default": True},
        "title": {"type": "text", "label": "Heading"},
    },
    "languages": ["en", "ca"],
    "asks": ["voltage of (site) called (title)"],
}
GIVEN = {"site": "north", "title": "Week 6"}
TOKENS = {"anna": "a" * 43, "ben": "b" * 43, "zoe": "z" * 43}
# Anna asks for what is of sales, and reads her own; Ben is of another group; Zoe answers for all.
HOST = Host(
    askers={
        "anna": Asker(tokens=(access.digest(TOKENS["anna"]),), groups=("sales",)),
        "ben": Asker(tokens=(access.digest(TOKENS["ben"]),), groups=("energy",)),
        "zoe": Asker(tokens=(access.digest(TOKENS["zoe"]),)),
    },
    rules=(
        Rule(bundles="sales", ask=("@sales",)),
        Rule(bundles="voltage", ask=("@energy",), read=("@energy",)),
        Rule(bundles="*", manage=("zoe",)),
    ),
)


def bundle(directory: Path, config: Mapping[str, Any] = CONFIG) -> None:
    """Write a bundle whose notebook nobody runs."""
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(config))
    (directory / "template.html").write_text("<h1>{{ title }}</h1>")
    (directory / "report.ipynb").write_text(json.dumps(nb.notebook(nb.code("1", count=None))))


@contextmanager
def desk(directory: Path, host: Host = Host(), bundles: Mapping[str, Any] | None = None) -> Iterator[Desk]:  # noqa: B008 - frozen
    """Lay a desk, with the bundles voltage and sales, or others."""
    shop = {"title": "Sales", "parameters": {"shop": {"label": "Shop", "default": "Olot"}}, "asks": ["sales of (shop)"]}
    for name, config in (bundles if bundles is not None else {"voltage": CONFIG, "sales": shop}).items():
        bundle(directory / "bundles" / name, config)
    (directory / "bundles").mkdir(exist_ok=True)
    with Ledger(directory / "reports") as ledger:
        catalogue = Catalogue(str(directory / "bundles"))
        yield Desk(host, catalogue, ledger, directory / "reports", directory / "scraps.db")


def client(desk: Desk, name: str | None = None, **more: Any) -> TestClient:
    """Call the service, as somebody who sends his token."""
    app = more.pop("app", None) or application(desk)
    headers = {"authorization": f"Bearer {TOKENS[name]}"} if name else {}
    made = TestClient(app, ORIGIN, headers=headers, follow_redirects=False, raise_server_exceptions=False, **more)
    made.headers["user-agent"] = "tests"
    return made


@contextmanager
def listening(desk: Desk) -> Iterator[str]:
    """Serve for a browser, and yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listens:
        app = application(desk)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listens]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listens.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def given_away(desk: Desk, request: Request) -> str:
    """Give a signed link away, and return its path."""
    made = links.made(desk._replace(host=replace(desk.host, url=ORIGIN)), request, "anna@example.com")
    assert made
    return made.removeprefix(ORIGIN)


def asked(desk: Desk, name: str = access.LOCAL, bundle: str = "voltage", **more: Any) -> Request:
    """Ask for a report."""
    who = access.person(desk.host, name) or Person(name)
    given = {"parameters": GIVEN if bundle == "voltage" else {}, **more}
    return desks.ask(desk, who, Wish(bundle=bundle, **given))[0]


def begun(desk: Desk, request: Request, cell: int = 1, cells: int = 3) -> None:
    """Take a report up, as a worker does."""
    _set(desk, request, state="running", worker="nobody", cell=cell, cells=cells, started_at=request.asked_at)
    _log(desk, request, f"Cell {cell}\n", "a")


def over(
    desk: Desk,
    request: Request,
    state: str = "completed",
    reason: str | None = None,
    *,
    html: str | None = None,
    pdf: bytes | None = None,
    output: Mapping[str, Any] | None = None,
    title: str = "Supply voltage",
) -> None:
    """Write what a worker leaves of a report that is over."""
    where = desk.reports / request.id
    _log(desk, request, f"  printed <b>secretly</b>\nThe report is {state}\n", "a")
    (where / "output.json").write_text(json.dumps(output if output is not None else {"share": 0.97}))
    (where / "report.html").write_text(HTML.format(request.id) if html is None else html)
    if pdf is not None:
        (where / "report.pdf").write_bytes(pdf)
    trace = Trace(name="KeyError", value="'l4'", cell=4, source="rows['l4']", traceback="Traceback of l4")
    made = Record(
        version=1,
        id=request.id,
        key="k",
        title=title,
        bundle=OfBundle(name=request.bundle, version="1", hash="h", where="w"),
        parameters=request.parameters,
        language=request.language,
        state=state,  # type: ignore[arg-type]
        reason=reason,
        run="r",
        run_state="completed",
        made_at=request.asked_at,
        seconds=4.25,
        trace=trace if state == "error" else None,
        pages=(File(name="report.html", size=1, sha256=""),),
    )
    write(where, made)
    _set(desk, request, state=state, reason=reason, ended_at=request.asked_at, started_at=request.asked_at)


def _log(desk: Desk, request: Request, text: str, mode: str) -> None:
    where = desk.reports / request.id
    where.mkdir(exist_ok=True)
    with (where / "log.txt").open(mode) as file:
        file.write(text)


def _set(desk: Desk, request: Request, **change: Any) -> None:
    with desk.ledger.writing() as connection:
        names = ", ".join(f"{name} = ?" for name in change)
        connection.execute(f"UPDATE requests SET {names} WHERE id = ?", [*change.values(), request.id])


def added(desk: Desk, request: Request, **change: Any) -> Request:
    """Write a request as no desk would."""
    return requests.add(desk.ledger, replace(request, **change))[0]
