"""scrapdb report schedule pause: a schedule rests."""

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
    """Let the schedule NAME rest, until it is resumed; moments at which it rests are gone by."""
    from scrapdb.reporting.service.scheduling import changing

    with service.ledger() as ledger:
        changing.pause(ledger, "you", name)
    settings.say(f"{name} rests.")
