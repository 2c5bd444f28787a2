"""The server of a preview, for one person on this machine: a page, what it shows, and news of it.

Any page in the same browser could ask it, too. So it answers only who calls it by its own name, for a name of others
may lead here by DNS; takes wishes only from its own page; and lets no other page embed or read what it answers.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import msgspec

from scrapdb.reporting.preview.desk import Desk
from scrapdb.reporting.preview.shown import Choice

ADDRESS = "127.0.0.1"
_NAMES = ("127.0.0.1", "localhost")
_BEAT = 10.0  # seconds between two signs of life, by which either side notices that the other is gone
_MOST = 2**20  # bytes of a wish
_JSON = "application/json"
# `srcdoc` inherits it: the report shows what is in it, and neither runs nor loads nor sends anything.
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; img-src data:; font-src data:;"
    " media-src data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Listens on this machine only.

    Args:
        desk: what is shown.
        port: 0 for any that is free.
    """

    daemon_threads = True  # those that wait for news end with the process
    block_on_close = False

    def __init__(self, desk: Desk, port: int) -> None:
        super().__init__((ADDRESS, port), partial(_Handler, desk))
        self.hosts = {f"{name}:{self.server_port}" for name in _NAMES}

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone away."""


class _Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds that a request may take to come in
    server_version, sys_version = "scrapdb", ""

    def __init__(self, desk: Desk, *arguments: Any) -> None:
        self._desk = desk
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Give the page, what it shows, or news."""
        given = {"/": self._page, "/state": self._state, "/events": self._events}.get(urlsplit(self.path).path)
        if not self._is_known():
            self._refuse(403, "This server answers only who calls it by its own name.")
        elif given is None:
            self._refuse(404, "There is nothing here.")
        else:
            given()

    def do_POST(self) -> None:
        """Take what was chosen."""
        if not self._is_known() or not self._is_own():
            self._refuse(403, "Only the page of this server may ask for that.")
        elif urlsplit(self.path).path != "/choice":
            self._refuse(404, "There is nothing here.")
        else:
            self._choose()

    def log_message(self, *_: Any) -> None:
        """Say nothing of what works."""

    def _is_known(self) -> bool:
        return self.headers.get("Host", "").lower() in self.server.hosts

    def _is_own(self) -> bool:
        """Return whether the page of this server asks; a browser says so of every POST."""
        origin = self.headers.get("Origin", "")
        return origin == f"http://{self.headers['Host']}" and self.headers.get_content_type() == _JSON

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        page = files(__package__).joinpath("page.html").read_text("utf-8").replace("{{ nonce }}", nonce)
        self._give("text/html", page.encode(), {"Content-Security-Policy": _POLICY.format(nonce=nonce)})

    def _state(self) -> None:
        self._give(_JSON, msgspec.json.encode(self._desk.shown))

    def _events(self) -> None:
        """Tell of each change as long as somebody listens (https://html.spec.whatwg.org/#server-sent-events)."""
        self.close_connection = True
        self._begin(200, "text/event-stream")
        version = -1
        while shown := self._desk.after(version, _BEAT):
            news = f"data: {shown.version}\n\n" if shown.version != version else ":\n\n"
            version = shown.version
            self.wfile.write(news.encode())
            self.wfile.flush()

    def _choose(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST:
            self._refuse(413, "That is too much.")
            return
        try:
            choice = msgspec.json.decode(self.rfile.read(int(length)), type=Choice)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._refuse(400, "That is no choice.")
            return
        self._desk.choose(choice)
        self._give(_JSON, b"{}")

    def _refuse(self, status: int, why: str) -> None:
        self.close_connection = True
        self._give("text/plain", why.encode(), status=status)

    def _give(self, kind: str, content: bytes, headers: Mapping[str, str] = {}, status: int = 200) -> None:
        self._begin(status, kind, {"Content-Length": str(len(content)), **headers})
        self.wfile.write(content)

    def _begin(self, status: int, kind: str, headers: Mapping[str, str] = {}) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": f"{kind}; charset=utf-8", **_HEADERS, **headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
