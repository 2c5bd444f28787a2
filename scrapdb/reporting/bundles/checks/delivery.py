"""Where reports go: that the templates of their letters are there, and that the condition names what there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from datetime import datetime

from scrapdb.errors import ExpressionError
from scrapdb.query.binding import bind_truth
from scrapdb.query.fields import Fields
from scrapdb.query.parser import parse
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks import template
from scrapdb.reporting.bundles.checks.finding import Finding
from scrapdb.store.values import KINDS


def check(bundle: Bundle) -> Iterator[Finding]:
    """Say what keeps reports from being delivered as it is wished."""
    for index, target in enumerate(bundle.config.deliver):
        ends = (".html", ".txt")
        if target.template and not any(f"{target.template}{end}" in bundle.files for end in ends):
            told = f"There is no {target.template}.html and no {target.template}.txt. Add one, or leave it out."
            yield Finding(file=config.FILE, message=f"deliver[{index}].template: {told}")
    names = template.gives(bundle)
    if bundle.config.deliver_if and names is not None:
        yield from _condition(bundle.config.deliver_if, {*names, *bundle.config.parameters})


def _condition(condition: str, names: set[str]) -> Iterator[Finding]:
    """Say what a condition names that there will not be; of which kind values are, only a run tells."""
    known = [*names, *(f"previous.{name}" for name in names)]
    fields = Fields.of((number, name, "scrap", type_, 1) for number, name in enumerate(known) for type_ in KINDS)
    try:
        bind_truth(parse(condition), fields, datetime.now(UTC))
    except ExpressionError as error:
        said = error.message.replace("No notebook has a field", "Nothing gives").rstrip(".")
        said = said.replace("; `scrapdb fields` lists what there is", "")
        yield Finding(file=config.FILE, message=f"deliver_if: {said}{'' if said.endswith('?') else '.'}")
