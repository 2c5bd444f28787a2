"""The page that puts two to eight notebooks side by side: what differs, and by how much."""

from __future__ import annotations

import asyncio
import shlex
import sqlite3
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Literal
from typing import NamedTuple
from urllib.parse import urlencode

from msgspec import UNSET

from scrapdb.database.differences import DisplayHashes
from scrapdb.database.differences import NotebookValues
from scrapdb.database.differences import compare
from scrapdb.database.sides import error_of
from scrapdb.datasette import page
from scrapdb.datasette.frames import located
from scrapdb.datasette.frames.parquet import opened
from scrapdb.datasette.frames.parquet import summary
from scrapdb.datasette.store import Store
from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import ScrapdbError
from scrapdb.errors import StoreError
from scrapdb.store.readers import notebooks
from scrapdb.store.readers.displays import display_hashes

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_FEWEST, _MOST = 2, 8
_SHOWN_HASH = 12  # characters
_SECTIONS = {"run": "Run", "parameters": "Parameters", "scraps": "Scraps", "displays": "Displays"}


class Question(NamedTuple):
    """What an address asks: the notebooks, and whether what is equal is shown too."""

    path: tuple[str, ...] = ()
    all: Literal["0", "1"] = "0"


class Head(NamedTuple):
    """A notebook above its values, and the addresses without it and with it as the first."""

    path: str
    without: str
    first: str


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/compare?path=PATH&path=PATH`; with `all=1` what is equal is shown too."""
    question = page.read(request, Question)
    everything = question.all == "1"
    named = list(dict.fromkeys(question.path))
    read, unknown = await store.ask(lambda connection: _notebooks(connection, named[:_MOST]))
    paths = [notebook.path for notebook in read]
    comparison = None
    if len(paths) >= _FEWEST:
        sides = await asyncio.to_thread(lambda: list(map(_summarized, read)))
        comparison = compare(sides, everything=everything)
    context = {
        "heads": [_head(path, paths, everything=everything) for path in paths],
        "closer": shlex.join(["scrapdb", "diff", *paths]),
        "comparison": comparison,  # None if there are too few notebooks
        "everything": everything,
        "otherwise": _address(paths, everything=not everything),  # shows everything, or only what differs
        "unknown": unknown,
        "too_many": named[_MOST:],
        "can_add": len(paths) < _MOST,
        "titles": _SECTIONS,
        "missing": UNSET,  # the value of who has none
    }
    return await page.render(store, request, "compare", context, status=404 if unknown else 200)


def _head(path: str, paths: Sequence[str], *, everything: bool) -> Head:
    others = [other for other in paths if other != path]
    return Head(path, _address(others, everything=everything), _address([path, *others], everything=everything))


def _address(paths: Sequence[str], *, everything: bool) -> str:
    return f"?{urlencode([('path', path) for path in paths] + ([('all', '1')] if everything else []))}"


def _notebooks(connection: sqlite3.Connection, paths: Sequence[str]) -> tuple[list[NotebookValues], list[str]]:
    """Read the notebooks, and write a sentence for each that there is not."""
    by_id: dict[int, NotebookValues] = {}
    unknown = []
    for path in paths:
        try:
            notebook_id, _ = notebooks.find_notebook(connection, path)
        except NotebookNotFoundError as error:
            unknown.append(str(error))
        else:
            by_id.setdefault(notebook_id, _notebook(connection, notebook_id))
    return list(by_id.values()), unknown


def _notebook(connection: sqlite3.Connection, notebook_id: int) -> NotebookValues:
    """Read a notebook; in place of the value of a frame stand its number of rows and where its bytes are."""
    row = notebooks.notebook_row(connection, notebook_id)
    scraps = notebooks.scraps_of_notebook(connection, notebook_id)
    parameters = notebooks.parameters_of_notebook(connection, notebook_id)
    code = row["code_hash"] and row["code_hash"][:_SHOWN_HASH]
    run = {"status": row["status"], "seconds": row["seconds"], "error": error_of(row), "code": code}
    values = {
        scrap.name: (scrap.frame.rows, located.place(connection, scrap.frame)) if scrap.frame else scrap.value
        for scrap in scraps
        if scrap.type != "display"
    }
    displayed = [scrap.name for scrap in scraps if scrap.displays]
    return NotebookValues(
        row["path"],
        {
            "run": {name: value for name, value in run.items() if value is not None},
            "parameters": {value.name: value.value for value in parameters},
            "scraps": values,
            "displays": {name: DisplayHashes(display_hashes(connection, notebook_id, name)) for name in displayed},
        },
    )


def _summarized(notebook: NotebookValues) -> NotebookValues:
    """Return a notebook with what is in its frames."""
    scraps = notebook.sections["scraps"].items()
    values = {name: _frame(*value) if isinstance(value, tuple) else value for name, value in scraps}
    return NotebookValues(notebook.path, {**notebook.sections, "scraps": values})


def _frame(rows: int, place: bytes | Path | StoreError) -> Mapping[str, Any]:
    """Return a frame's shape and the numbers of its columns, or what keeps one from reading it."""
    shape: dict[str, Any] = {"rows": rows}
    if isinstance(place, StoreError):
        return shape | {"unreadable": str(place)}
    try:
        with opened(place) as file:
            return shape | {"columns": summary(file)}
    except ScrapdbError as error:
        return shape | {"unreadable": str(error)}
