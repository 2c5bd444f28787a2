"""A report is delivered because a person says so: once more, or to somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.target import Attachment
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.bundles.target import place
from scrapdb.reporting.service import links
from scrapdb.reporting.service.delivering import dispatch
from scrapdb.reporting.service.delivering import planning
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import deliveries
from scrapdb.reporting.service.ledger import ledger as ledgers
from scrapdb.reporting.service.ledger import links as rows
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.deliveries import Delivery
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.recipients import check_recipient

_LOST = frozenset({"failed", "unsure"})


def listed(desk: Desk, id_: str) -> list[Delivery]:
    """Return the deliveries of a report, as far as it is written down who gets it.

    Raises:
        UsageError: there is no such report.
    """
    deliveries.settle(desk.ledger)
    return deliveries.of(desk.ledger, _request(desk, id_).id)


def delivered(
    desk: Desk, id_: str, to: str | None = None, *, attach: Sequence[str] = (), who: str | None = None
) -> list[Delivery]:
    """Send at once what of a report has not arrived, or the report to one target, and return what became of that.

    Args:
        desk: where it was asked for.
        id_: of the report.
        to: a target, new or one to which it has gone already.
        attach: what it brings there; by default what it did, or the page.
        who: says so, for the audit.

    Raises:
        UsageError: there is no such report, or nothing of it to be sent again.
        ScrapdbError: there is no page of it, or nothing may go there.
    """
    request = _request(desk, id_)
    deliveries.settle(desk.ledger)
    if request.told_at is None and not request.is_open:
        deliveries.tell(desk.ledger, request.id, planning.planned(desk, request))
    kinds = tuple(kind for kind in get_args(Attachment) if kind in attach)
    found = [_to(desk, request, to, kinds)] if to else _lost(desk, request)
    detail = ", ".join(f"{each.target}:{each.address}" for each in found)
    audit.write(desk.ledger, who, "command", "deliver", request=request.id, detail=detail)
    with ledgers.worker(desk.reports) as worker:
        for each in found:
            taken = deliveries.take(desk.ledger, [_waiting(desk, each)], worker)
            if taken:
                dispatch.sent(desk, taken)
    wanted = {each.id for each in found}
    return [each for each in deliveries.of(desk.ledger, request.id) if each.id in wanted]


def taken_back(desk: Desk, id_: str, to: str | None = None, *, who: str | None = None) -> list[str]:
    """Take back the links to a report, all or those of one target, and return whose they were.

    Raises:
        UsageError: there is no such report, or none of its links leads anywhere.
    """
    request = _request(desk, id_)
    wanted = ":".join(place(to)) if to else None
    good = [each for each in rows.of(desk.ledger, request.id) if each.is_good and wanted in {None, each.recipient}]
    if not good:
        raise UsageError(f"No link to {request.id}{f' of {to}' if to else ''} leads anywhere.")
    for each in good:
        links.taken_back(desk, each.id, who or "command", "command")
    return [each.recipient for each in good]


def _request(desk: Desk, id_: str) -> Request:
    name = id_.rstrip("/").rpartition("/")[2]
    if request := requests.get(desk.ledger, name):
        return request
    raise UsageError(
        f"No service was asked for a report {id_} in {desk.reports}: -o names another directory, and"
        " `scrapdb report push` hands on what was made without a service."
    )


def _lost(desk: Desk, request: Request) -> list[Delivery]:
    every = deliveries.of(desk.ledger, request.id)
    found = [each for each in every if each.state in _LOST]
    if not found:
        told = ", ".join(dict.fromkeys(f"{each.target}:{each.address} is {each.state}" for each in every))
        raise UsageError(
            f"Nothing of {request.id} is lost{f': {told}' if told else ''}. --to TARGET sends it somewhere."
        )
    return found


def _to(desk: Desk, request: Request, to: str, attach: tuple[Attachment, ...]) -> Delivery:
    """Return the delivery of a report to a target, which is written down if there was none."""
    if request.state != "completed":
        why = f": {request.reason}" if request.reason else ""
        raise ScrapdbError(f"{request.id} is {request.state}{why}; only a report that is completed goes to readers.")
    where = check_recipient(desk.host, Target(to=to))
    same = (where.kind, where.address, "report")
    every = deliveries.of(desk.ledger, request.id)
    known = next((each for each in every if (each.target, each.address, each.letter) == same), None)
    if known is None:
        new = planning.to_reader(desk, request, Target(to=to, attach=attach or ("html",)))
        deliveries.add(desk.ledger, new)
        return next(
            each for each in deliveries.of(desk.ledger, request.id) if (each.target, each.address, each.letter) == same
        )
    if known.state == "sending":
        raise ScrapdbError(f"{request.id} is being sent to {to}.")
    wish = known.options.wish or Target(to=to)
    wish = replace(wish, attach=attach or wish.attach)
    return replace(known, options=replace(known.options, wish=wish))


def _waiting(desk: Desk, delivery: Delivery) -> Delivery:
    return delivery if delivery.state == "to send" else deliveries.again(desk.ledger, delivery)
