"""Reports as somebody may see them: which there are for him, and what of each."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.reporting import directory
from scrapdb.reporting.making import output
from scrapdb.reporting.making import record
from scrapdb.reporting.making.record import Record
from scrapdb.reporting.service import access
from scrapdb.reporting.service.ledger import listing
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.listing import Delivery
from scrapdb.reporting.service.ledger.listing import Sight
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.web.call import Call
from scrapdb.reporting.service.web.problem import Problem

_OF_READERS = ("report", "failure")  # letters; the others are for authors
_LONGEST_NOTEBOOK, _LONGEST_OUTPUT = 2**27, 2**24  # bytes


def sight(call: Call) -> Sight:
    """Return which reports who calls may see."""
    who = call.person
    if not call.host.rules:
        return Sight(who.name)
    known = listing.bundles(call.desk.ledger)
    return Sight(
        who.name,
        frozenset(name for name in known if access.may(call.host, who, "read", name)),
        frozenset(name for name in known if access.may(call.host, who, "ask", name)),
    )


def found(call: Call, id_: str) -> Request:
    """Return a report that who calls may see; to others there is none.

    Raises:
        Problem: there is none for him.
    """
    request = requests.get(call.desk.ledger, id_)
    if request is None or not access.may_read(call.host, call.person, request.bundle, request.asker):
        raise Problem(404, "There is no such report.")
    return request


def may_manage(call: Call, request: Request) -> bool:
    """Tell whether who calls may manage a report."""
    return call.may("manage", request.bundle)


def may_cancel(call: Call, request: Request) -> bool:
    """Tell whether who calls may cancel a report, as whoever asked for it may."""
    return may_manage(call, request) or request.asker == call.person.name


def may_trace(call: Call, request: Request) -> bool:
    """Tell whether who calls sees logs and traces of a report."""
    return call.host.traces or may_manage(call, request)


def check_trace(call: Call, request: Request) -> None:
    """Refuse logs and traces to readers.

    Raises:
        Problem: who calls sees none.
    """
    if not may_trace(call, request):
        raise Problem(403, "Logs and traces are for who may manage this report.")


def place(call: Call, request: Request) -> Path:
    """Return the directory of a report."""
    return Path(os.path.realpath(call.desk.reports), request.id)


def files(call: Call, request: Request) -> dict[str, int]:
    """Return the sizes of the files of a report that who calls may see, by name.

    The page of a report that failed shows its trace.
    """
    there = {} if request.is_open else directory.there(place(call, request))
    seen = {directory.PAGE, directory.PDF, directory.OUTPUT} if request.state in record.WELL else set()
    if may_trace(call, request):
        seen |= {directory.PAGE, directory.LOG}
    return {name: size for name, size in there.items() if name in seen}


def record_of(call: Call, request: Request) -> Record | None:
    """Return the record of a report that is over; None if there is none."""
    if request.is_open:
        return None
    try:
        return record.read(place(call, request))
    except ScrapdbError:
        return None


def results(call: Call, request: Request) -> dict[str, Any]:
    """Return what a report found: what its notebook wrote to output.json, and what it glued, as a template gets it.

    Raises:
        Problem: it is not completed, or what it found cannot be read.
    """
    from scrapdb.notebooks.extract import read_facts

    if request.state not in record.WELL:
        raise Problem(404, "This report is not completed.")
    where = place(call, request)
    try:
        content = _notebook(where)
        scraps = read_facts(content).scraps if content else ()
        return output.read(where, scraps, _LONGEST_OUTPUT, _LONGEST_NOTEBOOK).context
    except ScrapdbError as error:
        raise Problem(404, f"What this report found cannot be read: {error}") from error


def deliveries(call: Call, request: Request) -> list[Delivery]:
    """Return what became of bringing a report to whom it was to go, as far as that is the business of who calls."""
    manages = may_manage(call, request)
    if not manages and request.asker != call.person.name:
        return []
    found = listing.deliveries(call.desk.ledger, request.id)
    return [each for each in found if manages or each.letter in _OF_READERS]


def encoded(results: dict[str, Any]) -> bytes:
    """Write results as JSON; what it has no word for is null."""
    return msgspec.json.encode(results)


def _notebook(where: Path) -> bytes | None:
    path = where / directory.NOTEBOOK
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _LONGEST_NOTEBOOK:
        return None
    return path.read_bytes()
