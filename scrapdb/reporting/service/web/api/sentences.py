"""Reports that are asked for in a sentence."""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool as thread

from scrapdb.reporting.service.asking import asking
from scrapdb.reporting.service.asking.asking import Meaning
from scrapdb.reporting.service.asking.asking import Unclear
from scrapdb.reporting.service.desk import Wish
from scrapdb.reporting.service.web import call as calls
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web.api import reports
from scrapdb.reporting.service.web.call import Call
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

    from scrapdb.reporting.service.access import Person
    from scrapdb.reporting.service.desk import Desk


async def ask(call: Call) -> Response:
    """Ask for a report in a sentence, or only for what it means."""
    said = call.json(shapes.Sentence)
    meant = await thread(meaning, call.desk, call.person, said.sentence, said.language)
    told = told_of(meant)
    if said.only_meaning:
        return calls.json(shapes.Asked(meaning=told))
    wish = Wish(
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


def meaning(desk: Desk, who: Person, sentence: str, language: str | None = None) -> Meaning:
    """Return what a sentence means.

    Raises:
        Problem: that cannot be told; `nearest` has sentences that would be understood.
    """
    meant = asking.meaning(desk, who, sentence, now=datetime.now(UTC), zone=desk.host.zone, language=language)
    if isinstance(meant, Unclear):
        raise Problem(422, meant.reason, more={"nearest": [*meant.nearest]})
    return meant


def told_of(meant: Meaning) -> shapes.Meaning:
    """Tell what a sentence means."""
    return shapes.Meaning(
        bundle=meant.bundle, parameters=dict(meant.parameters), language=meant.language, told=meant.told
    )
