"""One HTTP request to an address that somebody else chose: looked up once, looked at, and connected to as it was.

Addresses within this machine or its network are refused, unless whoever answers for the service names them: a webhook
must not reach what its author cannot. Since the name is looked up once only, it cannot stand for another address when
the connection is made. No redirect is followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import closing
from contextlib import suppress
from email.utils import parsedate_to_datetime
from threading import Timer
from typing import NamedTuple
from urllib.parse import urlsplit

from scrapdb.reporting.service.delivering.outcomes import NotNowError
from scrapdb.reporting.service.delivering.outcomes import NotSentError
from scrapdb.reporting.service.delivering.outcomes import UnsureError

CONNECTING, IN_ALL = 5.0, 15.0  # seconds
_ANSWER = 2**16  # bytes of it that are read
_SHOWN = 200  # characters of it in a sentence
_LONGEST_WAIT = 86_400.0  # seconds, whatever the other side says
_LATER = frozenset({408, 425, 429})  # beside 5xx
_PORTS = {"http": 80, "https": 443}
# What answers to the machines of a cloud by an address that looks public: Azure's 168.63.129.16, Oracle's 192.0.0.192.
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_METADATA = tuple(map(ipaddress.IPv4Network, ("168.63.129.16/32", "192.0.0.0/24")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class Answer(NamedTuple):
    """What was answered: status, the first bytes, and in how many seconds to come again, if that was said."""

    status: int
    body: bytes
    again: float | None = None


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow: Collection[str] | None) -> Answer:
    """Send a body to an address, and return what was answered.

    Args:
        url: with http:// or https://.
        body: is sent as it is.
        headers: beside those that every request has.
        allow: hosts, addresses and networks that may be private; None if whoever answers for the service chose the
            address himself.

    Raises:
        NotSentError: nothing may be sent there.
        NotNowError: it cannot be reached at the moment.
        UnsureError: it was sent, and not answered.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise NotSentError(f"{url} is no address of the web.")
    port = parts.port or _PORTS[parts.scheme]
    addresses = looked_up(parts.hostname, port, allow)
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=IN_ALL)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    with closing(_connected(parts.scheme, parts.hostname, port, addresses)) as connected:
        connection.sock = connected
        limit = Timer(IN_ALL, _cut, [connected])
        limit.daemon = True
        limit.start()
        try:
            return _exchanged(connection, path, body, headers, parts.netloc)
        finally:
            limit.cancel()


def looked_up(host: str, port: int, allow: Collection[str] | None) -> list[str]:
    """Look a host up, and return the addresses to which to connect.

    Raises:
        NotSentError: one of its addresses is none to which something may be sent.
        NotNowError: it cannot be looked up.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise NotSentError(f"{host} is no name of a host.") from error
    except OSError as error:
        raise NotNowError(f"{host} cannot be found: {error.strerror or error}.") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        if allow is not None and not _is_public(address) and not _is_allowed(host, address, allow):
            raise NotSentError(
                f"{host} is {address}, within this machine or a network of its own: nothing goes there, unless"
                " `webhooks.allow` of service.yaml names it."
            )
    return addresses


def judged(answer: Answer, whom: str) -> None:
    """Raise what an answer means, unless it is that all is well.

    Raises:
        NotSentError: the other side refuses.
        NotNowError: the other side cannot take it at the moment.
    """
    if http.HTTPStatus.OK <= answer.status < http.HTTPStatus.MULTIPLE_CHOICES:
        return
    said = " ".join(answer.body.decode(errors="replace").split())[:_SHOWN]
    told = f"{whom} answers {answer.status}{f': {said}' if said else ''}."
    if answer.status < http.HTTPStatus.BAD_REQUEST:
        raise NotSentError(
            f"{whom} answers {answer.status} and leads elsewhere, which is not followed. Name that place."
        )
    if answer.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR or answer.status in _LATER:
        raise NotNowError(told, answer.again)
    raise NotSentError(told)


def _connected(scheme: str, host: str, port: int, addresses: Sequence[str]) -> socket.socket:
    try:
        connected = _first(addresses, port)
        if scheme == "https":
            connected = ssl.create_default_context().wrap_socket(connected, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise NotSentError(f"{host} cannot prove that it is {host}: {error.verify_message}.") from error
    except OSError as error:
        raise NotNowError(f"{host} cannot be reached: {error.strerror or error}.") from error
    connected.settimeout(IN_ALL)
    return connected


def _first(addresses: Sequence[str], port: int) -> socket.socket:
    """Connect to the first address that can be reached."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=CONNECTING)
    return socket.create_connection((addresses[-1], port), timeout=CONNECTING)


def _exchanged(
    connection: http.client.HTTPConnection, path: str, body: bytes, headers: Mapping[str, str], netloc: str
) -> Answer:
    own = {"Host": netloc.rpartition("@")[2], "User-Agent": "scrapdb", "Connection": "close"}
    broken: OSError | None = None
    try:
        connection.request("POST", path, body, {**own, **headers})
    except (ValueError, http.client.InvalidURL) as error:
        raise NotSentError(f"{netloc}: {error}.") from error
    except OSError as error:  # but it may have answered before it went
        broken = error
    try:
        response = connection.getresponse()
        return Answer(response.status, _read(response), _again(response.headers.get("Retry-After")))
    except (OSError, http.client.HTTPException) as error:
        if broken:
            raise NotNowError(f"{netloc} broke off while it was told: {broken.strerror or broken}.") from error
        raise UnsureError(f"{netloc} was told all, and did not answer ({type(error).__name__}).") from error


def _read(response: http.client.HTTPResponse) -> bytes:
    """Read how an answer begins; that its end is missing changes nothing of what its status says."""
    with suppress(OSError, http.client.HTTPException):
        return response.read(_ANSWER)
    return b""


def _again(said: str | None) -> float | None:
    """Read Retry-After: seconds, or a date (RFC 9110, 10.2.3)."""
    if not said:
        return None
    try:
        seconds = float(said) if said.strip().isdigit() else parsedate_to_datetime(said).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _cut(connected: socket.socket) -> None:
    with suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _is_public(address: str) -> bool:
    return all(
        each.is_global
        and not each.is_multicast
        and not getattr(each, "is_site_local", False)
        and not any(each in network for network in _METADATA)
        for each in _all(address)
    )


def _all(address: str) -> Iterator[_IP]:
    """Yield an address, and those of IPv4 that stand in it and to which it may lead."""
    own = ipaddress.ip_address(address.partition("%")[0])
    if own.version == 4:  # noqa: PLR2004 - of the protocol
        yield own
        return
    inner = [own.ipv4_mapped, own.sixtofour, *(own.teredo or ())]
    if own in _NAT64 or int(own) < 1 << 32:  # the latter is IPv4-compatible, RFC 4291, 2.5.5.1
        inner.append(ipaddress.IPv4Address(int(own) & 0xFFFFFFFF))
    if own.ipv4_mapped is None:
        yield own
    yield from filter(None, inner)


def _is_allowed(host: str, address: str, allow: Collection[str]) -> bool:
    own = {*map(str, _all(address)), address}
    return any(
        named.strip().lower().rstrip(".") == host.lower().rstrip(".")
        or named.strip() in own
        or _is_in(own, named.strip())
        for named in allow
    )


def _is_in(addresses: Collection[str], network: str) -> bool:
    with suppress(ValueError):
        whole = ipaddress.ip_network(network, strict=False)
        return "/" in network and any(ipaddress.ip_address(each.partition("%")[0]) in whole for each in addresses)
    return False
