"""Reports that are asked for in a sentence."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

from starlette.concurrency import run_in_threadpool as thread

from scrapdb.reporting.service import desk
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.web import call as calls
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web.api import reports
from scrapdb.reporting.service.web.call import Call
from scrapdb.reporting.service.web.call import Site
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response


async def ask(call: Call) -> Response:
    """Ask for a report in a sentence, or only for what it means."""
    said = call.json(shapes.Sentence)
    meant = await thread(meaning, call.site, call.person, said.sentence, said.language)
    told = told_of(meant)
    if said.only_meaning:
        return calls.json(shapes.Asked(meaning=told))
    wish = desk.Wish(
        bundle=meant.bundle,
        parameters=meant.parameters,
        language=said.language or meant.language,
        deliver=said.deliver,
        deliver_if=said.deliver_if,
        key=reports.key(call),
        via="sentence",
        sentence=said.sentence,
    )
    request, _ = await thread(reports.asked, call, wish)
    return await reports.answered(call, request, lambda made: shapes.Asked(meaning=told, report=made))


def meaning(site: Site, who: Person, sentence: str, language: str | None = None) -> Any:
    """Return what a sentence means, as `asking` understands it.

    Raises:
        Problem: nothing here understands it; `nearest` has sentences that would be.
    """
    if site.meaning is None:
        raise Problem(503, "Sentences are not understood here; choose a report and fill in its form.")
    zone = site.desk.host.zone
    meant = site.meaning(site.desk, who, sentence, now=datetime.now(UTC), zone=zone, language=language)
    if hasattr(meant, "nearest"):
        raise Problem(422, meant.reason, more={"nearest": [*meant.nearest]})
    return meant


def told_of(meant: Any) -> shapes.Meaning:
    """Tell what a sentence means."""
    return shapes.Meaning(
        bundle=meant.bundle, parameters=dict(meant.parameters), language=meant.language, told=meant.told
    )
