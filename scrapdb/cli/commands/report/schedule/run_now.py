"""scrapdb report schedule run-now: a schedule asks at once."""

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
    service: Service,
    settings: Settings,
) -> None:
    """Ask for what the schedule NAME asks for, as if this were its moment; a worker makes it."""
    from scrapdb.reporting.service.scheduling import changing

    with service.desk(bundles, settings) as desk:
        asked = changing.run_now(desk, "you", name)
    for request in asked.requests:
        typer.echo(request.id)
    for request in asked.refused:
        settings.say(f"refused: {request.reason}")
    if not asked.requests:
        raise typer.Exit(1)
