"""What the page of a notebook shows of its versions: what changed in each, a line for each number, pictures in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from scrapdb.datasette import bars
from scrapdb.formats.html import PICTURES
from scrapdb.query.nodes import Name
from scrapdb.store.readers import versions
from scrapdb.store.readers.versions import Change
from scrapdb.store.readers.versions import Version

MOST, _FEWEST = 100, 5
_MOST_VALUES = 10_000  # that are compared, so that a notebook of thousands of values is shown as soon
_CHANGES, _LINES = 8, 40
_SECONDS = str(Name("nb", "seconds"))
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
        rows: the last versions, also of the notebooks that it was before it was renamed, the last one first.
        paths: of these notebooks, its own first.
        has_more: whether there are more versions.
        numbers: those that were not always the same, and how long the runs took.
        constants: some of those that were, with that number.
        left_out: how many numbers more there are.
        shown: pictures of names that did not always show the same.
    """

    rows: list[Row]
    paths: list[str]
    has_more: bool
    numbers: list[Number]
    constants: dict[str, float]
    left_out: int
    shown: list[Shown]


def read(connection: sqlite3.Connection, path: str) -> History | None:
    """Read what the page of a notebook shows of its versions; None if there are none."""
    line = versions.line(connection, path)
    if not line:
        return None
    most = min(MOST, max(_FEWEST, _MOST_VALUES // (versions.values_of(connection, line[-1].id) or 1)))
    chosen = line[-most:]
    changes = versions.changes(connection, chosen)
    were_there = [version for version in chosen if version.was_there]
    numbers, constants, left_out = _numbers(connection, were_there)
    paths = list(dict.fromkeys([path, *(version.path for version in reversed(line))]))
    return History(
        [_row(version, changes.get(version.id, [])) for version in reversed(chosen)],
        paths,
        len(line) > most,
        numbers,
        constants,
        left_out,
        list(_shown(connection, were_there))[:_SHOWN],
    )


def _row(version: Version, changes: Sequence[Change]) -> Row:
    ordered = sorted(changes, key=lambda change: _HOW.index(change.how))
    return Row(version, ordered[:_CHANGES], max(0, len(changes) - _CHANGES))


def _numbers(connection: sqlite3.Connection, chosen: Sequence[Version]) -> tuple[list[Number], dict[str, float], int]:
    """Read the numbers of some versions: of those that vary the first, those that do not, and how many more vary."""
    found = versions.numbers(connection, chosen)
    asked = {name: str(Name("scrap", name)) for name in found}
    seconds = {version.id: version.seconds for version in chosen if version.seconds is not None}
    varying = [(name, asked[name], by_id) for name, by_id in found.items() if len(set(by_id.values())) > 1]
    if len(set(seconds.values())) > 1:
        varying.append((_SECONDS, _SECONDS, seconds))
    constants = {
        name: next(iter(by_id.values()))
        for name, by_id in found.items()
        if len(by_id) > 1 and len(set(by_id.values())) == 1
    }
    ids = [version.id for version in chosen]
    drawn = [_number(name, expression, [by_id.get(id_) for id_ in ids]) for name, expression, by_id in varying[:_LINES]]
    return drawn, dict(islice(constants.items(), _LINES)), max(0, len(varying) - _LINES)


def _number(name: str, asked: str, numbers: Sequence[float | None]) -> Number:
    there = [number for number in numbers if number is not None]
    return Number(name, asked, bars.line(numbers), min(there), max(there), there[-1])


def _shown(connection: sqlite3.Connection, chosen: Sequence[Version]) -> Iterable[Shown]:
    """Read the pictures that some versions have shown, each with the first of those that showed it in a row."""
    for name, by_id in versions.displays(connection, chosen, PICTURES).items():
        pictures: list[tuple[Version, str]] = []
        for version in chosen:
            if version.id in by_id and (not pictures or pictures[-1][1] != by_id[version.id]):
                pictures.append((version, by_id[version.id]))
        if len(pictures) > 1:
            yield Shown(name, pictures[-_PICTURES:], max(0, len(pictures) - _PICTURES))
