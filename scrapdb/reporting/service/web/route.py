"""An address of the server, and what is said of it: of this both what answers and its description are made."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from typing import NamedTuple

from scrapdb.reporting.service.web.call import Handler


class Gives(NamedTuple):
    """An answer: of a shape of `shapes` as JSON, or of a media type."""

    shape: type[Any] | None = None
    media: str = "application/json"
    told: str = ""


class Route(NamedTuple):
    """What is at an address.

    Args:
        method: of HTTP; GET answers HEAD, too.
        path: as Starlette has it.
        api: answers programs, with JSON unless `gives` says otherwise.
        page: answers people: who wants HTML, or has sent a form.
        summary: what it does; without one it is not described.
        takes: the shape of the JSON that is sent.
        query: the shape of what stands behind the `?`.
        headers: that say something, and what.
        gives: answers by status.
        refuses: statuses of its problems, beside those that any call may get.
        is_open: whether also who is not known is answered.
        is_signed: whether it proves in its own way from whom it comes.
    """

    method: str
    path: str
    api: Handler | None = None
    page: Handler | None = None
    summary: str = ""
    takes: type[Any] | None = None
    query: type[Any] | None = None
    headers: Mapping[str, str] = {}
    gives: Mapping[int, Gives] = {}
    refuses: tuple[int, ...] = ()
    is_open: bool = False
    is_signed: bool = False

    @property
    def statuses(self) -> list[int]:
        """The statuses of all its problems."""
        known = {400, *self.refuses, *(() if self.is_open else (401, 403))}
        return sorted(known | ({413, 415, 422} if self.takes else set()))


def phrase(status: int) -> str:
    """Say what a status is called."""
    return HTTPStatus(status).phrase
