"""Slack: what a stand-in for its API gets, and what is done with what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.ledger import ledger as ledgers
from tests.reporting.service.delivering import desks
from tests.reporting.service.delivering import receivers
from tests.reporting.service.delivering.receivers import Got
from tests.reporting.service.delivering.receivers import Web

SALES = Target(to="slack:#sales")
Answers = dict[str, Callable[[], Any]]


@pytest.fixture(scope="module")
def server() -> Iterator[Web]:
    with receivers.web() as web:
        yield web


@pytest.fixture
def slack(server: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    server.got.clear()
    server.behaves = api(server)
    return server


def api(web: Web, **instead: Any) -> Callable[[Got], Any]:
    """Answer as Slack does, but for some methods."""
    answers = {
        "chat.postMessage": {"ok": True, "channel": "C0SALES", "ts": "17.5"},
        "files.getUploadURLExternal": {"ok": True, "upload_url": f"{web.url}/upload", "file_id": "F1"},
        "files.completeUploadExternal": {"ok": True},
    }

    def behaves(got: Got) -> Any:
        method = got.path.rpartition("/")[2]
        if method in instead:
            answer = instead[method]
            answer = answer.pop(0) if isinstance(answer, list) else answer
            return (200, {}, json.dumps(answer).encode()) if isinstance(answer, dict) else answer
        return (200, {}, json.dumps(answers.get(method, {"ok": True})).encode())

    return behaves


def said(web: Web, **more: Any) -> dict[str, Any]:
    return {"recipients": ["slack:#sales"], "slack": {"url": f"{web.url}/api/"}, **more}


def methods(web: Web) -> list[str]:
    return [got.path.rpartition("/")[2] for got in web.got]


def form(got: Got) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(got.body.decode()).items()}


def test_a_message_with_its_file_in_the_thread_below(tmp_path: Path, slack: Web) -> None:
    with desks.desk(tmp_path, **said(slack)) as desk:
        request = desks.over(desk, parameters={"note": "<!channel> & <https://evil.example|click>"}, deliver=(SALES,))
        desks.stepped(desk)
        assert desks.only(desk, request).state == "sent"
    message, _, upload, done = slack.got
    assert methods(slack) == [
        "chat.postMessage",
        "files.getUploadURLExternal",
        "upload",
        "files.completeUploadExternal",
    ]
    assert message.headers["authorization"] == "Bearer xoxb-1"
    assert "authorization" not in upload.headers
    assert form(message)["channel"] == "#sales"
    assert form(message)["text"].startswith("*Voltage*\n")
    assert "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;" in form(message)["text"]
    assert upload.body.decode() == desks.PLAIN
    assert form(done)["channel_id"] == "C0SALES"
    assert form(done)["thread_ts"] == "17.5"
    assert json.loads(form(done)["files"]) == [{"id": "F1", "title": f"{request.id}.html"}]


def test_a_second_attempt_goes_on_where_the_first_one_ended(tmp_path: Path, slack: Web) -> None:
    slack.behaves = api(slack, upload=[500, 200])
    with desks.desk(tmp_path, **said(slack)) as desk:
        request = desks.over(desk, deliver=(SALES,))
        desks.stepped(desk)
        assert desks.only(desk, request).state == "to send"
        desks.hasten(desk)
        desks.stepped(desk)
        assert desks.only(desk, request).state == "sent"
    assert methods(slack).count("chat.postMessage") == 1
    assert methods(slack).count("files.completeUploadExternal") == 1


@pytest.mark.parametrize(
    ("instead", "state", "words"),
    [
        ({"chat.postMessage": {"ok": False, "error": "channel_not_found"}}, "failed", "channel_not_found"),
        ({"chat.postMessage": {"ok": False, "error": "ratelimited"}}, "to send", "ratelimited"),
        ({"chat.postMessage": (429, {"Retry-After": "30"}, b"")}, "to send", "429"),
        ({"chat.postMessage": 503}, "to send", "503"),
        ({"chat.postMessage": "close"}, "unsure", "did not answer"),
        ({"chat.postMessage": (200, {}, b"<html>")}, "unsure", "no JSON"),
        ({"files.completeUploadExternal": "close"}, "unsure", "did not answer"),
        ({"files.getUploadURLExternal": "close"}, "to send", "did not answer"),
        ({"files.getUploadURLExternal": {"ok": False, "error": "missing_scope"}}, "sent", "its files are not"),
        (
            {"files.getUploadURLExternal": {"ok": True, "upload_url": "http://127.0.0.1:1/", "file_id": "F"}},
            "sent",
            "nothing goes there",
        ),
    ],
)
def test_what_slack_answers(tmp_path: Path, slack: Web, instead: dict[str, Any], state: str, words: str) -> None:
    slack.behaves = api(slack, **instead)
    with desks.desk(tmp_path, **said(slack)) as desk:
        request = desks.over(desk, deliver=(SALES,))
        desks.stepped(desk)
        found = desks.only(desk, request)
        assert found.state == state
        assert words in (found.reason or "")


def reply(web: Web, **more: Any) -> dict[str, Any]:
    return {"kind": "slack", "response_url": f"{web.url}/respond", "channel": "C1", "user": "U1", **more}


def test_who_asked_in_slack_is_answered_there(tmp_path: Path, slack: Web) -> None:
    with desks.desk(tmp_path, **said(slack, url="https://reports.example.com")) as desk:
        request = desks.over(desk, reply=reply(slack), via="slack", asked_at=ledgers.now())
        desks.stepped(desk)
        assert desks.states(desk, request) == {("reply", "C1/U1", "report"): "sent"}
    assert methods(slack) == ["respond", "files.getUploadURLExternal", "upload", "files.completeUploadExternal"]
    answer = slack.got[0].json
    assert answer["response_type"] == "in_channel"
    assert "https://reports.example.com/r/" in answer["text"]
    assert form(slack.got[3])["channel_id"] == "C1"


def test_who_asked_in_slack_is_told_there_what_failed(tmp_path: Path, slack: Web) -> None:
    with desks.desk(tmp_path, **said(slack)) as desk:
        request = desks.over(
            desk,
            state="error",
            reason="KeyError: 'l4' in cell 3",
            reply=reply(slack),
            via="slack",
            asked_at=ledgers.now(),
        )
        desks.stepped(desk)
        # Nobody else is named, so that he gets the trace, which says all.
        assert desks.states(desk, request) == {("reply", "C1/U1", "trace"): "sent"}
    answer = slack.got[0].json
    assert answer["response_type"] == "ephemeral"
    assert "KeyError: 'l4' in cell 3" in answer["text"]


@pytest.mark.parametrize(
    ("more", "instead"),
    [
        ({"asked_at": "2026-11-30T02:00:00.000000Z"}, {}),
        ({"reply": {"uses": 5}}, {}),
        ({}, {"respond": 404}),
        ({}, {"respond": {"ok": False, "error": "expired_url"}}),
        ({"reply": {"response_url": None}}, {}),
    ],
)
def test_an_address_of_answers_that_is_used_up_gives_way_to_the_bot(
    tmp_path: Path, slack: Web, more: dict[str, Any], instead: dict[str, Any]
) -> None:
    slack.behaves = api(slack, **instead)
    with desks.desk(tmp_path, **said(slack)) as desk:
        how = {"asked_at": ledgers.now(), **more, "reply": reply(slack, thread="9.1", **more.get("reply", {}))}
        request = desks.over(desk, via="slack", **how)
        desks.stepped(desk)
        assert desks.only(desk, request).state == "sent"
    message = next(got for got in slack.got if got.path.endswith("chat.postMessage"))
    assert form(message)["channel"] == "C1"
    assert form(message)["thread_ts"] == "9.1"


def test_an_address_of_answers_leads_nowhere_inside(
    tmp_path: Path, slack: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    with desks.desk(tmp_path, **said(slack)) as desk:
        inside = reply(slack, response_url="http://127.0.0.1:1/respond")
        request = desks.over(desk, reply=inside, via="slack", asked_at=ledgers.now())
        desks.stepped(desk)
        assert desks.only(desk, request).state == "failed"
    assert slack.got == []
