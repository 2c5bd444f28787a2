"""What stands before every handler: who calls by another name is not answered; headers are set, answers are logged."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from scrapdb.reporting.service.web.problem import MEDIA
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request as Http
    from starlette.types import ASGIApp
    from starlette.types import Message
    from starlette.types import Receive
    from starlette.types import Scope
    from starlette.types import Send

    from scrapdb.reporting.service.web.call import Site

_ACCESS = logging.getLogger("scrapdb.service.access")
MOST_BODY = 2**20  # bytes
_PATIENCE = 20.0  # seconds in which a body comes
# Our own pages run one script of ours, and frame reports; a report's own page has a stricter policy.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",  # without any, browsers do not say from where a form comes
    "Vary": "Accept, Authorization, Cookie",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
_DEFAULTS = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
_SECURE = (b"strict-transport-security", b"max-age=31536000")


class Guard:
    """Stands before an application.

    Args:
        app: what answers.
        site: of which it is.
    """

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site
        self._name = urlsplit(site.desk.host.url or "").hostname or ""
        self._headers = [*_DEFAULTS, *([_SECURE] if (site.desk.host.url or "").startswith("https:") else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = monotonic(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                there = {name.lower() for name, _ in message["headers"]}
                extra = [(name, value) for name, value in self._headers if name not in there]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            if self._is_called(scope):
                await self._app(scope, receive, sending)
            else:
                await _refuse(sending)
        finally:
            self._site.answered[status] = self._site.answered.get(status, 0) + 1
            _log(scope, status, monotonic() - began)

    def _is_called(self, scope: Scope) -> bool:
        """Return whether a call is for us: a name of somebody else may lead here, too, but no bare address does."""
        named = [value for name, value in scope["headers"] if name == b"host"]
        try:
            host = urlsplit(f"//{named[0].decode('ascii')}").hostname or "" if len(named) == 1 else ""
        except ValueError:
            return False
        return host in {"localhost", self._name} - {""} or _is_address(host)


async def body(http: Http, most: int = MOST_BODY) -> bytes:
    """Return what was sent.

    Raises:
        Problem: it is too much, or comes too slowly.
    """
    parts, size = [], 0
    if _announced(http) > most:
        raise Problem(413, f"That is too much: send at most {most:,} bytes.", {"Connection": "close"})
    try:
        async with asyncio.timeout(_PATIENCE):
            async for part in http.stream():
                parts.append(part)
                size += len(part)
                if size > most:
                    raise Problem(413, f"That is too much: send at most {most:,} bytes.", {"Connection": "close"})
    except TimeoutError:
        raise Problem(408, "That came too slowly.", {"Connection": "close"}) from None
    return b"".join(parts)


def _announced(http: Http) -> int:
    length = http.headers.get("content-length", "0")
    return int(length[:15]) if length.isdecimal() else 0


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


async def _refuse(send: Send) -> None:
    told = Problem(403, "This server answers only who calls it by its own name, which is `url` in service.yaml.").told()
    content = json.dumps(told).encode()
    headers = [(b"content-type", MEDIA.encode()), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _log(scope: Scope, status: int, seconds: float) -> None:
    """Write a line; addresses of links that were given away are as good as the report itself."""
    client = scope.get("client")
    fields = {
        "method": scope["method"],
        "path": "/r/…" if scope["path"].startswith("/r/") else scope["path"],
        "status": status,
        "seconds": round(seconds, 3),
        "who": scope.get("state", {}).get("who"),
        "from": client[0] if client else None,
    }
    _ACCESS.info("%(method)s %(path)s %(status)d", fields, extra={"fields": fields})
