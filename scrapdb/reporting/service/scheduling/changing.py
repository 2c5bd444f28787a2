"""Schedules changed by people: added, paused, resumed, removed, and asked to ask at once.

Whether somebody may is for whoever calls to know; what he did is in the audit.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.reporting.bundles.schedule import Schedule
from scrapdb.reporting.service import access
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import ledger
from scrapdb.reporting.service.ledger import schedules
from scrapdb.reporting.service.ledger.ledger import Ledger
from scrapdb.reporting.service.ledger.requests import Via
from scrapdb.reporting.service.ledger.schedules import Scheduled
from scrapdb.reporting.service.scheduling import clock
from scrapdb.reporting.service.scheduling import due
from scrapdb.reporting.service.scheduling import taking
from scrapdb.reporting.service.scheduling import wishes
from scrapdb.reporting.service.scheduling.wishes import Asked

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def add(desk: Desk, who: str, name: str, bundle: str, definition: Schedule, *, via: Via = "command") -> Scheduled:
    """Add a schedule, and return it as it begins.

    Raises:
        UsageError: the name is taken or none, there is no such bundle for its owner, or what it asks for is wrong.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} can be no name: take letters, digits, `_`, `-` and `.`.")
    begun = taking.scheduled(desk, name, bundle, "command", definition, now=dt.datetime.now(dt.UTC))
    if begun.reason:
        raise UsageError(begun.reason)
    asked = _tried(desk, begun)
    if asked.refused:
        raise UsageError(asked.refused[0].reason)
    with desk.ledger.writing():
        if not schedules.add(desk.ledger, begun):
            raise UsageError(f"There is a schedule {name} already. Take another name, or remove it first.")
        audit.write(desk.ledger, who, via, "add schedule", detail=f"{name} of {bundle}")
    return begun


def pause(ledger_: Ledger, who: str, name: str, *, via: Via = "command") -> Scheduled:
    """Let a schedule rest.

    Raises:
        UsageError: there is none of that name.
    """
    with ledger_.writing():
        found = of(ledger_, name)
        schedules.change(ledger_, name, paused_by=who)
        audit.write(ledger_, who, via, "pause schedule", detail=name)
    return replace(found, paused_by=who)


def resume(desk: Desk, who: str, name: str, *, via: Via = "command") -> Scheduled:
    """Let a schedule go on, from its next moment; those at which it rested are gone by.

    Raises:
        UsageError: there is none of that name, or it cannot ask.
    """
    with desk.ledger.writing():
        found = of(desk.ledger, name)
        definition = replace(found.definition, owner=found.owner or None)
        begun = taking.scheduled(desk, name, found.bundle, found.source, definition, now=dt.datetime.now(dt.UTC))
        if begun.reason:
            raise UsageError(begun.reason)
        schedules.change(
            desk.ledger, name, paused_by=None, reason=None, next_at=begun.next_at if found.paused_by else found.next_at
        )
        audit.write(desk.ledger, who, via, "resume schedule", detail=name)
    return begun


def remove(ledger_: Ledger, who: str, name: str, *, via: Via = "command") -> None:
    """Remove a schedule; the reports that it asked for stay.

    Raises:
        UsageError: there is none of that name, or its bundle names it.
    """
    with ledger_.writing():
        found = of(ledger_, name)
        if found.source == "config":
            raise UsageError(f"{name} stands in config.json of {found.bundle}: take it out there, or pause it.")
        schedules.remove(ledger_, name)
        audit.write(ledger_, who, via, "remove schedule", detail=name)


def run_now(desk: Desk, who: str, name: str, *, via: Via = "command") -> Asked:
    """Ask for what a schedule asks for, now; its moments stay what they are.

    Raises:
        UsageError: there is none of that name.
        ScrapdbError: its owner may not ask, what it asked for before is not over, or too many wait.
    """
    found = of(desk.ledger, name)
    owner = access.person(desk.host, found.owner)
    if owner is None or not access.may(desk.host, owner, "ask", found.bundle):
        raise ScrapdbError(f"{found.owner or 'Nobody'} may not ask for {found.bundle}, as whom {name} asks.")
    asked = due.ask_now(desk, found, owner, dt.datetime.now(dt.UTC).astimezone(due.zone(desk, found)))
    audit.write(desk.ledger, who, via, "run schedule", detail=name)
    return asked


def of(ledger_: Ledger, name: str) -> Scheduled:
    """Return a schedule.

    Raises:
        UsageError: there is none of that name.
    """
    found = schedules.get(ledger_, name)
    if found is None:
        known = [each.name for each in schedules.every(ledger_)]
        raise UsageError(f"There is no schedule {name!r}; {suggestion(name, known)}")
    return found


def coming(desk: Desk, scheduled: Scheduled, number: int) -> list[dt.datetime]:
    """Return the next moments of a schedule, in its zone; none if it rests."""
    if scheduled.paused_by or not scheduled.next_at:
        return []
    in_zone = due.zone(desk, scheduled)
    first = dt.datetime.fromisoformat(scheduled.next_at).astimezone(in_zone)
    after: Iterator[dt.datetime] = clock.moments(scheduled.definition.cron, in_zone, first)
    return [first, *islice(after, number - 1)]


def _tried(desk: Desk, begun: Scheduled) -> Asked:
    """Return what a schedule would ask for at its first moment."""
    who = access.person(desk.host, begun.owner) or access.Person(begun.owner)
    moment = dt.datetime.fromisoformat(begun.next_at or ledger.now()).astimezone(due.zone(desk, begun))
    return wishes.asked(desk, who, begun, moment)
