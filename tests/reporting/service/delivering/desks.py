"""A desk whose reports are over already: their directories are written by hand, so that nothing has to run."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from scrapdb.reporting.making import archive
from scrapdb.reporting.service.catalogue import Catalogue
from scrapdb.reporting.service.delivering import dispatch
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.ledger import deliveries
from scrapdb.reporting.service.ledger import ledger as ledgers
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.deliveries import Delivery
from scrapdb.reporting.service.ledger.requests import Request
from tests.notebook_builder import code
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write
from tests.reporting.bundling import CONFIG
from tests.reporting.bundling import bundle

_ids = itertools.count(1)
SVG = (
    '<svg role="img" aria-label="Voltage of north" width="200" height="100" viewBox="0 0 200 100">'
    '<rect width="200" height="100" fill="white"/><path d="M0 0L200 100" stroke="#276890" stroke-width="4"/></svg>'
)
PAGE = '<!doctype html><html lang="en"><title>Voltage</title><h1>Voltage</h1>%s</html>'
PLAIN, DRAWN = PAGE % "", PAGE % f"<figure>{SVG}</figure>"


@contextmanager
def desk(
    directory: Path, config: Mapping[str, Any] = CONFIG, files: Mapping[str, str] = {}, **said: Any
) -> Iterator[Desk]:
    """Open a desk with one bundle, `voltage`; the rest is what service.yaml says."""
    bundle(directory / "bundles" / "voltage", config={**CONFIG, **config}, files=files)
    with ledgers.Ledger(directory / "reports") as ledger:
        host = msgspec.convert(said, Host)
        yield Desk(host, Catalogue(str(directory / "bundles")), ledger, directory / "reports", directory / "scraps.db")


def over(
    at: Desk,
    *,
    state: str = "completed",
    reason: str | None = None,
    scraps: Mapping[str, Any] = {},
    page: str = PLAIN,
    trace: Mapping[str, Any] | None = None,
    output: Mapping[str, Any] | None = None,
    **asked: Any,
) -> Request:
    """Write down a request that is over, and what was made of it."""
    made = at.catalogue.get("voltage")
    archive.keep(made, at.reports)
    number = next(_ids)
    request = Request(
        id=f"voltage-{number:08x}",
        bundle="voltage",
        bundle_hash=made.hash,
        **{"asker": "anna", "via": "api", "asked_at": f"2026-11-30T02:00:{number % 60:02}.{number:06}Z", **asked},
    )
    requests.add(at.ledger, request)
    with at.ledger.writing() as connection:
        ended = [state, reason, ledgers.now(), request.id]
        connection.execute("UPDATE requests SET state = ?, reason = ?, ended_at = ? WHERE id = ?", ended)
    directory = at.reports / request.id
    write(directory / "report.ipynb", notebook(code("1", *(scrap(name, value) for name, value in scraps.items()))))
    (directory / "report.html").write_text(page)
    if output is not None:
        (directory / "output.json").write_text(json.dumps(output))
    record: dict[str, Any] = {
        "id": request.id,
        "key": "k" * 64,
        "title": "Voltage",
        "state": state,
        "reason": reason,
        "trace": trace,
    }
    record["bundle"] = {"name": "voltage", "version": "1", "hash": request.bundle_hash, "where": "voltage"}
    record["pages"] = [{"name": "report.html", "size": len(page), "sha256": "00"}]
    (directory / "report.json").write_text(
        json.dumps({**record, "parameters": request.parameters, "language": request.language})
    )
    found = requests.get(at.ledger, request.id)
    assert found
    return found


def stepped(at: Desk) -> int:
    """Do what is due."""
    with ledgers.worker(at.reports) as worker:
        return dispatch.step(at, worker)


def states(at: Desk, request: Request) -> dict[tuple[str, str, str], str]:
    """Return the states of deliveries by target, address and letter."""
    return {(each.target, each.address, each.letter): each.state for each in deliveries.of(at.ledger, request.id)}


def only(at: Desk, request: Request) -> Delivery:
    """Return the one delivery of a request."""
    (one,) = deliveries.of(at.ledger, request.id)
    return one


def hasten(at: Desk) -> None:
    """Let what is to be tried again be due now."""
    with at.ledger.writing() as connection:
        connection.execute("UPDATE deliveries SET not_before = NULL")
