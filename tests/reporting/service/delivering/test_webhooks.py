"""Webhooks: checked by the published library, and never sent to where they must not go."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook

from scrapdb.notebooks.times import parsed
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.delivering import posting
from scrapdb.reporting.service.delivering.outcomes import NotNowError
from scrapdb.reporting.service.delivering.outcomes import NotSentError
from scrapdb.reporting.service.ledger import ledger as ledgers
from tests.reporting.service.delivering import desks
from tests.reporting.service.delivering import receivers
from tests.reporting.service.delivering.receivers import Web

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdefghijklmn").decode()


@pytest.fixture(scope="module")
def server() -> Iterator[Web]:
    with receivers.web() as web:
        yield web


@pytest.fixture
def web(server: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    monkeypatch.setenv("SCRAPDB_WEBHOOK_SECRET", SECRET)
    server.got.clear()
    server.behaves = lambda _: 200
    return server


def said(web: Web) -> dict[str, Any]:
    return {"recipients": [web.url], "webhooks": {"allow": ["127.0.0.1"]}}


def test_a_webhook_is_signed_and_the_same_in_every_attempt(tmp_path: Path, web: Web) -> None:
    answers = iter([500, 200])
    web.behaves = lambda _: next(answers)
    with desks.desk(tmp_path, **said(web)) as desk:
        request = desks.over(desk, parameters={"site": "north"}, deliver=(Target(to=f"{web.url}/hook?a=b"),))
        desks.stepped(desk)
        found = desks.only(desk, request)
        assert (found.state, found.attempt) == ("to send", 1)
        assert "answers 500" in (found.reason or "")
        desks.hasten(desk)
        desks.stepped(desk)
        assert desks.only(desk, request).state == "sent"
    first, second = web.got
    assert first.path == "/hook?a=b"
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == found.key
    data = Webhook(SECRET).verify(second.body.decode(), second.headers)
    assert data["type"] == "report.completed"
    assert {name: data["data"][name] for name in ("id", "bundle", "state", "parameters", "language")} == {
        "id": request.id,
        "bundle": "voltage",
        "state": "completed",
        "parameters": {"site": "north"},
        "language": "en",
    }
    (file,) = data["data"]["files"]
    assert base64.b64decode(file["content"]).decode() == desks.PLAIN


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (204, "sent", ""),
        (404, "failed", "answers 404"),
        (410, "failed", "answers 410"),
        ((400, {}, b"no such thing"), "failed", "no such thing"),
        (503, "to send", "answers 503"),
        (408, "to send", "answers 408"),
        ((302, {"Location": "http://169.254.169.254/latest"}, b""), "failed", "not followed"),
        ((307, {"Location": "/elsewhere"}, b""), "failed", "not followed"),
        ("close", "unsure", "did not answer"),
    ],
)
def test_what_is_answered(tmp_path: Path, web: Web, answer: Any, state: str, words: str) -> None:
    web.behaves = lambda _: answer
    with desks.desk(tmp_path, **said(web)) as desk:
        request = desks.over(desk, deliver=(Target(to=web.url),))
        desks.stepped(desk)
        found = desks.only(desk, request)
        assert found.state == state
        assert words in (found.reason or "")
        desks.hasten(desk)
        web.behaves = lambda _: 200
        desks.stepped(desk)
        assert desks.only(desk, request).state == ("sent" if state == "to send" else state)
    assert len(web.got) == (2 if state == "to send" else 1)


@pytest.mark.parametrize("says", ["7200", formatdate(4_000_000_000, usegmt=True)])
def test_whoever_says_when_is_tried_then(tmp_path: Path, web: Web, says: str) -> None:
    web.behaves = lambda _: (429, {"Retry-After": says}, b"")
    with desks.desk(tmp_path, **said(web)) as desk:
        request = desks.over(desk, deliver=(Target(to=web.url),))
        desks.stepped(desk)
        found = desks.only(desk, request)
        then, now = parsed(found.not_before), parsed(ledgers.now())
        assert found.state == "to send"
        assert then
        assert now
        assert 3_600 < (then - now).total_seconds() <= 86_400


def test_who_never_answers_does_not_hold_up_the_others(
    tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "IN_ALL", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent, desks.desk(tmp_path, **said(web)) as desk:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        at = desk._replace(host=replace(desk.host, recipients=(url, web.url)))
        mute = desks.over(at, deliver=(Target(to=url),))
        other = desks.over(at, deliver=(Target(to=web.url),))
        desks.stepped(at)
        assert (desks.only(at, mute).state, desks.only(at, other).state) == ("unsure", "sent")


def test_nothing_is_sent_unsigned(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (None, "whsec_", "é"):
        monkeypatch.delenv("SCRAPDB_WEBHOOK_SECRET") if wrong is None else monkeypatch.setenv(
            "SCRAPDB_WEBHOOK_SECRET", wrong
        )
        with desks.desk(tmp_path / str(wrong), **said(web)) as desk:
            request = desks.over(desk, deliver=(Target(to=web.url),))
            desks.stepped(desk)
            assert desks.only(desk, request).state == "failed"
            assert "SCRAPDB_WEBHOOK_SECRET" in (desks.only(desk, request).reason or "")
    assert web.got == []


INSIDE = [
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "localhost",
    "LOCALHOST.",
    "0.0.0.0",  # noqa: S104 - it is refused
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "fd00:ec2::254",
    "fec0::1",
    "fe80::1",
    "ff02::1",
]


@pytest.mark.parametrize("host", INSIDE)
def test_nothing_goes_inside(host: str) -> None:
    # A resolver that does not take such notations refuses it as well.
    with pytest.raises((NotSentError, NotNowError), match=r"nothing goes there|cannot be found"):
        posting.looked_up(host, 80, ())


@pytest.mark.parametrize(
    ("host", "allow"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "LocalHost"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
    ],
)
def test_but_where_it_is_allowed(host: str, allow: str) -> None:
    assert posting.looked_up(host, 80, (allow,))


def test_a_name_that_changes_its_address_is_looked_up_once(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    port = int(web.url.rpartition(":")[2])
    resolve = socket.getaddrinfo

    def rebinding(host: str, *more: Any, **named: Any) -> Any:
        if host != "rebind.example":
            return resolve(host, *more, **named)
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    connected: list[Any] = []

    def connect(address: Any, **_: Any) -> socket.socket:
        connected.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NotNowError):
        posting.post(f"http://rebind.example:{port}/", b"", {}, allow=())
    assert (asked, connected) == (["rebind.example"], [("8.8.8.8", port)])


def test_one_address_inside_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(NotSentError):
        posting.looked_up("both.example", 80, ())


@pytest.mark.parametrize("is_trusted", [True, False])
def test_who_cannot_prove_who_he_is_gets_nothing(
    tmp_path: Path, web: Web, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, *, is_trusted: bool
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with receivers.web(context) as secure, desks.desk(tmp_path, **said(secure)) as desk:
        request = desks.over(desk, deliver=(Target(to=secure.url),))
        desks.stepped(desk)
        found = desks.only(desk, request)
        assert (found.state, len(secure.got)) == (("sent", 1) if is_trusted else ("failed", 0))
        assert is_trusted or "cannot prove that it is" in (found.reason or "")
    assert web.got == []
