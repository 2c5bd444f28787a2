"""A DataFrame as a file: the parquet file as it is, the selected rows as CSV, its numbers as a chart."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from datasette.utils.asgi import Response
from datasette.utils.asgi import asgi_start

from scrapdb.charts import drawer
from scrapdb.datasette.frames import selection
from scrapdb.datasette.frames.lines import specification
from scrapdb.datasette.frames.located import Located
from scrapdb.datasette.frames.parquet import opened
from scrapdb.datasette.pages.frame import Question
from scrapdb.datasette.pages.frame import find
from scrapdb.datasette.pages.frame import part_of
from scrapdb.datasette.store import Store
from scrapdb.formats.dataframe import values
from scrapdb.formats.html import SVG
from scrapdb.formats.values import plain

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK = 2**20  # bytes
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
_FOREVER = "private, max-age=31536000, immutable"  # what is addressed by its hash never changes


class Streamed:
    """A response that is sent while its chunks are made, in threads."""

    def __init__(self, chunks: Iterator[bytes], content_type: str, headers: dict[str, str]) -> None:
        self._chunks = chunks
        self._content_type = content_type
        self.headers = headers

    async def asgi_send(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        """Send it."""
        await asgi_start(send, 200, self.headers, self._content_type)
        while (chunk := await asyncio.to_thread(next, self._chunks, None)) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def parquet(store: Store, request: Any) -> Streamed:
    """Answer `/-/scrapdb/DATABASE/frame.parquet?hash=HASH` with the bytes as they were glued."""
    question, located = await find(store, request)
    headers = _download(question, located, "parquet") | {"Content-Length": str(located.frame.size)}
    return Streamed(_bytes(located.place), "application/vnd.apache.parquet", headers)


async def csv(store: Store, request: Any) -> Streamed:
    """Answer `/-/scrapdb/DATABASE/frame.csv?hash=HASH`: all columns, the rows that pass the filters of the address."""
    question, located = await find(store, request)
    chunks = _csv(located, question, request.query_string)
    first = await asyncio.to_thread(next, chunks)  # what is wrong shows before the status is sent
    return Streamed(chain([first], chunks), "text/csv; charset=utf-8", _download(question, located, "csv"))


async def svg(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/frame.svg?hash=HASH`: the numbers of the rows that pass the address's filters."""
    question, located = await find(store, request)
    drawn = await asyncio.to_thread(_svg, located, question, request.query_string)
    headers = _HEADERS | {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
    return Response(drawn, content_type=SVG, headers=headers | _cached(question))


def _svg(located: Located, question: Question, query_string: str) -> bytes:
    with opened(located.place) as file:
        drawn = part_of(file, question, query_string)
        rows = selection.numbers(file, drawn.selection)
        return drawer.svg(specification(file, drawn.columns, rows, dark=question.theme == "dark"))


def _csv(located: Located, question: Question, query_string: str) -> Iterator[bytes]:
    with opened(located.place) as file:
        filters = part_of(file, question, query_string).selection.filters
        columns = [column.name for column in file.columns]
        rest = selection.pieces(file, columns, filters)
        first = next(rest, None)
        yield csv_lines(file.take(columns, range(0)) if first is None else first, header=True)
        yield from map(csv_lines, rest)


def csv_lines(table: pa.Table, *, header: bool = False) -> bytes:
    """Write rows as CSV: texts in quotes, lists and dicts as JSON, what is missing as nothing."""
    import pyarrow as pa
    from pyarrow import csv

    for place, field in enumerate(table.schema):
        if not any(is_written(field.type) for is_written in _written_as_they_are()):
            texts = [None if value is None else plain(value) for value in values(table.column(place))]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
    lines = pa.BufferOutputStream()
    csv.write_csv(table, lines, csv.WriteOptions(include_header=header))
    written: bytes = lines.getvalue().to_pybytes()
    return written


def _written_as_they_are() -> tuple[Callable[[pa.DataType], bool], ...]:
    from pyarrow import types

    names = ("null", "boolean", "integer", "floating", "decimal", "date", "time", "string", "large_string")
    return tuple(getattr(types, f"is_{name}") for name in names)


def _bytes(place: bytes | Path) -> Iterator[bytes]:
    if isinstance(place, bytes):
        yield place
        return
    with place.open("rb") as file:
        yield from iter(partial(file.read, _CHUNK), b"")


def _download(question: Question, located: Located, suffix: str) -> dict[str, str]:
    """Return the headers of a download; its name has nothing but letters, digits, dashes and underscores."""
    name, frame = located.glued[0]
    safe = "-".join(filter(None, (_UNSAFE.sub("_", name).strip("_"), frame.hash[:12])))
    return _HEADERS | _cached(question) | {"Content-Disposition": f'attachment; filename="{safe}.{suffix}"'}


def _cached(question: Question) -> dict[str, str]:
    return {"Cache-Control": _FOREVER if question.hash else "no-cache"}
