"""Cells of a result: what the columns of a statement hold, as Python values."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from scrapdb.query.bound_nodes import Aggregate
from scrapdb.query.bound_nodes import Decided
from scrapdb.query.bound_nodes import FieldValue
from scrapdb.query.bound_nodes import OfRows
from scrapdb.query.bound_nodes import Output
from scrapdb.query.bound_nodes import Then
from scrapdb.query.bound_nodes import place_of
from scrapdb.query.fields import Field
from scrapdb.query.frozen import Frozen
from scrapdb.query.functions import FUNCTIONS
from scrapdb.query.sql.groups import is_by_notebook
from scrapdb.query.sql.groups import value_of
from scrapdb.store.values import load

# The cells of a chunk of notebooks: type, value and exact by notebook, name and role.
Cells = Mapping[tuple[int, int, str], tuple[str, Any, str | None]]
Reader = Callable[[Sequence[Any], Cells], Any]

_AS_STORED = ("text", "integer")
_BEST = ("image/png", "image/jpeg", "image/svg+xml", "text/html", "text/markdown", "text/latex")


class FrameCell(Frozen):
    """A DataFrame scrap, not loaded: `str` tells its size."""

    notebook_id: int
    name: str
    rows: int
    columns: int

    def __str__(self) -> str:
        return f"DataFrame {self.rows:,} × {self.columns}"


class DisplayCell(Frozen):
    """A scrap that was shown, not loaded: `str` tells what it is."""

    notebook_id: int
    name: str
    mime_types: tuple[str, ...]

    def __str__(self) -> str:
        return next((known for known in _BEST if known in self.mime_types), (*self.mime_types, "display")[0])


def is_raw(column: Output) -> bool:
    """Whether a column is shown as SQLite gives it."""
    place = place_of(column)
    if isinstance(column, Then):
        return (not isinstance(place.field, Field) and is_raw(place)) if place else not is_truth_then(column)
    if not isinstance(column, FieldValue):
        return not isinstance(column, Decided) and not (isinstance(column, OfRows) and is_truth(column.function))
    if isinstance(column.field, Field):
        return column.field.is_plain
    return column.field.kind != "json"


def is_truth(function: str) -> bool:
    """Whether a function gives what is true or false."""
    return bool(function) and FUNCTIONS[function].gives == "truth"


def is_truth_then(column: Output) -> bool:
    """Whether a column says if something held in another version."""
    while isinstance(column, Then):
        column = column.operand
    return isinstance(column, Decided) or (isinstance(column, OfRows) and is_truth(column.function))


def is_cell_then(column: Output) -> bool:
    """Whether a column is a field in another version: a row has the id of that, with which its cells are read."""
    place = place_of(column)
    return isinstance(column, Then) and place is not None and isinstance(place.field, Field)


def reader(column: Output, index: int | None) -> Reader:
    """How to read a column from a row of `rows_statement`, where it stands at `index`; else from the cells."""
    if index is None:
        return _cell_reader(column)
    place = place_of(column)
    if place and is_cell_then(column):
        return _reader_then(place, index)
    load_ = _loader(column)
    path = place.path if place else ()
    if load_ is None:
        return lambda row, _: row[index]
    return lambda row, _: None if row[index] is None else walked(load_(row[index]), path)


def _loader(column: Output) -> Callable[[Any], Any] | None:
    """What makes a column of what SQLite gives; None if nothing is to be made."""
    if is_raw(column):
        return None
    place = place_of(column)
    if place is None:
        return bool
    type_ = place.field.type if isinstance(place.field, Field) else "json"
    return bool if type_ == "boolean" else _json


def group_reader(column: Output, index: int) -> Reader:
    """How to read a column from a row of `groups_statement`, where it or its notebook stands at `index`."""
    place = value_of(column)
    if isinstance(place, FieldValue) and is_by_notebook(column):
        path = place.path
        if isinstance(place.field, Field):
            read = _cell_reader(place)
            return lambda row, cells: _unless_missing(read((row[index],), cells))
        return lambda row, _: None if row[index] is None else walked(_json(row[index]), path)
    make = _maker(column)
    return lambda row, _: row[index] if row[index] is None or make is None else make(row[index])


def members(index: int) -> Reader:
    """How to read a list of SQLite's from a row."""
    return lambda row, _: _json(row[index])


def _unless_missing(value: Any) -> Any:
    """Give None for NaN, since both are of one group."""
    return None if value != value else value  # noqa: PLR0124


def _maker(column: Output) -> Callable[[Any], Any] | None:
    """What makes the value of a key or an aggregate of what SQLite gives; None if nothing is to be made."""
    name = column.function if isinstance(column, Aggregate) else ""
    if isinstance(column, Decided) or is_truth(name):
        return bool
    place = value_of(column)
    if place is None or (name and FUNCTIONS[name].gives != "same" and name != "sum"):
        return None
    found = place_of(place)
    types = found.field.types - {"null"} if found and not found.path and isinstance(found.field, Field) else set()
    if types == {"float"}:
        return float
    return (
        bool if name != "sum" and (types == {"boolean"} or isinstance(place, Decided) or is_truth_then(place)) else None
    )


def _json(text: str) -> Any:
    return load("json", None, None, text, None)


def _cell_reader(column: Output) -> Reader:
    if not (isinstance(column, FieldValue) and isinstance(column.field, Field)):
        raise TypeError(column)
    field, path = column.field, column.path

    def read(row: Sequence[Any], cells: Cells) -> Any:
        type_, value, exact = _cell(field, row[0], cells)
        if type_ == "float" and value is not None:
            return float(value)
        if type_ is None or (type_ in _AS_STORED and exact is None):
            return value
        if type_ in ("frame", "display"):
            return _reference(type_, value, row[0], field.name)
        return load(type_, value, value, value, exact)

    return (lambda row, cells: walked(read(row, cells), path)) if path else read


def _reader_then(place: FieldValue, index: int) -> Reader:
    """How to read a field of a version, of which the cells have the negative of its id."""
    read = _cell_reader(place)

    def read_then(row: Sequence[Any], cells: Cells) -> Any:
        value = None if row[index] is None else read((-row[index],), cells)
        # Nobody could load it: what is shown elsewhere names a notebook.
        return str(value) if isinstance(value, FrameCell | DisplayCell) else value

    return read_then


def name_ids(columns: Sequence[Output]) -> list[int]:
    """The ids of the names of some columns."""
    fields = [place.field for place in map(place_of, columns) if place]
    return sorted({field.name_id for field in fields if isinstance(field, Field)})


def walked(value: Any, path: tuple[str | int, ...]) -> Any:
    """Follow a path into dicts and lists; None where it does not lead anywhere."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, dict) else None
        else:
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
    return value


def _cell(field: Field, notebook: int, cells: Cells) -> tuple[str | None, Any, str | None]:
    for role, there in (("scrap", field.scraps), ("parameter", field.parameters)):
        found = cells.get((notebook, field.name_id, role)) if there else None
        if found:
            return found
    return None, None, None


def _reference(type_: str, told: str | None, notebook: int, name: str) -> FrameCell | DisplayCell:
    """What stands for a frame or a display, of which a statement tells a list: its size, or its MIME types."""
    import json

    parts = json.loads(told or "[]")
    if type_ == "frame":
        return FrameCell(notebook, name, *(parts or (0, 0)))
    return DisplayCell(notebook, name, tuple(sorted(parts)))
