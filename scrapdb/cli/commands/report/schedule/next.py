"""scrapdb report schedule next: the next moments of a schedule."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.service import Bundles
from scrapdb.cli.service import Service


def command(
    bundles: Bundles,
    name: Annotated[str, typer.Argument(metavar="NAME", hidden=True)],
    *,
    number: Annotated[int, typer.Option("-n", "--number", min=1, max=1000, metavar="N", help="So many.")] = 5,
    service: Service,
    settings: Settings,
) -> None:
    """Show when the schedule NAME asks next, in its time zone, and with which parameters then.

    \b
    scrapdb report schedule next bundles/ monday -n 3
    """
    from scrapdb.formats.values import escaped
    from scrapdb.reporting.service.scheduling import changing
    from scrapdb.reporting.service.scheduling import moving

    with service.desk(bundles, settings) as desk:
        found = changing.of(desk.ledger, name)
        moments = changing.coming(desk, found, number)
        config = desk.catalogue.get(found.bundle).config
        for moment in moments:
            given = moving.settled(config, found.definition.parameters, moment)
            told = "  ".join(f"{name}={value}" for name, value in given.items())
            typer.echo(escaped(f"{moment:%Y-%m-%d %H:%M %Z}  {told}".rstrip()))
    if not moments:
        resting = (
            f"{found.name} rests: paused by {found.paused_by}." if found.paused_by else f"{found.name} never asks."
        )
        settings.say(f"{resting}{f' {found.reason}' if found.reason else ''}")
