"""Bundles: what can be asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scrapdb.reporting.service.catalogue import Listed
from scrapdb.reporting.service.web import call as calls
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web import told
from scrapdb.reporting.service.web.call import Call
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response


def all_(call: Call) -> Response:
    """List the bundles of which who calls may ask for reports."""
    return calls.json(shapes.Bundles(bundles=[told.bundle(call, listed) for listed in askable(call)]))


def one(call: Call) -> Response:
    """Tell of a bundle, and which parameters it takes."""
    return calls.json(told.bundle(call, found(call), alone=True))


def askable(call: Call) -> list[Listed]:
    """Return the bundles of which who calls may ask for reports."""
    return [listed for listed in call.desk.catalogue.all() if call.may("ask", listed.name)]


def found(call: Call) -> Listed:
    """Return the bundle that an address names.

    Raises:
        Problem: there is none for who calls.
    """
    name = call.http.path_params["name"]
    listed = next((listed for listed in askable(call) if listed.name == name), None)
    if listed is None:
        raise Problem(404, "There is no such bundle.")
    return listed
