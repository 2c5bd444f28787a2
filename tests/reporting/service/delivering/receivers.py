"""Who gets what is delivered: a mail server, and a server for webhooks and Slack, each of which may behave badly."""

from __future__ import annotations

import email
import json
import socket
import ssl
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import Any
from typing import NamedTuple


class Got(NamedTuple):
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """What its body says."""
        return json.loads(self.body)


class Web:
    """A server on this machine; `behaves` is told of each request how to answer: a status, or what it does."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.got: list[Got] = []
        self.behaves: Callable[[Got], Any] = lambda _: 200


@contextmanager
def web(context: ssl.SSLContext | None = None) -> Iterator[Web]:
    """Serve until it is enough, over TLS if there is a context for it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            it.got.append(got)
            answer = it.behaves(got)
            if answer == "close":
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers, content = answer if isinstance(answer, tuple) else (answer, {}, b"")
            with suppress(OSError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    it = Web(server.server_port)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        it.url = it.url.replace("http:", "https:")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()


class Post:
    """A mail server on this machine, and what it got; `behaves` says what is answered to RCPT, DATA, or the message."""

    def __init__(self) -> None:
        self.port = 0
        self.got: list[EmailMessage] = []
        self.to: list[str] = []
        self.behaves: dict[str, str] = {}

    async def handle_RCPT(self, _: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        del session, options
        if answer := self.behaves.get("rcpt") or self.behaves.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.behaves.get("data", "250 OK")
        if answer == "close":
            server.transport.abort()
            return "250 OK"
        if answer.startswith("250"):
            self.to += envelope.rcpt_tos
            self.got.append(email.message_from_bytes(envelope.content, policy=default))
        return answer


@contextmanager
def post(**how: Any) -> Iterator[Post]:
    """Take mail until it is enough."""
    from aiosmtpd.controller import Controller

    class AnyPort(Controller):  # its own look at port 0 would find nobody
        def _trigger_server(self) -> None:
            server: Any = self.server
            self.port = server.sockets[0].getsockname()[1]
            super()._trigger_server()  # type: ignore[no-untyped-call]

    handler = Post()
    controller = AnyPort(handler, hostname="127.0.0.1", port=0, **how)
    controller.start()
    handler.port = controller.port
    try:
        yield handler
    finally:
        controller.stop()
