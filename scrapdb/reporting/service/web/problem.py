"""What cannot be done, as HTTP tells it: a status and a sentence, in the form of RFC 9457."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.reporting.service.desk import ForbiddenError
from scrapdb.reporting.service.desk import TooManyError
from scrapdb.reporting.service.ledger.requests import KeyUsedError
from scrapdb.reporting.service.ledger.requests import QueueFullError

MEDIA = "application/problem+json"
_LOG = logging.getLogger("scrapdb.service")
_SENTENCES = {404: "There is nothing here.", 405: "That cannot be done here."}


class Problem(Exception):  # noqa: N818 - what RFC 9457 calls it
    """What cannot be done.

    Args:
        status: of HTTP.
        sentence: for whoever asked.
        headers: to be sent, too.
        more: further members of the answer.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = dict(headers or {})
        self.more = dict(more or {})

    @property
    def title(self) -> str:
        """What the status is called."""
        return HTTPStatus(self.status).phrase

    def told(self) -> dict[str, Any]:
        """Return the members of the answer."""
        return {"type": "about:blank", "title": self.title, "status": self.status, "detail": self.sentence, **self.more}


def of(error: Exception) -> Problem:
    """Return what to tell of an error; one of ours gets a number, by which it is found in the log."""
    match error:
        case Problem():
            return error
        case KeyUsedError():
            return Problem(409, str(error))
        case TooManyError():
            status = 503 if isinstance(error.__cause__, QueueFullError) else 429
            return Problem(status, str(error), {"Retry-After": str(error.seconds)})
        case ForbiddenError():
            return Problem(403, str(error))
        case UsageError():
            return Problem(422, str(error))
        case HTTPException():
            told = _SENTENCES.get(error.status_code, f"{error.detail}.")
            return Problem(error.status_code, told, error.headers)
        case _:
            return _ours(error)


def _ours(error: Exception) -> Problem:
    number = secrets.token_hex(4)
    _LOG.error("%s: %s", number, error, exc_info=None if isinstance(error, ScrapdbError) else error)
    told = f"Something is wrong here. Tell whoever answers for this service the number {number}."
    return Problem(503 if isinstance(error, ScrapdbError) else 500, told)
