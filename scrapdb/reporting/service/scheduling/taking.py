"""The schedules that bundles name are taken up as they are, and again when they change.

A schedule whose bundle is gone stays as it is, so that one who puts another in its place loses no pause; the ledger's
name of a schedule is that of the bundle and its own: `voltage/monday`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.bundles.schedule import Schedule
from scrapdb.reporting.bundles.schedule import kept
from scrapdb.reporting.service import access
from scrapdb.reporting.service.asking import days
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import ledger
from scrapdb.reporting.service.ledger import schedules
from scrapdb.reporting.service.ledger.schedules import Scheduled
from scrapdb.reporting.service.scheduling import clock

OURS = "scrapdb"  # who pauses what nobody may ask for
VIA = "schedule"  # in the audit
NOBODY = ""  # the owner of a schedule that names none


class _Named(NamedTuple):
    name: str
    bundle: str
    definition: Schedule


def take_up(desk: Desk, now: dt.datetime) -> int:
    """Bring the schedules of bundles up to date, and return how many were changed."""
    known = {each.name: each for each in schedules.every(desk.ledger) if each.source == "config"}
    there = {listed.name for listed in desk.catalogue.all() if listed.bundle is not None}
    wanted = {each.name: each for each in _named(desk)}
    gone = [each for each in known.values() if each.bundle in there and each.name not in wanted]
    changed = [each for each in wanted.values() if each.name not in known or _differs(known[each.name], each)]
    for each in gone:
        with desk.ledger.writing():
            schedules.remove(desk.ledger, each.name)
            audit.write(desk.ledger, OURS, VIA, "remove schedule", detail=f"{each.name}: its bundle names it no more")
    for one in changed:
        with desk.ledger.writing():
            _take(desk, one, now)
    return len(gone) + len(changed)


def scheduled(
    desk: Desk, name: str, bundle: str, source: schedules.Source, definition: Schedule, *, now: dt.datetime
) -> Scheduled:
    """Return a schedule as it begins: with its next moment, or paused, with the reason why it cannot ask."""
    owner = definition.owner or (NOBODY if desk.host.askers else access.LOCAL)
    begun = Scheduled(name=name, bundle=bundle, source=source, definition=definition, owner=owner)
    try:
        following = clock.following(definition.cron, days.zone(definition.zone or desk.host.zone), now)
    except ScrapdbError as error:
        return _resting(begun, str(error))
    begun = replace(begun, next_at=ledger.written(following) if following else None)
    who = access.person(desk.host, owner)
    if who is None:
        told = f"{owner!r} is no asker" if owner else "It names no owner"
        return _resting(begun, f"{told}: name one as its `owner`, with whose rights it asks.")
    if not access.may(desk.host, who, "ask", bundle):
        return _resting(begun, f"Its owner {owner} may not ask for {bundle}.")
    return begun


def _take(desk: Desk, one: _Named, now: dt.datetime) -> None:
    """Write down a new schedule, or a changed one; what a person has paused stays so."""
    before = schedules.get(desk.ledger, one.name)
    begun = scheduled(desk, one.name, one.bundle, "config", one.definition, now=now)
    if before is None:
        schedules.add(desk.ledger, begun)
    elif before.source == "config":
        same = (before.definition.cron, before.definition.zone) == (one.definition.cron, one.definition.zone)
        rests = before if before.paused_by not in {None, OURS} else begun
        schedules.change(
            desk.ledger,
            one.name,
            definition=one.definition,
            owner=begun.owner,
            paused_by=rests.paused_by,
            reason=rests.reason,
            next_at=before.next_at if same and before.next_at else begun.next_at,
        )
    what = "change schedule" if before else "add schedule"
    audit.write(desk.ledger, OURS, VIA, what, detail=f"{one.name}: {begun.reason or 'its bundle names it'}")


def _named(desk: Desk) -> Iterator[_Named]:
    for listed in desk.catalogue.all():
        if listed.bundle is not None:
            for name, definition in listed.bundle.config.schedules.items():
                yield _Named(f"{listed.name}/{name}", listed.name, kept(definition))


def _differs(known: Scheduled, one: _Named) -> bool:
    return known.definition != one.definition


def _resting(known: Scheduled, why: str) -> Scheduled:
    return replace(known, paused_by=OURS, reason=why)
