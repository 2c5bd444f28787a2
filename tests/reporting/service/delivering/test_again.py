"""A report that is delivered by hand: listed, sent once more, or to somebody else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service import links
from scrapdb.reporting.service.delivering import again
from scrapdb.reporting.service.ledger import audit
from scrapdb.reporting.service.ledger import deliveries
from scrapdb.reporting.service.ledger import ledger as ledgers
from tests import sessions
from tests.reporting.service.delivering import desks
from tests.reporting.service.delivering.receivers import Post

ANNA, BEN = "mail:anna@example.com", "mail:ben@example.com"


def said(post: Post) -> dict[str, Any]:
    mail = {"host": "127.0.0.1", "port": post.port, "sender": "reports@example.com", "security": "none"}
    return {"mail": mail, "recipients": ["@example.com"]}


def test_what_is_lost_is_sent_again_and_keeps_its_key_and_what_arrived_gets_another(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post)) as desk:
        request = desks.over(desk, deliver=(Target(to=ANNA), Target(to=BEN)))
        post.behaves = {"anna@example.com": "550 full"}
        desks.stepped(desk)
        post.behaves = {}
        before = {each.address: each.key for each in again.listed(desk, request.id)}
        assert [(each.address, each.state) for each in again.delivered(desk, request.id, who="ops")] == [
            ("anna@example.com", "sent")
        ]
        with pytest.raises(UsageError, match=r"Nothing of voltage-\w+ is lost: mail:anna@example.com is sent, "):
            again.delivered(desk, request.id)
        assert [each.state for each in again.delivered(desk, request.id, "mail:Ben@EXAMPLE.com", who="ops")] == ["sent"]
        after = {each.address: each.key for each in again.listed(desk, request.id)}
        assert after["anna@example.com"] == before["anna@example.com"]
        assert after["ben@example.com"] != before["ben@example.com"]
        assert len({message["Message-ID"] for message in post.got}) == len(post.got) == 3
        told = [(line.who, line.what, line.detail) for line in audit.latest(desk.ledger)]
        assert ("ops", "deliver", "mail:anna@example.com") in told


def test_somebody_else_gets_it_too(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, {"deliver_if": "n > 0"}, **said(post)) as desk:
        request = desks.over(desk, scraps={"n": 0}, deliver=(Target(to=ANNA),))  # of which nobody was told yet
        (found,) = again.delivered(desk, request.id, BEN, attach=("link", "html"))
        assert (found.state, found.options.wish and found.options.wish.attach) == ("sent", ("html", "link"))
        assert desks.states(desk, request) == {
            ("mail", "anna@example.com", "report"): "not sent",
            ("mail", "ben@example.com", "report"): "sent",
        }
        with pytest.raises(ScrapdbError, match="Nothing may go to"):
            again.delivered(desk, request.id, "mail:eve@evil.example")
    assert post.to == ["ben@example.com"]


def test_a_broken_report_goes_to_nobody_by_hand_either(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post)) as desk:
        request = desks.over(desk, state="error", reason="it is broken")
        with pytest.raises(ScrapdbError, match="is error: it is broken; only a report that is completed"):
            again.delivered(desk, request.id, ANNA)
    assert post.got == []


def test_what_another_worker_is_sending_is_left_to_it(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post)) as desk, ledgers.worker(desk.reports) as other:
        request = desks.over(desk, deliver=(Target(to=ANNA),))
        deliveries.tell(desk.ledger, request.id, [])
        again.delivered(desk, request.id, ANNA)
        one = desks.only(desk, request)
        deliveries.take(desk.ledger, [deliveries.again(desk.ledger, one)], other)
        with pytest.raises(ScrapdbError, match="is being sent"):
            again.delivered(desk, request.id, ANNA)
        with pytest.raises(UsageError, match="is sending"):
            again.delivered(desk, request.id)
    assert len(post.got) == 1


def test_links_are_taken_back(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, url="https://reports.example.com", **said(post)) as desk:
        request = desks.over(desk)
        for to in (ANNA, BEN):
            again.delivered(desk, request.id, to, attach=("link",))
        texts = [next(part.get_content() for part in message.walk() if not part.is_multipart()) for message in post.got]
        tokens = [text.partition("/r/")[2].split()[0] for text in texts]
        assert [links.checked(desk, each).id for each in tokens] == [request.id] * 2
        assert again.taken_back(desk, request.id, "mail:BEN@example.com") == [BEN]
        assert links.checked(desk, tokens[0]).id == request.id
        with pytest.raises(links.LinkError, match="taken back"):
            links.checked(desk, tokens[1])
        assert again.taken_back(desk, request.id) == [ANNA]
        with pytest.raises(UsageError, match="leads anywhere"):
            again.taken_back(desk, request.id)


def test_the_command(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post)) as desk:
        request = desks.over(desk, deliver=(Target(to=ANNA),))
        post.behaves = {"data": "554 spam"}
        desks.stepped(desk)
    (tmp_path / "service.yaml").write_text(json.dumps(said(post)))
    config = "--config service.yaml"
    ran = sessions.run(f"scrapdb report deliver {request.id} --list --json", tmp_path)
    assert ran.code == 0
    (row,) = json.loads(ran.stdout)
    assert (row["state"], row["address"], row["attempt"]) == ("failed", "anna@example.com", 1)
    assert row["reason"] == "127.0.0.1 answers 554 spam."
    ran = sessions.run(f"scrapdb report deliver {request.id} {config}", tmp_path)
    assert (ran.code, ran.stderr) == (1, "mail:anna@example.com: failed. 127.0.0.1 answers 554 spam.\n")
    post.behaves = {}
    ran = sessions.run(f"scrapdb report deliver reports/{request.id} {config}", tmp_path)
    assert (ran.code, ran.stderr) == (0, "mail:anna@example.com: sent\n")
    for wrong, words in (
        (f"{request.id} --list --to {ANNA}", "--list sends nothing, "),
        (f"{request.id} --to {ANNA}", "Nothing may go to mail:anna@example.com"),
        ("nosuch", "No service was asked for a report nosuch"),
        (f"{request.id} -o elsewhere", "No service was asked for anything in elsewhere"),
    ):
        ran = sessions.run(f"scrapdb report deliver {wrong}", tmp_path)
        assert ran.code
        assert words in ran.stderr
