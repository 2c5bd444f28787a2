"""The points of a plot: one expression against another over all runs, and what kind of axis each needs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import NamedTuple
from typing import TypeVar

from scrapdb.errors import UsageError
from scrapdb.facts import Expression
from scrapdb.query import select
from scrapdb.query.fields import Fields
from scrapdb.query.nodes import Name
from scrapdb.query.parser import parse_columns
from scrapdb.query.results import DisplayCell
from scrapdb.query.results import FrameCell
from scrapdb.query.sql.statements import Statement
from scrapdb.query.sql.statements import one_of
from scrapdb.query.times import parse_time

Scale = Literal["quantitative", "temporal", "nominal"]
Item = TypeVar("Item")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?")
_LARGEST = 1e300  # beyond which differences are infinite
# What is no value of an axis, and what to name in its place.
_FOREIGN: dict[type, tuple[str, str]] = {
    FrameCell: ("a DataFrame", "glue a number of it"),
    DisplayCell: ("a display", "glue the numbers that it shows"),
    Expression: ("an expression that only a run could tell", "glue its value"),
    dict: ("JSON", "name a number in it, such as {}.KEY"),
    list: ("JSON", "name a number in it, such as {}[0]"),
    bytes: ("bytes", "name a number"),
}


class Axes(NamedTuple):
    """What is drawn: expressions, empty where there is none, and for which notebooks."""

    x: str
    y: str
    color: str
    where: str


class Points(NamedTuple):
    """What a store has for axes.

    Args:
        labels: of the axes that there are, in the order x, y, color.
        scales: of the same axes.
        rows: path of the notebook and a value for each axis.
        left_out: how many notebooks have no value to draw for one of them.
        chosen_from: of how many notebooks those of `rows` and `left_out` were chosen; None if they are all.
    """

    labels: tuple[str, ...]
    scales: tuple[Scale, ...]
    rows: list[tuple[Any, ...]]
    left_out: int
    chosen_from: int | None = None

    @property
    def summary(self) -> str:
        """How many runs there are, chosen from how many, and how many others have nothing to draw."""
        drawn, axes = len(self.rows), " or ".join(self.labels)
        if not drawn and not self.left_out:
            return "There is no run to draw."
        if not drawn:
            return f"None of {_runs(self.left_out)} has a value that can be drawn for {axes}."
        told = _runs(drawn)
        if self.chosen_from:
            told = f"{drawn:,} of {_runs(self.chosen_from)}, chosen at even distances"
        if self.left_out:
            has = "has" if self.left_out == 1 else "have"
            told += f"; {self.left_out:,} more {has} no value that can be drawn for {axes}"
        return f"{told}."


def read(
    connection: sqlite3.Connection, axes: Axes, most: int | None = None, among: Sequence[int] | None = None
) -> Points:
    """Read the points of the notebooks for which the expression holds, in the order of their paths.

    Of more than `most` notebooks so many are read, chosen at even distances; or only notebooks `among` some, by their
    ids.

    Raises:
        ExpressionError: an axis or the expression is wrong.
        UsageError: an axis is more than one expression, or all that there is for it is nothing to draw.
    """
    drawn = [axis for axis in (axes.x, axes.y, axes.color) if axis]
    fields = select.fields_of(connection)
    for axis in drawn:
        if axis.strip() == "*" or len(parse_columns(axis)) > 1:
            raise UsageError(f"An axis is one field or expression, not {axis!r}.")
        select.check(fields, columns=axis)  # alone, so that an error tells its place in what was asked for
    columns = ", ".join(["nb.path", *drawn])
    choice = None if most is None or among is not None else _choose(connection, fields, axes, most)
    where = None if choice else axes.where or None
    only = choice and choice.condition if among is None else one_of(among)
    selection = select.select(connection, fields, where, columns=columns, only=only)
    rows: list[tuple[Any, ...]] = []
    others: list[tuple[Any, ...]] = []
    for row in selection.rows:
        (rows if all(map(can_be_drawn, row[1:])) else others).append(row)
    if not rows:
        refuse(selection.labels[1:], [row[1:] for row in others])
    left_out = len(others) + (choice.missing if choice else 0)
    scales = tuple(scale([row[place] for row in rows]) for place in range(1, len(drawn) + 1))
    return Points(selection.labels[1:], scales, rows, left_out, choice and choice.chosen_from)


class _Choice(NamedTuple):
    """The notebooks that are read: of how many they were chosen, if not all, and how many others have no value."""

    condition: Statement
    chosen_from: int | None
    missing: int


def _choose(connection: sqlite3.Connection, fields: Fields, axes: Axes, most: int) -> _Choice | None:
    """Choose from the notebooks of a plot that have something for its rarest axis; None if there are not so many."""
    total = select.count(connection, fields, axes.where or None)
    if total <= most:
        return None
    nodes = [column.node for axis in (axes.x, axes.y, axes.color) if axis for column in parse_columns(axis)]
    terms = [f"{node} is not null" for node in nodes if isinstance(node, Name)]
    rarest = min(terms, key=lambda term: select.count(connection, fields, term), default=None)
    where = " and ".join(f"({term})" for term in (axes.where, rarest) if term)
    ids = sorted(select.notebook_ids(connection, fields, where or None))
    if len(ids) > most:
        return _Choice(one_of(sampled(ids, most)), len(ids), missing=0)
    return _Choice(one_of(ids), None, missing=total - len(ids))


def refuse(labels: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Refuse an axis of which no run has anything to draw, but something else."""
    for label, values in zip(labels, zip(*rows, strict=True), strict=False):
        foreign = next((_FOREIGN[type(value)] for value in values if type(value) in _FOREIGN), None)
        if foreign and not any(map(can_be_drawn, values)):
            what, instead = foreign
            raise UsageError(f"{label} is {what}, which is no value of an axis: {instead.format(label)}.")


def can_be_drawn(value: Any) -> bool:
    """Return whether a value is a number, text or truth, and not missing, a list, dict, frame or display."""
    if isinstance(value, int | float):
        return abs(value) < _LARGEST  # which NaN is not
    return isinstance(value, str)


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"


def scale(values: Sequence[float | str | bool]) -> Scale:
    """Choose how to draw values: numbers by size, times by date, anything else as categories."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return "quantitative"
    if all(isinstance(value, str) and _TIME.fullmatch(value) and parse_time(value) for value in values):
        return "temporal"
    return "nominal"


def sampled(rows: Sequence[Item], most: int) -> Sequence[Item]:
    """Choose rows at even distances, if there are more than so many."""
    return rows if len(rows) <= most else [rows[place * len(rows) // most] for place in range(most)]
