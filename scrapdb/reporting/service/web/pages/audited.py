"""The page of the audit, for who may manage everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapdb.reporting.service import access
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.web.pages.rendering import render
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

    from scrapdb.reporting.service.web.call import Call

_LINES = 200


def view(call: Call) -> Response:
    """Show who did what."""
    if not access.manages_all(call.host, call.person):
        raise Problem(403, "The audit is for who may manage everything.")
    return render(call, "audit", wide=True, audited=audit.latest(call.desk.ledger, _LINES))
