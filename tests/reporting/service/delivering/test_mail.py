"""Mail: what a mail server gets, told by Python's own parser of messages, and what is done when it does not take it."""

from __future__ import annotations

import base64
import json
import socket
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from scrapdb.reporting.bundles.target import Target
from scrapdb.reporting.service.delivering import dispatch
from scrapdb.reporting.service.delivering.letters import words
from scrapdb.reporting.service.delivering.targets import mail
from tests.reporting.service.delivering import desks
from tests.reporting.service.delivering import receivers
from tests.reporting.service.delivering.receivers import Post

ANNA = Target(to="mail:anna@example.com")


def said(post: Post, **more: Any) -> dict[str, Any]:
    sent_by = {"host": "127.0.0.1", "port": post.port, "sender": "Reports <reports@example.com>", "security": "none"}
    return {"mail": sent_by | more, "recipients": ["@example.com"]}


def parts(message: EmailMessage) -> list[tuple[str, str | None]]:
    return [(part.get_content_type(), part["Content-ID"]) for part in message.walk()]


def test_a_mail_has_text_html_with_charts_beside_it_and_the_report(tmp_path: Path, post: Post) -> None:
    config = {"parameters": {"site": {"label": "Site"}, "from_day": {"type": "date"}}}
    given = {"site": "north", "from_day": "2025-01-31"}
    with desks.desk(tmp_path, config, **said(post)) as desk:
        scraps = {"compliance": 97.25, "rows": 1008, "what": "text"}
        request = desks.over(desk, page=desks.DRAWN, parameters=given, scraps=scraps, deliver=(ANNA,))
        assert desks.stepped(desk) == 2  # told, and sent
        assert desks.states(desk, request) == {("mail", "anna@example.com", "report"): "sent"}
        key = desks.only(desk, request).key
    (message,) = post.got
    assert post.to == ["anna@example.com"]
    assert (message["Subject"], message["To"]) == ("Voltage", "anna@example.com")
    assert message["From"] == "Reports <reports@example.com>"
    assert message["Message-ID"] == f"<{key}@example.com>"
    assert parts(message) == [
        ("multipart/mixed", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("multipart/related", None),
        ("text/html", None),
        ("image/png", "<chart1@scrapdb>"),
        ("text/html", None),
    ]
    _, _, text, _, html, chart, attached = message.walk()
    assert chart.get_content().startswith(b"\x89PNG")
    assert chart.get_content_disposition() == "inline"
    assert 'src="cid:chart1@scrapdb" alt="Voltage of north"' in html.get_content()
    assert "<svg" not in html.get_content()
    assert "data:" not in html.get_content()
    for written in (text.get_content(), html.get_content()):
        for fact in ("Site", "north", "Jan 31, 2025", "compliance", "97.25", "1,008", "The report is attached."):
            assert fact in written
    assert attached.get_filename() == f"{request.id}.html"
    assert attached.get_content().strip() == desks.DRAWN


def test_a_letter_is_in_the_language_of_the_report(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post), url="https://reports.example.com/") as desk:
        target = Target(to=ANNA.to, attach=("html", "link"))
        desks.over(desk, language="ca", deliver=(target,))
        desks.stepped(desk)
    text, html, _ = [part.get_content() for part in post.got[0].walk() if part.get_content_maintype() == "text"]
    assert words.said(words.ATTACHED, "ca") in text
    assert f"{words.said(words.OPEN, 'ca')}: https://reports.example.com/r/" in text
    assert '<html lang="ca" dir="ltr">' in html
    assert "informe</a>" in html


@pytest.mark.parametrize(
    "title", ["Voltage\r\nBcc: eve@evil.example", "Voltage\nX: y", "Volt\u2028age", "\x00Volt\x0bage", "é" * 300]
)
def test_nothing_becomes_a_header(tmp_path: Path, post: Post, title: str) -> None:
    with desks.desk(tmp_path, **said(post)) as desk:
        request = desks.over(desk, deliver=(ANNA,))
        path = desk.reports / request.id / "report.json"
        path.write_text(path.read_text().replace('"title": "Voltage"', f'"title": {json.dumps(title)}'))
        desks.stepped(desk)
        assert desks.only(desk, request).state == "sent"
    (message,) = post.got
    assert post.to == ["anna@example.com"]
    assert message["Subject"] == mail.one_line(title)
    assert message["Bcc"] is None
    assert message["X"] is None


def test_what_is_too_large_is_a_link(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post, largest="20kB"), url="https://reports.example.com") as desk:
        desks.over(desk, page=desks.PLAIN + "x" * 20_000, deliver=(ANNA,))
        desks.stepped(desk)
    (message,) = post.got
    assert not list(message.iter_attachments())
    body = message.get_body(("plain",))
    assert body
    assert "The report is too large to be attached." in body.get_content()
    assert "https://reports.example.com/r/" in body.get_content()


@pytest.mark.parametrize(
    ("behaves", "state", "words"),
    [
        ({"rcpt": "550 no such user"}, "failed", "550 no such user"),
        ({"rcpt": "450 come back later"}, "to send", "450 come back later"),
        ({"data": "554 spam"}, "failed", "554 spam"),
        ({"data": "451 disk full"}, "to send", "451 disk full"),
        ({"data": "close"}, "unsure", "did not say that it has it"),
    ],
)
def test_what_a_server_answers(tmp_path: Path, post: Post, behaves: dict[str, str], state: str, words: str) -> None:
    post.behaves = behaves
    with desks.desk(tmp_path, **said(post)) as desk:
        request = desks.over(desk, deliver=(ANNA,))
        desks.stepped(desk)
        found = desks.only(desk, request)
        assert (found.state, found.attempt) == (state, 1)
        assert words in (found.reason or "")
        desks.stepped(desk)  # nothing of it is due now
        assert desks.only(desk, request) == found


def test_a_server_that_is_not_there_is_tried_later_and_later_and_at_last_no_more(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        how = {"host": "127.0.0.1", "port": nobody.getsockname()[1], "sender": "r@example.com", "security": "none"}
        with desks.desk(tmp_path, mail=how, recipients=["@example.com"]) as desk:
            request = desks.over(desk, deliver=(ANNA,))
            waits = []
            for _ in range(dispatch.ATTEMPTS):
                desks.hasten(desk)
                desks.stepped(desk)
                found = desks.only(desk, request)
                waits.append(found.not_before)
            assert (found.state, found.attempt) == ("failed", dispatch.ATTEMPTS)
            assert "Connection refused" in (found.reason or "")
            assert "the last one" in (found.reason or "")
            assert waits[-1] is None
            assert all(waits[:-1])


def test_starttls_that_there_is_not_sends_nothing(tmp_path: Path, post: Post) -> None:
    with desks.desk(tmp_path, **said(post, security="starttls")) as desk:
        request = desks.over(desk, deliver=(ANNA,))
        desks.stepped(desk)
        found = desks.only(desk, request)
        assert (found.state, post.got) == ("failed", [])
        assert "STARTTLS" in (found.reason or "")


def test_the_charts_of_a_letter_are_those_of_the_page(tmp_path: Path, post: Post) -> None:
    gif = base64.b64encode(b"GIF89a-nothing").decode()
    page = (
        desks.PAGE
        % f'<img alt="A &quot;map&quot;" src="data:image/gif;base64,{gif}"><img src="https://evil.example/x.png">'
    )
    with desks.desk(tmp_path, **said(post)) as desk:
        desks.over(desk, page=page, deliver=(ANNA,))
        desks.stepped(desk)
    pictures = [part for part in post.got[0].walk() if part.get_content_maintype() == "image"]
    assert [picture.get_content() for picture in pictures] == [b"GIF89a-nothing"]
    html = post.got[0].get_body(("html",))
    assert html
    assert 'alt="A &quot;map&quot;"' in html.get_content()
    assert "evil" not in html.get_content()


@pytest.mark.parametrize("is_trusted", [True, False])
def test_starttls_and_signing_in(
    tmp_path: Path, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, *, is_trusted: bool
) -> None:
    from aiosmtpd.smtp import AuthResult

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    monkeypatch.setenv("MAIL_PASSWORD", "open sesame")
    signed_in = []

    def authenticate(*given: Any) -> Any:
        signed_in.append((given[-1].login, given[-1].password))
        return AuthResult(success=True)

    how = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": authenticate}
    with receivers.post(**how) as secure:
        settings = said(secure, security="starttls", user="reports", password="MAIL_PASSWORD")  # noqa: S106 - a name
        with desks.desk(tmp_path, **settings) as desk:
            request = desks.over(desk, deliver=(ANNA,))
            desks.stepped(desk)
            found = desks.only(desk, request)
        if is_trusted:
            assert (found.state, signed_in, len(secure.got)) == ("sent", [(b"reports", b"open sesame")], 1)
        else:
            assert (found.state, signed_in, secure.got) == ("failed", [], [])
            assert "cannot prove that it is" in (found.reason or "")


def test_a_pdf_is_attached_and_one_that_is_missing_is_a_link(tmp_path: Path, post: Post) -> None:
    target = Target(to=ANNA.to, attach=("pdf",))
    with desks.desk(tmp_path, **said(post), url="https://reports.example.com") as desk:
        request = desks.over(desk, deliver=(target,))
        (desk.reports / request.id / "report.pdf").write_bytes(b"%PDF-1.7 nothing")
        desks.over(desk, deliver=(target,))
        desks.stepped(desk)
    with_pdf, without = sorted(post.got, key=lambda message: not list(message.iter_attachments()))
    (attached,) = with_pdf.iter_attachments()
    assert (attached.get_content_type(), attached.get_content()) == ("application/pdf", b"%PDF-1.7 nothing")
    assert not list(without.iter_attachments())
    body = without.get_body(("plain",))
    assert body
    assert "https://reports.example.com/r/" in body.get_content()
