"""Schedules: that each has a time that comes, and asks for what the bundle can make."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from scrapdb.errors import ExpressionError
from scrapdb.errors import UsageError
from scrapdb.query.parser import parse
from scrapdb.reporting.bundles import config
from scrapdb.reporting.bundles import parameters
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.checks.finding import Finding
from scrapdb.reporting.bundles.schedule import Schedule
from scrapdb.reporting.bundles.target import place
from scrapdb.reporting.service.asking import days
from scrapdb.reporting.service.scheduling import clock
from scrapdb.reporting.service.scheduling import moving
from scrapdb.text import valid_text

_ASIDE = ("language", "deliver")  # columns of rows that are no parameters


def check(bundle: Bundle) -> Iterator[Finding]:
    """Say what is wrong with the schedules."""
    for name, schedule in bundle.config.schedules.items():
        for sentence in _wrong(bundle, schedule):
            yield Finding(file=config.FILE, message=f"schedules.{valid_text(name)}: {sentence}")


def _wrong(bundle: Bundle, schedule: Schedule) -> Iterator[str]:
    zone = "UTC" if schedule.zone is None else schedule.zone
    try:
        if clock.following(schedule.cron, days.zone(zone), dt.datetime.now(dt.UTC)) is None:
            yield f"{schedule.cron!r} never comes."
    except UsageError as error:
        yield str(error)
    except ModuleNotFoundError:  # it is for the service, which has it
        return
    for language in schedule.languages:
        if not config.is_language(language.replace("-", "_")):
            yield f"There is no language {language!r}; write it as ca or pt_BR."
    for target in schedule.deliver:
        try:
            place(target.to)
        except UsageError as error:
            yield str(error)
    try:
        _ = parse(schedule.deliver_if) if schedule.deliver_if is not None else None
    except ExpressionError as error:
        yield f"deliver_if cannot be read: {error.message.rstrip('.')}."
    yield from _wrong_parameters(bundle, schedule)


def _wrong_parameters(bundle: Bundle, schedule: Schedule) -> Iterator[str]:
    """Say what is wrong with parameters; of rows that stand elsewhere nothing is known."""
    source = schedule.for_each
    if isinstance(source, str):
        known = schedule.parameters
        if (named := [name for name in known if name not in bundle.config.parameters and ".." not in name]) and (
            bundle.config.parameters
        ):
            yield f"The report takes no parameter {named[0]}."
        return
    for row in ({},) if source is None else source:
        own = {name: value for name, value in row.items() if name not in _ASIDE or name in bundle.config.parameters}
        try:
            given = moving.settled(bundle.config, {**schedule.parameters, **own}, dt.datetime.now(dt.UTC))
            parameters.typed(bundle.config, given)
        except UsageError as error:
            yield str(error)
