"""Where reports may go, as whoever answers for the service says it. Pure.

Who writes a bundle or asks for a report is not trusted with that, so that an address which could be read in two ways is
refused rather than understood.
"""

from __future__ import annotations

import posixpath
import re
from typing import Literal
from typing import NamedTuple
from urllib.parse import urlsplit

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files import remote
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.target import Target

_MAIL = re.compile(
    r"[A-Za-z0-9_'+=-]+(?:\.[A-Za-z0-9_'+=-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_SLACK = re.compile(r"#[\w.-]{1,80}|@?[A-Z0-9]{6,20}")  # a channel, or an id of Slack's
_ODD = re.compile(r"[\0-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u2066-\u2069\ufeff\ud800-\udfff\\]")
_LONGEST_MAIL, _LONGEST = 254, 2_000
_PAGES = (".html", ".pdf")


class Place(NamedTuple):
    """A target, read: of which kind it is, and its address in the one spelling that counts."""

    kind: Literal["mail", "slack", "webhook", "url"]
    address: str


def place(to: str) -> Place:
    """Read where a target leads.

    Raises:
        UsageError: nowhere.
    """
    scheme, _, rest = to.partition(":")
    if scheme.lower() == "mail":
        return Place("mail", _mail(rest))
    if scheme.lower() == "slack":
        if not _SLACK.fullmatch(rest):
            raise UsageError(f"{to!r} is no channel of Slack; write slack:#sales.")
        return Place("slack", rest)
    if _MAIL.fullmatch(to):
        raise UsageError(f"{to} is no target; write mail:{to}.")
    if not to or len(to) > _LONGEST or _ODD.search(to):
        raise UsageError(f"{to[:80]!r} is no address: it has blanks, backslashes or signs that nobody sees, or no end.")
    if scheme.lower() in {"http", "https"}:
        return Place("webhook", _webhook(to))
    return Place("url", _checked_url(to))


def check_recipient(host: Host, target: Target) -> Place:
    """Refuse a target to which nothing may go, and return where it leads.

    Raises:
        UsageError: it is none.
        ScrapdbError: nothing may go there.
    """
    found = place(target.to)
    if not any(_allows(allowed.strip(), found) for allowed in host.recipients):
        raise ScrapdbError(f"Nothing may go to {target.to}: name it below `recipients` in service.yaml.")
    return found


def _mail(address: str) -> str:
    if not _MAIL.fullmatch(address) or len(address) > _LONGEST_MAIL:
        raise UsageError(f"{address[:80]!r} is no mail address; write one, as mail:anna@example.com.")
    return address.lower()


def _webhook(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{url[:80]!r} is no address: {error}.") from error
    if not parts.hostname or parts.username is not None or parts.password is not None or not url.isascii():
        raise UsageError(f"{url[:80]!r} is no address of a webhook; write https://, a host in ASCII, and a path.")
    named = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    bare = f"{parts.scheme.lower()}://{named}{f':{port}' if port is not None else ''}{parts.path or '/'}"
    _check_path(parts.path, url)
    return f"{bare}?{parts.query}" if parts.query else bare


def _checked_url(to: str) -> str:
    if "::" in to:  # in which fsspec would read several URLs
        raise UsageError(f"{to[:80]!r} is several URLs in one; write one.")
    scheme, mark, rest = to.partition("://")
    _check_path(rest if mark else to, to)
    if "@" in rest.partition("/")[0]:
        raise UsageError(f"{to[:80]!r} has a name or password in it; those belong into the environment.")
    return f"{scheme.lower()}://{rest}" if mark else to


def _check_path(path: str, url: str) -> None:
    parts = re.split("/|%2f", path.lower().replace("%2e", "."))
    if "." in parts or ".." in parts or "%5c" in path.lower():
        raise UsageError(f"{url[:80]!r} has `.` or `..` in its path; write it straight.")


def _allows(allowed: str, found: Place) -> bool:
    """Tell whether one line of `recipients` allows a place."""
    if found.kind == "mail":
        named = allowed.removeprefix("mail:").lower()
        domain = found.address.rpartition("@")[2]
        return named == (f"@{domain}" if named.startswith("@") else found.address)
    if found.kind == "slack":
        return allowed == f"slack:{found.address}"
    return _is_below(allowed, found)


def _is_below(allowed: str, found: Place) -> bool:
    """Tell whether an address begins with another at a border: https://a.example is not https://a.example.evil."""
    if not allowed or allowed.startswith(("@", "slack:", "mail:")) or _MAIL.fullmatch(allowed):
        return False
    try:
        top = place(allowed)
    except UsageError:
        return False
    if top.kind != found.kind:
        return False
    if found.kind == "webhook":
        return found.address == top.address or found.address.startswith((_slashed(top.address), f"{top.address}?"))
    fixed = found.address.partition("{")[0]  # before the first field of a pattern
    if not remote.is_url(fixed):
        fixed = posixpath.normpath(fixed) + "/" * fixed.endswith("/")
        top = top._replace(address=posixpath.normpath(top.address))
    is_file = fixed == top.address and fixed.endswith(_PAGES)  # a directory of that name would get a file beside it
    return is_file or fixed.startswith(_slashed(top.address))


def _slashed(address: str) -> str:
    return address if address.endswith("/") else f"{address}/"
