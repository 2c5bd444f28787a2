"""Parameters that move with the moment of a schedule: yesterday, last week for two of them. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.config import Config
from scrapdb.reporting.service.asking import days
from scrapdb.running.rows import values

MOMENT = "scheduled_for"  # the parameter that gets the moment, if the report takes one of that name
_BOTH = ".."


def settled(config: Config, given: Mapping[str, Any], moment: dt.datetime) -> dict[str, Any]:
    """Return parameters with the days that moving ones are at a moment, in its zone.

    Args:
        config: of the bundle.
        given: by name, or two dates by both names: `from_day..to_day`.
        moment: of the schedule, in its zone.

    Raises:
        UsageError: one is said to be days that it cannot be.
    """
    today, languages = moment.date(), ("en", *config.languages)
    found: dict[str, Any] = {}
    for name, value in given.items():
        if _BOTH in name:
            found |= _both(name, value, today, languages)
        elif name in config.parameters and config.parameters[name].type == "date" and isinstance(value, str):
            found[name] = _day(name, value, today, languages)
        else:
            found[name] = value
    taken = config.parameters.get(MOMENT)
    if taken is not None and MOMENT not in found:
        found[MOMENT] = today.isoformat() if taken.type == "date" else moment.isoformat()
    return found


def _both(names: str, value: Any, today: dt.date, languages: tuple[str, ...]) -> dict[str, str]:
    first, _, last = names.partition(_BOTH)
    found = days.spans(value, today, languages) if isinstance(value, str) else []
    if len(found) != 1:
        raise UsageError(
            f"{names} cannot be {values.shown(value)}: it takes days, as last week, or 2025-02-01..2025-02-28."
        )
    return {first: found[0].first.isoformat(), last: found[0].last.isoformat()}


def _day(name: str, value: str, today: dt.date, languages: tuple[str, ...]) -> str:
    found = days.days(value, today, languages)
    if len(found) == 1:
        return found[0].isoformat()
    if not found and days.spans(value, today, languages):
        told = f'it takes one day, and these are several; give two parameters at once, as "{name}..to_day"'
    else:
        told = "it takes a day, as 2025-02-01, yesterday or today - 7 days"
    raise UsageError(f"The parameter {name} cannot be {values.shown(value)}: {told}.")
