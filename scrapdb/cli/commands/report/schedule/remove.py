"""scrapdb report schedule remove: a schedule is removed."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.service import Service


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", hidden=True)],
    *,
    service: Service,
    settings: Settings,
) -> None:
    """Remove the schedule NAME; the reports that it asked for stay."""
    from scrapdb.reporting.service.scheduling import changing

    with service.ledger() as ledger:
        changing.remove(ledger, "you", name)
    settings.say(f"{name} is removed.")
