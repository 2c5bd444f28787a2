"""Reading notebooks: one of them with its values and cells, and those beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb.errors import NotebookNotFoundError
from scrapdb.store.readers.frames import StoredFrame
from scrapdb.store.readers.frames import frames_of_notebook
from scrapdb.store.values import load
from scrapdb.text import composed

if TYPE_CHECKING:
    from scrapdb import facts

_SHOWN_CANDIDATES = 5


class NotebookValue(NamedTuple):
    """One scrap or parameter of a notebook as the store has it.

    `value` is None for frames and displays; `encoder`, `size` (bytes), `cell`, `cell_id`, `output` and
    `execution_count` are None for parameters, `source` for scraps.
    """

    name: str
    role: str
    type: str
    value: Any = None
    encoder: str | None = None
    source: str | None = None
    size: int | None = None
    cell: int | None = None
    cell_id: str | None = None
    output: int | None = None
    execution_count: int | None = None
    frame: StoredFrame | None = None
    displays: tuple[str, ...] = ()


class NotebookLink(NamedTuple):
    """One run of a notebook, in the few words that a link needs."""

    path: str
    status: str
    started_at: str | None
    seconds: float | None


def exact_paths(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Read the bytes of those paths that do not give them back, by path."""
    return dict(connection.execute("SELECT path, os_path FROM notebooks WHERE os_path IS NOT NULL"))


def find_notebook(connection: sqlite3.Connection, wanted: str) -> tuple[int, str]:
    """Find a notebook by its path in the store, or by the end of its path, with or without suffix.

    Accents may be written in another way than in the store, which keeps paths in NFC.

    Raises:
        NotebookNotFoundError: there is none, or more than one.
    """
    exact: tuple[int, str] | None = connection.execute(
        "SELECT id, path FROM notebooks WHERE path = ?", (wanted,)
    ).fetchone()
    if exact:
        return exact
    found: list[tuple[int, str]] = connection.execute(
        """SELECT id, path FROM notebooks
            WHERE path LIKE '%.ipynb'
              AND (substr('/' || path, -length(?1)) = ?1 OR substr('/' || path, -length(?2)) = ?2)
            ORDER BY path""",
        [f"/{wanted}", f"/{wanted}.ipynb"],
    ).fetchmany(_SHOWN_CANDIDATES + 1)
    if len(found) == 1:
        return found[0]
    if not found and (other := composed(wanted)) != wanted:
        return find_notebook(connection, other)
    if not found:
        raise NotebookNotFoundError(f"No notebook is called {wanted!r}; `scrapdb query` lists them all.")
    paths = ", ".join(path for _, path in found[:_SHOWN_CANDIDATES])
    more = ", …" if len(found) > _SHOWN_CANDIDATES else ""
    raise NotebookNotFoundError(f"More than one notebook is called {wanted!r}: {paths}{more}. Give more of the path.")


def paths(connection: sqlite3.Connection, limit: int) -> list[str]:
    """Read the paths of notebooks, of very many the first."""
    rows = connection.execute("SELECT path FROM notebooks WHERE path LIKE '%.ipynb' ORDER BY path LIMIT ?", (limit,))
    return [path for (path,) in rows]


def present(connection: sqlite3.Connection, paths: Iterable[str]) -> frozenset[str]:
    """Return which of some paths are notebooks of the store."""
    rows = connection.execute(
        "SELECT path FROM notebooks WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(list(paths)),)
    )
    return frozenset(path for (path,) in rows)


def notebook_row(connection: sqlite3.Connection, notebook_id: int) -> dict[str, Any]:
    """Read the row of a notebook, by column name.

    Raises:
        NotebookNotFoundError: it has been removed meanwhile.
    """
    # What is always there is asked for by name too, so that SQLite misses it where it is not.
    always = "path, status, error_name, error_value, error_cell"
    cursor = connection.execute(f"SELECT {always}, * FROM notebooks WHERE id = ?", (notebook_id,))
    row = cursor.fetchone()
    if row is None:
        raise NotebookNotFoundError("The notebook has just been removed from the store.")
    return dict(zip((column[0] for column in cursor.description), row, strict=True))


def record_of_notebook(connection: sqlite3.Connection, notebook_id: int) -> dict[str, Any] | None:
    """Read the record of a run by column name, lists and dicts for what is JSON; None if it has none."""
    cursor = connection.execute("SELECT * FROM records WHERE notebook_id = ?", (notebook_id,))
    row = cursor.fetchone()
    if row is None:
        return None
    record = dict(zip((column[0] for column in cursor.description), row, strict=True))
    found = {name: json.loads(record[name]) if record[name] else None for name in ("limits", "files", "warnings")}
    return record | {"limits": found["limits"], "files": found["files"] or [], "warnings": found["warnings"] or []}


def scraps_of_notebook(connection: sqlite3.Connection, notebook_id: int) -> list[NotebookValue]:
    """Read the scraps of a notebook in the order in which they were glued."""
    shown: dict[str, list[str]] = {}
    for name, mime in connection.execute(
        "SELECT name, mime_type FROM displays JOIN names ON names.id = name_id WHERE notebook_id = ?", (notebook_id,)
    ):
        shown.setdefault(name, []).append(mime)
    frames = frames_of_notebook(connection, notebook_id)
    rows = connection.execute(
        """SELECT name, scraps.type, encoder, size, cell, cell_id, output, execution_count, number, text, json, exact
             FROM scraps JOIN names ON names.id = name_id WHERE notebook_id = ? ORDER BY cell, output, name""",
        (notebook_id,),
    )
    return [
        NotebookValue(
            *(name, "scrap", type_, load(type_, *stored), encoder, None, size),
            *(cell, cell_id, output, execution_count, frames.get(name), tuple(shown.get(name, ()))),
        )
        for name, type_, encoder, size, cell, cell_id, output, execution_count, *stored in rows
    ]


def parameters_of_notebook(connection: sqlite3.Connection, notebook_id: int) -> list[NotebookValue]:
    """Read the effective parameters of a notebook by name."""
    rows = connection.execute(
        """SELECT name, parameters.type, number, text, json, exact, source
             FROM parameters JOIN names ON names.id = name_id WHERE notebook_id = ? ORDER BY name""",
        (notebook_id,),
    )
    return [
        NotebookValue(name, "parameter", type_, load(type_, *stored), source=source)
        for name, type_, *stored, source in rows
    ]


def code_cells(connection: sqlite3.Connection, notebook_id: int) -> list[facts.CodeCell]:
    """Read the code cells of a notebook in their order."""
    from scrapdb import facts  # with msgspec, which few questions need

    rows = connection.execute(
        "SELECT cell, cell_id, execution_count, seconds, source FROM cells WHERE notebook_id = ? ORDER BY cell",
        (notebook_id,),
    )
    return [facts.CodeCell(*row) for row in rows]


def neighbours(connection: sqlite3.Connection, path: str) -> tuple[str | None, str | None]:
    """Read the paths just before and after a path."""
    before = connection.execute("SELECT max(path) FROM notebooks WHERE path < ?", (path,)).fetchone()[0]
    after = connection.execute("SELECT min(path) FROM notebooks WHERE path > ?", (path,)).fetchone()[0]
    return before, after


def runs_of_same_code(
    connection: sqlite3.Connection, notebook_id: int, limit: int
) -> tuple[list[NotebookLink], list[NotebookLink]]:
    """Read the runs of the same code that started just before and just after a run, the nearest first.

    A run without a start comes before all that have one.
    """
    code, start, path = connection.execute(
        "SELECT code_hash, started_at, path FROM notebooks WHERE id = ?", (notebook_id,)
    ).fetchone()
    values = {"code": code, "start": start, "path": path}
    before, after = (_BEFORE_UNSTARTED, _AFTER_UNSTARTED) if start is None else (_BEFORE, _AFTER)
    return _nearest(connection, before, "DESC", values, limit), _nearest(connection, after, "ASC", values, limit)


# Which runs lie before and after one, nearer ones first; each is a range of the index on code and start.
_BEFORE = ("started_at <= :start AND (started_at < :start OR path < :path)", "started_at IS NULL")
_AFTER = ("started_at >= :start AND (started_at > :start OR path > :path)",)
_BEFORE_UNSTARTED = ("started_at IS NULL AND path < :path",)
_AFTER_UNSTARTED = ("started_at IS NULL AND path > :path", "started_at IS NOT NULL")


def _nearest(
    connection: sqlite3.Connection, ranges: tuple[str, ...], order: str, values: dict[str, str | None], limit: int
) -> list[NotebookLink]:
    found: list[NotebookLink] = []
    for condition in ranges:
        rows = connection.execute(
            f"""SELECT path, status, started_at, seconds FROM notebooks WHERE code_hash = :code AND {condition}
                 ORDER BY started_at {order}, path {order} LIMIT :limit""",
            values | {"limit": limit - len(found)},
        )
        found += [NotebookLink(*row) for row in rows]
    return found
