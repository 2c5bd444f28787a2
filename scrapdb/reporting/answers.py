"""What a template may ask the store while it is rendered: rows, groups of them, frames and displays, all of one state.

Whoever asks is the process that renders somebody's template. It can do nothing but ask: what it sends is looked at
before it is believed, an answer is limited in time and size, and nothing is ever written.
"""

from __future__ import annotations

import inspect
import sqlite3
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial
from typing import Annotated
from typing import Any

import msgspec

from scrapdb.database import frames
from scrapdb.errors import ExpressionError
from scrapdb.errors import ScrapNotFoundError
from scrapdb.errors import StoreError
from scrapdb.errors import UsageError
from scrapdb.errors import suggestion
from scrapdb.facts import Expression
from scrapdb.formats import dataframe
from scrapdb.formats import html
from scrapdb.formats import values
from scrapdb.query import groups
from scrapdb.query import nodes
from scrapdb.query import results
from scrapdb.query import select
from scrapdb.query.sql.statements import one_of
from scrapdb.reporting import frames as tables
from scrapdb.reporting.rendering import given
from scrapdb.store.readers import displays
from scrapdb.store.readers import frames as stored
from scrapdb.store.readers.notebooks import find_notebook
from scrapdb.text import composed
from scrapdb.text import valid_text

SECONDS = 60.0  # that one answer may take, as a statement of `scrapdb sql`
_STEPS = 10_000  # of SQLite's machine between two looks at the clock
_MOST_VALUES = 1_000_000  # in an answer
_LARGEST = 64 * 2**20  # bytes of an answer, and of the file of a frame
_FIRST = 10_000  # rows of a frame, unless more or fewer are asked for
_NAMES = ("query", "groups", "frame", "display", "value")

_Text = Annotated[str, msgspec.Meta(max_length=100_000)]
_Texts = _Text | Annotated[list[_Text], msgspec.Meta(max_length=1000)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=_MOST_VALUES)]


class Answers:
    """Answers out of one store, on a connection that holds one state of it.

    Args:
        connection: one on which nobody else asks.
        seconds: that an answer may take.
    """

    def __init__(self, connection: sqlite3.Connection, seconds: float = SECONDS) -> None:
        self._connection = connection
        self._fields = select.fields_of(connection)
        self._seconds = seconds

    def by_name(self) -> dict[str, Callable[..., Any]]:
        """Return what may be asked, by the names that templates know; arguments are checked first."""
        return {name: partial(self._answer, name) for name in _NAMES}

    def query(
        self,
        where: _Text | None = None,
        columns: _Texts | None = None,
        sort: _Texts | None = None,
        limit: _Count | None = None,
    ) -> list[given.Run]:
        """Return the rows of a query, as `Database.query` has them.

        Raises:
            ExpressionError: the expression, a column or a sort key is wrong.
            UsageError: the answer is too large for a page.
            StoreError: it takes too long, or the store cannot be read.
        """
        asked = _joined(columns)
        if asked is not None:
            select.check(self._fields, columns=asked)  # alone, so that an error tells its place in what was asked for
            asked = f"nb.path, {asked}"
        found = select.select(
            self._connection, self._fields, where, columns=asked, sort=_joined(sort or None), limit=limit
        )
        begin = 0 if asked is None else 1  # by default the path is the first column, too
        _refuse_doubles(found.labels[begin:])
        return _limited(_run(found.labels[begin:], row[begin:], row[0]) for row in found.rows)

    def groups(
        self,
        by: _Texts,
        where: _Text | None = None,
        columns: _Texts | None = None,
        *,
        aggregates: _Texts | None = None,
        having: _Text | None = None,
        sort: _Texts | None = None,
    ) -> list[dict[str, Any]]:
        """Return the rows of a query in groups, as `Database.query` has these.

        Each group has a `key`, a list of several if `by` is several expressions, `runs`, and by their labels the
        `aggregates`: columns that are calculated of it.

        Raises:
            ExpressionError: one of the texts is wrong.
            UsageError: an aggregate is called as another or `key` or `runs`; or the answer is too large for a page.
            StoreError: it takes too long, or the store cannot be read.
        """
        found = groups.select_groups(
            self._connection,
            self._fields,
            where,
            by=_joined(by),
            columns=_joined(aggregates),
            having=having,
            sort=_joined(sort or None),
            besides="notebooks",
        )
        width = len(groups.labels_of(_joined(by)))
        labels = found.labels[width:] if aggregates is not None else ()
        _refuse_doubles(("key", "runs", *labels))
        of_run: dict[str, list[given.Run]] = {}
        answer = []
        for row in found.rows:
            runs: list[given.Run] = []
            of_run |= dict.fromkeys(row[-1], runs)
            parts = list(map(_value, row[:width]))
            told = {
                label: _value(cell) for label, cell in zip(labels, row[width:-1], strict=False) if not _is_waiting(cell)
            }
            answer.append({"key": parts[0] if width == 1 else parts, "runs": runs} | told)
        for run in self.query(where, columns):
            if run.notebook in of_run:
                of_run[run.notebook].append(run)
        return answer

    def frame(
        self,
        name: _Text,
        where: _Text | None = None,
        columns: _Texts | None = None,
        limit: _Count = _FIRST,
        run: _Text | None = None,
    ) -> given.Table:
        """Return the first rows of one DataFrame across notebooks, as `Database.frame` has it, or of one `run`'s.

        Raises:
            ScrapNotFoundError: no notebook has glued a DataFrame under that name.
            ExpressionError: the expression is wrong.
            UsageError: it has no such column, or is too large for a page.
        """
        wanted = None if columns is None else frames.asked(columns)
        if run is not None:
            return self._frame_of(run, name, wanted, limit)
        chosen = None if where is None else set(select.notebook_ids(self._connection, self._fields, where))
        of_name = stored.frames_of_name(self._connection, valid_text(name))
        kept = [frame for frame in of_name if chosen is None or frame.notebook_id in chosen]
        first = _first(kept, limit)
        read = frames.across(self._connection, name, [frame.notebook_id for frame in first], wanted)
        return tables.table(read, limit, sum(frame.rows for frame in kept))

    def display(self, run: _Text, name: _Text) -> given.Image:
        """Return the picture that a notebook has shown for a scrap.

        Raises:
            NotebookNotFoundError: there is no such notebook, or more than one.
            ScrapNotFoundError: it has shown nothing under that name, or no picture.
        """
        notebook_id, path = find_notebook(self._connection, valid_text(run))
        shown = displays.display_of_scrap(self._connection, notebook_id, composed(name))
        pictures = [mime for mime in html.PICTURES if mime in shown]
        if not pictures:
            raise ScrapNotFoundError(f"{path} has shown no picture as {name!r}; {self._instead(path, name, shown)}")
        content = shown[pictures[0]]
        if len(content) > _LARGEST:
            raise _too_large()
        return given.Image(mime=pictures[0], content=content, alt=f"{name}, {_stem(path)}")

    def value(self, run: _Text, name: _Text) -> Any:
        """Return a field of a notebook: a DataFrame as a table, a display as a picture.

        Raises:
            UsageError: the store has no such field.
        """
        column = str(nodes.Name("", name)) if self._fields.find(name) else name
        try:
            select.check(self._fields, columns=column)
        except ExpressionError as error:
            raise UsageError(error.message) from error  # the name is the whole expression
        notebook_id, _ = find_notebook(self._connection, valid_text(run))
        found = select.select(self._connection, self._fields, columns=column, only=one_of([notebook_id]))
        if len(found.labels) != 1:
            raise UsageError(f"{name!r} is not one field.")
        cell = next((row[0] for row in found.rows), None)
        if isinstance(cell, results.FrameCell):
            return self._frame_of(run, cell.name, None, _FIRST)
        return self.display(run, cell.name) if isinstance(cell, results.DisplayCell) else _value(cell)

    def _answer(self, name: str, /, *arguments: Any, **named: Any) -> Any:
        """Answer one question in the time that there is for it."""
        method = getattr(self, name)
        checked = _checked(method, arguments, named)
        end = time.monotonic() + self._seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            return method(**checked)
        except StoreError as error:
            if time.monotonic() < end:
                raise
            raise StoreError(f"{name}() takes longer than {self._seconds:g} seconds: ask for less.") from error
        finally:
            self._connection.set_progress_handler(None, 0)

    def _frame_of(self, run: str, name: str, columns: Sequence[str] | None, limit: int) -> given.Table:
        notebook_id, path = find_notebook(self._connection, valid_text(run))
        found = stored.frame_of_notebook(self._connection, notebook_id, valid_text(name))
        if found is None:
            known = suggestion(name, stored.frames_of_notebook(self._connection, notebook_id), owner="it")
            raise ScrapNotFoundError(f"{path} has glued no DataFrame as {name!r}; {known}")
        _first([found.frame], limit)
        read = frames.load(self._connection, found.frame)
        if missing := [column for column in columns or () if not dataframe.named(column, read.schema.names)]:
            raise UsageError(f"{name} of {path} has no column {missing[0]}; there are {', '.join(read.schema.names)}.")
        return tables.table(read if columns is None else frames.load(self._connection, found.frame, columns), limit)

    def _instead(self, path: str, name: str, shown: Iterable[str]) -> str:
        if told := ", ".join(shown):
            return f"it was shown as {told}."
        of_notebook = displays.displays_of_notebooks(self._connection, [path], None, html.PICTURES)
        return suggestion(name, [other for _, other in of_notebook], owner="it")


def _checked(method: Callable[..., Any], arguments: Sequence[Any], named: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a question by name, each of the type that it is to have."""
    signature = inspect.signature(method, eval_str=True)
    try:
        bound = signature.bind(*arguments, **named).arguments
    except TypeError as error:
        takes = ", ".join(signature.parameters)
        raise UsageError(f"{method.__name__}({takes}) is not called so: {error}.") from error
    for name, value in bound.items():
        try:
            bound[name] = msgspec.convert(value, signature.parameters[name].annotation)
        except msgspec.ValidationError as error:
            raise UsageError(f"{name} of {method.__name__}() is not what it takes: {error}.") from error
    return bound


def _joined(texts: str | Sequence[str] | None) -> str | None:
    return texts if texts is None or isinstance(texts, str) else ", ".join(texts)


def _refuse_doubles(labels: Sequence[str]) -> None:
    if twice := [label for place, label in enumerate(labels) if label in labels[:place]]:
        raise UsageError(f"Two columns are called `{twice[0]}`; call one of them something else with `as`.")


def _run(labels: Sequence[str], row: Sequence[Any], notebook: str) -> given.Run:
    """Make a run of a row. Frames and displays are not in it, since a template gets them when it asks for them."""
    told = zip(labels, row, strict=True)
    return given.Run(notebook, {label: _value(cell) for label, cell in told if not _is_waiting(cell)})


def _is_waiting(cell: Any) -> bool:
    return isinstance(cell, results.FrameCell | results.DisplayCell)


def _value(cell: Any) -> Any:
    return cell.source if isinstance(cell, Expression) else cell


def _limited(runs: Iterator[given.Run]) -> list[given.Run]:
    """Take runs as long as they are few enough for a page."""
    found, count, size = [], 0, 0
    for run in runs:
        found.append(run)
        count += max(1, len(run))
        size += sum(map(_size, run.values()))
        if count > _MOST_VALUES or size > _LARGEST:
            raise _too_large()
    return found


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return len(values.json_text(value)) if isinstance(value, list | dict) else 0


def _first(found: Sequence[stored.StoredFrame], limit: int) -> list[stored.StoredFrame]:
    """Return the frames in which the first rows are."""
    first: list[stored.StoredFrame] = []
    rows = 0
    for frame in found:
        if rows >= max(limit, 1):
            break
        first.append(frame)
        rows += frame.rows
    if sum(frame.size for frame in first) > _LARGEST:
        raise _too_large()
    return first


def _too_large() -> UsageError:
    return UsageError("The answer is too large for a page: ask for fewer rows or columns, or with a limit.")


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".ipynb")
