"""Where reports may go, as whoever answers for the service says it. Pure."""

from __future__ import annotations

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.service.host import Host
from scrapdb.reporting.service.target import Target


def check_recipient(host: Host, target: Target) -> None:
    """Refuse a target to which nothing may go.

    Raises:
        UsageError: it is none.
        ScrapdbError: nothing may go there.
    """
    if not host.recipients:
        raise ScrapdbError(f"Nothing may go to {target.to}: name it below `recipients` in service.yaml.")
