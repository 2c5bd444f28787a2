"""What there is of a report: its page, what it found, its log and its trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool as thread
from starlette.responses import Response

from scrapdb.reporting import directory
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.web import call as calls
from scrapdb.reporting.service.web import following
from scrapdb.reporting.service.web import reading
from scrapdb.reporting.service.web import sending
from scrapdb.reporting.service.web import told
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from scrapdb.reporting.service.ledger.requests import Request
    from scrapdb.reporting.service.web.call import Call

_MOST_DIGITS = 15


def html(call: Call) -> Response:
    """Answer with the page of a report; `?save=1` to save it."""
    request = _with(call, directory.PAGE)
    where = reading.place(call, request)
    if call.http.query_params.get("save"):
        _noted(call, request, "page")
        return sending.saved(where, directory.PAGE, request.id)
    if call.http.headers.get("sec-fetch-dest") != "document":
        _noted(call, request, "page")
    return sending.page(call, where, told.address(request.id, directory.PAGE))


def pdf(call: Call) -> Response:
    """Answer with the page of a report as PDF."""
    request = _with(call, directory.PDF)
    _noted(call, request, "PDF")
    return sending.saved(reading.place(call, request), directory.PDF, request.id)


def output(call: Call) -> Response:
    """Answer with what a report found."""
    request = reading.found(call, call.http.path_params["id"])
    results = reading.encoded(reading.results(call, request))
    _noted(call, request, "results")
    return Response(results, media_type=calls.JSON)


def trace(call: Call) -> Response:
    """Answer with the trace of a report that failed."""
    request = reading.found(call, call.http.path_params["id"])
    reading.check_trace(call, request)
    found = directory.trace(reading.place(call, request), {}, None)
    if found is None:
        raise Problem(404, "There is no trace of this report.")
    return calls.json(found)


async def log(call: Call) -> Response:
    """Answer with the log of a report, as long as it is written."""
    request = await thread(_logged, call)
    where = reading.place(call, request)
    if following.EVENTS not in call.http.headers.get("accept", ""):
        return following.text(call, request, where)
    start = call.http.headers.get("last-event-id") or call.http.query_params.get("from", "0")
    if not (start.isdecimal() and len(start) <= _MOST_DIGITS):
        raise Problem(400, "A log is followed from a byte on, which is a number.")
    return following.events(call, request, where, int(start))


def _logged(call: Call) -> Request:
    request = reading.found(call, call.http.path_params["id"])
    reading.check_trace(call, request)
    return request


def _with(call: Call, name: str) -> Request:
    request = reading.found(call, call.http.path_params["id"])
    if name not in reading.files(call, request):
        told_of = "It is not over yet." if request.is_open else "There is none of a report that was not completed."
        raise Problem(404, f"There is no {name} of this report for you. {told_of}")
    return request


def _noted(call: Call, request: Request, what: str) -> None:
    via = "page" if call.wants_page else "api"
    audit.write(call.desk.ledger, call.person.name, via, "read", request=request.id, detail=what, address=call.address)
