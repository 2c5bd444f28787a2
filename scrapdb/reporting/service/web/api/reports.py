"""Reports: asked for, listed, looked at, waited for, cancelled."""

from __future__ import annotations

import asyncio
import re
from time import monotonic
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool as thread

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.service import desk
from scrapdb.reporting.service import recipients
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import listing
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.listing import Filters
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.web import call as calls
from scrapdb.reporting.service.web import reading
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web import told
from scrapdb.reporting.service.web.call import Call
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

MOST_WAIT = 30.0  # seconds
_PAUSE = 0.2  # seconds between two looks
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?([0-9]{1,9})"?', re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


async def ask(call: Call) -> Response:
    """Ask for a report, and wait for it if that is preferred (RFC 7240)."""
    wish = call.json(shapes.Wish)
    request, _ = await thread(
        asked,
        call,
        desk.Wish(
            bundle=wish.bundle,
            parameters=wish.parameters,
            language=wish.language,
            pages=wish.pages,
            deliver=wish.deliver,
            deliver_if=wish.deliver_if,
            key=key(call),
            via="api",
        ),
    )
    return await answered(call, request, lambda made: made)


async def answered(call: Call, request: Request, shape: Any) -> Response:
    """Tell of a report that was asked for: 200 if it is over, after waiting for it if that is preferred, else 202."""
    seconds = _preferred(call)
    request = await over(call, request, seconds or 0.0)
    made = await thread(_waited, call, request)
    headers = {"Location": told.address(request.id)}
    if seconds is not None:
        headers["Preference-Applied"] = f"wait={seconds:.0f}"
    return calls.json(shape(made), 202 if request.is_open else 200, headers)


def asked(call: Call, wish: desk.Wish) -> tuple[Request, bool]:
    """Write a wish into the ledger, and return the request, and whether it is new.

    Raises:
        Problem: it may not go to where it is to go.
        ScrapdbError: as `desk.ask`.
    """
    _check_bundle(call, wish.bundle)  # before what is said of addresses
    for target in wish.deliver:
        try:
            recipients.check_recipient(call.host, target)
        except UsageError:
            raise
        except ScrapdbError as error:
            raise Problem(403, str(error)) from error
    return desk.ask(call.desk, call.person, wish, call.address)


def _check_bundle(call: Call, name: str) -> None:
    """Refuse a bundle that there is not for who calls; why one is broken is for who may manage it."""
    broken = {listed.name for listed in call.desk.catalogue.all() if listed.bundle is None}
    if name in broken and call.may("ask", name) and not call.may("manage", name):
        raise Problem(422, f"{name}: {told.NOT_NOW}")
    desk.bundle_for(call.desk, call.person, name)


def key(call: Call) -> str | None:
    """Return the key of idempotency.

    Raises:
        Problem: it is none.
    """
    given = call.http.headers.get("idempotency-key")
    if given is not None and not _KEY.fullmatch(given):
        raise Problem(400, "Idempotency-Key has to be 1 to 200 characters of ASCII without blanks.")
    return given


async def over(call: Call, request: Request, seconds: float) -> Request:
    """Wait until a request is over, but no longer than so many seconds."""
    end = monotonic() + seconds
    while request.is_open and monotonic() < end and not await _is_gone(call):
        await asyncio.sleep(_PAUSE)
        request = await thread(requests.now_of, call.desk.ledger, request)
    return request


async def _is_gone(call: Call) -> bool:
    return call.site.closing.is_set() or await call.http.is_disconnected()


def listing_of(call: Call) -> Response:
    """List reports."""
    which = call.query(shapes.Which)
    found = listed(call, which)
    places = listing.places(call.desk.ledger)
    page = found[: which.limit]
    told_of = [told.report(call, request, places) for request in page]
    return calls.json(shapes.Reports(reports=told_of, next=following(call, page) if len(found) > len(page) else None))


def listed(call: Call, which: shapes.Which) -> list[Request]:
    """Return the reports that an address asks for, and one more, if there is one."""
    filters = Filters(which.bundle, which.state, which.asker, which.language, which.schedule, which.open)
    after = None
    if which.after is not None:
        moment, comma, id_ = which.after.partition(",")
        if not comma:
            raise Problem(400, "`after` is what the last page said, and nothing else.")
        after = (moment, id_)
    return listing.listed(call.desk.ledger, filters, reading.sight(call), after=after, limit=which.limit + 1)


def following(call: Call, page: list[Request]) -> str:
    """Return the address of the page behind this one."""
    kept = {name: value for name, value in call.http.query_params.items() if name != "after" and value}
    return f"/reports?{urlencode(kept | {'after': f'{page[-1].asked_at},{page[-1].id}'})}"


def one(call: Call) -> Response:
    """Tell of a report."""
    return calls.json(told.report(call, reading.found(call, call.http.path_params["id"])))


def cancel(call: Call) -> Response:
    """Let a report end."""
    request = cancelled(call)
    return calls.json(told.report(call, request), 202 if request.is_open else 200)


def cancelled(call: Call) -> Request:
    """Let a report end, and return it.

    Raises:
        Problem: who calls may not, or it is over.
    """
    request = reading.found(call, call.http.path_params["id"])
    if not reading.may_cancel(call, request):
        raise Problem(403, "Only who asked for a report, or may manage it, can cancel it.")
    if not request.is_open:
        raise Problem(409, f"It is over already: {request.state}.")
    via = "page" if call.is_form else "api"
    audit.write(call.desk.ledger, call.person.name, via, "cancel", request=request.id, address=call.address)
    return requests.cancel(call.desk.ledger, request.id, call.person.name) or request


def _preferred(call: Call) -> float | None:
    """Return for how many seconds somebody prefers to wait; None if nothing is said of it."""
    found = _WAIT.search(call.http.headers.get("prefer", ""))
    return min(float(found[1]), MOST_WAIT) if found else None


def _waited(call: Call, request: Request) -> shapes.Report:
    results = None
    if request.state == "completed" and _preferred(call) is not None:
        results = reading.results(call, request)
    return told.report(call, request, output=results)
