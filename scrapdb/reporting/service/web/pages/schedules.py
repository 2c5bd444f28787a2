"""Schedules of a bundle: paused, resumed, and asked to ask now, by who may manage it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.service.scheduling import changing
from scrapdb.reporting.service.web import told
from scrapdb.reporting.service.web.api import bundles
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

    from scrapdb.reporting.service.web.call import Call


def change(call: Call) -> Response:
    """Do with a schedule what the form says."""
    name, form = bundles.found(call).name, call.form
    schedule, what = form.get("schedule", ""), form.get("what")
    if not call.may("manage", name):
        raise Problem(403, "Schedules are for who may manage this bundle.")
    if schedule not in {each.name for each in told.schedules(call, name)}:
        raise Problem(404, "There is no such schedule.")
    desk, who = call.desk, call.person.name
    try:
        if what == "pause":
            changing.pause(desk.ledger, who, schedule, via="page")
        elif what == "resume":
            changing.resume(desk, who, schedule, via="page")
        elif what == "run":
            changing.run_now(desk, who, schedule, via="page")
    except UsageError:
        raise
    except ScrapdbError as error:
        raise Problem(409, str(error)) from error
    return RedirectResponse(f"/bundles/{name}", 303)
