"""One request, from the ledger to its report, and what becomes of it in the ledger."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from datetime import timedelta

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.making import archive
from scrapdb.reporting.making import batch
from scrapdb.reporting.making import record
from scrapdb.reporting.making.record import Record
from scrapdb.reporting.making.reports import Made
from scrapdb.reporting.service import access
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.ledger import written
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.cluster import Cluster
from scrapdb.running.batches.retries import NOT_READY
from scrapdb.running.batches.retries import pause
from scrapdb.running.batches.settings import Settings
from scrapdb.running.events import Event
from scrapdb.running.events import Stop

_log = logging.getLogger("scrapdb.service")
RETRIES = 2  # unless service.yaml says otherwise
_PASSING = ("timed out", "lost")
_OF_SOURCES = ("Timeout", "Connection")  # in the names of errors of what is asked for data
GONE = "its worker was gone before it ended"


class Watch(Audience):
    """Writes into the ledger which cell is under way."""

    def __init__(self, desk: Desk, request: Request) -> None:
        self._desk = desk
        self._request = request
        self._reached: Event | None = None

    def heard(self, event: Event) -> None:
        """Remember a cell."""
        if event.kind == "cell":
            self._reached = event

    def ticked(self) -> None:
        """Write it down."""
        if event := self._reached:
            with suppress(ScrapdbError):  # it is told again at the next tick, and the report is none the worse
                requests.reached(self._desk.ledger, self._request.id, event.cell, event.cells)
                self._reached = None


def make(desk: Desk, request: Request, worker: str, stop: Stop, cluster: Cluster | None = None) -> None:
    """Make the report of a request that this worker has taken up, and write how it ended.

    Args:
        desk: of the service.
        request: under way.
        worker: who makes it.
        stop: ends it early: since somebody cancelled it, or since the worker ends, which gives it back.
        cluster: executes the notebook; by default this machine does.
    """
    try:
        made = _made(desk, request, worker, stop, cluster)
    except ScrapdbError as error:
        made = Made(id=request.id, state="error", reason=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it was, the request ends with its reason
        made = Made(id=request.id, state="error", reason=f"{type(error).__name__}: {error}")
    if made.state == "cancelled" and not _is_cancelled(desk, request):
        requests.give_back(desk.ledger, request.id, worker)
    else:
        settle(desk, request, worker, made.state, made.reason)


def settle(desk: Desk, request: Request, worker: str, state: str, reason: str | None) -> None:
    """Write how an attempt ended, or that there is another."""
    retries = RETRIES if desk.host.retries is None else desk.host.retries
    if request.attempt <= retries and not _is_cancelled(desk, request) and _may_pass(desk, request, state, reason):
        again = datetime.now(UTC) + timedelta(seconds=pause(request.attempt))
        requests.retry(desk.ledger, request, worker, reason, written(again))
        _log.info("%s is tried again: %s", request.id, reason or state)
        return
    if state == "cancelled":
        reason = f"{_canceller(desk, request)} cancelled it"
    if request.attempt > 1 and state not in record.WELL:
        reason = f"{reason or state} (attempt {request.attempt})"
    requests.ended(desk.ledger, request.id, worker, state, reason)
    _log.info("%s is %s%s", request.id, state, f": {reason}" if reason else "")


def recover(desk: Desk, worker: str, under_way: Collection[str] = ()) -> int:
    """See to what workers left that are gone: what they made is written down, all else is made again. Count both.

    So is what this one has made and could not write down.
    """
    number = 0
    for request in requests.left(desk.ledger, worker, under_way):
        if not requests.take_over(desk.ledger, request, worker):
            continue
        number += 1
        found = _record(desk, request)
        if found is not None and found.made_at is not None and found.made_at >= (request.started_at or ""):
            settle(desk, request, worker, found.state, found.reason)
        elif request.cancelled_by:
            settle(desk, request, worker, "cancelled", None)
        else:
            settle(desk, request, worker, "lost", GONE)
    return number


def _made(desk: Desk, request: Request, worker: str, stop: Stop, cluster: Cluster | None) -> Made:
    who = access.person(desk.host, request.asker)
    if who is None or not access.may(desk.host, who, "ask", request.bundle):
        raise ScrapdbError(f"{request.asker} may not ask for {request.bundle} any more.")
    where = next((listed.where for listed in desk.catalogue.all() if listed.name == request.bundle), request.bundle)
    bundle = archive.kept(request.bundle_hash, desk.reports, where, request.bundle)
    settings = Settings(**desk.host.settings | {"jobs": 1, "retries": 0})
    entry = batch.Entry(
        bundle=where,
        rows=(request.parameters,),
        languages=(request.language,),
        name=request.id,
        pages=request.pages,
    )
    host = batch.Host(desk.reports, desk.store, settings, token=desk.host.token, runner=worker, cluster=cluster)
    return batch.made(entry, bundle, host, Watch(desk, request), stop)


def _may_pass(desk: Desk, request: Request, state: str, reason: str | None) -> bool:
    """Tell whether another attempt may end otherwise: never that of a wrong bundle."""
    if state in _PASSING or (reason or "").startswith(NOT_READY):
        return True
    found = _record(desk, request)
    name = found.trace.name if found and found.trace and state == "error" else ""
    return any(word in name for word in _OF_SOURCES)


def _record(desk: Desk, request: Request) -> Record | None:
    try:
        return record.read(desk.reports / request.id)
    except ScrapdbError:
        return None


def _is_cancelled(desk: Desk, request: Request) -> bool:
    return _canceller(desk, request) is not None


def _canceller(desk: Desk, request: Request) -> str | None:
    found = requests.get(desk.ledger, request.id)
    return found.cancelled_by if found else None
