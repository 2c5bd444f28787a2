"""What the page of a notebook shows of its versions: what changed in each, a line for each number, pictures in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

from scrapdb.datasette import bars
from scrapdb.formats.html import PICTURES
from scrapdb.query.nodes import Constant
from scrapdb.query.nodes import Name
from scrapdb.store.readers import versions
from scrapdb.store.readers.versions import Change
from scrapdb.store.readers.versions import Version

MOST, _FEWEST = 100, 10
_MOST_VALUES = 20_000  # that are compared, so that a notebook of thousands of values is shown as soon
_CHANGES, _LINES = 8, 40
_HOW = ("changed", "new", "gone")
_SHOWN, _PICTURES = 6, 12  # names, and pictures of each


class Row(NamedTuple):
    """A version, and what changed in it: some of that, and how many values more."""

    version: Version
    changes: list[Change]
    more: int


class Number(NamedTuple):
    """A number over the versions: its name, the expression that asks for it, its line, its ends and the last one."""

    name: str
    asked: str
    line: bars.Line
    lowest: float
    highest: float
    last: float


class Shown(NamedTuple):
    """What was shown under a name, in its order: each picture by its hash, with the version that showed it first."""

    name: str
    pictures: list[tuple[Version, str]]
    left_out: int


class History(NamedTuple):
    """What a page shows of the versions of a notebook.

    Args:
        rows: the last versions, the last one first.
        has_more: whether there are more.
        numbers: those that were not always the same, and how long the runs took.
        constants: those that were, with that number.
        left_out: how many numbers more there are.
        shown: pictures of names that did not always show the same.
        where: the expression for which the versions of the notebook are asked.
    """

    rows: list[Row]
    has_more: bool
    numbers: list[Number]
    constants: dict[str, float]
    left_out: int
    shown: list[Shown]
    where: str


def read(connection: sqlite3.Connection, path: str) -> History | None:
    """Read what the page of a notebook shows of its versions; None if there are none."""
    last = versions.of_path(connection, path, 1)
    if not last:
        return None
    most = min(MOST, max(_FEWEST, _MOST_VALUES // (versions.values_of(connection, last[0].id) or 1)))
    read_versions = versions.of_path(connection, path, most + 1)
    chosen = read_versions[:most]
    changes = versions.changes(connection, chosen)
    were_there = sorted((version for version in chosen if version.was_there), key=lambda version: version.since)
    numbers, constants = _numbers(connection, were_there)
    return History(
        [_row(version, changes.get(version.id, [])) for version in chosen],
        len(read_versions) > most,
        numbers[:_LINES],
        constants,
        max(0, len(numbers) - _LINES),
        list(_shown(connection, were_there))[:_SHOWN],
        f"{Name('nb', 'path')} = {Constant(path)}",
    )


def _row(version: Version, changes: Sequence[Change]) -> Row:
    ordered = sorted(changes, key=lambda change: _HOW.index(change.how))
    return Row(version, ordered[:_CHANGES], max(0, len(changes) - _CHANGES))


def _numbers(connection: sqlite3.Connection, chosen: Sequence[Version]) -> tuple[list[Number], dict[str, float]]:
    """Read the numbers of some versions: those that vary, and those that do not."""
    found = {(str(Name("scrap", name)), name): by_id for name, by_id in versions.numbers(connection, chosen).items()}
    seconds = {version.id: version.seconds for version in chosen if version.seconds is not None}
    asked = str(Name("nb", "seconds"))
    drawn, constants = [], {}
    for (expression, name), by_id in [*found.items(), ((asked, asked), seconds)]:
        if len(set(by_id.values())) > 1:
            line = bars.line([by_id.get(version.id) for version in chosen])
            last = [by_id[version.id] for version in chosen if version.id in by_id][-1]
            drawn.append(Number(name, expression, line, min(by_id.values()), max(by_id.values()), last))
        elif len(by_id) > 1 and name != asked:
            constants[name] = next(iter(by_id.values()))
    return drawn, constants


def _shown(connection: sqlite3.Connection, chosen: Sequence[Version]) -> Iterable[Shown]:
    """Read the pictures that some versions have shown, each with the first of those that showed it in a row."""
    for name, by_id in versions.displays(connection, chosen, PICTURES).items():
        pictures: list[tuple[Version, str]] = []
        for version in chosen:
            if version.id in by_id and (not pictures or pictures[-1][1] != by_id[version.id]):
                pictures.append((version, by_id[version.id]))
        if len(pictures) > 1:
            yield Shown(name, pictures[-_PICTURES:], max(0, len(pictures) - _PICTURES))
