"""What the server has signed and knows again: who has signed in, and that a form is its own."""

from __future__ import annotations

import hashlib
import hmac
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING
from typing import NamedTuple

from itsdangerous import BadData
from itsdangerous import URLSafeTimedSerializer

from scrapdb.reporting.service import access
from scrapdb.reporting.service import keys
from scrapdb.reporting.service.access import Person
from scrapdb.reporting.service.host import Host

if TYPE_CHECKING:
    from pathlib import Path


COOKIE = "scrapdb_session"
SECONDS = 14 * 86_400  # for which somebody stays signed in
_SHOWN = 16  # characters of a digest, by which it is seen that a token was taken back
_MOST, _WITHIN = 20, 60.0  # wrong tokens, in so many seconds
_ADDRESSES = 1_000  # that are remembered


class Failures:
    """Counts wrong tokens by the address from which they come, so that nobody tries many."""

    def __init__(self) -> None:
        self._times: dict[str | None, deque[float]] = {}

    def add(self, address: str | None) -> None:
        """Remember one; of addresses that are many, the last ones."""
        times = self._times.pop(address, None) or deque(maxlen=_MOST)
        times.append(monotonic())
        self._times[address] = times
        if len(self._times) > _ADDRESSES:
            del self._times[next(iter(self._times))]

    def are_many(self, address: str | None) -> bool:
        """Tell whether there were too many of late."""
        times = self._times.get(address, deque[float]())
        return len(times) == _MOST and monotonic() - times[0] < _WITHIN


class Signers(NamedTuple):
    """What signs: cookies, and forms."""

    cookies: URLSafeTimedSerializer
    forms: URLSafeTimedSerializer

    @classmethod
    def of(cls, reports: Path) -> Signers:
        """Return the signers of the service whose reports are there."""
        return cls(keys.serializer(reports, "session"), keys.serializer(reports, "form"))


def session(signers: Signers, who: Person, token: str) -> str:
    """Return the cookie of somebody who has signed in with a token."""
    return str(signers.cookies.dumps([who.name, access.digest(token)[:_SHOWN]]))


def signed_in(host: Host, signers: Signers, cookie: str) -> Person | None:
    """Return who has signed in; None if the cookie is forged or old, or the token was taken back."""
    try:
        name, shown = signers.cookies.loads(cookie, max_age=SECONDS)
        asker = host.askers[name]
    except (BadData, ValueError, TypeError, KeyError):
        return None
    valid = any(hmac.compare_digest(known.lower()[:_SHOWN], shown) for known in asker.tokens)
    return access.person(host, name) if valid else None


def form(signers: Signers, session: str) -> str:
    """Return what is in every form that the server gives within a session, and in no other."""
    return str(signers.forms.dumps(_digest(session)))


def is_form(signers: Signers, session: str, given: str) -> bool:
    """Tell whether a form is the server's own, and not older than a session gets."""
    try:
        return bool(signers.forms.loads(given, max_age=SECONDS) == _digest(session))
    except BadData:
        return False


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()
