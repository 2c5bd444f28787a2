"""Webhooks: a letter as JSON, signed as https://github.com/standard-webhooks/standard-webhooks says.

`webhook-id` is that of the delivery and the same in every attempt, so that a receiver can tell what it has already.
"""

from __future__ import annotations

import base64
from datetime import UTC
from datetime import datetime
from typing import Any

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.reporting.service import host as hosts
from scrapdb.reporting.service.delivering import posting
from scrapdb.reporting.service.delivering.letters.letter import Letter
from scrapdb.reporting.service.delivering.outcomes import NotSentError
from scrapdb.reporting.service.host import Webhooks
from scrapdb.reporting.service.ledger.deliveries import Delivery

_TYPES = {"failure": "report.failed", "trace": "report.trace", "undelivered": "report.undelivered"}


def send(webhooks: Webhooks, delivery: Delivery, letter: Letter) -> None:
    """Send a letter.

    Raises:
        NotSentError, NotNowError, UnsureError: it was not, or nobody knows.
    """
    body = msgspec.json.encode(content(delivery, letter))
    headers = _signed(webhooks, delivery, body)
    answer = posting.post(delivery.address, body, headers, allow=webhooks.allow)
    posting.judged(answer, delivery.address)


def content(delivery: Delivery, letter: Letter) -> dict[str, Any]:
    """Return what is sent: a kind, a time, and data."""
    files = [
        {"name": file.name, "type": file.mime, "content": base64.b64encode(file.content).decode()}
        for file in letter.files
    ]
    kind = _TYPES.get(delivery.letter, "report.completed")
    text = letter.text if delivery.letter != "report" else letter.subject
    return {"type": kind, "timestamp": delivery.written_at, "data": {**letter.about, "text": text, "files": files}}


def _signed(webhooks: Webhooks, delivery: Delivery, body: bytes) -> dict[str, str]:
    from standardwebhooks import Webhook

    try:
        key = hosts.secret(webhooks.secret, "The secret by which webhooks are signed")
        now = datetime.now(UTC)
        signature = Webhook(key).sign(delivery.key, now, body.decode())
    except ScrapdbError as error:
        raise NotSentError(str(error)) from error
    except Exception as error:  # each kind of wrong key has an error of its own
        told = f"The secret in {webhooks.secret} is none: take `whsec_` and 24 to 64 bytes in base64."
        raise NotSentError(told) from error
    return {
        "Content-Type": "application/json",
        "webhook-id": delivery.key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
