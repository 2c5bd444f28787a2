"""Signed links: an address at which one recipient reads one report without signing in, for a time.

The address holds the id of a row of `links`, which names report and recipient, and a signature. So a link expires, and
can be taken back, and an address that leaks says nothing of who got it.
"""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.service import keys
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import links
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.ledger import written
from scrapdb.reporting.service.ledger.requests import Request
from scrapdb.running.rows.units import duration

_PURPOSE = "link"
_LONGEST = 500  # characters of a token


class LinkError(ScrapdbError):
    """A link that leads nowhere, or nowhere any more."""


def made(desk: Desk, request: Request, recipient: str) -> str | None:
    """Return the address at which a recipient reads a report; None if nobody says what the service's own address is.

    A message that is repeated brings the same link.

    Raises:
        ScrapdbError: there is no key to sign it.
    """
    if desk.host.url is None:
        return None
    seconds = duration(desk.host.links)
    lasting = written(datetime.now(UTC) + timedelta(seconds=seconds / 2))
    known = (link for link in links.of(desk.ledger, request.id) if link.is_good and link.recipient == recipient)
    link = next((link for link in known if link.expires_at > lasting), None)
    link = link or links.give(desk.ledger, request.id, recipient, seconds)
    token = str(keys.serializer(desk.reports, _PURPOSE).dumps([link.id, link.request]))
    return f"{desk.host.url.rstrip('/')}/r/{token}"


def checked(desk: Desk, token: str) -> Request:
    """Return the report to which a link leads.

    Raises:
        LinkError: it was forged, has expired, was taken back, or the report is gone.
        ScrapdbError: there is no key to check it.
    """
    from itsdangerous import BadSignature
    from itsdangerous import SignatureExpired

    signer = keys.serializer(desk.reports, _PURPOSE)
    try:
        said = signer.loads(token[:_LONGEST], max_age=int(duration(desk.host.links)) + 1)
    except SignatureExpired as error:
        raise LinkError("This link has expired. Ask for the report again.") from error
    except BadSignature as error:
        raise LinkError("This link leads nowhere: it is not whole, or none of this service.") from error
    link = links.get(desk.ledger, str(said[0]))
    request = requests.get(desk.ledger, link.request) if link else None
    if link is None or request is None or [link.id, link.request] != said:
        raise LinkError("The report of this link is not kept any more. Ask for it again.")
    if link.revoked_by is not None:
        raise LinkError("This link was taken back. Ask whoever sent it to you.")
    if not link.is_good:
        raise LinkError("This link has expired. Ask for the report again.")
    return request


def taken_back(desk: Desk, id_: str, who: str, via: str = "page") -> bool:
    """Let a link lead nowhere from now on; return whether it led somewhere."""
    link = links.get(desk.ledger, id_)
    if link is None or not links.take_back(desk.ledger, id_, who):
        return False
    audit.write(desk.ledger, who, via, "take back", request=link.request, detail=f"the link of {link.recipient}")
    return True
