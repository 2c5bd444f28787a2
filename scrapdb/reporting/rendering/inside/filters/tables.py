"""Tables."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from markupsafe import Markup
from markupsafe import escape

from scrapdb.errors import suggestion
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Column
from scrapdb.reporting.rendering.given import Table
from scrapdb.reporting.rendering.inside import words
from scrapdb.reporting.rendering.inside.filters import numbers
from scrapdb.reporting.rendering.inside.filters import times
from scrapdb.reporting.rendering.inside.filters.values import MISSING
from scrapdb.reporting.rendering.inside.filters.values import is_missing
from scrapdb.reporting.rendering.inside.filters.values import is_number
from scrapdb.reporting.rendering.inside.filters.values import shown

if TYPE_CHECKING:
    from scrapdb.reporting.rendering.inside.environment import Environment


def table(
    environment: Environment,
    value: Any,
    caption: str | None = None,
    columns: Sequence[str] | None = None,
    first: int | None = 20,
    units: Mapping[str, str] = {},
    formats: Mapping[str, str] = {},
    labels: Mapping[str, str] = {},
) -> Markup:
    """Show a table: its first rows, with units in the heads, and numbers to the right."""
    whole = as_table(value, "table")
    places = _places(whole, columns)
    shown_ = [whole.columns[place] for place in places]
    rows = whole.rows if first is None else whole.rows[:first]
    head = Markup("").join(_head(column, units, labels) for column in shown_)
    body = Markup("\n").join(_row(environment, shown_, [row[place] for place in places]) for row in rows)
    note = ""
    if len(rows) < whole.total:
        note = environment.catalogue.word(
            words.FIRST_ROWS,
            first=numbers.number(environment, len(rows)),
            total=numbers.number(environment, whole.total),
        )
    title = Markup(" – ").join(filter(None, (caption and escape(caption), note and escape(note))))
    return Markup("<table>\n{}<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>").format(
        Markup("<caption>{}</caption>\n").format(title) if title else "", head, body
    )


def _head(column: Column, units: Mapping[str, str], labels: Mapping[str, str]) -> Markup:
    unit = Markup(" <span>({})</span>").format(units[column.name]) if units.get(column.name) else ""
    kind = Markup(' class="number"') if column.type in {"number", "integer", "duration"} else ""
    return Markup('<th scope="col"{}>{}{}</th>').format(kind, labels.get(column.name, column.name), unit)


def _row(environment: Environment, columns: Sequence[Column], values: Sequence[Any]) -> Markup:
    cells = (_cell(environment, column, value) for column, value in zip(columns, values, strict=True))
    return Markup("<tr>{}</tr>").format(Markup("").join(cells))


def _cell(environment: Environment, column: Column, value: Any) -> Markup:
    text = _text(environment, column, value)
    if column.is_index:
        return Markup('<th scope="row">{}</th>').format(text)
    return Markup('<td class="number">{}</td>' if is_number(value) else "<td>{}</td>").format(text)


def _text(environment: Environment, column: Column, value: Any) -> str:
    if is_missing(value):
        return MISSING
    if isinstance(value, bool):
        return environment.catalogue.word(words.YES if value else words.NO)
    if is_number(value):
        write = times.duration if column.type == "duration" else numbers.number
        return write(environment, value)
    return str(value)


def _places(whole: Table, columns: Sequence[str] | None) -> list[int]:
    names = [column.name for column in whole.columns]
    if columns is None:
        return [*range(len(names))]
    for name in columns:
        if name not in names:
            raise TemplateError(f"table: there is no column {shown(name)}; {suggestion(str(name), names)}")
    return [names.index(name) for name in columns]


def as_table(value: Any, name: str) -> Table:
    """Return a value as a table: one already, a list of dicts or of lists, or a dict of lists.

    Raises:
        TemplateError: it is none.
    """
    if isinstance(value, Table):
        return value
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        names = list(dict.fromkeys(str(key) for row in value for key in row))
        return _made(names, [[row.get(each) for each in names] for row in value])
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        return _made([*map(str, value)], [[*row] for row in zip(*value.values(), strict=True)])
    raise TemplateError(f"{name}: {shown(value)} is no table, nor a list of rows.")


def _made(names: Sequence[str], rows: list[list[Any]]) -> Table:
    columns = tuple(
        Column(name=name, type="number" if any(is_number(row[place]) for row in rows) else "text")
        for place, name in enumerate(names)
    )
    return Table(columns=columns, rows=rows, total=len(rows))
