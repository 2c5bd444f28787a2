"""scrapdb report serve: a service of reports."""

from __future__ import annotations

import signal
import webbrowser
from contextlib import ExitStack
from contextlib import suppress
from typing import TYPE_CHECKING
from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.cli.service import Bundles
from scrapdb.cli.service import Service

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from scrapdb.reporting.service.desk import Desk


def command(
    bundles: Bundles,
    *,
    service: Service,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; elsewhere than on this machine with askers only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="0 takes any that is free.")] = 8765,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", min=1, metavar="N", help="Reports made at once; by default 2.")
    ] = None,
    no_work: Annotated[
        bool, typer.Option("--no-work", help="Make none: `scrapdb report work` does, in processes of its own.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Tell what happens as lines of JSON.")] = False,
    settings: Settings,
) -> None:
    """Serve the reports of BUNDLES: pages to ask for them and to read them, and an API, until Ctrl-C.

    What is asked for is in a ledger beside the reports, and is made even if all of this ends and begins again.

    \b
    scrapdb report serve bundles/
    scrapdb report serve bundles/ -o reports --config service.yaml --host 0.0.0.0
    """
    from scrapdb.cli.service import log
    from scrapdb.reporting.service.web import serving
    from scrapdb.reporting.service.work import supervisor

    log(as_json=log_json)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), service.desk(bundles, settings) as desk, ExitStack() as stack:
        listens = stack.enter_context(serving.listening(desk.host, host, port))
        app = _application(desk)
        if not no_work:
            words = ["report", "work", *service.words(bundles, settings), "--until-end-of-input"]
            words += ["-j", str(jobs)] if jobs else []
            stack.enter_context(supervisor.running([*words, "--log-json"] if log_json else words))
        address = serving.address(listens)
        settings.say(f"{address} has the reports of {bundles}. Ctrl-C ends it.")
        _say_what_is_wrong(desk, bundles, settings)
        if open_:
            webbrowser.open(address)
        serving.serve(app, listens, is_behind=desk.host.url is not None)


def _application(desk: Desk) -> Starlette:
    from scrapdb.reporting.service.web.app import application

    return application(desk)


def _say_what_is_wrong(desk: Desk, bundles: str, settings: Settings) -> None:
    """Name the bundles that nobody can ask for; the pages show them, too."""
    listed = desk.catalogue.all()
    for each in listed:
        if each.wrong:
            settings.say(f"{each.name} cannot be asked for: {each.wrong}")
    if not listed:
        settings.say(f"{bundles} holds no bundle yet; `scrapdb report new` begins one, which is there at once.")
