"""The application: the table of all addresses, and how a call finds its handler."""

from __future__ import annotations

import inspect
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool as thread
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.requests import Request as Http
from starlette.responses import RedirectResponse
from starlette.responses import Response
from starlette.routing import Route as Starlettes

from scrapdb.reporting import directory
from scrapdb.reporting.service.web import call as calls
from scrapdb.reporting.service.web import guard
from scrapdb.reporting.service.web import metrics
from scrapdb.reporting.service.web import problem
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web import signing
from scrapdb.reporting.service.web import slack
from scrapdb.reporting.service.web.api import bundles
from scrapdb.reporting.service.web.api import files
from scrapdb.reporting.service.web.api import reports
from scrapdb.reporting.service.web.api import sentences
from scrapdb.reporting.service.web.call import Call
from scrapdb.reporting.service.web.call import Site
from scrapdb.reporting.service.web.pages import asking
from scrapdb.reporting.service.web.pages import audited
from scrapdb.reporting.service.web.pages import catalogue
from scrapdb.reporting.service.web.pages import described
from scrapdb.reporting.service.web.pages import links
from scrapdb.reporting.service.web.pages import rendering
from scrapdb.reporting.service.web.pages import reports as report_pages
from scrapdb.reporting.service.web.pages import schedules
from scrapdb.reporting.service.web.pages import signing_in
from scrapdb.reporting.service.web.problem import Problem
from scrapdb.reporting.service.web.route import Gives
from scrapdb.reporting.service.web.route import Route

if TYPE_CHECKING:
    from scrapdb.reporting.service.desk import Desk

_REPORT = {200: Gives(shapes.Report)}
_ASKED = {200: Gives(shapes.Report, told="It is over."), 202: Gives(shapes.Report, told="It waits, or is being made.")}
_PREFER = {
    "Prefer": f"wait=N: wait at most N seconds, and no more than {reports.MOST_WAIT:.0f}, for the end (RFC 7240).",
    "Idempotency-Key": "The same key twice asks for one report.",
}
_BUSY = (409, 429, 503)
_EVENTS = "As text, as long as it is written; as server-sent events for who accepts them."


def health(call: Call) -> Response:
    """Say whether the ledger can be read."""
    with call.desk.ledger.reading() as connection:
        connection.execute("SELECT 1 FROM requests LIMIT 1").fetchone()
    return calls.json(shapes.Health())


def static(call: Call) -> Response:
    """Answer with a file of ours."""
    name = call.http.path_params["name"]
    if name not in rendering.STATIC:
        raise Problem(404, "There is nothing here.")
    headers = {"Cache-Control": "public, max-age=86400", "Content-Type": rendering.STATIC[name]}
    return Response(rendering.static(name), headers=headers)


def front(_: Call) -> Response:
    """Lead to the front page."""
    return RedirectResponse("/", 303)


ROUTES = (
    Route(
        "POST",
        "/reports",
        reports.ask,
        summary="Ask for a report.",
        takes=shapes.Wish,
        headers=_PREFER,
        gives=_ASKED,
        refuses=_BUSY,
    ),
    Route(
        "GET",
        "/reports",
        reports.listing_of,
        report_pages.list_,
        "List reports, the last first.",
        query=shapes.Which,
        gives={200: Gives(shapes.Reports)},
    ),
    Route("GET", "/reports/{id}", reports.one, report_pages.one, "Tell of a report.", gives=_REPORT, refuses=(404,)),
    Route(
        "DELETE",
        "/reports/{id}",
        reports.cancel,
        summary="Cancel a report.",
        gives={200: Gives(shapes.Report, told="It is over."), 202: Gives(shapes.Report, told="It ends soon.")},
        refuses=(404, 409),
    ),
    Route(
        "GET",
        "/reports/{id}/report.html",
        files.html,
        summary="Get its page.",
        gives={200: Gives(media="text/html")},
        refuses=(404,),
    ),
    Route(
        "GET",
        "/reports/{id}/report.pdf",
        files.pdf,
        summary="Get its page as PDF.",
        gives={200: Gives(media="application/pdf")},
        refuses=(404,),
    ),
    Route(
        "GET",
        "/reports/{id}/output",
        files.output,
        summary="Get what it found: output.json, and what was glued.",
        gives={200: Gives()},
        refuses=(404,),
    ),
    Route(
        "GET",
        "/reports/{id}/log",
        files.log,
        summary="Get its log. For who may manage it.",
        gives={200: Gives(media="text/plain", told=_EVENTS)},
        refuses=(404,),
    ),
    Route(
        "GET",
        "/reports/{id}/trace",
        files.trace,
        summary="Get the trace of its failure. For who may manage it.",
        gives={200: Gives(directory.Trace)},
        refuses=(404,),
    ),
    Route("POST", "/reports/{id}/cancel", page=report_pages.cancel),
    Route("POST", "/reports/{id}/again", page=report_pages.again),
    Route("GET", "/bundles", bundles.all_, front, "List what can be asked for.", gives={200: Gives(shapes.Bundles)}),
    Route(
        "GET",
        "/bundles/{name}",
        bundles.one,
        asking.view,
        "Tell of a bundle, and which parameters it takes.",
        gives={200: Gives(shapes.Bundle)},
        refuses=(404,),
    ),
    Route("POST", "/bundles/{name}", page=asking.ask),
    Route("POST", "/bundles/{name}/schedules", page=schedules.change),
    Route(
        "POST",
        "/ask",
        sentences.ask,
        catalogue.ask,
        "Ask for a report in a sentence.",
        takes=shapes.Sentence,
        headers=_PREFER,
        gives={200: Gives(shapes.Asked, told="It is over, or only its meaning was wanted."), 202: Gives(shapes.Asked)},
        refuses=_BUSY,
    ),
    Route("GET", "/", front, catalogue.view),
    Route("GET", "/queue", page=report_pages.queue),
    Route("GET", "/audit", page=audited.view),
    Route("GET", "/sign-in", page=signing_in.view, is_open=True),
    Route("POST", "/sign-in", page=signing_in.sign_in, is_open=True),
    Route("POST", "/sign-out", page=signing_in.sign_out, is_open=True),
    Route("GET", "/r/{token}", page=links.view, is_open=True),
    Route("GET", "/r/{token}/{name}", page=links.file, is_open=True),
    Route("POST", "/slack/command", slack.command, slack.command, is_open=True, is_signed=True),
    Route("POST", "/slack/events", slack.events, slack.events, is_open=True, is_signed=True),
    Route(
        "GET",
        "/health",
        health,
        summary="Say whether the service works.",
        gives={200: Gives(shapes.Health)},
        refuses=(503,),
        is_open=True,
    ),
    Route(
        "GET",
        "/metrics",
        metrics.answer,
        summary="Get metrics for Prometheus. For who may manage everything.",
        gives={200: Gives(media="text/plain")},
    ),
    Route("GET", "/static/{name}", static, is_open=True),
)


def application(desk: Desk) -> Starlette:
    """Make the application of a service, at whose desk reports are asked for."""
    site = Site(desk, signing.Signers.of(desk.reports), signing.Failures(), {}, threading.Event())
    has_askers = bool(desk.host.askers)
    all_ = (
        *ROUTES,
        Route("GET", "/openapi.json", described.document(ROUTES, has_askers=has_askers), is_open=True),
        Route("GET", "/api", page=described.page(ROUTES, has_askers=has_askers), is_open=True),
    )
    by_path: dict[str, dict[str, Route]] = defaultdict(dict)
    for route in all_:
        by_path[route.path][route.method] = route
    found = [Starlettes(path, _endpoint(site, of), methods=[*of]) for path, of in by_path.items()]
    refused = {status: _refused(site) for status in (404, 405)}
    made = Starlette(routes=found, middleware=[Middleware(guard.Guard, site=site)], exception_handlers=refused)
    made.state.closing = site.closing
    return made


def _endpoint(site: Site, routes: dict[str, Route]) -> Callable[[Http], Any]:
    """Return what answers at a path."""

    async def answer(http: Http) -> Response:
        route = routes["GET" if http.method == "HEAD" else http.method]
        call = None
        try:
            call = Call(site, http, await guard.body(http))
            http.state.who = call.who.name if call.who else None
            return await _handled(route, call)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # noqa: BLE001 - whatever it is, a sentence is told of it
            return await thread(_told, call, problem.of(error))

    return answer


async def _handled(route: Route, call: Call) -> Response:
    if call.http.method in {"POST", "DELETE"} and call.known != "token" and not route.is_signed:
        call.check_own()
    if not route.is_open and call.who is None:
        if route.method == "GET" and call.wants_page:
            return RedirectResponse(_sign_in(call), 303)
        call.person  # noqa: B018 - who is not known is refused
    handler = _chosen(route, call)
    answer = await handler(call) if inspect.iscoroutinefunction(handler) else await thread(handler, call)
    if not isinstance(answer, Response):
        raise TypeError(answer)
    return answer


def _chosen(route: Route, call: Call) -> calls.Handler:
    for_people = call.is_form if route.method == "POST" else call.wants_page
    chosen = (route.page or route.api) if for_people else (route.api or route.page)
    if chosen is None:
        raise Problem(404, "There is nothing here.")
    return chosen


def _sign_in(call: Call) -> str:
    asked = call.http.url.path + (f"?{call.http.url.query}" if call.http.url.query else "")
    return f"/sign-in?{urlencode({'next': signing_in.local(asked)})}"


def _refused(site: Site) -> Callable[[Http, Exception], Any]:
    async def answer(http: Http, error: Exception) -> Response:
        try:
            call: Call | None = Call(site, http)
        except Problem:
            call = None
        return await thread(_told, call, problem.of(error))

    return answer


def _told(call: Call | None, found: Problem) -> Response:
    """Tell a problem, to people as a page."""
    if call is not None and call.wants_page:
        return rendering.render(call, "problem", found.status, found.headers, problem=found)
    return Response(calls.encoded(found.told()), found.status, found.headers, problem.MEDIA)
