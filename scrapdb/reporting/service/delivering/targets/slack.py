"""Slack: a message in a channel, with the files in a thread below it; or an answer where somebody asked.

Written by https://docs.slack.dev/reference/methods/chat.postMessage, …/files.getUploadURLExternal,
…/files.completeUploadExternal, and https://docs.slack.dev/interactivity/handling-user-interaction for `response_url`,
which is good for 30 minutes and five times.
"""

from __future__ import annotations

from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from urllib.parse import urlsplit

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.notebooks.times import parsed
from scrapdb.reporting.service import host as hosts
from scrapdb.reporting.service.delivering import posting
from scrapdb.reporting.service.delivering.letters.letter import File
from scrapdb.reporting.service.delivering.letters.letter import Letter
from scrapdb.reporting.service.delivering.outcomes import NotNowError
from scrapdb.reporting.service.delivering.outcomes import NotSentError
from scrapdb.reporting.service.delivering.outcomes import UnsureError
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.host import Slack
from scrapdb.reporting.service.ledger import deliveries
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.deliveries import Delivery

_USES, _GOOD = 5, timedelta(minutes=29)
_LONGEST = 12_000  # characters of a message
_LATER = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif"}


def send(desk: Desk, delivery: Delivery, letter: Letter) -> str | None:
    """Send a letter to a channel, and return what is to be remarked of it.

    Raises:
        NotSentError, NotNowError, UnsureError: it was not, or nobody knows.
    """
    slack = _settings(desk)
    return _posted(desk, slack, delivery, letter, {"channel": delivery.address})


def reply(desk: Desk, delivery: Delivery, letter: Letter) -> str | None:
    """Answer where somebody asked, by the address that came with the question as long as it is good.

    Raises:
        NotSentError, NotNowError, UnsureError: it was not, or nobody knows.
    """
    slack = _settings(desk)
    request = requests.get(desk.ledger, delivery.request)
    asked = (request.reply if request else None) or {}
    where = {
        "channel": str(asked.get("channel") or asked.get("user") or ""),
        "thread_ts": str(asked.get("thread") or ""),
    }
    age = datetime.now(UTC) - (parsed(request.asked_at if request else None) or datetime.now(UTC))
    is_good = asked.get("response_url") and age < _GOOD and int(asked.get("uses") or 0) < _USES
    if (
        is_good
        and "ts" not in delivery.options.done
        and _responded(slack, str(asked["response_url"]), delivery, letter)
    ):
        delivery = deliveries.note(desk.ledger, delivery, ts=where["thread_ts"], channel=where["channel"])
    if "ts" in delivery.options.done and not _has_token(slack):
        return None
    if not where["channel"]:
        raise NotSentError("Slack did not say where it was asked for.")
    return _posted(desk, slack, delivery, letter, {name: value for name, value in where.items() if value})


def _settings(desk: Desk) -> Slack:
    if desk.host.slack is None:
        raise NotSentError("Nobody says how Slack is reached: write `slack` into service.yaml.")
    return desk.host.slack


def _posted(desk: Desk, slack: Slack, delivery: Delivery, letter: Letter, where: dict[str, str]) -> str | None:
    """Post a message unless that is done, and then its files, so that an attempt goes on where the last one ended."""
    done = delivery.options.done
    if "ts" not in done:
        said = _call(slack, "chat.postMessage", text=_text(letter), unfurl_links="false", **where)
        thread = where.get("thread_ts") or str(said.get("ts", ""))
        delivery = deliveries.note(desk.ledger, delivery, ts=thread, channel=str(said.get("channel", "")))
        done = delivery.options.done
    files = [*letter.files, *letter.pictures] if delivery.letter == "report" else []
    if not files:
        return None
    try:
        given = [_uploaded(slack, file) for file in files]
        below = {"thread_ts": done["ts"]} if done["ts"] else {}
        listed = msgspec.json.encode(given).decode()
        _call(slack, "files.completeUploadExternal", files=listed, channel_id=done["channel"], **below)
    except NotSentError as error:
        return f"The message is there, and its files are not: {error}"
    return None


def _responded(slack: Slack, url: str, delivery: Delivery, letter: Letter) -> bool:
    """Answer at the address that came with a question; return whether it was good."""
    is_public = (
        delivery.letter == "report"
    )  # whoever asks in a channel is answered there; what failed concerns him only
    body = {"text": _text(letter), "response_type": "in_channel" if is_public else "ephemeral"}
    answer = _post(slack, url, msgspec.json.encode({**body, "replace_original": False}), "application/json")
    try:
        posting.judged(answer, "Slack")
    except NotSentError:
        return False
    return not answer.body.strip().startswith(b"{") or b'"ok":false' not in answer.body.replace(b" ", b"")


def _uploaded(slack: Slack, file: File) -> dict[str, str]:
    """Upload a file that nobody sees yet, and return by what it is called there."""
    name = file.name.replace("@scrapdb", f".{_SUFFIXES.get(file.mime, '')}")
    try:
        said = _call(slack, "files.getUploadURLExternal", filename=name, length=str(len(file.content)))
        answer = _post(slack, str(said.get("upload_url", "")), file.content, "application/octet-stream")
        posting.judged(answer, "Slack")
    except UnsureError as error:
        raise NotNowError(str(error)) from error
    return {"id": str(said.get("file_id", "")), "title": file.alt or name}


def _call(slack: Slack, method: str, **values: str) -> dict[str, Any]:
    """Call a method of Slack's API, and return what it says.

    Raises:
        NotSentError, NotNowError, UnsureError: it was not done, or nobody knows.
    """
    url = f"{slack.url.rstrip('/')}/{method}"
    answer = _post(slack, url, urlencode(values).encode(), "application/x-www-form-urlencoded", token=_token(slack))
    posting.judged(answer, "Slack")
    try:
        said = msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError) as error:
        raise UnsureError(f"Slack answers {method} with something that is no JSON.") from error
    if said.get("ok"):
        return said
    code = str(said.get("error", "nothing"))[:100]
    if code in _LATER:
        raise NotNowError(f"Slack answers {method}: {code}.", answer.again)
    raise NotSentError(f"Slack answers {method}: {code}.")


def _post(slack: Slack, url: str, body: bytes, kind: str, *, token: str | None = None) -> posting.Answer:
    """Send something to Slack; to where it does not say itself that it is, as to any address of others."""
    headers = {"Content-Type": kind} | ({"Authorization": f"Bearer {token}"} if token else {})
    ours, given = urlsplit(slack.url), urlsplit(url)
    same = (ours.scheme, ours.netloc) == (given.scheme, given.netloc)
    return posting.post(url, body, headers, allow=None if same else ())


def _token(slack: Slack) -> str:
    try:
        return hosts.secret(slack.token, "The token of Slack's bot")
    except ScrapdbError as error:
        raise NotSentError(str(error)) from error


def _has_token(slack: Slack) -> bool:
    try:
        return bool(_token(slack))
    except NotSentError:
        return False


def _text(letter: Letter) -> str:
    """Return a letter as Slack writes texts: what could be a mention or a link of its own is neither."""
    head, _, rest = letter.text.strip().partition("\n")
    escaped = f"*{head}*\n{rest}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped if len(escaped) <= _LONGEST else f"{escaped[:_LONGEST]}…"
