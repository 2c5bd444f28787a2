"""Who is told what when a request is over.

Readers get reports that are whole, and nothing else. Who asked gets a sentence where he asked if there is none, and the
author gets the trace; what has no author goes to whoever answers for the service, then to who asked: never to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.bundles.bundle import Bundle
from scrapdb.reporting.bundles.target import Attachment
from scrapdb.reporting.bundles.target import Place
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.bundles.target import place
from scrapdb.reporting.service.delivering import conditions
from scrapdb.reporting.service.delivering.letters import writing
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger.deliveries import Delivery
from scrapdb.reporting.service.ledger.deliveries import Letter
from scrapdb.reporting.service.ledger.deliveries import Options
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.reporting.service.recipients import check_recipient

_BROKEN = frozenset({"error", "timed out", "killed", "lost"})  # of which an author wants to know
_SHOWN = 200  # characters of an address that is none


def planned(desk: Desk, request: Request) -> list[Delivery]:
    """Return all deliveries of a request that is over, those among them that will not be sent."""
    bundle = writing.bundle(desk, request)
    if bundle is None and request.bundle_hash:
        audit.write(desk.ledger, None, request.via, "tell some", request=request.id, detail="the bundle is gone")
    found = [*_to_readers(desk, request, bundle), *_to_asker(desk, request)]
    if _is_broken(request):
        found += _to_author(desk, request, bundle)
    told = [each for each in found if each.state == "to send"]
    if _is_broken(request) and not any(each.letter == "trace" for each in told):
        audit.write(desk.ledger, None, request.via, "tell nobody", request=request.id, detail=request.reason)
    traced = {(each.target, each.address) for each in told if each.letter == "trace"}
    # A trace says all that the sentence does.
    return [each for each in found if each.letter != "failure" or (each.target, each.address) not in traced]


def to_reader(desk: Desk, request: Request, target: Target) -> Delivery:
    """Return the delivery of a report to a target; one that is failed if nothing may go there."""
    options = Options(wish=target)
    try:
        where = check_recipient(desk.host, target)
    except ScrapdbError as error:
        return _told(request, _anyhow(target), "report", options, str(error))
    return _told(request, where, "report", options)


def undelivered(desk: Desk, delivery: Delivery, request: Request, reason: str) -> Delivery | None:
    """Return what the author is told of a delivery that failed; None if nobody is to be told."""
    bundle = writing.bundle(desk, request)
    where, _ = _author(desk, request, bundle)
    if where is None or (where.kind, where.address) == (delivery.target, delivery.address):
        return None
    told = f"{delivery.request} did not reach {delivery.address}: {reason}"
    return _told(request, where, "undelivered", Options(remark=told))


def _to_readers(desk: Desk, request: Request, bundle: Bundle | None) -> Iterator[Delivery]:
    targets = [*(bundle.config.deliver if bundle else ()), *request.deliver]
    every = [to_reader(desk, request, target) for target in reversed(targets)]
    wanted = [*{(each.target, each.address): each for each in every}.values()][::-1]  # the first of each address
    if request.state != "completed":
        why = f"it is {request.state}{f': {request.reason}' if request.reason else ''}"
        yield from (_not_sent(each, why) for each in wanted)
        return
    condition = request.deliver_if or (bundle.config.deliver_if if bundle else None)
    verdict = conditions.judged(desk, request, bundle, condition) if condition and wanted else conditions.SENT
    for each in wanted:
        remarked = replace(each, options=replace(each.options, remark=verdict.remark))
        yield _not_sent(each, verdict.why_not) if verdict.why_not else remarked
    yield from _back(request)


def _back(request: Request) -> Iterator[Delivery]:
    """Yield the report where it was asked for, whatever its readers wish to be told."""
    if where := _reply(request):
        attach: list[Attachment] = [page for page in ("html", "pdf") if page in request.pages]
        wish = Target(to=f"reply:{where.address}", attach=(*attach, "link"))
        yield _told(request, where, "report", Options(wish=wish))


def _to_asker(desk: Desk, request: Request) -> Iterator[Delivery]:
    if request.state == "completed":
        return
    if where := _reply(request):
        yield _told(request, where, "failure", Options())
    elif (_is_broken(request) or _is_taken_away(request)) and (found := _asker(desk, request)):
        yield _told(request, found, "failure", Options())


def _is_broken(request: Request) -> bool:
    return request.state in _BROKEN


def _is_taken_away(request: Request) -> bool:
    return request.state == "cancelled" and request.cancelled_by != request.asker


def _to_author(desk: Desk, request: Request, bundle: Bundle | None) -> Iterator[Delivery]:
    where, refused = _author(desk, request, bundle)
    if refused:
        yield refused
    if where:
        remark = f"Nothing went to the author of the bundle. {refused.reason}" if refused else None
        yield _told(request, where, "trace", Options(remark=remark))


def _author(desk: Desk, request: Request, bundle: Bundle | None) -> tuple[Place | None, Delivery | None]:
    """Return where traces of a bundle go, and the delivery to its own author if nothing may go there.

    The bundle says who its author is, and may say anything; whoever answers for the service is believed.
    """
    refused = None
    if bundle and bundle.config.author:
        target = Target(to=bundle.config.author)
        try:
            return check_recipient(desk.host, target), None
        except ScrapdbError as error:
            refused = _told(request, _anyhow(target), "trace", Options(wish=target), str(error))
    return _believed(desk.host.author) or _reply(request) or _asker(desk, request), refused


def _asker(desk: Desk, request: Request) -> Place | None:
    asker = desk.host.askers.get(request.asker)
    return _believed(asker.address if asker else None)


def _believed(address: str | None) -> Place | None:
    """Return a place that service.yaml names; what is none there is as good as not said."""
    if address is None:
        return None
    try:
        return place(address)
    except ScrapdbError:
        return None


def _reply(request: Request) -> Place | None:
    reply = request.reply or {}
    if reply.get("kind") != "slack":
        return None
    named = [str(reply[name]) for name in ("channel", "user") if reply.get(name)]
    return Place("reply", "/".join(named) or "slack")


def _told(request: Request, where: Place, letter: Letter, options: Options, refused: str | None = None) -> Delivery:
    """Return a delivery, of which a sentence may say why it fails at once."""
    return Delivery(
        request=request.id,
        target=where.kind,
        address=where.address,
        letter=letter,
        options=options,
        state="failed" if refused else "to send",
        reason=refused,
    )


def _not_sent(delivery: Delivery, why: str) -> Delivery:
    return replace(delivery, state="not sent", reason=why) if delivery.state == "to send" else delivery


def _anyhow(target: Target) -> Place:
    try:
        return place(target.to)
    except ScrapdbError:
        return Place("url", target.to[:_SHOWN])
