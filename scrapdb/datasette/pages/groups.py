"""The page of groups: what the runs have in common by a field or an expression, as a table with bars."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import NamedTuple

from scrapdb.datasette import bars
from scrapdb.datasette import page
from scrapdb.datasette.store import Store
from scrapdb.errors import ScrapdbError
from scrapdb.formats.values import short
from scrapdb.query import groups
from scrapdb.query import remarks
from scrapdb.query.select import fields_of

if TYPE_CHECKING:
    from datasette.utils.asgi import Response

_PAGE = 100
_USUAL = "nb.status"  # what runs are grouped by if nobody says it


class Question(NamedTuple):
    """What an address asks: by what, what is shown, of which runs and groups, in which order, which page, from 1."""

    by: page.Typed = ""
    columns: page.Typed = ""
    where: page.Typed = ""
    having: page.Typed = ""
    sort: page.Typed = ""
    page: Annotated[int, range(1, 10**6)] = 1

    @property
    def of_groups(self) -> dict[str, Any]:
        """What is asked of groups; None where nothing is."""
        return {name: getattr(self, name) or None for name in ("by", "columns", "having", "sort")}

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of an address that asks for the first page."""
        return {name: text for name, text in self._asdict().items() if isinstance(text, str)}


class Cell(NamedTuple):
    """A value of a group: its text, and of a number where its bar begins and how wide it is, in percent."""

    text: str
    is_number: bool
    bar: bars.Amount | None


class Groups(NamedTuple):
    """What the page shows: labels, the rows of groups, the expression that finds the runs of each, and remarks."""

    labels: tuple[str, ...]
    rows: list[tuple[str | None, tuple[Cell, ...]]]
    remark: str | None


async def view(store: Store, request: Any) -> Response:
    """Answer `/-/scrapdb/DATABASE/groups?by=KEYS&columns=COLUMNS&where=EXPRESSION&having=…&sort=KEYS&page=NUMBER`."""
    question = page.read(request, Question)
    if not question.by and not question.columns:
        question = question._replace(by=_USUAL)
    found, error = None, ""
    try:
        found = await store.ask(lambda connection: find(connection, question))
    except ScrapdbError as wrong:
        error = str(wrong)
    context = {
        "question": question,
        "groups": found,
        "rows": found.rows[:_PAGE] if found else [],
        "has_more": found is not None and len(found.rows) > _PAGE,
        "error": error,
    }
    return await page.render(store, request, "groups", context, status=400 if error else 200)


def find(connection: sqlite3.Connection, question: Question) -> Groups:
    """Find the groups of a page, and one more if there is a next page.

    Raises:
        ScrapdbError: as `select_groups`.
    """
    fields = fields_of(connection)
    asked = question.of_groups
    found = groups.select_groups(
        connection,
        fields,
        question.where or None,
        **asked,
        limit=_PAGE + 1,
        offset=(question.page - 1) * _PAGE,
        besides="expression",
    )
    remark = remarks.told(connection, fields, question.where or None, **asked)
    rows = list(found.rows)
    if not rows:
        return Groups(found.labels, [], remark)
    *columns, expressions = zip(*rows, strict=True)
    keys = groups.labels_of(asked["by"])
    cells = [
        list(_cells(values, page.time if label in found.times else short, are_keys=label in keys))
        for label, values in zip(found.labels, columns, strict=True)
    ]
    return Groups(found.labels, list(zip(expressions, zip(*cells, strict=True), strict=True)), remark)


def _cells(values: tuple[Any, ...], write: Callable[[Any], str], *, are_keys: bool) -> Iterator[Cell]:
    are_numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in values]
    numbers = [value for value, is_number in zip(values, are_numbers, strict=True) if is_number]
    amounts = iter(() if are_keys else bars.amounts(numbers))
    for value, is_number in zip(values, are_numbers, strict=True):
        yield Cell('""' if value == "" else write(value), is_number, next(amounts, None) if is_number else None)
