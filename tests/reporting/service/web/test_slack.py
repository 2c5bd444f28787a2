"""Slack's questions: signed, once, and answered in words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import parse_qs
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace
from slack_sdk.signature import SignatureVerifier

from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.host import Slack
from scrapdb.reporting.service.ledger import requests
from tests.reporting.service.web import served

if TYPE_CHECKING:
    from httpx2 import Response
    from starlette.testclient import TestClient

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105 - of Slack's own documentation
FORM = "application/x-www-form-urlencoded"
COMMAND = {
    "command": "/report", "text": "voltage of north called x", "user_id": "U1", "channel_id": "C1",
    "response_url": "https://hooks.slack.com/commands/1/2",
}  # fmt: skip


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Stand for Slack's API, and keep what it is told."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            heard.append({"path": self.path, "authorization": self.headers["Authorization"]} | _fields(body))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b'{"ok": true}')

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/", heard
    server.shutdown()
    thread.join()
    server.server_close()


def _fields(body: str) -> dict[str, Any]:
    if body.startswith("{"):
        return dict(json.loads(body))
    return {name: value for name, (value,) in parse_qs(body).items()}


@pytest.fixture
def desk(tmp_path: Path, told: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk at which Ben asks from Slack."""
    monkeypatch.setenv("SLACK_SIGNING_SECRET", SECRET)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    host = replace(served.HOST, slack=Slack(askers={"U1": "ben", "U2": "anna"}, url=told[0]))
    with served.desk(tmp_path, host) as laid:
        yield laid


def send(
    client: TestClient,
    path: str,
    body: str,
    kind: str = FORM,
    *,
    at: float = 0,
    signature: str | None = None,
    **more: str,
) -> Response:
    """Send as Slack does."""
    moment = str(int(time.time() + at))
    made = signature if signature is not None else SignatureVerifier(SECRET).generate_signature(
        timestamp=moment, body=body
    )  # fmt: skip
    headers = {"content-type": kind, "x-slack-request-timestamp": moment, "x-slack-signature": made or "", **more}
    return client.post(path, content=body, headers={name.encode(): value.encode() for name, value in headers.items()})


def command(client: TestClient, **more: Any) -> Response:
    fields = {name: more.pop(name) for name in COMMAND if name in more}
    return send(client, "/slack/command", urlencode(COMMAND | fields), **more)


def event(client: TestClient, text: str = "<@U9> voltage of north called x", id_: str = "Ev1", **more: Any) -> Response:
    headers = {name: more.pop(name) for name in list(more) if name.startswith("x-")}
    said = {"type": "app_mention", "user": "U1", "text": text, "channel": "C1", "ts": "1.2", **more}
    body = json.dumps({"type": "event_callback", "event_id": id_, "event": said, "now": time.time_ns()})
    return send(client, "/slack/events", body, "application/json", **headers)


def test_a_command_is_answered_with_what_it_means(desk: Desk) -> None:
    response = command(served.client(desk))
    assert response.status_code == 200
    (request,) = requests.latest(desk.ledger)
    assert response.json() == {
        "response_type": "ephemeral",
        "text": f"voltage with site north, title 'x'.\nIt comes here when it is made ({request.id}).",
    }
    assert (request.asker, request.via, request.sentence) == ("ben", "slack", "voltage of north called x")
    assert request.reply == {
        "kind": "slack", "response_url": COMMAND["response_url"], "channel": "C1", "user": "U1", "thread": None,
    }  # fmt: skip


def test_what_is_not_signed_is_refused(desk: Desk) -> None:
    client = served.client(desk)
    for signature in ("", "v0=00", "v0=" + "0" * 64, "é"):
        assert command(client, signature=signature).status_code == 401
    assert command(client, at=-301).status_code == 401
    assert command(client, at=301).status_code == 401
    body = urlencode(COMMAND)
    signed = SignatureVerifier(SECRET).generate_signature(timestamp=str(int(time.time())), body=body)
    assert send(client, "/slack/command", body + "&text=x", signature=signed).status_code == 401
    headers = {"content-type": FORM, "x-slack-signature": "v0=00", "x-slack-request-timestamp": "soon"}
    assert client.post("/slack/command", content=b"\xff", headers=headers).status_code == 401
    assert client.post("/slack/events", json={"type": "url_verification", "challenge": "x"}).status_code == 401
    assert requests.latest(desk.ledger) == []


def test_what_is_signed_with_another_secret_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "another")
    assert command(served.client(desk)).status_code == 401
    monkeypatch.delenv("SLACK_SIGNING_SECRET")
    assert command(served.client(desk)).status_code == 503


def test_a_replay_is_refused(desk: Desk) -> None:
    client, body, moment = served.client(desk), urlencode(COMMAND), str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=moment, body=body) or ""
    headers = {"content-type": FORM, "x-slack-request-timestamp": moment, "x-slack-signature": signature}
    answers = [client.post("/slack/command", content=body, headers=headers).status_code for _ in range(3)]
    assert answers == [200, 403, 403]
    assert served.client(desk).post("/slack/command", content=body, headers=headers).status_code == 403
    assert len(requests.latest(desk.ledger)) == 1


@pytest.mark.parametrize(
    ("text", "user", "said"),
    [
        ("hello", "U1", "No report is asked for like this.\n• voltage of (site)"),
        ("voltage of moon called x", "U1", "site"),
        ("voltage of north called x", "U2", "• sales of (shop)"),
        ("voltage of north", "U7", "You are not known here."),
        ("", "U1", "You can ask for:\n• voltage of (site)"),
        ("help", "U2", "You can ask for:\n• sales of (shop)"),
        ("x" * 501, "U1", "too long"),
    ],
)
def test_what_cannot_be_asked_is_said(desk: Desk, text: str, user: str, said: str) -> None:
    response = command(served.client(desk), text=text, user_id=user)
    assert response.status_code == 200
    assert said in response.json()["text"]
    assert requests.latest(desk.ledger) == []


def test_nothing_that_was_typed_calls_somebody(desk: Desk) -> None:
    told = command(served.client(desk), text="voltage of north called &lt;!channel&gt; <!here> & <@U2>").json()["text"]
    assert "&lt;!channel&gt;" in told
    assert "<" not in told


def test_slack_is_told_by_its_own_word_that_we_are_here(desk: Desk) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"})
    response = send(served.client(desk), "/slack/events", body, "application/json")
    assert (response.status_code, response.text) == (200, "3eZbrw1a")


def test_a_mention_is_answered_in_its_thread(desk: Desk, told: tuple[str, list[dict[str, Any]]]) -> None:
    response = event(served.client(desk))
    assert (response.status_code, response.content) == (200, b"")
    (request,) = requests.latest(desk.ledger)
    assert request.sentence == "voltage of north called x"
    assert request.reply == {"kind": "slack", "response_url": None, "channel": "C1", "user": "U1", "thread": "1.2"}
    (heard,) = told[1]
    assert heard["path"] == "/api/chat.postMessage"
    assert heard["authorization"] == "Bearer xoxb-1"
    assert (heard["channel"], heard["thread_ts"]) == ("C1", "1.2")
    assert heard["text"].startswith("voltage with site north, title 'x'.")


def test_an_event_that_comes_again_is_one_report(desk: Desk, told: tuple[str, list[dict[str, Any]]]) -> None:
    client = served.client(desk)
    answers = [event(client), event(client, **{"x-slack-retry-num": "1"}), event(served.client(desk))]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(requests.latest(desk.ledger)) == 1
    assert len(told[1]) == 1
    assert event(client, id_="Ev2").status_code == 200
    assert len(requests.latest(desk.ledger)) == 2


def test_bots_and_others_are_not_answered(desk: Desk, told: tuple[str, list[dict[str, Any]]]) -> None:
    client = served.client(desk)
    others: list[dict[str, Any]] = [
        {"bot_id": "B1"},
        {"type": "message", "channel_type": "channel"},
        {"type": "message", "channel_type": "im", "subtype": "message_changed"},
        {"type": "reaction_added"},
        {"user": ""},
    ]
    for number, other in enumerate(others):
        assert event(client, id_=f"Ev{number}", **other).status_code == 200
    assert requests.latest(desk.ledger) == []
    assert told[1] == []
    event(client, "voltage of south called x", "Ev9", type="message", channel_type="im")
    (request,) = requests.latest(desk.ledger)
    assert request.reply is not None
    assert request.reply["thread"] is None


def test_that_slack_is_away_loses_no_report(desk: Desk) -> None:
    away = desk._replace(host=replace(desk.host, slack=Slack(askers={"*": "ben"}, url="http://127.0.0.1:9/api/")))
    assert event(served.client(away), user="U5").status_code == 200
    assert len(requests.latest(desk.ledger)) == 1


def test_without_slack_nothing_is_there(shared: Desk) -> None:
    client = served.client(shared)
    assert client.post("/slack/command", content="text=x", headers={"content-type": FORM}).status_code == 404
