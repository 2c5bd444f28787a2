"""The page of one DataFrame: its rows page by page, filtered and sorted, its numbers as lines, its schema."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple
from urllib.parse import parse_qsl
from urllib.parse import urlencode

from scrapdb.datasette.charts import drawer
from scrapdb.datasette.frames import selection
from scrapdb.datasette.frames.cells import frame_cell
from scrapdb.datasette.frames.cells import heading
from scrapdb.datasette.frames.located import MOST_PLACES
from scrapdb.datasette.frames.located import Located
from scrapdb.datasette.frames.located import locate
from scrapdb.datasette.frames.parquet import Parquet
from scrapdb.datasette.frames.parquet import opened
from scrapdb.datasette.frames.selection import Selection
from scrapdb.datasette.page import render
from scrapdb.datasette.store import Store
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_ROWS, _MOST_ROWS = 100, 1000
_COLUMNS, _MOST_COLUMNS = 20, 100
_LONGEST_NUMBER = 15  # digits
_RESERVED = frozenset({"hash", "path", "name", "_sort", "_sort_desc", "_col", "_offset", "_size", "_theme"})


class Shown(NamedTuple):
    """What an address asks to see: all its parameters, the selected rows, the columns, and the page of them."""

    pairs: list[tuple[str, str]]
    selection: Selection
    columns: list[str]
    offset: int
    size: int


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/frame?hash=HASH` and `?path=PATH&name=NAME`."""
    located = await locate(store, request)
    context = await asyncio.to_thread(_context, located, request.query_string)
    return await render(store, request, "frame", context)


def shown(file: Parquet, query_string: str) -> Shown:
    """Read what an address asks to see of a frame.

    Raises:
        UsageError: it names a column, a condition or a number that there is not.
    """
    pairs = parse_qsl(query_string)
    known = [column.name for column in file.columns]
    wanted = [value for name, value in pairs if name == "_col"]
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(f"There is no column {unknown[0]!r}.")
    columns = [name for name in known if name in wanted] or known[:_COLUMNS]
    pairs = _with_new_filter(pairs)
    given = dict(pairs)
    return Shown(
        pairs,
        selection.parse(pairs, known, _RESERVED),
        columns[:_MOST_COLUMNS],
        _number(given.get("_offset"), "_offset", 0),
        min(_number(given.get("_size"), "_size", _ROWS) or _ROWS, _MOST_ROWS),
    )


def _with_new_filter(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Turn the three fields of the form for one more filter into the parameter that they stand for."""
    given = dict(pairs)
    rest = [pair for pair in pairs if pair[0] not in {"_filter_column", "_filter_op", "_filter_value"}]
    if given.get("_filter_column"):
        word = given.get("_filter_op") or "exact"
        rest.append((f"{given['_filter_column']}__{word}", given.get("_filter_value") or "1"))
    return rest


def _number(text: str | None, name: str, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise UsageError(f"{name} is a number of rows, not {text!r}.")
    return int(text)


def _context(located: Located, query_string: str) -> dict[str, Any]:
    import numpy as np

    with opened(located.place) as file:
        asked = shown(file, query_string)
        chosen = selection.numbers(file, asked.selection)
        count = file.rows if chosen is None else len(chosen)
        end = min(asked.offset + asked.size, count)
        numbers = np.arange(asked.offset, end) if chosen is None else chosen[asked.offset : end]
        table = file.take(asked.columns, numbers)
        values = [[frame_cell(value) for value in column.to_pylist()] for column in table.columns]
        return {
            "located": located,
            "most_places": MOST_PLACES,
            "sizes": sorted({_ROWS, 20, 500, _MOST_ROWS, asked.size}),
            "rows": zip(numbers.tolist(), zip(*values, strict=True), strict=True),
            "numeric": {name for name in asked.columns if file.is_numeric(name)},
            "all_columns": file.columns,
            "total": file.rows,
            "count": count,
            "shown": asked,
            "link": lambda **changes: f"?{urlencode(changed(asked.pairs, **changes))}",
            "without": lambda filter_: f"?{urlencode(_without(asked, filter_))}",
            "pages": _pages(asked, count),
            "heading": heading,
            "operators": selection.OPERATORS,
            "sortable": count <= selection.MOST_SORTED,
            "most_sorted": selection.MOST_SORTED,
            "has_chart": count > 1 and any(file.is_numeric(name) for name in asked.columns),
            "can_draw": drawer.is_installed(),
        }


def changed(pairs: Sequence[tuple[str, str]], **changes: Any) -> list[tuple[str, str]]:
    """Change parameters of an address; those that become None, and the page, are dropped."""
    kept = [(name, value) for name, value in pairs if name not in changes and name != "_offset"]
    return kept + [(name, str(value)) for name, value in changes.items() if value is not None]


def _without(asked: Shown, filter_: selection.Filter) -> list[tuple[str, str]]:
    names = {filter_.column, f"{filter_.column}__{filter_.word}"} - _RESERVED
    return [pair for pair in changed(asked.pairs) if not (pair[0] in names and pair[1] == filter_.text)]


def _pages(asked: Shown, count: int) -> dict[str, int | None]:
    """Number the first rows of the pages that can be turned to."""
    last = max(0, (count - 1) // asked.size * asked.size)
    before = asked.offset > 0
    after = asked.offset + asked.size < count
    return {
        "first": 0 if before else None,
        "previous": max(0, min(asked.offset, count) - asked.size) if before else None,
        "next": asked.offset + asked.size if after else None,
        "last": last if after else None,
    }
