"""One notebook as the store has it, for Python and Jupyter. Values are decoded when they are asked for."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scrapdb import errors
from scrapdb.database import frames
from scrapdb.database.table import Table
from scrapdb.files.paths import identity
from scrapdb.formats import html
from scrapdb.formats import values
from scrapdb.query.results import DisplayCell
from scrapdb.store.connection import reading
from scrapdb.store.past import Past
from scrapdb.store.readers import executions
from scrapdb.store.readers import notebooks
from scrapdb.store.readers import versions
from scrapdb.store.readers.displays import display_of_scrap
from scrapdb.store.readers.problems import problems_of_notebook
from scrapdb.text import Named
from scrapdb.text import composed
from scrapdb.text import valid_text


def find(connection: sqlite3.Connection, store: Path, name: str) -> int:
    """Find a notebook by its path, or by as much of its end as tells it from others; give its id.

    Raises:
        NotebookNotFoundError: there is none, or more than one.
    """
    if Path(name).is_file():
        name = identity(os.path.realpath(name), os.path.realpath(store.parent))
    return notebooks.find_notebook(connection, valid_text(name))[0]


class StoredScrap:
    """A scrap of a notebook: `name`, `type`, `encoder`, and where it was glued (`cell`, `cell_id`, `output`)."""

    def __init__(self, store: Path, notebook_id: int, value: notebooks.NotebookValue, past: Past | None = None) -> None:
        self._store = store
        self._past = past
        self._notebook_id = notebook_id
        self._value = value
        self.name = value.name
        self.type = value.type
        self.encoder = value.encoder
        self.cell = value.cell
        self.cell_id = value.cell_id
        self.output = value.output
        self.execution_count = value.execution_count

    @property
    def data(self) -> Any:
        """The value; a pandas.DataFrame for a frame, None for what was only shown.

        Raises:
            ScrapdbError: the bytes of the frame are damaged or missing.
        """
        if self._value.frame is None:
            return self._value.value
        with reading(self._store, self._past) as connection:
            return frames.glued(connection, self._value.frame)

    @property
    def display(self) -> dict[str, bytes]:
        """What was shown for it: bytes by MIME type, as the notebook had them; not safe to show as they are."""
        with reading(self._store, self._past) as connection:
            return display_of_scrap(connection, self._notebook_id, self.name)

    def table(self) -> Table:
        """Return the rows of a frame.

        Raises:
            UsageError: it is none.
            ScrapdbError: its bytes are damaged or missing.
        """
        if self._value.frame is None:
            raise errors.UsageError(f"{self.name} is no DataFrame.")
        with reading(self._store, self._past) as connection:
            return frames.Rows(frames.load(connection, self._value.frame))

    def __repr__(self) -> str:
        return f"<Scrap {values.escaped(self.name)}: {summary(self._value)}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        from html import escape

        del include, exclude
        shown = html.bundle(self.display)
        if self._value.frame and shown.keys() <= {"text/plain"}:
            shown["text/html"] = f"<div {html.NO_MATH}>{self.data._repr_html_()}</div>"
        elif self.type != "display" and not shown:
            shown["text/html"] = f"<pre {html.NO_MATH}>{escape(values.plain(self.data))}</pre>"
        return {"text/plain": repr(self)} | shown


class StoredScraps(Mapping[str, StoredScrap]):
    """The scraps of a notebook by name, in the order in which they were glued."""

    def __init__(self, scraps: dict[str, StoredScrap], notebook: str) -> None:
        self._scraps = scraps
        self._notebook = notebook

    def __getitem__(self, name: str) -> StoredScrap:
        found = self._scraps.get(composed(name))
        if found is None:
            known = errors.suggestion(name, self._scraps, owner="it")
            raise errors.ScrapNotFoundError(f"{self._notebook} has no scrap {name!r}; {known}")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._scraps)

    def __len__(self) -> int:
        return len(self._scraps)

    def __repr__(self) -> str:
        return f"Scraps({', '.join(map(repr, self._scraps.values()))})"


class StoredNotebook:
    """A notebook of a store.

    `path` is relative to the store where the notebook lies below it, `attributes` the row of `notebooks`, `record` that
    of `records`, what a runner recorded of its run, or None; `attempt` is one that is queued or under way, or None;
    `version` is which of its versions it is, or None if none are kept.
    """

    def __init__(self, store: Path, notebook_id: int, past: Past | None = None) -> None:
        with reading(store, past) as connection:
            self.attributes = notebooks.notebook_row(connection, notebook_id)
            self.values = notebooks.parameters_of_notebook(connection, notebook_id) + notebooks.scraps_of_notebook(
                connection, notebook_id
            )
            self.record = notebooks.record_of_notebook(connection, notebook_id)
            self.attempt = executions.under_way(connection, self.attributes["path"])
            self.problems = list(problems_of_notebook(connection, notebook_id))
            self.version = versions.of_notebook(connection, notebook_id)
        self._id = notebook_id
        self.path: str = self.attributes["path"]
        self.status: str = self.attributes["status"]
        self.parameters = Named({value.name: value.value for value in self.values if value.role == "parameter"})
        self.scraps = StoredScraps(
            {
                value.name: StoredScrap(store, notebook_id, value, past)
                for value in self.values
                if value.role == "scrap"
            },
            self.path,
        )

    def table(self, columns: Sequence[str], *, cells: bool = False) -> Table:
        """Return its parameters and scraps as rows.

        Args:
            columns: attributes of `NotebookValue`.
            cells: whether what stands for a display knows of which scrap, as in the rows of a query.
        """

        def shown(value: notebooks.NotebookValue) -> Any:
            is_cell = cells and value.type == "display"
            return DisplayCell(self._id, value.name, value.displays) if is_cell else shown_value(value)

        def rows() -> Iterator[tuple[Any, ...]]:
            for value in self.values:
                row = value._replace(value=shown(value))
                yield tuple(getattr(row, column) for column in columns)

        return Table(columns, rows)

    def __repr__(self) -> str:
        return f"<Notebook {values.escaped(self.path)}: {self.status}, {len(self.scraps)} scraps>"

    def _repr_html_(self) -> str:
        from html import escape

        cells = ((value.name, value.role, summary(value)) for value in self.values)
        rows = html.table(("name", "role", "value"), cells)
        return f"<div {html.NO_MATH}><b>{escape(self.path)}</b> {self.status}{rows}</div>"


def shown_value(value: notebooks.NotebookValue) -> Any:
    """Return a value, or for a frame or a display a few words that say what it is."""
    if value.frame:
        return f"DataFrame {value.frame.rows:,} × {value.frame.columns}"
    return ", ".join(value.displays) if value.type == "display" else value.value


def summary(value: notebooks.NotebookValue) -> str:
    """Say in one line what a value is."""
    return "null" if value.type == "null" else values.short(shown_value(value))
