"""Notebooks as they are compared: from a store, or from files that are in none."""

from __future__ import annotations

import hashlib
import math
import os
import sqlite3
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from msgspec import UNSET

from scrapdb import errors
from scrapdb import facts
from scrapdb.database import differences
from scrapdb.database import frames
from scrapdb.database.changed_code import Source
from scrapdb.database.editing import knows
from scrapdb.database.history import version_of
from scrapdb.database.notebook import find
from scrapdb.files.paths import located
from scrapdb.formats import dataframe
from scrapdb.notebooks.extract import sources
from scrapdb.notebooks.ipynb import UnreadableError
from scrapdb.notebooks.read import read
from scrapdb.store.connection import reading
from scrapdb.store.past import EVERY_VERSION
from scrapdb.store.past import Past
from scrapdb.store.past import of as looked_back
from scrapdb.store.readers import notebooks
from scrapdb.store.readers.displays import display_hashes
from scrapdb.store.readers.displays import display_of_scrap
from scrapdb.store.readers.frames import StoredFrame
from scrapdb.store.readers.problems import problems_of_notebook

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN_HASH = 12  # characters
_WITHOUT = (
    "The file of {} is not there as it was indexed: values are the store's, code is compared by its hash, and"
    " Markdown is not."
)
_OF_VERSIONS = "Of versions the store keeps no cells: code is compared by its hash, and Markdown is not."
_MOST_PATHS = 20_000  # among which the nearest is looked for


class Compared(NamedTuple):
    """The paths of notebooks, what differs between them, and what is to be remarked, in sentences."""

    notebooks: list[str]
    differences: differences.Differences
    remarks: list[str]


class _Cells(NamedTuple):
    """What somebody wrote in the cells of a notebook."""

    code: tuple[Source, ...]
    markdown: tuple[Source, ...]


class _Side(NamedTuple):
    """A notebook: its values by section, and its cells; None if its file is not at hand as it was."""

    path: str
    sections: dict[str, Mapping[str, Any]]
    code_hash: str | None
    cells: _Cells | None
    is_version: bool = False


def compared(
    store: Path | None,
    names: Sequence[str],
    *,
    tolerance: float = 0.0,
    choice: differences.Choice = differences.EVERYTHING,
) -> Compared:
    """Compare notebooks, each as the store has it, or else its file.

    Args:
        store: the store, if there is one.
        names: of files, or of notebooks in the store: paths, or as much of their ends as tells them from others; with
            `@3`, `@previous` or `@COMMIT` behind them of versions.
        tolerance: as for `differences.compare`.
        choice: what to compare.

    Raises:
        UsageError: it is one notebook only, or one that cannot be read, or nothing is called as chosen.
        NotebookNotFoundError: there is no such notebook, or more than one, or no such version.
        StoreError: the store cannot be read.
    """
    if not (math.isfinite(tolerance) and tolerance >= 0):
        raise errors.UsageError(f"A tolerance is 0 or more, as 1e-6, not {tolerance}.")
    if len(names) <= 1:
        raise errors.UsageError("A notebook is compared with another one; name two or more.")
    sides = [_side(store, name) for name in names]
    paths = [side.path for side in sides]
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise errors.UsageError(f"{twice} is named twice; a notebook is compared with another one.")
    without = [side.path for side in sides if side.cells is None]
    values = [_values(side, whole=not without, markdown=_has_markdown(sides)) for side in sides]
    if unknown := differences.unmatched(values, choice.only):
        known = (name for each in values for section in each.sections.values() for name in section)
        raise errors.UsageError(f"No notebook has {unknown[0]!r}; {errors.suggestion(unknown[0], known)}")
    found = differences.compare(values, tolerance=tolerance, choice=choice)
    remarks = [_WITHOUT.format(side.path) for side in sides if side.cells is None and not side.is_version]
    if any(side.cells is None and side.is_version for side in sides):
        remarks.append(_OF_VERSIONS)
    return Compared(paths, found, remarks)


def _has_markdown(sides: Sequence[_Side]) -> bool:
    return any(side.cells and side.cells.markdown for side in sides)


def _values(side: _Side, *, whole: bool, markdown: bool) -> differences.NotebookValues:
    """Return what is compared: the cells, if all have them, otherwise a hash of the code."""
    run, parameters, *rest = side.sections.items()
    cells: dict[str, Any] = {"code": side.code_hash and side.code_hash[:_SHOWN_HASH]}
    if side.cells and whole:
        cells = {"code": differences.Code(side.cells.code)}
        cells |= {"markdown": differences.Markdown(side.cells.markdown)} if markdown else {}
    by_section = [(name, {name: value}) for name, value in cells.items()]
    return differences.NotebookValues(side.path, dict([run, parameters, *by_section, *rest]))


def _side(store: Path | None, name: str) -> _Side:
    if Path(name).is_file() and not (store and knows(store, name)):
        return _of_file(os.path.normpath(name))
    if store is None:
        raise errors.NotebookNotFoundError(f"There is no notebook {name}, and no store that knows one by this name.")
    with reading(store) as connection:
        try:
            return _of_store(connection, store, find(connection, store, name))
        except errors.NotebookNotFoundError as error:
            version = version_of(connection, store, name)
            if version is None:
                raise _unknown(connection, name, error) from None
    with reading(store, EVERY_VERSION) as connection:
        return _of_store(connection, store, version.id)._replace(
            path=f"{version.path}@{version.version}", is_version=True
        )


def _unknown(connection: sqlite3.Connection, name: str, error: Exception) -> Exception:
    """Tell which notebook is called nearly so, unless there are several that are called so."""
    paths = notebooks.paths(connection, _MOST_PATHS)
    if any(f"/{path}".endswith((f"/{name}", f"/{name}.ipynb")) for path in paths):
        return error
    known = paths if "/" in name or name.endswith(".ipynb") else [Path(path).stem for path in paths]
    return errors.NotebookNotFoundError(f"No notebook is called {name!r}; {errors.suggestion(name, known)}")


def _of_store(connection: sqlite3.Connection, store: Path, notebook_id: int) -> _Side:
    past = looked_back(connection)
    row = notebooks.notebook_row(connection, notebook_id)
    _refuse_unreadable(
        row["path"], row["status"], [found[-1] for found in problems_of_notebook(connection, notebook_id)]
    )
    scraps = notebooks.scraps_of_notebook(connection, notebook_id)
    values = {
        scrap.name: _stored_frame(store, scrap.frame) if scrap.frame else scrap.value
        for scrap in scraps
        if scrap.type != "display"
    }
    displays = {
        scrap.name: differences.DisplayHashes(
            display_hashes(connection, notebook_id, scrap.name),
            partial(_stored_png, store, past, notebook_id, scrap.name),
        )
        for scrap in scraps
        if scrap.displays
    }
    parameters = {value.name: value.value for value in notebooks.parameters_of_notebook(connection, notebook_id)}
    file = located(row["path"], row["os_path"], os.path.realpath(store.parent))
    sections = _sections(row["status"], error_of(row), parameters, values, displays)
    return _Side(row["path"], sections, row["code_hash"], _cells(file, row["content_hash"]))


def error_of(row: Mapping[str, Any]) -> str | None:
    """Return the error that ended a run, of its row in `notebooks`."""
    return row["error_name"] and f"{row['error_name']}: {row['error_value']}"


def _of_file(file: str) -> _Side:
    taken = read(file)
    found = taken.facts or facts.Facts("unreadable")
    _refuse_unreadable(file, found.status, [problem.message for problem in found.problems])
    values = {
        scrap.name: _frame(scrap.value) if isinstance(scrap.value, facts.Frame) else scrap.value
        for scrap in found.scraps
        if scrap.value is not UNSET
    }
    displays = {scrap.name: _display(scrap.displays) for scrap in found.scraps if scrap.displays}
    parameters = {parameter.name: parameter.value for parameter in sorted(found.parameters, key=lambda each: each.name)}
    error = f"{found.error.name}: {found.error.value}" if found.error else None
    sections = _sections(found.status, error, parameters, values, displays)
    return _Side(file, sections, found.code_hash, _cells(file, taken.content_hash))


def _sections(
    status: str,
    error: str | None,
    parameters: Mapping[str, Any],
    scraps: Mapping[str, Any],
    displays: Mapping[str, differences.DisplayHashes],
) -> dict[str, Mapping[str, Any]]:
    """Put together what is compared; how long a run took is not, since no two are as long."""
    run = {"status": status} | ({"error": error} if error else {})
    return {"run": run, "parameters": parameters, "scraps": scraps, "displays": displays}


def _refuse_unreadable(path: str, status: str, problems: Sequence[str]) -> None:
    if status == "unreadable":
        reason = f": {problems[0]}" if problems else "."
        raise errors.UsageError(f"{path} cannot be compared, since it cannot be read{reason}")


def _cells(file: str, content_hash: str | None) -> _Cells | None:
    """Read the cells of a file, if it is still what has been read."""
    with suppress(OSError, UnreadableError):
        content = Path(file).read_bytes()
        if hashlib.sha256(content).hexdigest() == content_hash:
            return _Cells(*(tuple(Source(*cell) for cell in cells) for cells in sources(content)))
    return None


def _stored_frame(store: Path, frame: StoredFrame) -> differences.Frame:
    return differences.Frame(frame.rows, frame.columns, frame.hash, partial(_stored_table, store, frame))


def _stored_table(store: Path, frame: StoredFrame) -> pa.Table:
    with reading(store) as connection:
        return frames.load(connection, frame)


def _stored_png(store: Path, past: Past | None, notebook_id: int, name: str) -> bytes:
    with reading(store, past) as connection:
        return display_of_scrap(connection, notebook_id, name).get(differences.PNG, b"")


def _frame(frame: facts.Frame) -> differences.Frame:
    digest = hashlib.sha256(frame.parquet).hexdigest()
    return differences.Frame(frame.rows, len(frame.schema), digest, partial(_table, frame.parquet))


def _table(parquet: bytes) -> pa.Table:
    import pyarrow as pa

    with dataframe.open_file(pa.BufferReader(parquet)) as file:
        return dataframe.read(file, dataframe.columns(file))


def _display(displays: Mapping[str, bytes]) -> differences.DisplayHashes:
    hashes = {mime: hashlib.sha256(content).hexdigest() for mime, content in displays.items()}
    return differences.DisplayHashes(hashes, lambda: displays.get(differences.PNG, b""))
