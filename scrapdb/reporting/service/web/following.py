"""The log of a report while it is written: as text, or as events (https://html.spec.whatwg.org/#server-sent-events)."""

from __future__ import annotations

import asyncio
import codecs
from time import monotonic
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

import msgspec
from starlette.concurrency import run_in_threadpool as thread
from starlette.responses import StreamingResponse

from scrapdb.errors import ScrapdbError
from scrapdb.reporting import directory
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.ledger.requests import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.responses import Response

    from scrapdb.reporting.service.web.call import Call

_PAUSE, _BEAT, _LONGEST = 0.5, 15.0, 3600.0  # seconds: between two looks, between two signs of life, in all
_CHUNK = 2**18
EVENTS = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Piece(NamedTuple):
    """What is new: of the log up to a byte, and the request as it is now."""

    text: str
    end: int
    request: Request


def text(call: Call, request: Request, where: Path) -> Response:
    """Answer with the log, and go on as long as the report is under way."""

    async def pieces() -> AsyncIterator[str]:
        async for piece in _followed(call, request, where, 0):
            yield piece.text

    return StreamingResponse(pieces(), headers=_HEADERS, media_type="text/plain; charset=utf-8")


def events(call: Call, request: Request, where: Path, start: int) -> Response:
    """Answer with events from a byte of the log on: `log` has what is new, `state` what changed, `end` is the last."""

    async def pieces() -> AsyncIterator[str]:
        told: Any = None
        async for piece in _followed(call, request, where, start):
            if piece.text:
                yield _event("log", {"text": piece.text}, piece.end)
            state = {name: getattr(piece.request, name) for name in ("state", "reason", "attempt", "cell", "cells")}
            yield _event("state", state) if state != told else ":\n\n"
            told = state
        yield _event("end", told)

    return StreamingResponse(pieces(), headers=_HEADERS, media_type=EVENTS)


def read(where: Path, start: int) -> tuple[bytes, int]:
    """Read what the log has from a byte on, and at which byte that ends; from its start if it was begun anew."""
    try:
        with directory.opened(where, directory.LOG) as file:
            begin = start if start <= file.seek(0, 2) else 0
            file.seek(begin)
            content = file.read(_CHUNK)
    except ScrapdbError:
        return b"", start
    return content, begin + len(content)


async def _followed(call: Call, request: Request, where: Path, start: int) -> AsyncIterator[Piece]:
    """Yield what is new as it comes, and now and then nothing, until the report is over."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    end, told, began = start, 0.0, monotonic()
    while True:
        request = await thread(requests.now_of, call.desk.ledger, request)
        before = monotonic()  # what is read now was written before it was seen that the report is over
        content, end = await thread(read, where, end)
        if content or before - told > _BEAT:
            told = before
            yield Piece(decoder.decode(content), end, request)
        elif not request.is_open:
            break
        if before - began > _LONGEST or call.site.closing.is_set():
            break
        if not content:
            await asyncio.sleep(_PAUSE)
    yield Piece("", end, request)


def _event(name: str, told: Any, id_: int | None = None) -> str:
    number = "" if id_ is None else f"id: {id_}\n"
    return f"{number}event: {name}\ndata: {msgspec.json.encode(told).decode()}\n\n"
