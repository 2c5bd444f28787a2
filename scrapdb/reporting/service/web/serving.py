"""The server: where it listens, and that it ends well."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
from typing import TYPE_CHECKING

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

    from starlette.applications import Starlette

    from scrapdb.reporting.service.host import Host

_GRACE = 3  # seconds in which answers under way end
_IDLE = 15  # seconds for which a connection may rest, or be about to say what it wants
_MOST = 400  # answers at the same time
_BACKLOG = 256


def listening(said: Host, host: str, port: int) -> socket.socket:
    """Return a socket that listens; 0 takes any port that is free.

    Raises:
        UsageError: others reach it, and nobody is told apart.
        ScrapdbError: the port is taken, or cannot be listened on.
    """
    if not said.askers and not is_local(host):
        raise UsageError(
            f"Everybody who reaches {host} could ask for reports and read them: name who may, below `askers` in "
            "service.yaml, or listen on 127.0.0.1."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ScrapdbError(f"Port {port} of {host} is taken; name another with --port.") from None
        raise ScrapdbError(f"Cannot listen on port {port} of {host}: {error.strerror}.") from None


def address(listens: socket.socket) -> str:
    """Return the address of the front page, for who sits at this machine."""
    host, port = listens.getsockname()[:2]
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - told, not bound
    return f"http://[{reached}]:{port}/" if ":" in reached else f"http://{reached}:{port}/"


def is_local(host: str) -> bool:
    """Tell whether nobody but this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(app: Starlette, listens: socket.socket, *, is_behind: bool = False) -> None:
    """Answer until SIGINT or SIGTERM, which is then raised again.

    Args:
        app: what answers.
        listens: where.
        is_behind: whether another server stands before it on this machine, which says from whom a call comes.
    """
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Patient(H11Protocol):
        """Waits for a call as long as for the next one; not anew with each byte that comes of it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

        def data_received(self, data: bytes) -> None:
            self.conn.receive_data(data)
            self.handle_events()

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            app.state.closing.set()
            super().handle_exit(sig, frame)

    theirs, ours = logging.getLogger("uvicorn"), logging.getLogger("scrapdb.service")
    theirs.handlers, theirs.propagate = ours.handlers, False
    theirs.setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        http=Patient,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=is_behind,
        limit_concurrency=_MOST,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_GRACE,
    )
    Server(config).run(sockets=[listens])
