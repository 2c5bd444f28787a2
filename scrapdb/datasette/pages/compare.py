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
from scrapdb.store.readers import versions
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


class Side(NamedTuple):
    """A notebook, or a version of one."""

    id: int
    path: str
    version: int | None = None

    @property
    def name(self) -> str:
        """What an address calls it."""
        return self.path if self.version is None else f"{self.path}@{self.version}"


class Head(NamedTuple):
    """A notebook above its values, and the addresses without it and with it as the first."""

    side: Side
    without: str
    first: str


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/compare?path=PATH&path=PATH@3`; with `all=1` what is equal is shown too."""
    question = page.read(request, Question)
    everything = question.all == "1"
    named = list(dict.fromkeys(question.path))
    found, unknown = await store.ask(lambda connection: _found(connection, named[:_MOST]))
    read = await store.ask(lambda connection: _notebooks(connection, found, are_versions=False))
    if any(side.version for side in found):
        read |= await store.look_back(lambda connection: _notebooks(connection, found, are_versions=True))
    names = [side.name for side in found]
    comparison = None
    if len(names) >= _FEWEST:
        values = await asyncio.to_thread(lambda: [_summarized(read[name]) for name in names])
        comparison = compare(values, everything=everything)
    context = {
        "heads": [_head(side, names, everything=everything) for side in found],
        "closer": shlex.join(["scrapdb", "diff", *names]),
        "comparison": comparison,  # None if there are too few notebooks
        "everything": everything,
        "otherwise": _address(names, everything=not everything),  # shows everything, or only what differs
        "unknown": unknown,
        "too_many": named[_MOST:],
        "can_add": len(names) < _MOST,
        "titles": _SECTIONS,
        "missing": UNSET,  # the value of who has none
    }
    return await page.render(store, request, "compare", context, status=404 if unknown else 200)


def _head(side: Side, names: Sequence[str], *, everything: bool) -> Head:
    others = [other for other in names if other != side.name]
    return Head(side, _address(others, everything=everything), _address([side.name, *others], everything=everything))


def _address(names: Sequence[str], *, everything: bool) -> str:
    return f"?{urlencode([('path', name) for name in names] + ([('all', '1')] if everything else []))}"


def _found(connection: sqlite3.Connection, names: Sequence[str]) -> tuple[list[Side], list[str]]:
    """Find the notebooks and versions, and write a sentence for each that there is not."""
    found: list[Side] = []
    unknown = []
    for name in names:
        try:
            kept = versions.resolve(connection, name)
            side = Side(kept.id, kept.path, kept.version) if kept else Side(*notebooks.find_notebook(connection, name))
        except NotebookNotFoundError as error:
            unknown.append(str(error))
        else:
            found.append(side)
    return list(dict.fromkeys(found)), unknown


def _notebooks(
    connection: sqlite3.Connection, sides: Sequence[Side], *, are_versions: bool
) -> dict[str, NotebookValues]:
    """Read those of the sides that are versions, or those that are not, by their names."""
    return {side.name: _notebook(connection, side) for side in sides if (side.version is not None) == are_versions}


def _notebook(connection: sqlite3.Connection, side: Side) -> NotebookValues:
    """Read a notebook; in place of the value of a frame stand its number of rows and where its bytes are."""
    notebook_id = side.id
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
        side.name,
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
