"""scrapdb serve: the store in the browser."""

from __future__ import annotations

import errno
import os
import socket
import time
import webbrowser
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Annotated

import typer

from scrapdb.cli.options import Settings
from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.store.connection import check

_SECONDS, _PAUSE = 60.0, 0.1  # that the browser waits for the server, and between two looks at it


def command(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 is for everybody.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, metavar="N", help="0 takes any that is free.")] = 8001,
    open_: Annotated[bool, typer.Option("--open", help="Open its overview in the browser.")] = False,
    immutable: Annotated[
        bool, typer.Option("--immutable", help="Promise that nothing changes the store meanwhile: faster.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, help="Serve nothing; write a directory that any host of Datasette takes."
        ),
    ] = None,
    settings: Settings,
) -> None:
    """Serve the store with Datasette, read-only, until Ctrl-C."""
    from scrapdb.cli import hosting

    path = settings.store_path()
    check(path)
    if export is None:
        _need_datasette()
        port = _need_port(host, port)
    _make_searchable(path)
    if export is not None:
        hosting.write_directory(path, export)
        settings.say(f"Wrote {export}. To serve it: datasette {export}")
        return
    if immutable:
        from scrapdb.store.publish import fold

        fold(path)
    if open_:
        Thread(target=_open, args=(host, port, path.stem), daemon=True).start()
    options = ["--host", host, "--port", str(port)]
    _run_datasette(["serve", *hosting.arguments(path, immutable=immutable), *options])


def _run_datasette(arguments: list[str]) -> None:
    import click  # on which Datasette stands; typer has a copy of its own
    from datasette.cli import cli

    try:
        cli.main(arguments, standalone_mode=False)
    except click.Abort:
        raise typer.Exit(130) from None
    except click.ClickException as error:
        error.show()
        raise typer.Exit(error.exit_code) from None


def _need_datasette() -> None:
    if find_spec("datasette") is None:
        raise ScrapdbError("Datasette is not installed; `pip install 'scrapdb[datasette]'` does it.")


def _need_port(host: str, port: int) -> int:
    """Return the port to listen on: the one that is named if it is free, or any for 0."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
            return int(server.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ScrapdbError(f"Port {port} of {host} is taken; name another with --port.") from None
        raise ScrapdbError(f"Cannot listen on port {port} of {host}: {error.strerror}.") from None


def _open(host: str, port: int, database: str) -> None:
    """Open the overview of a store when the server listens: a browser that comes too early finds nothing."""
    from datasette.utils import tilde_encode

    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - asked for, not bound
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection((reached, port), timeout=1):
            name = f"[{reached}]" if ":" in reached else reached
            webbrowser.open(f"http://{name}:{port}/-/scrapdb/{tilde_encode(database)}/overview")
            return
        time.sleep(_PAUSE)


def _make_searchable(path: Path) -> None:
    """Make the search table, if there is none and the store can be written."""
    from scrapdb.store.upkeep import make_searchable
    from scrapdb.store.write import Writer

    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with suppress(StoreError), Writer(path) as writer:
            make_searchable(writer)
