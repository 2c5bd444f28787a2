"""Reports that were given away: whoever has the signed address sees that report, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from scrapdb.errors import ScrapdbError
from scrapdb.reporting import directory
from scrapdb.reporting.making import record
from scrapdb.reporting.service import links
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.links import LinkError
from scrapdb.reporting.service.web import sending
from scrapdb.reporting.service.web.pages import rendering
from scrapdb.reporting.service.web.pages.rendering import render
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

    from scrapdb.reporting.service.ledger.requests import Request
    from scrapdb.reporting.service.web.call import Call

_PRIVATE = {"Referrer-Policy": "no-referrer"}
_SEEN = (directory.PAGE, directory.PDF)


def view(call: Call) -> Response:
    """Show the report of a link."""
    request, where = _found(call)
    _noted(call, request)
    try:
        title = record.read(where).title if not request.is_open else request.bundle
    except ScrapdbError:
        title = request.bundle
    return render(
        call,
        "link",
        200,
        _PRIVATE,
        who=None,
        report=request,
        title=title,
        link=_address(call),
        files=_files(request, where),
        has_failed=not request.is_open and request.state not in record.WELL,
        refreshed=rendering.REFRESHED if request.is_open else None,
    )


def file(call: Call) -> Response:
    """Answer with a file of the report of a link."""
    request, where = _found(call)
    name = call.http.path_params["name"]
    if name not in _files(request, where):
        raise Problem(404, "There is nothing here.")
    if name == directory.PAGE and not call.http.query_params.get("save"):
        return sending.page(call, where, f"{_address(call)}/{name}")
    _noted(call, request)
    return sending.saved(where, name, request.id)


def _found(call: Call) -> tuple[Request, Path]:
    try:
        request = links.checked(call.desk, call.http.path_params["token"])
    except LinkError as error:
        raise Problem(404, str(error)) from error
    return request, Path(os.path.realpath(call.desk.reports), request.id)


def _files(request: Request, where: Path) -> dict[str, int]:
    there = directory.there(where) if request.state in record.WELL else {}
    return {name: there[name] for name in _SEEN if name in there}


def _address(call: Call) -> str:
    return f"/r/{quote(call.http.path_params['token'], safe='')}"


def _noted(call: Call, request: Request) -> None:
    audit.write(call.desk.ledger, None, "link", "read", request=request.id, address=call.address)
