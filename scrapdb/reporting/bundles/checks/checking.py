"""All checks of a bundle, in the order in which what they find is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterable

from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import opening
from scrapdb.reporting.bundles.bundle import TEMPLATE
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks import asks
from scrapdb.reporting.bundles.checks import delivery
from scrapdb.reporting.bundles.checks import environment
from scrapdb.reporting.bundles.checks import notebook
from scrapdb.reporting.bundles.checks import page
from scrapdb.reporting.bundles.checks import schedules
from scrapdb.reporting.bundles.checks import template
from scrapdb.reporting.bundles.checks import translations
from scrapdb.reporting.bundles.checks.finding import Finding

CHECKS: tuple[Callable[[Bundle], Iterable[Finding]], ...] = (
    notebook.check,
    template.check,
    page.check,
    translations.check,
    delivery.check,
    environment.check,
    asks.check,
    schedules.check,
)
_PLACE = re.compile(rf"{re.escape(config.FILE)}(?::([0-9]+))?:? ?(.*)", re.DOTALL)


def checked(where: str) -> list[Finding]:
    """Say what is wrong with a bundle; nothing of it is executed.

    Args:
        where: as in `opening.opened`.

    Raises:
        BundleError, ScrapdbError: it cannot be opened at all.
    """
    files, name = opening.contents(where)
    if config.FILE not in files:
        return [Finding(file=config.FILE, message="It is missing. `scrapdb report new DIR` begins a bundle with one.")]
    _, wrong = config.examined(files[config.FILE])
    if wrong:
        return [_of_config(sentence) for sentence in wrong]
    if TEMPLATE not in files:
        return [Finding(file=TEMPLATE, message="It is missing: of it the page is made. Add it.")]
    bundle = opening.made(files, where, name)
    found = list(dict.fromkeys(finding for check in CHECKS for finding in check(bundle)))
    order = {file: number for number, file in enumerate(dict.fromkeys(each.file for each in found))}
    return sorted(found, key=lambda each: (order[each.file], each.cell or 0, each.line or 0))


def _of_config(sentence: str) -> Finding:
    match = _PLACE.fullmatch(sentence)
    line, said = (match[1], match[2]) if match else (None, sentence)
    return Finding(file=config.FILE, line=int(line) if line else None, message=said)
