"""Reading a store: names, notebooks, their values, problems and sizes. Rows come back as plain tuples and structs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import StoreError
from scrapdb.store import sidecars
from scrapdb.store.connection import damaged
from scrapdb.store.connection import file_of
from scrapdb.store.values import load

_SHOWN_CANDIDATES = 5
_EXAMPLES = 3
_LONGEST_EXAMPLE = 40  # characters


class Frame(NamedTuple):
    """A DataFrame in the store: where it is from, its shape, and the parquet file's SHA-256 and bytes."""

    notebook_id: int
    notebook: str
    rows: int
    columns: int
    hash: str
    size: int
    stored: str


class Value(NamedTuple):
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
    frame: Frame | None = None
    displays: tuple[str, ...] = ()


def names(connection: sqlite3.Connection, start: str = "", limit: int = -1) -> list[str]:
    """Read the names in use that begin so."""
    rows = connection.execute(
        "SELECT name FROM names WHERE type IS NOT NULL AND substr(name, 1, length(?1)) = ?1 ORDER BY name LIMIT ?2",
        (start, limit),
    )
    return [name for (name,) in rows]


def commonest_numbers(connection: sqlite3.Connection, limit: int) -> list[str]:
    """Read the names that stand for numbers in the most notebooks, but for those that always stand for the same."""
    rows = connection.execute(
        """SELECT name FROM names WHERE type = 'number' AND (
             (SELECT min(number) FROM scraps WHERE name_id = names.id)
           < (SELECT max(number) FROM scraps WHERE name_id = names.id)
          OR (SELECT min(number) FROM parameters WHERE name_id = names.id)
           < (SELECT max(number) FROM parameters WHERE name_id = names.id)
           ) ORDER BY scraps + parameters DESC, name LIMIT ?""",
        (limit,),
    )
    return [name for (name,) in rows]


def fields(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Read every name in each of its roles: name, role, type, notebooks, min, max, examples."""
    rows = connection.execute(
        """SELECT names.id, name, role, sum(notebooks), group_concat(DISTINCT name_types.type)
             FROM names JOIN name_types ON name_types.name_id = names.id
            WHERE notebooks > 0 GROUP BY names.id, role ORDER BY name, role DESC"""
    )
    for name_id, name, role, notebooks, types in rows:
        smallest, largest = _number_range(connection, role, name_id)
        yield name, role, types.replace(",", ", "), notebooks, smallest, largest, _examples(connection, role, name_id)


def _number_range(connection: sqlite3.Connection, role: str, name_id: int) -> list[float | None]:
    """Read the smallest and the largest number of a name, off the index."""
    return [
        connection.execute(
            f"SELECT {function}(number) FROM {role}s WHERE name_id = ? AND number IS NOT NULL", (name_id,)
        ).fetchone()[0]
        for function in ("min", "max")
    ]


def _examples(connection: sqlite3.Connection, role: str, name_id: int) -> str | None:
    """Read the first few distinct texts of a name, off the index."""
    found: list[str] = []
    while len(found) < _EXAMPLES:
        (text,) = connection.execute(
            f"SELECT min(text) FROM {role}s WHERE name_id = ? AND number IS NULL AND text > ?",
            (name_id, found[-1] if found else ""),
        ).fetchone()
        if text is None:
            break
        found.append(text)
    shown = (text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…" for text in found)
    return ", ".join(shown) or None


def find_notebook(connection: sqlite3.Connection, wanted: str) -> tuple[int, str]:
    """Find a notebook by its path in the store, or by the end of its path, with or without suffix.

    Raises:
        NotebookNotFoundError: there is none, or more than one.
    """
    exact = connection.execute("SELECT id, path FROM notebooks WHERE path = ?", (wanted,)).fetchone()
    if exact:
        return int(exact[0]), str(exact[1])
    ends = [f"/{wanted}", f"/{wanted}.ipynb"]
    found = connection.execute(
        """SELECT id, path FROM notebooks
            WHERE path LIKE '%.ipynb'
              AND (substr('/' || path, -length(?1)) = ?1 OR substr('/' || path, -length(?2)) = ?2)
            ORDER BY path""",
        ends,
    ).fetchmany(_SHOWN_CANDIDATES + 1)
    if len(found) == 1:
        return int(found[0][0]), str(found[0][1])
    if not found:
        raise NotebookNotFoundError(f"No notebook is called {wanted!r}; `scrapdb query` lists them all.")
    paths = ", ".join(path for _, path in found[:_SHOWN_CANDIDATES])
    more = ", …" if len(found) > _SHOWN_CANDIDATES else ""
    raise NotebookNotFoundError(f"More than one notebook is called {wanted!r}: {paths}{more}. Give more of the path.")


def notebook(connection: sqlite3.Connection, notebook_id: int) -> dict[str, Any]:
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


def scraps(connection: sqlite3.Connection, notebook_id: int) -> list[Value]:
    """Read the scraps of a notebook in the order in which they were glued."""
    shown: dict[str, list[str]] = {}
    for name, mime in connection.execute(
        "SELECT name, mime_type FROM displays JOIN names ON names.id = name_id WHERE notebook_id = ?", (notebook_id,)
    ):
        shown.setdefault(name, []).append(mime)
    framed = dict(_frames_of(connection, notebook_id))
    rows = connection.execute(
        """SELECT name, scraps.type, encoder, size, cell, cell_id, output, execution_count, number, text, json, exact
             FROM scraps JOIN names ON names.id = name_id WHERE notebook_id = ? ORDER BY cell, output, name""",
        (notebook_id,),
    )
    found = []
    for name, type_, encoder, size, cell, cell_id, output, execution_count, *stored in rows:
        displays = tuple(shown.get(name, ()))
        place = (cell, cell_id, output, execution_count)
        found.append(
            Value(name, "scrap", type_, load(type_, *stored), encoder, None, size, *place, framed.get(name), displays)
        )
    return found


def parameters(connection: sqlite3.Connection, notebook_id: int) -> list[Value]:
    """Read the effective parameters of a notebook by name."""
    rows = connection.execute(
        """SELECT name, parameters.type, number, text, json, exact, source
             FROM parameters JOIN names ON names.id = name_id WHERE notebook_id = ? ORDER BY name""",
        (notebook_id,),
    )
    return [
        Value(name, "parameter", type_, load(type_, *stored), source=source) for name, type_, *stored, source in rows
    ]


def problems(connection: sqlite3.Connection, notebook_id: int | None = None) -> Iterator[tuple[Any, ...]]:
    """Read problems of one notebook, or of all: path, cell, output, name, kind, message."""
    yield from connection.execute(
        f"""SELECT path, cell, output, name, kind, message
              FROM problems JOIN notebooks ON notebooks.id = notebook_id
             {"" if notebook_id is None else "WHERE notebook_id = ?"}
             ORDER BY path, cell, output, name, kind, message""",
        () if notebook_id is None else (notebook_id,),
    )


def display(connection: sqlite3.Connection, notebook_id: int, name: str) -> dict[str, bytes]:
    """Read what was shown for a scrap: bytes by MIME type."""
    return dict(
        connection.execute(
            """SELECT mime_type, data FROM displays JOIN names ON names.id = name_id JOIN blobs USING (hash)
                WHERE notebook_id = ? AND name = ?""",
            (notebook_id, name),
        )
    )


def display_hashes(connection: sqlite3.Connection, notebook_id: int, name: str) -> dict[str, str]:
    """Read what was shown for a scrap: SHA-256 by MIME type."""
    rows = connection.execute(
        "SELECT mime_type, hash FROM displays JOIN names ON names.id = name_id WHERE notebook_id = ? AND name = ?",
        (notebook_id, name),
    )
    return dict(rows.fetchall())


def frames(connection: sqlite3.Connection, name: str) -> Iterator[Frame]:
    """Read where the DataFrames of a name are, by path of their notebooks."""
    rows = connection.execute(
        """SELECT notebook_id, path, rows, columns, hash, frames.size, stored
             FROM frames JOIN notebooks ON notebooks.id = notebook_id JOIN names ON names.id = name_id
            WHERE name = ? ORDER BY path""",
        (name,),
    )
    yield from (Frame(*row) for row in rows)


def frame_names(connection: sqlite3.Connection) -> list[str]:
    """Read the names under which DataFrames were glued."""
    rows = connection.execute("SELECT name FROM names WHERE id IN (SELECT name_id FROM frames) ORDER BY name")
    return [name for (name,) in rows]


def parquet(connection: sqlite3.Connection, frame: Frame) -> Any:
    """Open the parquet file of a frame: bytes of an inline one, the path of a sidecar.

    Raises:
        StoreError: it is missing.
    """
    if frame.stored == "inline":
        blob = connection.execute("SELECT data FROM blobs WHERE hash = ?", (frame.hash,)).fetchone()
        if blob is None:
            raise damaged(file_of(connection))
        return blob[0]
    path = sidecars.location(file_of(connection), frame.hash)
    if not path.is_file():
        raise StoreError(
            f"The sidecar {path} of a frame in {frame.notebook} is missing. Move the directory beside the store along"
            " with it, or make it anew with `scrapdb index --force`."
        )
    return path


def sizes(connection: sqlite3.Connection, by: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Read bytes by `notebook`, `scrap` or `encoder`, largest first: column names and rows.

    `bytes` is what payloads and displays take in the notebooks, `inline` and `sidecar` what they take in the store.
    """
    cursor = connection.execute(_SIZES[by])
    return [column[0] for column in cursor.description], iter(cursor)


def totals(connection: sqlite3.Connection) -> dict[str, int]:
    """Count the notebooks, and the bytes of their `files`, of their `scraps`, of the `store` and of its `sidecars`."""
    sums = {
        "notebooks": "SELECT count(*) FROM notebooks",
        "files": "SELECT coalesce(sum(size), 0) FROM notebooks",
        "scraps": "SELECT coalesce(sum(size), 0) FROM scraps",
        "store": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "sidecars": """SELECT coalesce(sum(size), 0)
                         FROM (SELECT DISTINCT hash, size FROM frames WHERE stored = 'sidecar')""",
    }
    return {name: int(connection.execute(sql).fetchone()[0]) for name, sql in sums.items()}


def _frames_of(connection: sqlite3.Connection, notebook_id: int) -> Iterable[tuple[str, Frame]]:
    rows = connection.execute(
        """SELECT name, notebook_id, path, rows, columns, hash, frames.size, stored
             FROM frames JOIN names ON names.id = name_id JOIN notebooks ON notebooks.id = notebook_id
            WHERE notebook_id = ?""",
        (notebook_id,),
    )
    return ((name, Frame(*frame)) for name, *frame in rows)


_STORED = """
WITH kept AS (
  SELECT notebook_id, name_id, iif(stored = 'inline', size, 0) AS inline, iif(stored = 'sidecar', size, 0) AS sidecar
    FROM frames
   UNION ALL
  SELECT notebook_id, name_id, size, 0 FROM displays
), stored AS (
  SELECT notebook_id, name_id, sum(inline) AS inline, sum(sidecar) AS sidecar FROM kept GROUP BY notebook_id, name_id
)
"""
_SUMS = (
    "coalesce(sum(scraps.size), 0) AS bytes, coalesce(sum(inline), 0) AS inline, coalesce(sum(sidecar), 0) AS sidecar"
)
_SIZES = {
    "scrap": f"""{_STORED}
        SELECT name AS scrap, count(*) AS notebooks, {_SUMS}, max(scraps.size) AS largest
          FROM scraps JOIN names ON names.id = scraps.name_id LEFT JOIN stored USING (notebook_id, name_id)
         GROUP BY name ORDER BY bytes DESC, name""",
    "encoder": f"""{_STORED}
        SELECT encoder, count(*) AS scraps, {_SUMS}, max(scraps.size) AS largest
          FROM scraps LEFT JOIN stored USING (notebook_id, name_id)
         GROUP BY encoder ORDER BY bytes DESC, encoder""",
    "notebook": f"""{_STORED}
        SELECT path AS notebook, notebooks.size AS file, {_SUMS}, count(scraps.name_id) AS scraps
          FROM notebooks LEFT JOIN scraps ON scraps.notebook_id = notebooks.id
          LEFT JOIN stored USING (notebook_id, name_id)
         GROUP BY notebooks.id ORDER BY file DESC, path""",
}
