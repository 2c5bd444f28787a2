"""scrapdb report build-env: the environment that a bundle's requirements.txt asks for."""

from __future__ import annotations

from typing import Annotated

import typer

from scrapdb.cli.options import Settings


def command(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", hidden=True)],
    *,
    force: Annotated[bool, typer.Option("--force", help="Make it anew if it is there.")] = False,
    settings: Settings,
) -> None:
    """Install what BUNDLE's requirements.txt asks for, and ipykernel, in an environment of its own.

    It is made once for the same requirements, below $XDG_CACHE_HOME/scrapdb/environments, by uv if there is one, else
    by pip. Reports of the bundle then run in it and cannot change it; nothing is installed when one is asked for.
    """
    from scrapdb.reporting.bundles import environments
    from scrapdb.reporting.bundles import opening

    opened = opening.opened(bundle)
    if environments.requirements(opened):
        settings.say("Packages are being installed …")
    made = environments.build(opened, again=force)
    settings.say(f"Made by {made.by} → {made.directory}" if made.is_new else f"It is there: {made.directory}")
