"""Where reports may go, as whoever answers for the service says it. Pure.

Who writes a bundle or asks for a report is not trusted with that, so that an address which could be read in two ways is
refused rather than understood.
"""

from __future__ import annotations

import posixpath

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files import remote
from scrapdb.reporting.bundles.target import Place
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.bundles.target import is_mail
from scrapdb.reporting.bundles.target import place
from scrapdb.reporting.service.host import Host

_PAGES = (".html", ".pdf")


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
    if not allowed or allowed.startswith(("@", "slack:", "mail:")) or is_mail(allowed):
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
