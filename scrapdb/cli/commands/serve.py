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

import click

from scrapdb.cli.options import common
from scrapdb.cli.options import say
from scrapdb.cli.options import store_path
from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.store.connection import check

_SECONDS, _PAUSE = 60.0, 0.1  # that the browser waits for the server, and between two looks at it


@click.command("serve", short_help="Browse the store with Datasette.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 is for everybody.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8001, show_default=True, help="0 takes any that is free."
)
@click.option("--open", "open_", is_flag=True, help="Open its overview in the browser.")
@click.option("--immutable", is_flag=True, help="Promise that nothing changes the store meanwhile: faster.")
@click.option(
    "--export",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Serve nothing; write a directory that any host of Datasette takes.",
)
@common
def command(host: str, port: int, *, open_: bool, immutable: bool, export: Path | None) -> None:
    """Serve the store with Datasette, read-only, until Ctrl-C."""
    from scrapdb.cli import hosting

    path = store_path()
    check(path)
    if export is None:
        _need_datasette()
        port = _need_port(host, port)
    _make_searchable(path)
    if export is not None:
        hosting.write_directory(path, export)
        say(f"Wrote {export}. To serve it: datasette {export}")
        return
    if immutable:
        from scrapdb.store.publish import fold

        fold(path)
    from datasette.cli import cli

    if open_:
        Thread(target=_open, args=(host, port, path.stem), daemon=True).start()
    options = ["--host", host, "--port", str(port)]
    cli.main(["serve", *hosting.arguments(path, immutable=immutable), *options], standalone_mode=False)


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
    from scrapdb.store.write import Writer

    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        with suppress(StoreError), Writer(path) as writer:
            writer.make_searchable()
