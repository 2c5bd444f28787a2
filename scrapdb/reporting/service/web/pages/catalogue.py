"""The front page: what can be asked for, and a box for sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web import told
from scrapdb.reporting.service.web.api import bundles
from scrapdb.reporting.service.web.api import sentences
from scrapdb.reporting.service.web.pages import asking
from scrapdb.reporting.service.web.pages.rendering import render
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

    from scrapdb.reporting.service.web.call import Call

_EXAMPLE = "north sales from 2025-01-01 to 2025-02-01"


def view(call: Call) -> Response:
    """Show the catalogue."""
    return _page(call)


def ask(call: Call) -> Response:
    """Show what a sentence means, as a form that is filled in."""
    sentence = call.form.get("sentence", "").strip()
    if not sentence or len(sentence) > shapes.LONGEST_SENTENCE:
        wrong = f"Write a sentence of at most {shapes.LONGEST_SENTENCE} characters."
        return _page(call, 422, sentence=sentence[: shapes.LONGEST_SENTENCE], unclear=wrong)
    try:
        meant = sentences.meaning(call.desk, call.person, sentence)
    except Problem as problem:
        nearest = problem.more.get("nearest", ())
        return _page(call, problem.status, sentence=sentence, unclear=problem.sentence, nearest=nearest)
    listed = next((each for each in bundles.askable(call) if each.name == meant.bundle), None)
    if listed is None or listed.bundle is None:
        raise Problem(404, "There is no such report.")
    return asking.page(
        call,
        listed.name,
        listed.bundle.config,
        asking.Filled.of(meant.parameters, language=meant.language, sentence=sentence, meant=meant.told),
    )


def _page(call: Call, status: int = 200, **context: Any) -> Response:
    listed = [told.bundle(call, each) for each in bundles.askable(call)]
    example = next((pattern for bundle in listed for pattern in bundle.asks), _EXAMPLE)
    empty = {"sentence": "", "unclear": None, "nearest": ()}
    understands = any(bundle.asks for bundle in listed)
    given = empty | context
    return render(
        call,
        "catalogue",
        status,
        bundles=listed,
        example=example,
        understands=understands,
        **given,
    )
