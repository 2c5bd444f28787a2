"""scrapdb report schedule resume: a schedule goes on."""

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
    """Let the schedule NAME go on, from its next moment."""
    from scrapdb.reporting.service.scheduling import changing

    with service.desk(bundles, settings) as desk:
        moment = next(iter(changing.coming(desk, changing.resume(desk, "you", name), 1)), None)
    settings.say(f"{name} asks next at {moment:%Y-%m-%d %H:%M %Z}." if moment else f"{name} never asks.")
