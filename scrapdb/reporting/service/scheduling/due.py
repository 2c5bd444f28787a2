"""What is due by the clock is asked for: each moment of a schedule once, whatever ends in between.

Requests, the schedule's next moment and the lines of the audit are written in one transaction. Who is second, be it
another worker or this one after it was killed, finds the moment gone by.
"""

from __future__ import annotations

import datetime as dt
import logging
from zoneinfo import ZoneInfo

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.service import access
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.asking import days
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import ledger
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger import schedules
from scrapdb.reporting.service.ledger.schedules import Scheduled
from scrapdb.reporting.service.scheduling import clock
from scrapdb.reporting.service.scheduling import taking
from scrapdb.reporting.service.scheduling import wishes
from scrapdb.reporting.service.scheduling.taking import OURS
from scrapdb.reporting.service.scheduling.taking import VIA
from scrapdb.reporting.service.scheduling.wishes import Asked

_MISSED = dt.timedelta(minutes=5)  # after which a moment is one at which nothing ran
_log = logging.getLogger("scrapdb.service")


def step(desk: Desk, worker: str, now: dt.datetime | None = None) -> int:
    """Take up what bundles say of schedules, ask for what is due, and return how many schedules were seen to."""
    del worker
    now = now or dt.datetime.now(dt.UTC)
    done = taking.take_up(desk, now)
    return done + sum(_see_to(desk, each, now) for each in schedules.due(desk.ledger, ledger.written(now)))


def ask_now(desk: Desk, scheduled: Scheduled, who: Person, now: dt.datetime) -> Asked:
    """Ask for what a schedule asks for, as if this were its moment.

    Raises:
        ScrapdbError: what it asked for before is not over, or too many wait.
    """
    asked = wishes.asked(desk, who, scheduled, now)
    with desk.ledger.writing():
        if under_way := schedules.open_request(desk.ledger, scheduled.name):
            raise ScrapdbError(f"{scheduled.name} asks for nothing while {under_way} is not over.")
        _write(desk, scheduled, asked)
    return asked


def zone(desk: Desk, scheduled: Scheduled) -> ZoneInfo:
    """Return the time zone of a schedule.

    Raises:
        UsageError: there is no such zone.
    """
    return days.zone(scheduled.definition.zone or desk.host.zone)


def _see_to(desk: Desk, scheduled: Scheduled, now: dt.datetime) -> bool:
    """Ask for what a schedule asks for at the last of its moments that have come; return whether anything changed."""
    who = access.person(desk.host, scheduled.owner)
    if who is None or not access.may(desk.host, who, "ask", scheduled.bundle):
        gone = f"{scheduled.owner} is no asker any more" if who is None else f"{scheduled.owner} may not ask for it"
        return _pause(desk, scheduled, f"{gone}: name another owner, or resume it when that is mended.")
    try:
        first = dt.datetime.fromisoformat(scheduled.next_at or ledger.written(now))
        moment = clock.last(scheduled.definition.cron, zone(desk, scheduled), first, now).astimezone(
            zone(desk, scheduled)
        )
        following = clock.following(scheduled.definition.cron, zone(desk, scheduled), now)
    except ScrapdbError as error:
        return _pause(desk, scheduled, str(error))
    next_at = ledger.written(following) if following else None
    if scheduled.definition.catch_up == "skip" and now - moment > _MISSED:
        return _pass(desk, scheduled, next_at, f"{_said(moment)} was missed, since nothing ran then.")
    try:
        asked = wishes.asked(desk, who, scheduled, moment)
        return _ask(desk, scheduled, moment, next_at, asked)
    except requests.QueueFullError as error:  # it stays due
        _remark(desk, scheduled, f"{_said(moment)} waits: {error}")
        return False


def _ask(desk: Desk, scheduled: Scheduled, moment: dt.datetime, next_at: str | None, asked: Asked) -> bool:
    with desk.ledger.writing():
        if not _is_as_it_was(desk, scheduled):
            return False
        if under_way := schedules.open_request(desk.ledger, scheduled.name):
            return _pass(desk, scheduled, next_at, f"{_said(moment)} was left out, since {under_way} was not over.")
        _write(desk, scheduled, asked)
        last_at = ledger.written(moment)
        schedules.change(desk.ledger, scheduled.name, next_at=next_at, last_at=last_at, reason=_told(asked))
    _log.info("schedule %s asked for %d reports, for %s", scheduled.name, len(asked.requests), last_at)
    return True


def _write(desk: Desk, scheduled: Scheduled, asked: Asked) -> None:
    """Write the requests, and who asked for them; all or none."""
    waiting = requests.counts(desk.ledger).get("queued", 0)
    if waiting + len(asked.requests) > desk.host.waiting:
        raise requests.QueueFullError(f"{waiting:,} reports wait already, and {desk.host.waiting:,} may.")
    for request in (*asked.requests, *asked.refused):
        written, new = requests.add(desk.ledger, request)
        if new:
            what = "refuse" if request.reason else "ask"
            audit.write(desk.ledger, scheduled.owner, VIA, what, request=written.id, detail=request.reason)


def _told(asked: Asked) -> str | None:
    if not asked.refused:
        return None
    number = len(asked.requests) + len(asked.refused)
    first = asked.refused[0].reason or ""
    refused = f"{len(asked.refused):,} of {number:,} reports refused"
    return first if number == 1 else f"{refused}; the first: {first}"


def _pass(desk: Desk, scheduled: Scheduled, next_at: str | None, why: str) -> bool:
    """Go on to the next moment without asking."""
    with desk.ledger.writing():
        if not _is_as_it_was(desk, scheduled):
            return False
        schedules.change(desk.ledger, scheduled.name, next_at=next_at, reason=why)
        audit.write(desk.ledger, scheduled.owner, VIA, "skip", detail=f"{scheduled.name}: {why}")
    _log.info("schedule %s: %s", scheduled.name, why)
    return True


def _pause(desk: Desk, scheduled: Scheduled, why: str) -> bool:
    with desk.ledger.writing():
        if not _is_as_it_was(desk, scheduled):
            return False
        schedules.change(desk.ledger, scheduled.name, paused_by=OURS, reason=why)
        audit.write(desk.ledger, OURS, VIA, "pause", detail=f"{scheduled.name}: {why}")
    _log.warning("schedule %s is paused: %s", scheduled.name, why)
    return True


def _remark(desk: Desk, scheduled: Scheduled, why: str) -> None:
    if scheduled.reason != why:
        schedules.change(desk.ledger, scheduled.name, reason=why)


def _is_as_it_was(desk: Desk, scheduled: Scheduled) -> bool:
    """Tell whether nobody has seen to a schedule meanwhile, or changed it."""
    found = schedules.get(desk.ledger, scheduled.name)
    return found is not None and found == scheduled


def _said(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M %Z}"
