"""scrapdb report preview: a bundle in the browser while somebody writes it."""

from __future__ import annotations

import signal
import webbrowser
from contextlib import suppress
from typing import Annotated

import typer

from scrapdb.cli.options import Settings


def command(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", hidden=True)],
    *,
    parameter: Annotated[
        list[str] | None,
        typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="A parameter to begin with. Repeatable."),
    ] = None,
    lang: Annotated[
        str | None, typer.Option(metavar="LANG", help="Language to begin with.  [default: the bundle's first]")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="0 takes any that is free.")] = 8010,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open it in the browser.")] = True,
    network: Annotated[bool, typer.Option("--network", help="Let the notebook reach the network.")] = False,
    no_wall: Annotated[bool, typer.Option("--no-wall", help="Run your own notebook without a wall.")] = False,
    token: Annotated[
        str | None, typer.Option(metavar="CMD", help="What issues its token: a command, or a plugin's name.")
    ] = None,
    settings: Settings,
) -> None:
    """Show the report of BUNDLE in a browser, and make it again whenever you save one of its files.

    The notebook runs again only if its code or a parameter has changed; what is wrong is shown in the page. Nothing is
    written into the bundle, and no store is touched. Ctrl-C ends it.

    \b
    scrapdb report preview voltage
    scrapdb report preview voltage -p site=south --lang ca
    """
    from scrapdb.cli.over_store import given
    from scrapdb.reporting.preview import preview
    from scrapdb.running.batches.settings import Settings as How

    how = How(network=network, wall="none" if no_wall else None)
    with preview.opened(bundle, given(parameter or ()), language=lang, port=port, settings=how, token=token) as server:
        settings.say(f"{server.url} shows {bundle}, again on every save. Ctrl-C ends it.")
        if open_:
            webbrowser.open(server.url)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            server.serve_forever(poll_interval=0.1)
