"""The page of a report: how it ended and why, of what it was made, and the report itself in a frame that cannot act."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from datasette.utils.asgi import Response

from scrapdb.database.record import lines
from scrapdb.database.record import progress
from scrapdb.datasette import page
from scrapdb.datasette.pages.frame_files import Streamed
from scrapdb.datasette.pages.reports import REFRESHED
from scrapdb.datasette.pages.reports import UNDER_WAY
from scrapdb.datasette.store import Store
from scrapdb.errors import ReportNotFoundError
from scrapdb.errors import ScrapdbError
from scrapdb.files.remote import is_url
from scrapdb.formats.values import escaped_but_lines
from scrapdb.reporting import directory
from scrapdb.reporting import framed
from scrapdb.store.connection import file_of
from scrapdb.store.readers import executions
from scrapdb.store.readers import notebooks
from scrapdb.store.readers import reports

if TYPE_CHECKING:
    from typing import BinaryIO

    from scrapdb.store.readers.executions import Attempt
    from scrapdb.store.readers.reports import Report

_LANGUAGES = 50
_LONGEST_PAGE, _LONGEST_LOG = 2**26, 2**16  # bytes
_CHUNK = 2**20
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class Question(NamedTuple):
    """What an address asks: a report by the path of its notebook, or by what `report show` takes; or a file of it."""

    path: str = ""
    id: str = ""
    name: str = directory.PAGE


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/report?path=PATH`, or `?id=ID`."""
    question = page.read(request, Question)
    context = await store.ask(lambda connection: _context(connection, question))
    context |= await asyncio.to_thread(_files, context.pop("where"), context.pop("row"), context.pop("source"))
    return await page.render(store, request, "report", context, framing=True)


async def still(store: Store, request: Any) -> Response | Streamed:
    """Answer `/-/scrapdb/DATABASE/report.html?path=PATH` with the page of a report, for a frame."""
    question = page.read(request, Question)
    if request.headers.get("sec-fetch-dest") == "document":
        address = store.url("report.html", path=question.path, id=question.id)
        return Response.html(framed.frame(address), headers=framed.SAFE | framed.FRAMES)
    file, _ = await _opened(store, question, directory.PAGE)
    return Streamed(_bytes(file), "text/html; charset=utf-8", framed.STILL | framed.ALONE)


async def download(store: Store, request: Any) -> Streamed:
    """Answer `/-/scrapdb/DATABASE/report/file?path=PATH&name=NAME` with a file of a report, to be saved."""
    question = page.read(request, Question)
    file, told = await _opened(store, question, question.name)
    stem, suffix = question.name.rsplit(".", 1)
    name = "-".join(filter(None, (_UNSAFE.sub("_", told.name).strip("_"), "" if stem == "report" else stem)))
    headers = framed.STILL | {"Content-Disposition": f'attachment; filename="{name}.{suffix}"'}
    return Streamed(_bytes(file), "application/octet-stream", headers)


def _context(connection: sqlite3.Connection, question: Question) -> dict[str, Any]:
    """Read what the page shows of the store, and `where` its files, the `row` of its notebook, and a `source` are."""
    told, row = _found(connection, question)
    attempts = executions.last_of(connection, [told.notebook])
    attempt = attempts[0] if attempts and not attempts[0].ended_at and told.state in UNDER_WAY else None
    run = notebooks.record_of_notebook(connection, told.notebook_id) if told.notebook_id is not None else None
    _, pushed = reports.pages(connection, told)
    return {
        "report": told,
        "notebook": row,
        "lines": [(label, text) for label, text in lines(run, None) if label != "reason"] if run else [],
        "attempt": attempt,
        "progress": progress(attempt) if attempt else "",
        "parameters": list(_parameters(connection, told, attempts)),
        "pushed": pushed,
        "translations": reports.translations(connection, told, _LANGUAGES),
        "has_batch": executions.batch(connection, told.batch or "").runs > 0,
        "refreshed": REFRESHED if attempt else None,
        "is_remote": is_url(told.notebook),
        "where": _where(connection, told, row),
        "row": {} if attempt else row,
        "source": reports.failing_source(connection, told),
    }


def _found(connection: sqlite3.Connection, question: Question) -> tuple[Report, dict[str, Any]]:
    """Find a report, and the row of its notebook, which is empty if the store has none."""
    told = reports.of_notebook(connection, question.path) if question.path else reports.find(connection, question.id)
    if told is None:
        raise ReportNotFoundError(f"There is no report of {question.path} in this store.")
    return told, notebooks.notebook_row(connection, told.notebook_id) if told.notebook_id is not None else {}


def _parameters(connection: sqlite3.Connection, told: Report, attempts: Sequence[Attempt]) -> Iterator[tuple[str, Any]]:
    """Yield parameters by name: as the notebook has them, and before there is one as they were given."""
    if told.notebook_id is not None:
        for value in notebooks.parameters_of_notebook(connection, told.notebook_id):
            yield value.name, value.value.source if value.type == "expression" else value.value
    elif attempts:
        yield from dict(json.loads(attempts[0].parameters or "{}")).items()


def _where(connection: sqlite3.Connection, told: Report, row: dict[str, Any]) -> Path | None:
    return directory.of_notebook(told.notebook, row.get("os_path"), file_of(connection))


def _files(where: Path | None, row: dict[str, Any], source: str | None) -> dict[str, Any]:
    """Read what the page shows of the files of a report."""
    there = directory.there(where)
    log = ""
    if directory.LOG in there:
        with directory.opened(where, directory.LOG) as file:
            file.seek(max(0, there[directory.LOG] - _LONGEST_LOG))
            log = escaped_but_lines(file.read(_LONGEST_LOG).decode(errors="replace"))
    return {
        "files": {name: size for name, size in there.items() if name != directory.RECORD},
        "trace": directory.trace(where, row, source),
        "log": log,
        "is_cut": there.get(directory.LOG, 0) > _LONGEST_LOG,
        "is_shown": 0 < there.get(directory.PAGE, 0) <= _LONGEST_PAGE,
    }


async def _opened(store: Store, question: Question, name: str) -> tuple[BinaryIO, Report]:
    def locate(connection: sqlite3.Connection) -> tuple[Path | None, Report]:
        told, row = _found(connection, question)
        return _where(connection, told, row), told

    where, told = await store.ask(locate)
    try:
        return await asyncio.to_thread(directory.opened, where, name), told
    except ScrapdbError as error:
        raise ReportNotFoundError(str(error)) from error


def _bytes(file: BinaryIO) -> Iterator[bytes]:
    with file:
        yield from iter(partial(file.read, _CHUNK), b"")
