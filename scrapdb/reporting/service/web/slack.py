"""Slack's questions: a command, or words to the bot; answered at once with what they mean, and later with the report.

What Slack sends is signed (https://docs.slack.dev/authentication/verifying-requests-from-slack). It comes once: who
sends it again is refused, but for Slack itself, which repeats an event until it is answered.
"""

from __future__ import annotations

import logging
import re
from html import unescape
from typing import TYPE_CHECKING
from typing import Any

import msgspec
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.responses import Response

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.service import access
from scrapdb.reporting.service import desk
from scrapdb.reporting.service import host as hosts
from scrapdb.reporting.service.ledger import seen
from scrapdb.reporting.service.web import call as calls
from scrapdb.reporting.service.web import problem
from scrapdb.reporting.service.web import shapes
from scrapdb.reporting.service.web.api import sentences
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from scrapdb.reporting.service.access import Person
    from scrapdb.reporting.service.web.call import Call

_LOG = logging.getLogger("scrapdb.service")
_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>")
_HELP = frozenset({"", "help"})
_SECONDS = 10  # for which Slack may let us wait


class _Event(msgspec.Struct, frozen=True):
    """What somebody has said, of what Slack tells of it."""

    type: str = ""
    user: str = ""
    text: str = ""
    channel: str = ""
    channel_type: str = ""
    ts: str = ""
    thread_ts: str | None = None
    bot_id: str | None = None
    subtype: str | None = None

    @property
    def is_question(self) -> bool:
        """Whether a person says it to us; what a bot says, and be it we, would never end."""
        to_us = self.type == "app_mention" or (self.type == "message" and self.channel_type == "im")
        return to_us and not self.bot_id and self.subtype is None and bool(self.user)


class _Envelope(msgspec.Struct, frozen=True):
    type: str
    challenge: str = ""
    event_id: str = ""
    event: _Event = _Event()


def command(call: Call) -> Response:
    """Answer a slash command."""
    signature = _checked(call)
    if not seen.first(call.desk.ledger, f"slack {signature}"):
        raise Problem(403, "This has come already.")
    fields = call.fields
    user = fields.get("user_id", "")
    reply = {
        "kind": "slack",
        "response_url": fields.get("response_url", ""),
        "channel": fields.get("channel_id", ""),
        "user": user,
        "thread": None,
    }
    text = _said(call, user, fields.get("text", ""), reply, f"slack:{signature}")
    return calls.json({"response_type": "ephemeral", "text": text})


def events(call: Call) -> Response:
    """Answer an event: words in a channel in which we are mentioned, or to us alone."""
    signature = _checked(call)
    envelope = call.json(_Envelope)
    if envelope.type == "url_verification":
        return PlainTextResponse(envelope.challenge)
    event = f"slack event {envelope.event_id}"
    if seen.has_come(call.desk.ledger, event):
        return Response()
    if not seen.first(call.desk.ledger, f"slack {signature}") and "x-slack-retry-num" not in call.http.headers:
        raise Problem(403, "This has come already.")
    said = envelope.event
    if not said.is_question:
        return Response()
    reply = {
        "kind": "slack",
        "response_url": None,
        "channel": said.channel,
        "user": said.user,
        "thread": said.thread_ts or (said.ts if said.type == "app_mention" else None),
    }
    text = _said(call, said.user, _MENTION.sub("", said.text), reply, f"slack:{envelope.event_id}")
    # Not before: what fails until here is asked again by Slack, and the key lets it be one report.
    seen.first(call.desk.ledger, event)
    return Response(background=BackgroundTask(_post, call, reply, text))


def _checked(call: Call) -> str:
    """Return the signature of what was sent.

    Raises:
        Problem: it is not Slack's, is too old, or Slack is not known here.
    """
    from slack_sdk.signature import SignatureVerifier

    if call.host.slack is None:
        raise Problem(404, "Slack does not ask here.")
    try:
        secret = hosts.secret(call.host.slack.signing_secret, "The signing secret of Slack")
    except UsageError as error:
        _LOG.error("%s", error)
        raise Problem(503, "Slack cannot ask at the moment.") from error
    signature = call.http.headers.get("x-slack-signature", "")
    try:
        moment = call.http.headers.get("x-slack-request-timestamp", "")
        valid = SignatureVerifier(secret).is_valid(call.body, moment, signature)
    except (ValueError, TypeError):  # no number, no UTF-8, or a signature that is no ASCII
        valid = False
    if not valid:
        raise Problem(401, "This is not signed by Slack, or too old.")
    return signature


def _said(call: Call, user: str, text: str, reply: dict[str, Any], key: str) -> str:
    """Ask for what somebody has said, and return what to tell him, as Slack writes it."""
    sentence = " ".join(unescape(text).split())
    try:
        told = _asked(call, _asker(call, user), sentence, reply, key)
    except (Problem, ScrapdbError) as error:
        told = _refused(problem.of(error))
    return told.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _asked(call: Call, who: Person, sentence: str, reply: dict[str, Any], key: str) -> str:
    if sentence.lower() in _HELP:
        return _help(call, who)
    if len(sentence) > shapes.LONGEST_SENTENCE:
        raise Problem(422, f"That is too long: take at most {shapes.LONGEST_SENTENCE} characters.")
    meant = sentences.meaning(call.desk, who, sentence)
    wish = desk.Wish(
        bundle=meant.bundle,
        parameters=meant.parameters,
        language=meant.language,
        key=key,
        via="slack",
        sentence=sentence,
        reply=reply,
    )
    request, _ = desk.ask(call.desk, who, wish, call.address)
    return f"{meant.told}.\nIt comes here when it is made ({request.id})."


def _asker(call: Call, user: str) -> Person:
    known = call.host.slack.askers if call.host.slack else {}
    name = known.get(user) or known.get("*") or ("" if call.host.askers else access.LOCAL)
    who = access.person(call.host, name) if name else None
    if who is None:
        raise Problem(403, f"You are not known here. Whoever answers for this service can add you, who are {user}.")
    return who


def _help(call: Call, who: Person) -> str:
    patterns = [
        pattern
        for listed in call.desk.catalogue.all()
        if listed.bundle and access.may(call.host, who, "ask", listed.name)
        for pattern in [text for texts in listed.bundle.config.sentences.values() for text in texts]
    ]
    return "\n".join(["You can ask for:", *(f"• {pattern}" for pattern in patterns)]) if patterns else "Nothing here."


def _refused(found: Problem) -> str:
    nearest = [str(sentence) for sentence in found.more.get("nearest", ())]
    return "\n".join([found.sentence, *(f"• {sentence}" for sentence in nearest)])


def _post(call: Call, reply: dict[str, Any], text: str) -> None:
    """Say something in Slack. That it fails is only logged: the report comes anyway."""
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackClientError

    slack = call.host.slack or hosts.Slack()
    try:
        token = hosts.secret(slack.token, "The token of Slack's bot")
        client = WebClient(token, base_url=slack.url, timeout=_SECONDS)
        client.chat_postMessage(channel=reply["channel"], thread_ts=reply["thread"], text=text)
    except (ScrapdbError, SlackClientError, OSError) as error:
        _LOG.warning("Slack could not be told: %s", error)
