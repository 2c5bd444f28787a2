"""Tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from markupsafe import escape

from scrapdb.errors import suggestion
from scrapdb.formats.values import json_text
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Column
from scrapdb.reporting.rendering.given import Image
from scrapdb.reporting.rendering.given import Table
from scrapdb.reporting.rendering.inside import words
from scrapdb.reporting.rendering.inside.filters import numbers
from scrapdb.reporting.rendering.inside.filters import pictures
from scrapdb.reporting.rendering.inside.filters import times
from scrapdb.reporting.rendering.inside.filters.values import MISSING
from scrapdb.reporting.rendering.inside.filters.values import is_missing
from scrapdb.reporting.rendering.inside.filters.values import is_number
from scrapdb.reporting.rendering.inside.filters.values import is_time
from scrapdb.reporting.rendering.inside.filters.values import shown
from scrapdb.reporting.rendering.inside.view import View


def table(
    environment: View,
    value: Any,
    caption: str | None = None,
    columns: Sequence[str] | None = None,
    *,
    first: Any = 20,
    units: Mapping[str, str] = {},
    formats: Mapping[str, Any] = {},
    labels: Mapping[str, str] = {},
) -> Markup:
    """Show a table: its first rows, numbers to the right.

    Args:
        environment: of the template.
        value: a table, or rows.
        caption: what it shows.
        columns: those that are shown, in order.
        first: how many rows are shown; none for all.
        units: by column, written beside its name.
        formats: by column, a number of digits, or the name of a filter with what it takes: `percent:1`, `date:long`.
        labels: by column, in place of its name.
    """
    whole = as_table(value, "table")
    for given in (units, formats, labels):
        _places(whole, [*given])
    if first is not None and (not isinstance(first, int) or isinstance(first, bool) or first < 0):
        raise TemplateError(f"table: {shown(first)} is no number of rows.")
    places = _places(whole, columns)
    drawn = [_Drawn(whole, place, formats.get(whole.columns[place].name)) for place in places]
    rows = whole.rows[:first]
    heads = Markup("").join(_head(column, units, labels) for column in drawn)
    body = Markup("\n").join(_row(environment, drawn, row) for row in rows)
    title = _title(environment, caption, len(rows), whole.total)
    return Markup(
        '<div class="wide{}" role="group"{} tabindex="0"><table>\n{}'
        "<thead>\n<tr>{}</tr>\n</thead>\n<tbody>\n{}\n</tbody>\n</table></div>"
    ).format(
        " short" if len(rows) <= _SHORT else "",
        Markup(' aria-label="{}"').format(caption) if caption else "",
        Markup("<caption>{}</caption>\n").format(title) if title else "",
        heads,
        body,
    )


class _Drawn:
    """A column as it is shown."""

    def __init__(self, whole: Table, place: int, format_: Any) -> None:
        self.column, self.place = whole.columns[place], place
        there = [row[place] for row in whole.rows[:_LOOKED_AT] if not is_missing(row[place])]
        self.write = _writer(self.column, format_)
        if self.write is _BY_TYPE["time"] and all(_is_of_minutes(value) for value in there):
            self.write = _moment(times.moment)
        if self.write is plain and there and all(map(is_number, there)):
            self.write = _numbers(there)
        self.is_number = self.column.type in _NUMBERS or (bool(there) and all(map(is_number, there)))


def _title(environment: View, caption: str | None, shown_: int, total: int) -> Markup:
    parts = [escape(caption)] if caption else []
    if shown_ < total:
        first, all_ = (numbers.number(environment, count) for count in (shown_, total))
        said = environment.catalogue.word(words.FIRST_ROWS, first=first, total=all_)
        parts.append(Markup('<span class="note">({})</span>').format(said))
    return Markup(" ").join(parts)


def _head(drawn: _Drawn, units: Mapping[str, str], labels: Mapping[str, str]) -> Markup:
    name = drawn.column.name
    unit = Markup(' <span class="unit">({})</span>').format(units[name]) if units.get(name) else ""
    kind = Markup(' class="number"') if drawn.is_number else ""
    return Markup('<th scope="col"{}>{}{}</th>').format(kind, labels.get(name, name), unit)


def _row(environment: View, drawn: Sequence[_Drawn], row: Sequence[Any]) -> Markup:
    return Markup("<tr>{}</tr>").format(Markup("").join(_cell(environment, each, row[each.place]) for each in drawn))


def _cell(environment: View, drawn: _Drawn, value: Any) -> Markup:
    text = drawn.write(environment, value)
    kind = Markup(' class="number"') if drawn.is_number else ""
    if drawn.column.is_index:
        return Markup('<th scope="row"{}>{}</th>').format(kind, text)
    return Markup("<td{}>{}</td>").format(kind, text)


def _writer(column: Column, format_: Any) -> Callable[[View, Any], Any]:
    """Return what writes the values of a column.

    Raises:
        TemplateError: there is no such format.
    """
    if format_ is None:
        return _BY_TYPE.get(column.type, plain)
    if is_number(format_):
        format_ = f"number:{format_}"
    name, _, argument = str(format_).partition(":")
    if name not in FORMATS and column.type in _TIMES:
        name, argument = _TIMES[column.type], str(format_)
    if name not in FORMATS:
        near = suggestion(name, FORMATS)
        raise TemplateError(f"table: there is no format {shown(format_)}; {near} What it takes follows: percent:1.")
    write: Callable[..., Any] = FORMATS[name]
    if not argument:
        return write
    given = int(argument) if argument.isdecimal() else argument
    return lambda environment, value: write(environment, value, given)


def plain(environment: View, value: Any) -> Any:
    """Write a value as what it is."""
    if is_missing(value):
        return MISSING
    if isinstance(value, bool):
        return environment.catalogue.word(words.YES if value else words.NO)
    if is_number(value):
        return numbers.number(environment, value)
    if isinstance(value, Image):
        return pictures.image(environment, value)
    return json_text(value) if isinstance(value, dict | list) else value


def _moment(write: Callable[[View, Any], Any]) -> Callable[[View, Any], Any]:
    """Return what writes times, and whatever else stands in their column as it is."""

    def written(environment: View, value: Any) -> Any:
        return write(environment, value) if is_time(value) else plain(environment, value)

    return written


def _numbers(values: Sequence[Any]) -> Callable[[View, Any], Any]:
    """Return what writes the numbers of a column with as many digits after the point as one of them needs."""
    digits = numbers.common_digits(values)

    def written(environment: View, value: Any) -> Any:
        return numbers.number(environment, value, digits) if is_number(value) else plain(environment, value)

    return written


def _is_of_minutes(value: Any) -> bool:
    return is_time(value) and dt.datetime.fromisoformat(value).replace(tzinfo=None).isoformat("T", "auto").endswith(
        ":00"
    )


def _of_duration(environment: View, value: Any) -> Any:
    return times.duration(environment, value) if is_number(value) else plain(environment, value)


_LOOKED_AT = 1000  # rows
_SHORT = 12  # rows that stay together on paper
_TIMES = {"date": "date", "time": "datetime", "duration": "duration"}  # filters whose formats a column can have alone
_NUMBERS = frozenset({"number", "integer", "duration"})
_BY_TYPE: dict[str, Callable[[View, Any], Any]] = {
    "date": _moment(times.date),
    "time": _moment(times.datetime),
    "duration": _of_duration,
}
FORMATS: dict[str, Callable[..., Any]] = {
    "number": numbers.number,
    "percent": numbers.percent,
    "money": numbers.money,
    "filesize": numbers.filesize,
    "date": times.date,
    "time": times.time,
    "datetime": times.datetime,
    "duration": times.duration,
}


def _places(whole: Table, columns: Sequence[str] | None) -> list[int]:
    names = [column.name for column in whole.columns]
    if columns is None:
        return [*range(len(names))]
    for name in columns:
        if name not in names:
            raise TemplateError(f"table: there is no column {shown(name)}; {suggestion(str(name), names)}")
    return [names.index(name) for name in columns]


def as_table(value: Any, name: str) -> Table:
    """Return a value as a table: one already, rows as dicts or lists, or columns as a dict of lists.

    Raises:
        TemplateError: it is none.
    """
    if isinstance(value, Table):
        return value
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        names = list(dict.fromkeys(str(key) for row in value for key in row))
        return _made(names, [[dict.get(row, each) for each in names] for row in value])
    if isinstance(value, list) and all(isinstance(row, list) for row in value):
        longest = max(map(len, value))
        return _made(
            [str(place + 1) for place in range(longest)], [row + [None] * (longest - len(row)) for row in value]
        )
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        if value.keys() >= {"columns", "data"}:  # as pandas writes it with orient="split"
            return _made([*map(str, value["columns"])], [row for row in value["data"] if isinstance(row, list)])
        if len({len(column) for column in value.values()}) == 1:
            return _made([*map(str, value)], [[*row] for row in zip(*value.values(), strict=True)])
    raise TemplateError(f"{name}: {shown(value)} is no table, nor a list of rows, nor a dict of columns of one length.")


def _made(names: Sequence[str], rows: list[list[Any]]) -> Table:
    if not all(len(row) == len(names) for row in rows):
        raise TemplateError(f"Rows of a table have as many values as it has columns, which are {len(names)}.")
    columns = (Column(name=name, type=_type([row[place] for row in rows])) for place, name in enumerate(names))
    return Table(columns=tuple(columns), rows=rows, total=len(rows))


def _type(values: Sequence[Any]) -> str:
    there = [value for value in values if not is_missing(value)]
    if there and all(map(is_number, there)):
        return "number"
    if there and all(map(is_time, there)):
        return "date" if all(len(value) == len("2025-01-31") for value in there) else "time"
    return "text"
