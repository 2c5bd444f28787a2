"""What is due is delivered: once, in the order in which it was written down, a few at the same time."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from datetime import datetime
from datetime import timedelta

from scrapdb.errors import ScrapdbError
from scrapdb.notebooks.times import parsed
from scrapdb.reporting.service.delivering import planning
from scrapdb.reporting.service.delivering.letters import writing
from scrapdb.reporting.service.delivering.letters.letter import Letter
from scrapdb.reporting.service.delivering.outcomes import NotNowError
from scrapdb.reporting.service.delivering.outcomes import NotSentError
from scrapdb.reporting.service.delivering.outcomes import UnsureError
from scrapdb.reporting.service.delivering.targets import files
from scrapdb.reporting.service.delivering.targets import mail
from scrapdb.reporting.service.delivering.targets import slack
from scrapdb.reporting.service.delivering.targets import webhook
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import deliveries
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.deliveries import Delivery
from scrapdb.reporting.service.ledger.ledger import written
from scrapdb.reporting.service.recipients import check_recipient
from scrapdb.running.rows.units import size

_log = logging.getLogger("scrapdb.service")
SECONDS = 2.0  # after which a step begins nothing new
AT_ONCE = 4
LARGEST = 10_000_000  # bytes of a message that is no mail
FIRST, CAP, ATTEMPTS = 30.0, 3_600.0, 12  # seconds until the second attempt, between two, and how many: six hours
# Failures of one cause go in one message until so many seconds have passed, and so many messages to an address
# meanwhile, whatever the causes.
WINDOW, MOST = 900.0, 10
_GROUPED = frozenset({"failure", "trace", "undelivered"})
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|0x[0-9a-f]+|[0-9]+", re.IGNORECASE)  # in sentences of one cause


def step(desk: Desk, worker: str) -> int:
    """Do what is due, and return how much that was.

    Args:
        desk: where reports were asked for.
        worker: the file that this worker has locked.
    """
    deadline = time.monotonic() + SECONDS
    done = deliveries.settle(desk.ledger) + told(desk, deadline)
    if deliveries.due(desk.ledger) is None:
        return done
    deadline = max(deadline, time.monotonic() + SECONDS / 2)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return done + sum(pool.map(lambda _: _until(desk, worker, deadline), range(AT_ONCE)))


def told(desk: Desk, deadline: float = math.inf) -> int:
    """Write down who is told of what is over, and return of how much that is."""
    done = 0
    for request in requests.untold(desk.ledger):
        if time.monotonic() > deadline:
            break
        try:
            done += deliveries.tell(desk.ledger, request.id, planning.planned(desk, request))
        except Exception:  # noqa: BLE001 - the others are told all the same, and this one is tried again
            _log.exception("it cannot be found out who is to be told of %s", request.id)
    return done


def sent(desk: Desk, group: Sequence[Delivery]) -> None:
    """Send deliveries that this worker has taken up as one message, and write down what became of it."""
    try:
        reason = _sent(desk, group)
    except NotNowError as error:
        _later(desk, group, error)
    except UnsureError as error:
        _ended(desk, group, "unsure", str(error))
    except ScrapdbError as error:
        _failed(desk, group, str(error))
    except Exception as error:  # noqa: BLE001 - what may have been sent must not be sent again, nor wait for ever
        _log.exception("%s could not be delivered", group[0].request)
        _ended(desk, group, "unsure", f"{type(error).__name__}: {error}")
    else:
        _ended(desk, group, "sent", reason)


def _until(desk: Desk, worker: str, deadline: float) -> int:
    """Send one after the other until nothing is due, or time is up."""
    done = 0
    while time.monotonic() < deadline and (group := _taken(desk, worker)) is not None:
        if group:
            sent(desk, group)
            done += len(group)
    return done


def _taken(desk: Desk, worker: str) -> list[Delivery] | None:
    """Take up what is due first, and what goes with it in one message; None if nothing is."""
    with desk.ledger.writing():
        first = deliveries.due(desk.ledger)
        if first is None:
            return None
        if first.letter not in _GROUPED:
            return deliveries.take(desk.ledger, [first], worker)
        group, not_before = _group(desk, first)
        if not_before is None:
            return deliveries.take(desk.ledger, group, worker)
        deliveries.hold(desk.ledger, group, not_before)
        return []


def _group(desk: Desk, first: Delivery) -> tuple[list[Delivery], str | None]:
    """Return what goes in one message with a failure, and until when it has to wait, if it has to."""
    waiting = deliveries.waiting(desk.ledger, first)
    causes = {each.id: _cause(desk, each) for each in waiting}
    same = [each for each in waiting if causes[each.id] == causes[first.id]]
    if first.target == "reply":  # somebody waits for it
        return same, None
    now = datetime.now(UTC)
    recent = deliveries.sent_since(desk.ledger, first, written(now - timedelta(seconds=WINDOW)))
    is_flood = len(set(causes.values())) > MOST or len({each.ended_at for each in recent}) >= MOST
    group = waiting if is_flood else same
    told = [each for each in recent if is_flood or _cause(desk, each) == causes[first.id]]
    if is_flood and len({each.ended_at for each in told}) < MOST:
        told = []
    until = [each.not_before for each in group if each.not_before and each.not_before > written(now)]
    until += [written((parsed(each.ended_at) or now) + timedelta(seconds=WINDOW)) for each in told]
    return group, max(until, default=None)


def _cause(desk: Desk, delivery: Delivery) -> tuple[str, str]:
    """Return what failures have in common that go in one message: the bundle, and why, but for what varies in it."""
    request = requests.get(desk.ledger, delivery.request)
    bundle, reason = (request.bundle, request.reason or request.state) if request else ("", "")
    if delivery.letter == "undelivered":
        reason = (delivery.options.remark or "").partition(": ")[2]
    return bundle, _VARIES.sub("…", reason)


def _sent(desk: Desk, group: Sequence[Delivery]) -> str | None:
    """Send one message, and return what is to be remarked of it."""
    first = group[0]
    if first.letter == "report" and first.options.wish and first.target != "reply":
        check_recipient(desk.host, first.options.wish)  # which may have changed since
    if first.target == "url":
        if first.letter != "report":
            raise NotSentError(f"Nothing but reports goes to {first.address}.")
        return files.send(first, writing.subject(desk, first.request))
    letter = _letter(desk, group)
    if first.target == "mail":
        mail.send(desk.host.mail, first, letter)
    elif first.target == "webhook":
        webhook.send(desk.host.webhooks, first, letter)
    elif first.target == "reply":
        return slack.reply(desk, first, letter)
    else:
        return slack.send(desk, first, letter)
    return None


def _letter(desk: Desk, group: Sequence[Delivery]) -> Letter:
    target = group[0].target
    largest = size(desk.host.mail.largest) if target == "mail" and desk.host.mail else LARGEST
    try:
        return writing.written(desk, group, largest)
    except ScrapdbError:
        raise
    except Exception as error:  # nothing has been sent yet
        raise NotSentError(f"The letter cannot be written: {type(error).__name__}: {error}") from error


def _ended(desk: Desk, group: Sequence[Delivery], state: deliveries.State, reason: str | None) -> None:
    deliveries.ended(desk.ledger, group, state, reason)
    _say(group, f"{state}{f': {reason}' if reason else ''}")


def _say(group: Sequence[Delivery], what: str) -> None:
    first = group[0]
    more = f" and {len(group) - 1} more" if group[1:] else ""
    _log.info("%s%s, %s to %s:%s: %s", first.request, more, first.letter, first.target, first.address, what)


def _later(desk: Desk, group: Sequence[Delivery], error: NotNowError) -> None:
    attempt = max(each.attempt for each in group)
    if attempt >= ATTEMPTS:
        _failed(desk, group, f"{error} That was attempt {attempt}, the last one.")
        return
    seconds = max(min(FIRST * 2 ** (attempt - 1), CAP), error.seconds or 0.0)
    deliveries.later(desk.ledger, group, str(error), written(datetime.now(UTC) + timedelta(seconds=seconds)))
    _say(group, f"again in {seconds:.0f} s: {error}")


def _failed(desk: Desk, group: Sequence[Delivery], reason: str) -> None:
    """Write that a message did not reach somebody, and have the author told if it was a report."""
    with desk.ledger.writing():
        _ended(desk, group, "failed", reason)
        for each in group:
            request = requests.get(desk.ledger, each.request) if each.letter == "report" else None
            if request and (told := planning.undelivered(desk, each, request, reason)):
                deliveries.add(desk.ledger, told)
