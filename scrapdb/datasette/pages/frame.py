"""The page of one DataFrame: its rows page by page, filtered and sorted, its numbers as lines, its schema."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import Literal
from typing import NamedTuple
from urllib.parse import parse_qsl
from urllib.parse import urlencode

from scrapdb.charts import drawer
from scrapdb.datasette import page
from scrapdb.datasette.frames import parquet
from scrapdb.datasette.frames import selection
from scrapdb.datasette.frames.cells import frame_cell
from scrapdb.datasette.frames.located import Located
from scrapdb.datasette.frames.located import locate
from scrapdb.datasette.frames.located import locate_in
from scrapdb.datasette.store import Store
from scrapdb.errors import UsageError
from scrapdb.formats.dataframe import values
from scrapdb.store.readers import versions

if TYPE_CHECKING:
    from datasette.utils.asgi import Response
    from markupsafe import Markup

_ROWS, _MOST_ROWS = 100, 1000
_COLUMNS, _MOST_COLUMNS = 20, 100


class Question(NamedTuple):
    """What an address asks, beside filters: a frame, by its hash or where it was glued, and what to show of it.

    Where it was glued is a notebook, or a version of it by its number.

    The form for one more filter sends `new_column`, `new_word` and `new_text`.
    """

    hash: str = ""
    path: str = ""
    name: str = ""
    version: Annotated[int, "_version", versions.NUMBERS] = 0
    columns: Annotated[tuple[str, ...], "_col"] = ()
    offset: Annotated[page.Row, "_offset"] = 0
    size: Annotated[int, "_size", range(1, _MOST_ROWS + 1)] = _ROWS
    ascending: Annotated[str, "_sort"] = ""
    descending: Annotated[str, "_sort_desc"] = ""
    theme: Annotated[Literal["light", "dark"], "_theme"] = "light"
    new_column: Annotated[str, "_filter_column"] = ""
    new_word: Annotated[str, "_filter_op"] = "exact"
    new_text: Annotated[str, "_filter_value"] = "1"


# Names that are no filters; a column of that name is filtered by `name__exact`.
_RESERVED = page.names(Question)
_WHERE = frozenset({"hash", "path", "name", "_version"})
_NEW_FILTER = frozenset({"_filter_column", "_filter_op", "_filter_value"})


class Part(NamedTuple):
    """The part of a frame that is shown, and the parameters of an address that asks for it."""

    parameters: list[tuple[str, str]]
    selection: selection.Selection
    columns: list[str]


class Head(NamedTuple):
    """What stands above a column, and where it leads: to the rows sorted by it, if they can be sorted."""

    label: str
    is_numeric: bool
    address: str = ""
    title: str = ""


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/frame?hash=HASH`, `?path=PATH&name=NAME` and `?path=PATH&_version=3&name=NAME`."""
    question, located = await find(store, request)
    context = await asyncio.to_thread(_context, located, question, request.query_string)
    return await page.render(store, request, "frame", context)


async def find(store: Store, request: Any) -> tuple[Question, Located]:
    """Read what an address asks of a frame, and find the frame."""
    question = page.read(request, Question)
    hash_, path, name, version, *_ = question
    if version:
        kept = await store.ask(lambda connection: versions.find(connection, path, version))
        return question, await store.look_back(lambda connection: locate_in(connection, kept.id, name))
    return question, await store.ask(lambda connection: locate(connection, hash_, path, name))


def part_of(file: parquet.Parquet, question: Question, query_string: str) -> Part:
    """Read which part of a frame an address asks for.

    Raises:
        UsageError: it names a column or a condition that there is not.
    """
    names = [column.name for column in file.columns]
    unknown = [name for name in question.columns if name not in names]
    if unknown:
        raise UsageError(f"There is no column {unknown[0]!r}.")
    sort = question.descending or question.ascending or None
    if sort is not None and sort not in names:
        raise UsageError(f"There is no column {sort!r} to sort by.")
    parameters = _with_new_filter(parse_qsl(query_string), question)
    filters = [selection.read_filter(name, text, names) for name, text in parameters if name not in _RESERVED]
    columns = [name for name in names if name in question.columns] or names[:_COLUMNS]
    return Part(
        parameters,
        selection.Selection(tuple(filters), sort, descending=bool(question.descending)),
        columns[:_MOST_COLUMNS],
    )


def _with_new_filter(parameters: list[tuple[str, str]], question: Question) -> list[tuple[str, str]]:
    """Turn the three fields of the form for one more filter into the parameter that they stand for."""
    rest = [(name, text) for name, text in parameters if name not in _NEW_FILTER]
    if question.new_column:
        rest.append((f"{question.new_column}__{question.new_word}", question.new_text))
    return rest


def _context(located: Located, question: Question, query_string: str) -> dict[str, Any]:
    """Read what the page shows: of `total` rows `selected` pass the filters, and `rows`, with numbers, are on the page.

    `filters` come with the address without each, `pages` are addresses by the name of the link, `csv`, `parquet` and
    `chart` the queries of addresses; `chart` is empty if there is nothing to draw.
    """
    with parquet.opened(located.place) as file:
        part = part_of(file, question, query_string)
        numbers = selection.numbers(file, part.selection)
        selected = file.rows if numbers is None else len(numbers)
        is_sortable = selected <= selection.MOST_SORTED
        has_chart = selected > 1 and any(file.is_numeric(name) for name in part.columns)
        by_hash = {} if question.version else {"hash": located.frame.hash, "path": None, "name": None}
        unsorted = {"_sort": None, "_sort_desc": None, "_size": None}
        return {
            "located": located,
            "question": question,
            "part": part,
            "total": file.rows,
            "selected": selected,
            "heads": [
                _head(name, part, is_numeric=file.is_numeric(name), is_sortable=is_sortable) for name in part.columns
            ],
            "rows": _rows(file, question, part.columns, numbers),
            "columns": file.columns,
            "filters": [(filter_, _without(part.parameters, filter_)) for filter_ in part.selection.filters],
            "pages": _pages(part.parameters, question, selected),
            "csv": _address(part.parameters, **by_hash),
            "parquet": _address([(name, text) for name, text in part.parameters if name in _WHERE], **by_hash),
            "chart": _address(part.parameters, **by_hash, **unsorted) if has_chart else "",
            "sizes": sorted({_ROWS, 20, 500, _MOST_ROWS, question.size}),
            "can_draw": drawer.is_installed(),
            "is_sortable": is_sortable,
            "operators": selection.OPERATORS,
            "most_sorted": selection.MOST_SORTED,
        }


def _rows(
    file: parquet.Parquet, question: Question, columns: Sequence[str], selected: Any
) -> Iterable[tuple[int, tuple[Markup, ...]]]:
    """Read the rows of a page, each with its number; `selected` are those that it is a page of, None for all."""
    import numpy as np

    end = question.offset + question.size
    numbers = np.arange(question.offset, min(end, file.rows)) if selected is None else selected[question.offset : end]
    table = file.take(columns, numbers)
    cells = [map(frame_cell, values(column)) for column in table.columns]
    return zip(numbers.tolist(), zip(*cells, strict=True), strict=True)


def _head(name: str, part: Part, *, is_numeric: bool, is_sortable: bool) -> Head:
    """Lead from a column that does not sort the rows to one that does, then to the other direction, then to none."""
    if not is_sortable:
        return Head(name, is_numeric)
    if part.selection.sort != name:
        address = _address(part.parameters, _sort=name, _sort_desc=None)
        return Head(name, is_numeric, address, "sort, smallest first")
    if part.selection.descending:
        address = _address(part.parameters, _sort_desc=None, _sort=None)
        return Head(f"{name} ▼", is_numeric, address, "as in the frame")
    address = _address(part.parameters, _sort_desc=name, _sort=None)
    return Head(f"{name} ▲", is_numeric, address, "sort, largest first")


def _address(parameters: Sequence[tuple[str, str]], **changes: Any) -> str:
    """Write an address with other parameters; those that become None, and the page, are dropped."""
    kept = [(name, text) for name, text in parameters if name not in changes and name != "_offset"]
    return f"?{urlencode(kept + [(name, str(value)) for name, value in changes.items() if value is not None])}"


def _without(parameters: Sequence[tuple[str, str]], filter_: selection.Filter) -> str:
    names = {filter_.column, f"{filter_.column}__{filter_.word}"} - _RESERVED
    return _address([(name, text) for name, text in parameters if not (name in names and text == filter_.text)])


def _pages(parameters: Sequence[tuple[str, str]], question: Question, count: int) -> dict[str, str]:
    """Write the addresses of the pages that can be turned to, by the name of the link."""
    offset, size = question.offset, question.size
    firsts: dict[str, int] = {}
    if offset > 0:
        firsts |= {"first": 0, "previous": max(0, min(offset, count) - size)}
    if offset + size < count:
        firsts |= {"next": offset + size, "last": (count - 1) // size * size}
    return {name: _address(parameters, _offset=first or None) for name, first in firsts.items()}
