"""Where a report is brought, as a bundle, a schedule or whoever asks says it. Pure.

None of them is trusted, so that an address which could be read in two ways is refused rather than understood.
"""

from __future__ import annotations

import re
from typing import Annotated
from typing import Literal
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from scrapdb.errors import UsageError

_MAIL = re.compile(
    r"[A-Za-z0-9_'+=-]+(?:\.[A-Za-z0-9_'+=-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
_SLACK = re.compile(r"#[\w.-]{1,80}|[A-Z][A-Z0-9]{5,19}")  # a channel, or an id of Slack's
_ODD = re.compile(r"[\0-\x20\x7f-\xa0\u2000-\u200f\u2028-\u202f\u2066-\u2069\ufeff\ud800-\udfff\\]")
_LONGEST_MAIL, _LONGEST = 254, 2_000
Attachment = Literal["html", "pdf", "link"]


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An address, and what is brought there."""

    to: Annotated[
        str,
        Meta(
            min_length=1,
            description="mail:anna@example.com, slack:#sales, an https:// address that takes webhooks, or a path or URL"
            " of files such as s3://bucket/{bundle}/{site}.html.",
        ),
    ]
    attach: Annotated[tuple[Attachment, ...], Meta(description="What it brings.")] = ("html",)
    template: Annotated[
        str | None, Meta(description="Name of a template of the bundle for the message, without its suffix.")
    ] = None


class Place(NamedTuple):
    """A target, read: of which kind it is, and its address in the one spelling that counts."""

    kind: Literal["mail", "slack", "webhook", "url", "reply"]
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
    if is_mail(to):
        raise UsageError(f"{to} is no target; write mail:{to}.")
    if not to or len(to) > _LONGEST or _ODD.search(to):
        raise UsageError(f"{to[:80]!r} is no address: it has blanks, backslashes or signs that nobody sees, or no end.")
    if scheme.lower() in {"http", "https"}:
        return Place("webhook", _webhook(to))
    return Place("url", _checked_url(to))


def is_mail(address: str) -> bool:
    """Return whether a text is an address of mail."""
    return bool(_MAIL.fullmatch(address)) and len(address) <= _LONGEST_MAIL


def _mail(address: str) -> str:
    if not is_mail(address):
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
