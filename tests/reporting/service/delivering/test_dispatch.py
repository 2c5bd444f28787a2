"""Who is told what, and that nobody is told twice, whatever ends in the middle."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.delivering import dispatch
from scrapdb.reporting.service.delivering import planning
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import deliveries
from scrapdb.reporting.service.ledger import ledger as ledgers
from scrapdb.reporting.service.ledger import requests
from tests.reporting.service.delivering import desks
from tests.reporting.service.delivering.receivers import Post

ANNA, BEN = Target(to="mail:anna@example.com"), Target(to="mail:ben@example.com")
ASKER = {"askers": {"anna": {"address": "mail:anna@example.com"}}}
TRACE = {
    "name": "KeyError",
    "value": "'l4'",
    "cell": 3,
    "source": "data['l4']",
    "traceback": "Traceback …\nKeyError: 'l4'",
}
TRACE |= {"log": "the last line"}
# Does what is due of a directory, in a process of its own.
WORKER = """
import sys
from pathlib import Path
from tests.reporting.service.delivering import desks
with desks.desk(Path(sys.argv[1]), **__import__("json").loads(sys.argv[2])) as desk:
    print("ready", flush=True)
    sys.stdin.readline()
    while desks.stepped(desk):
        pass
"""


def said(port: int, **more: Any) -> dict[str, Any]:
    mail = {"host": "127.0.0.1", "port": port, "sender": "reports@example.com", "security": "none"}
    return {"mail": mail, "recipients": ["@example.com"], **more}


def mails(post: Post) -> list[tuple[str, str]]:
    return sorted((to, str(message["Subject"])) for to, message in zip(post.to, post.got, strict=True))


def body(post: Post, number: int = 0) -> str:
    part = post.got[number].get_body(("plain",))
    assert part
    return str(part.get_content())


def test_a_report_goes_to_those_of_the_bundle_and_of_the_request_once(tmp_path: Path, post: Post) -> None:
    config = {"deliver": [{"to": "mail:Ben@example.com"}, {"to": "mail:eve@evil.example"}]}
    with desks.desk(tmp_path, config, **said(post.port)) as desk:
        request = desks.over(desk, deliver=(ANNA, BEN))
        desks.stepped(desk)
        assert desks.states(desk, request) == {
            ("mail", "ben@example.com", "report"): "sent",
            ("mail", "eve@evil.example", "report"): "failed",
            ("mail", "anna@example.com", "report"): "sent",
        }
        assert desks.stepped(desk) == 0
        refused = next(each for each in deliveries.of(desk.ledger, request.id) if each.state == "failed")
        assert refused.reason == "Nothing may go to mail:eve@evil.example: name it below `recipients` in service.yaml."
    assert mails(post) == [("anna@example.com", "Voltage"), ("ben@example.com", "Voltage")]


@pytest.mark.parametrize("state", ["error", "timed out", "killed", "lost"])
def test_what_failed_goes_to_no_reader_but_to_who_asked_and_to_the_author(
    tmp_path: Path, post: Post, state: str
) -> None:
    config = {"author": "mail:author@example.com", "deliver": [{"to": "mail:ben@example.com"}]}
    askers = {"anna": {"address": "mail:anna@example.com"}}
    with desks.desk(tmp_path, config, **said(post.port, askers=askers)) as desk:
        request = desks.over(
            desk, state=state, reason="KeyError: 'l4' in cell 3", trace=TRACE, parameters={"site": "north"}
        )
        desks.stepped(desk)
        assert desks.states(desk, request) == {
            ("mail", "ben@example.com", "report"): "not sent",
            ("mail", "anna@example.com", "failure"): "sent",
            ("mail", "author@example.com", "trace"): "sent",
        }
    assert mails(post) == [
        ("anna@example.com", "Voltage: could not be made"),
        ("author@example.com", f"Voltage: {state}"),
    ]
    asker, author = (body(post, post.to.index(to)) for to in ("anna@example.com", "author@example.com"))
    assert "KeyError: 'l4' in cell 3" in asker
    assert "site: north" in asker
    assert "Traceback" not in asker
    assert "data['l4']" not in asker
    for word in ("Traceback …", "data['l4']", "the last line", "site=north", request.id, "anna", "Cell 3"):
        assert word in author


@pytest.mark.parametrize(
    ("config", "more", "states"),
    [
        ({}, {"author": "mail:ops@example.com"}, {("mail", "ops@example.com", "trace"): "sent"}),
        (  # whoever answers for the service is believed, whatever `recipients` say
            {},
            {"author": "mail:ops@elsewhere.example"},
            {("mail", "ops@elsewhere.example", "trace"): "sent"},
        ),
        ({}, ASKER, {("mail", "anna@example.com", "trace"): "sent"}),
        (
            {"author": "mail:eve@evil.example"},
            {"author": "mail:ops@example.com"},
            {("mail", "eve@evil.example", "trace"): "failed", ("mail", "ops@example.com", "trace"): "sent"},
        ),
        ({"author": "mail:anna@example.com"}, ASKER, {("mail", "anna@example.com", "trace"): "sent"}),
        ({}, {}, {}),
    ],
)
def test_a_trace_goes_to_somebody(tmp_path: Path, post: Post, config: Any, more: Any, states: dict[Any, str]) -> None:
    with desks.desk(tmp_path, config, **said(post.port, **more)) as desk:
        request = desks.over(desk, state="error", reason="it is broken", trace=TRACE)
        desks.stepped(desk)
        assert desks.states(desk, request) == states
        told = [line.what for line in audit.latest(desk.ledger) if line.request == request.id]
        assert told == ([] if states else ["tell nobody"])


def test_what_is_skipped_or_cancelled_is_no_failure(tmp_path: Path, post: Post) -> None:
    askers = {"anna": {"address": "mail:anna@example.com"}}
    with desks.desk(tmp_path, **said(post.port, author="mail:ops@example.com", askers=askers)) as desk:
        skipped = desks.over(desk, state="skipped", reason="no data yet", deliver=(BEN,))
        hers = desks.over(desk, state="cancelled", deliver=(BEN,), cancelled_by="anna")
        others = desks.over(desk, state="cancelled", cancelled_by="ops", reason="ops cancelled it")
        desks.stepped(desk)
        assert desks.states(desk, skipped) == {("mail", "ben@example.com", "report"): "not sent"}
        assert desks.only(desk, skipped).reason == "it is skipped: no data yet"
        assert desks.states(desk, hers) == {("mail", "ben@example.com", "report"): "not sent"}
        assert desks.states(desk, others) == {("mail", "anna@example.com", "failure"): "sent"}
    assert mails(post) == [("anna@example.com", "Voltage: cancelled")]


def test_many_failures_of_one_cause_are_two_messages(tmp_path: Path, post: Post) -> None:
    config = {"author": "mail:author@example.com"}
    with desks.desk(tmp_path, config, **said(post.port)) as desk:
        for number in range(40):
            desks.over(desk, state="error", reason=f"KeyError: 'l{number}' in cell {number}", parameters={"n": number})
            if not number:
                desks.stepped(desk)
        desks.stepped(desk)
        assert mails(post) == [("author@example.com", "Voltage: error")]
        _age(desk, dispatch.WINDOW + 1)
        desks.stepped(desk)
        assert {
            state for each in requests.latest(desk.ledger, limit=50) for state in desks.states(desk, each).values()
        } == {"sent"}
    assert mails(post) == [("author@example.com", "Voltage: error"), ("author@example.com", "Voltage: error (39)")]
    assert "39 reports could not be made:" in body(post, 1)
    assert "and 19 more" in body(post, 1)
    assert "n=1\r\n" in body(post, 1)
    assert "n=20 – KeyError: 'l20' in cell 20" in body(post, 1)


def test_many_causes_are_a_few_messages(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post.port, author="mail:ops@example.com")) as desk:
        for number in range(40):
            word = "".join(chr(97 + int(digit)) for digit in str(number))
            desks.over(desk, state="error", reason=f"the {word} is broken")
        desks.stepped(desk)
    assert mails(post) == [("ops@example.com", "Voltage: error (40)")]
    assert "the b is broken" in body(post)


def test_other_causes_are_messages_of_their_own(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post.port, author="mail:ops@example.com")) as desk:
        for reason in ("one", "two", "one"):
            desks.over(desk, state="error", reason=reason)
        desks.stepped(desk)
    assert mails(post) == [("ops@example.com", "Voltage: error"), ("ops@example.com", "Voltage: error (2)")]


def test_the_author_is_told_of_what_did_not_arrive(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post.port, author="mail:ops@example.com")) as desk:
        post.behaves = {"anna@example.com": "550 no such user"}
        request = desks.over(desk, deliver=(ANNA,))
        desks.stepped(desk)
        assert desks.states(desk, request)["mail", "anna@example.com", "report"] == "failed"
    assert mails(post)[-1] == ("ops@example.com", "Voltage: not delivered")
    assert "550 no such user" in body(post)
    assert request.id in body(post)


def _age(desk: Any, seconds: float) -> None:
    """Let what has ended have ended earlier, and what waits be due earlier."""
    with desk.ledger.writing() as connection:
        for column in ("ended_at", "not_before"):
            asked = f"UPDATE deliveries SET {column} = strftime('%Y-%m-%dT%H:%M:%f000Z', {column}, ?)"
            connection.execute(asked, [f"-{seconds} seconds"])


def test_a_killed_worker_leaves_what_is_unsure_and_nobody_sends_it_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        how = said(listening.getsockname()[1])
        with desks.desk(tmp_path, **how) as desk:
            request = desks.over(desk, deliver=(ANNA,))
        with _worker(tmp_path, how) as process:
            connection, _ = listening.accept()  # it waits for a greeting that never comes
            with connection:
                process.send_signal(signal.SIGKILL)
                process.wait()
        with desks.desk(tmp_path, **how) as desk:
            assert desks.only(desk, request).state == "sending"
            assert desks.stepped(desk) == 1
            found = desks.only(desk, request)
            assert (found.state, found.attempt) == ("unsure", 1)
            assert "deliver" in (found.reason or "")
            assert desks.stepped(desk) == 0
            listening.settimeout(0.2)
            with pytest.raises(TimeoutError):
                listening.accept()


def test_what_a_living_worker_sends_is_left_to_it(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post.port)) as desk, ledgers.worker(desk.reports) as other:
        request = desks.over(desk, deliver=(ANNA,))
        dispatch.told(desk)
        deliveries.take(desk.ledger, deliveries.of(desk.ledger, request.id), other)
        assert desks.stepped(desk) == 0
        assert desks.only(desk, request).state == "sending"
        assert post.got == []


def test_a_request_that_was_refused_fails_as_any_other(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post.port, **ASKER)) as desk:
        # As a schedule writes it down: no bundle was kept, and nothing was begun.
        request = requests.Request(id="gone-1", bundle="gone", bundle_hash="", asker="anna", via="schedule")
        requests.add(desk.ledger, request)
        with desk.ledger.writing() as connection:
            change = "state = 'error', reason = 'There is no report gone.', ended_at = asked_at"
            connection.execute(f"UPDATE requests SET {change} WHERE id = 'gone-1'")
        desks.stepped(desk)
        assert desks.states(desk, request) == {("mail", "anna@example.com", "trace"): "sent"}
    assert mails(post) == [("anna@example.com", "gone: error")]
    assert "There is no report gone." in body(post)


def test_a_bundle_that_is_not_kept_any_more_is_as_it_is_now(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, {"deliver": [{"to": BEN.to}]}, **said(post.port)) as desk:
        one, other = desks.over(desk), desks.over(desk)
        for digest, request in (("11" * 32, one), ("22" * 32, other)):
            with desk.ledger.writing() as connection:
                connection.execute("UPDATE requests SET bundle_hash = ? WHERE id = ?", [digest, request.id])
        with desk.ledger.writing() as connection:
            connection.execute("UPDATE requests SET bundle = 'gone' WHERE id = ?", [other.id])
        desks.stepped(desk)
        assert desks.states(desk, one) == {("mail", "ben@example.com", "report"): "sent"}
        assert desks.states(desk, other) == {}
        assert [(line.request, line.detail) for line in audit.latest(desk.ledger)] == [(other.id, "the bundle is gone")]


def test_two_workers_at_once_send_one_mail_each(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post.port)) as one, desks.desk(tmp_path, **said(post.port)) as other:
        for _ in range(6):
            desks.over(one, deliver=(ANNA,))
        with ThreadPoolExecutor(2) as pool:
            _ = [*pool.map(desks.stepped, (one, other))]
        assert len(post.got) == 6
        assert len({message["Message-ID"] for message in post.got}) == 6


def test_two_processes_on_one_ledger_send_one_mail_each(tmp_path: Path, post: Post) -> None:
    how = said(post.port)
    with desks.desk(tmp_path, **how) as desk:
        for _ in range(12):
            desks.over(desk, deliver=(ANNA,))
    with _worker(tmp_path, how, wait=True) as one, _worker(tmp_path, how, wait=True) as other:
        for each in (one, other):
            assert each.stdin
            each.stdin.write("go\n")
            each.stdin.flush()
    assert len(post.got) == 12
    assert len({message["Message-ID"] for message in post.got}) == 12
    with desks.desk(tmp_path, **how) as desk:
        assert {desks.only(desk, each).attempt for each in requests.latest(desk.ledger)} == {1}


def _worker(directory: Path, how: Any, *, wait: bool = False) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(directory), json.dumps(how)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    if not wait:
        process.stdin.write("go\n")
        process.stdin.flush()
    return process


def test_threads_of_one_worker_take_nothing_twice(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post.port)) as desk, ledgers.worker(desk.reports) as worker:
        for _ in range(8):
            desks.over(desk, deliver=(ANNA,))
        with ThreadPoolExecutor(3) as pool:
            assert sum(pool.map(lambda _: dispatch.step(desk, worker), range(3))) >= 16
    assert len(post.got) == 8


def test_a_letter_that_cannot_be_written_fails_and_holds_up_nothing(
    tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desks.desk(tmp_path, **said(post.port)) as desk:
        gone = desks.over(desk, deliver=(ANNA,))
        (desk.reports / gone.id / "report.html").unlink()
        odd = desks.over(desk, deliver=(ANNA,))
        (desk.reports / odd.id / "report.json").write_text("{}")
        good = desks.over(desk, deliver=(ANNA,))
        desks.stepped(desk)
        assert [desks.only(desk, each).state for each in (gone, odd, good)] == ["failed", "failed", "sent"]
        monkeypatch.setattr("scrapdb.reporting.service.delivering.letters.writing.written", lambda *_: 1 / 0)
        bug = desks.over(desk, deliver=(ANNA,))
        desks.stepped(desk)
        assert desks.only(desk, bug).state == "failed"
        assert "ZeroDivisionError" in (desks.only(desk, bug).reason or "")


def test_who_cannot_be_found_out_holds_up_nobody(
    tmp_path: Path, post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    planned = planning.planned
    with desks.desk(tmp_path, **said(post.port)) as desk:
        odd, good = desks.over(desk, deliver=(ANNA,)), desks.over(desk, deliver=(ANNA,))
        monkeypatch.setattr(
            planning, "planned", lambda desk, request: planned(desk, request) if request.id == good.id else 1 / 0
        )
        desks.stepped(desk)
        assert (desks.states(desk, odd), desks.only(desk, good).state) == ({}, "sent")
        assert f"who is to be told of {odd.id}" in caplog.text
        monkeypatch.undo()
        desks.stepped(desk)
        assert desks.only(desk, odd).state == "sent"


def test_pages_are_pushed_to_a_path(tmp_path: Path) -> None:
    with desks.desk(tmp_path, recipients=[f"{tmp_path}/shared/"]) as desk:
        target = Target(to=f"{tmp_path}/shared/{{site}}.html")
        request = desks.over(desk, parameters={"site": "../north"}, deliver=(target,))
        desks.stepped(desk)
        found = desks.only(desk, request)
        assert found.state == "sent"
        assert found.reason == f"{tmp_path}/shared/___north.html"
        assert Path(found.reason).read_text() == desks.PLAIN
        other = desks.over(desk, parameters={"site": "../north"}, page=desks.DRAWN, deliver=(target,))
        desks.stepped(desk)
        assert desks.only(desk, other).state == "failed"
        assert "another content" in (desks.only(desk, other).reason or "")
        assert Path(found.reason).read_text() == desks.PLAIN
