"""Mail: one message to one address, with the report's charts as pictures that every mail program shows.

A message has a text, the same as HTML with its pictures beside it (RFC 2387), and files. Its Message-ID is that of the
delivery, so that a message which is sent twice can be told to be one.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from email.utils import parseaddr

from scrapdb.errors import ScrapdbError
from scrapdb.notebooks.times import parsed
from scrapdb.reporting.service import host as hosts
from scrapdb.reporting.service.delivering.letters.letter import Letter
from scrapdb.reporting.service.delivering.outcomes import NotNowError
from scrapdb.reporting.service.delivering.outcomes import NotSentError
from scrapdb.reporting.service.delivering.outcomes import UnsureError
from scrapdb.reporting.service.host import Mail
from scrapdb.reporting.service.ledger.deliveries import Delivery

SECONDS = 20.0  # for each answer of the server
_OK, _GO_ON, _NEVER = 250, 354, range(500, 600)  # RFC 5321, 4.2
_LINE_OF_DOT = re.compile(rb"(?m)^\.")


def send(mail: Mail | None, delivery: Delivery, letter: Letter) -> None:
    """Send a letter.

    Raises:
        NotSentError, NotNowError, UnsureError: it was not, or nobody knows.
    """
    if mail is None:
        raise NotSentError("Nobody says how mail is sent: write `mail` into service.yaml.")
    content = message(mail, delivery, letter).as_bytes()
    try:
        password = hosts.secret(mail.password, "The password of the mail server") if mail.password else ""
    except ScrapdbError as error:
        raise NotSentError(str(error)) from error
    try:
        server = _connected(mail)
    except ssl.SSLCertVerificationError as error:
        raise NotSentError(f"{mail.host} cannot prove that it is {mail.host}: {error.verify_message}.") from error
    except (OSError, smtplib.SMTPException) as error:
        raise _refusal(mail, error) from error
    try:
        _handed_over(server, mail, password, delivery.address, content)
    finally:
        with suppress(OSError, smtplib.SMTPException):
            server.close()


def message(mail: Mail, delivery: Delivery, letter: Letter) -> EmailMessage:
    """Write a letter as a message.

    Raises:
        NotSentError: the address of the sender is none.
    """
    made = EmailMessage(policy=SMTP)
    name, sender = parseaddr(mail.sender)
    if not sender.isascii() or sender.count("@") != 1:
        raise NotSentError(f"{mail.sender!r} is no address to send from: change `mail.sender` in service.yaml.")
    user, domain = sender.split("@")
    made["Subject"] = one_line(letter.subject)
    made["From"] = Address(name, user, domain)
    made["To"] = Address(username=delivery.address.rpartition("@")[0], domain=delivery.address.rpartition("@")[2])
    if written := parsed(delivery.written_at):  # not the time of this attempt: it is the same message
        made["Date"] = format_datetime(written)
    made["Message-ID"] = f"<{delivery.key}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine answers
    made.set_content(letter.text)
    made.add_alternative(letter.html, subtype="html")
    html = made.get_payload()[1]  # type: ignore[index]
    for picture in letter.pictures:
        html.add_related(  # type: ignore[union-attr]
            picture.content, *picture.mime.split("/", 1), cid=f"<{picture.name}>", disposition="inline"
        )
    for file in letter.files:
        made.add_attachment(file.content, *file.mime.split("/", 1), filename=file.name)
    return made


def one_line(text: str) -> str:
    """Return a text without what could end a line, or make another header of it."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _connected(mail: Mail) -> smtplib.SMTP:
    """Connect, and see to it that nobody else reads."""
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(mail.host, mail.port, timeout=SECONDS)
    if mail.security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _handed_over(server: smtplib.SMTP, mail: Mail, password: str, address: str, content: bytes) -> None:
    try:
        server.ehlo_or_helo_if_needed()
        if mail.user:
            server.login(mail.user, password)
        _expect(
            mail, server.mail(parseaddr(mail.sender)[1], [f"size={len(content)}"] if server.has_extn("size") else [])
        )
        _expect(mail, server.rcpt(address))
        _expect(mail, server.docmd("DATA"), _GO_ON)
        body = _LINE_OF_DOT.sub(b"..", content)
        server.send(body + (b"" if body.endswith(b"\r\n") else b"\r\n") + b".\r\n")
    except (OSError, smtplib.SMTPException) as error:
        raise _refusal(mail, error) from error
    try:
        answer = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        raise UnsureError(
            f"{mail.host} was told all, and did not say that it has it ({type(error).__name__})."
        ) from error
    _expect(mail, answer)
    with suppress(OSError, smtplib.SMTPException):
        server.quit()


def _expect(mail: Mail, answer: tuple[int, bytes], wanted: int | None = None) -> None:
    code, said = answer
    if code == wanted or (wanted is None and _OK <= code < _OK + 2):
        return
    raise _of_code(mail, code, said)


def _refusal(mail: Mail, error: OSError | smtplib.SMTPException) -> ScrapdbError:
    """Say what went wrong before all was handed over."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _of_code(mail, error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return NotSentError(f"{mail.host} cannot do what `mail` of service.yaml asks for: {error}")
    if isinstance(error, smtplib.SMTPServerDisconnected) or not isinstance(error, smtplib.SMTPException):
        return NotNowError(f"{mail.host} cannot be reached: {getattr(error, 'strerror', None) or error}.")
    return NotSentError(f"{mail.host}: {error}")


def _of_code(mail: Mail, code: int, said: bytes | str) -> ScrapdbError:
    text = one_line(said.decode(errors="replace") if isinstance(said, bytes) else said)
    told = f"{mail.host} answers {code} {text}".rstrip(". ") + "."
    return NotSentError(told) if code in _NEVER else NotNowError(told)
