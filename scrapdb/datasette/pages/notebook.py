"""The page of one notebook: how its run ended, with which parameters, and everything it glued."""

from __future__ import annotations

import asyncio
import sqlite3
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

from markupsafe import Markup

from scrapdb.database.record import lines
from scrapdb.database.record import progress
from scrapdb.datasette import bars
from scrapdb.datasette import history
from scrapdb.datasette import page
from scrapdb.datasette.displays import Shown
from scrapdb.datasette.displays import show
from scrapdb.datasette.frames import located
from scrapdb.datasette.frames.cells import frame_cell
from scrapdb.datasette.frames.parquet import opened
from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.facts import CodeCell
from scrapdb.formats.dataframe import values
from scrapdb.formats.html import PICTURES
from scrapdb.store.readers import executions
from scrapdb.store.readers import notebooks
from scrapdb.store.readers import reports
from scrapdb.store.readers import versions
from scrapdb.store.readers.displays import display_hashes
from scrapdb.store.readers.displays import display_of_scrap
from scrapdb.store.readers.problems import problems_of_notebook

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_SAME_CODE = 10  # runs before and after
_PREVIEWS = 20  # frames of which rows are shown
_PREVIEW_ROWS, _PREVIEW_COLUMNS, _PREVIEW_TEXT = 5, 12, 60


class Question(NamedTuple):
    """What an address asks: a notebook, the number of a version of it, and the display whose scripts run."""

    path: str = ""
    version: Annotated[int, versions.NUMBERS] = 0
    scripts: str = ""


class Preview(NamedTuple):
    """The first rows of a frame, or why they cannot be shown."""

    columns: list[str]
    rows: list[tuple[Markup, ...]]
    more_columns: int
    sentence: str | None = None


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/notebook?path=PATH&version=3`; with `scripts=NAME` that display's scripts run."""
    question = page.read(request, Question)
    if not _is_our_own(request):
        question = question._replace(scripts="")
    kept = await store.ask(lambda connection: versions.resolve(connection, question.path, question.version or None))
    if kept is None:
        context = await store.ask(lambda connection: _present(connection, question))
    else:
        context = await store.look_back(lambda connection: _kept(connection, kept, question))
    places = context.pop("places")
    context |= {"line_width": bars.LINE_WIDTH, "line_height": bars.LINE_HEIGHT, "brief": bars.brief}
    context["previews"] = await asyncio.to_thread(lambda: {digest: _preview(place) for digest, place in places.items()})
    return await page.render(store, request, "notebook", context, alone=bool(question.scripts))


def _is_our_own(request: Any) -> bool:
    """Return whether a page of ours asks, or a person, and not a page of somebody else that leads here."""
    return request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}


def _present(connection: sqlite3.Connection, question: Question) -> dict[str, Any]:
    """Read what the page of a notebook shows: beside its values what is around it.

    `before` and `after` are runs of the same code, `previous` and `following` paths beside this one.
    """
    notebook_id, path = notebooks.find_notebook(connection, question.path)
    before, after = notebooks.runs_of_same_code(connection, notebook_id, _SAME_CODE)
    previous, following = notebooks.neighbours(connection, path)
    attempt = executions.under_way(connection, path)
    context = _values(connection, notebook_id, question.scripts)
    return context | {
        "attempt": attempt,
        "progress": progress,
        "batch": attempt.batch if attempt else context["batch"],
        "before": before,
        "after": after,
        "previous": previous,
        "following": following,
        "history": history.read(connection, path),
    }


def _kept(connection: sqlite3.Connection, kept: versions.Version, question: Question) -> dict[str, Any]:
    """Read what the page of a version shows: the values of then, and the versions `around` it."""
    return _values(connection, kept.id, question.scripts) | {
        "kept": kept,
        "around": versions.around(connection, kept),
        "history": history.read(connection, kept.path),
    }


def _values(connection: sqlite3.Connection, notebook_id: int, scripts: str) -> dict[str, Any]:
    """Read a notebook: `gluing` by cell, `displays` by scrap, `places` of the frames with a preview by hash.

    `timed` has each cell's part of the longest time, in percent.
    """
    scraps = notebooks.scraps_of_notebook(connection, notebook_id)
    framed = [scrap.frame for scrap in scraps if scrap.frame][:_PREVIEWS]
    of_code = notebooks.code_cells(connection, notebook_id)
    displayed = [scrap.name for scrap in scraps if scrap.displays]
    row = notebooks.notebook_row(connection, notebook_id)
    record = notebooks.record_of_notebook(connection, notebook_id)
    return {
        "notebook": row,
        "record": record,
        "report": reports.title(connection, notebook_id),
        "lines": list(lines(record, row["error_name"])) if record else [],
        "batch": record and record["batch"],
        "parameters": notebooks.parameters_of_notebook(connection, notebook_id),
        "gluing": [(cell, list(glued)) for cell, glued in groupby(scraps, key=lambda scrap: scrap.cell)],
        "displays": {name: _shown(connection, notebook_id, name, scripts=name == scripts) for name in displayed},
        "places": {frame.hash: located.place(connection, frame) for frame in framed},
        "problems": list(problems_of_notebook(connection, notebook_id)),
        "cells": {cell.cell: cell for cell in of_code},
        "timed": _timed(of_code),
    }


def _shown(connection: sqlite3.Connection, notebook_id: int, name: str, *, scripts: bool) -> Shown:
    hashes = display_hashes(connection, notebook_id, name)
    if not scripts and set(hashes) & set(PICTURES) and set(hashes) <= {*PICTURES, "text/plain"}:
        return show(hashes, {})
    return show(hashes, display_of_scrap(connection, notebook_id, name), scripts=scripts)


def _timed(of_code: list[CodeCell]) -> list[tuple[CodeCell, float]]:
    """Return the cells whose time is known, with their part of the longest time in percent."""
    timed = [(cell, cell.seconds) for cell in of_code if cell.seconds is not None]
    longest = max((seconds for _, seconds in timed), default=0)
    return [(cell, 100 * seconds / longest if longest else 0) for cell, seconds in timed]


def _preview(place: bytes | Path | Exception) -> Preview:
    if isinstance(place, Exception):
        return Preview([], [], 0, str(place))
    try:
        with opened(place) as file:
            columns = [column.name for column in file.columns]
            table = file.take(columns[:_PREVIEW_COLUMNS], range(min(_PREVIEW_ROWS, file.rows)))
            cells = [[frame_cell(value, _PREVIEW_TEXT) for value in values(column)] for column in table.columns]
    except ScrapdbError as error:
        return Preview([], [], 0, str(error))
    rows = list(zip(*cells, strict=True))
    return Preview(table.schema.names, rows, len(columns) - len(table.schema.names))
