"""Files of a report as answers: its page for a frame in which it can do nothing, and what is to be saved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from typing import BinaryIO

from starlette.responses import HTMLResponse
from starlette.responses import Response
from starlette.responses import StreamingResponse

from scrapdb.errors import ScrapdbError
from scrapdb.reporting import directory
from scrapdb.reporting import framed
from scrapdb.reporting.service.web.problem import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from scrapdb.reporting.service.web.call import Call

_CHUNK = 2**20
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_KINDS = {directory.PAGE: "text/html; charset=utf-8", directory.PDF: "application/pdf"}


def page(call: Call, where: Path, address: str) -> Response:
    """Answer with the page of a report, for a frame; who opens it by its address gets the frame, too."""
    if call.http.headers.get("sec-fetch-dest") == "document":
        return HTMLResponse(framed.frame(address), headers=framed.SAFE | framed.FRAMES)
    file, size = _opened(where, directory.PAGE)
    return _answer(file, size, _KINDS[directory.PAGE], framed.STILL | framed.ALONE)


def saved(where: Path, name: str, id_: str) -> Response:
    """Answer with a file of a report, to be saved under its id."""
    file, size = _opened(where, name)
    saved_as = f"{_UNSAFE.sub('_', id_)}.{name.rsplit('.', 1)[-1]}"
    headers = framed.STILL | {"Content-Disposition": f'attachment; filename="{saved_as}"'}
    return _answer(file, size, _KINDS.get(name, "application/octet-stream"), headers)


def _opened(where: Path, name: str) -> tuple[BinaryIO, int]:
    try:
        file = directory.opened(where, name)
    except ScrapdbError as error:
        raise Problem(404, str(error)) from error
    size = file.seek(0, 2)
    file.seek(0)
    return file, size


def _answer(file: BinaryIO, size: int, kind: str, headers: dict[str, str]) -> Response:
    return StreamingResponse(_bytes(file), headers={**headers, "Content-Length": str(size)}, media_type=kind)


def _bytes(file: BinaryIO) -> Iterator[bytes]:
    with file:
        yield from iter(partial(file.read, _CHUNK), b"")
