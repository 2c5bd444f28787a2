"""The pages of reports: a list of them, the queue, and a single one with what became of it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from typing import Any
from typing import get_args
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from scrapdb.formats import values
from scrapdb.reporting import directory
from scrapdb.reporting.making import record
from scrapdb.reporting.service import desk
from scrapdb.reporting.service.ledger import listing
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.listing import Filters
from scrapdb.reporting.service.web import following
from scrapdb.reporting.service.web import reading
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web import told
from scrapdb.reporting.service.web.api import reports
from scrapdb.reporting.service.web.pages import asking
from scrapdb.reporting.service.web.pages import rendering
from scrapdb.reporting.service.web.pages.rendering import in_order
from scrapdb.reporting.service.web.pages.rendering import language_name
from scrapdb.reporting.service.web.pages.rendering import render

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.responses import Response

    from scrapdb.reporting.bundles.config import Config
    from scrapdb.reporting.service.ledger.requests import Request
    from scrapdb.reporting.service.web.call import Call

_MOST_LOG = 2**16  # bytes
_MOST_QUEUED = 200


def list_(call: Call) -> Response:
    """Show what was asked for."""
    which = call.query(shapes.Which)
    found = reports.listed(call, which)
    page, known = found[: which.limit], configs(call)
    return render(
        call,
        "reports",
        wide=True,
        which=which,
        states=get_args(requests.State),
        choices={name: name for name in sorted(_seen(call))} | {name: said.title for name, said in known.items()},
        reports=page,
        places=listing.places(call.desk.ledger),
        known=known,
        next=reports.following(call, page) if len(found) > len(page) else None,
    )


def queue(call: Call) -> Response:
    """Show what waits and is being made."""
    sight = reading.sight(call)
    found = listing.listed(call.desk.ledger, Filters(is_open=True), sight, limit=_MOST_QUEUED)
    places = listing.places(call.desk.ledger)
    found.sort(key=lambda request: (places.get(request.id, 0), request.asked_at))
    return render(
        call,
        "queue",
        wide=True,
        refreshed=rendering.REFRESHED,
        reports=found,
        places=places,
        known=configs(call),
        counts=requests.counts(call.desk.ledger),
    )


def one(call: Call) -> Response:
    """Show a report."""
    request = reading.found(call, call.http.path_params["id"])
    made, config = reading.record_of(call, request), _config(call, request)
    title = config.title if config else request.bundle
    may_trace, files = reading.may_trace(call, request), reading.files(call, request)
    has_failed = not request.is_open and request.state not in {*record.WELL, "cancelled"}
    return render(
        call,
        "report",
        report=request,
        parameters=in_order(request.parameters, config),
        title=made.title if made else title,
        title_is_made=made is not None,
        bundle_title=title,
        language=language_name(request.language),
        position=listing.places(call.desk.ledger).get(request.id) if request.is_open else None,
        seconds=f"{made.seconds:.1f} seconds" if made and made.seconds is not None else None,
        refreshed=rendering.REFRESHED if request.is_open else None,
        has_failed=has_failed,
        files=files,
        is_shown=request.state == "completed" and directory.PAGE in files,
        again=_again(call, request, config),
        languages=_languages(request, config),
        once=secrets.token_urlsafe(12),
        may_cancel=reading.may_cancel(call, request),
        may_trace=may_trace,
        trace=directory.trace(reading.place(call, request), {}, None) if may_trace and has_failed else None,
        deliveries=reading.deliveries(call, request),
        **(_log(reading.place(call, request)) if may_trace else {}),
    )


def again(call: Call) -> Response:
    """Ask for the same report again, in a language."""
    request = reading.found(call, call.http.path_params["id"])
    form = call.form
    wish = desk.Wish(
        bundle=request.bundle,
        parameters=request.parameters,
        language=form.get("language") or request.language,
        pages=tuple(request.pages),
        key=form.get("_once") or None,
        via="page",
    )
    return RedirectResponse(told.address(asking.asked(call, wish).id), 303)


def cancel(call: Call) -> Response:
    """Let a report end."""
    call.form  # noqa: B018 - is ours, or refused
    return RedirectResponse(told.address(reports.cancelled(call).id), 303)


def configs(call: Call) -> dict[str, Config]:
    """Return what the bundles say that there are for who calls."""
    return {
        listed.name: listed.bundle.config
        for listed in call.desk.catalogue.all()
        if listed.bundle and (call.may("ask", listed.name) or call.may("read", listed.name))
    }


def _seen(call: Call) -> set[str]:
    known = listing.bundles(call.desk.ledger)
    return {name for name in known if call.may("ask", name) or call.may("read", name)}


def _config(call: Call, request: Request) -> Config | None:
    """Return what the bundle of a report says, as it is now."""
    known = (listed for listed in call.desk.catalogue.all() if listed.name == request.bundle and listed.bundle)
    return next((listed.bundle.config for listed in known if listed.bundle), None)


def _again(call: Call, request: Request, config: Config | None) -> str | None:
    """Return the address of the form as it was filled in; None if who calls may not ask."""
    if config is None or not call.may("ask", request.bundle):
        return None
    given = {f"p.{name}": values.plain(value) for name, value in request.parameters.items()}
    return f"/bundles/{request.bundle}?{urlencode(given | {'_language': request.language})}"


def _languages(request: Request, config: Config | None) -> dict[str, str]:
    codes = [request.language, *(config.languages if config else ())]
    return {code: language_name(code) for code in dict.fromkeys(codes)}


def _log(where: Path) -> dict[str, Any]:
    """Read the end of a log, and where it ends."""
    size = directory.there(where).get(directory.LOG, 0)
    content, end = following.read(where, max(0, size - _MOST_LOG))
    return {"log": content.decode(errors="replace"), "log_end": end, "log_is_cut": size > _MOST_LOG}
