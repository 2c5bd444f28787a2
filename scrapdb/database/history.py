"""The versions of one notebook: what some values were in each, and where they changed."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from scrapdb import errors
from scrapdb.database.equality import is_number
from scrapdb.database.equality import is_same
from scrapdb.database.notebook import find
from scrapdb.database.table import Table
from scrapdb.formats.values import Marked
from scrapdb.query import select
from scrapdb.query.nodes import Name
from scrapdb.query.nodes import Role
from scrapdb.query.results import DisplayCell
from scrapdb.query.results import FrameCell
from scrapdb.query.sql.statements import one_of
from scrapdb.store.connection import reading
from scrapdb.store.past import EVERY_VERSION
from scrapdb.store.readers import notebooks
from scrapdb.store.readers import versions
from scrapdb.store.readers.versions import Version
from scrapdb.text import composed
from scrapdb.text import valid_text

if TYPE_CHECKING:
    from scrapdb.charts.drawn import Plot

_OWN = ("version", "since", "until", "status", "commit", "notebook")
_CHANGED = "changed"
_TIMES = ("since", "until")
_KEY = ("nb.path", "nb.version")  # which tell versions apart
_SHORT_HASH = 8  # characters
_MINUTE, _SECOND = len("2026-11-01T12:00"), len("2026-11-01T12:00:00")
_COMPLETED = "completed"
_PREVIOUS = "previous"
_VERSION = re.compile(rf"[0-9]{{1,9}}|[0-9a-fA-F]{{4,64}}|{_PREVIOUS}")


class Marks(NamedTuple):
    """What stands behind a value that changed: a number has risen or fallen, or anything else became another."""

    risen: str = "▲"
    fallen: str = "▼"
    other: str = "●"

    def of(self, before: Any, after: Any) -> str:
        """Choose the mark for a value that was another before."""
        if not (is_number(before) and is_number(after)):
            return self.other
        return self.risen if after > before else self.fallen if after < before else self.other


UNICODE, ASCII = Marks(), Marks("+", "-", "*")


class Entry(NamedTuple):
    """A version, its values, what they were in the version before it, and the places of those that are not the same."""

    version: Version
    values: Sequence[Any]
    before: Sequence[Any] | None
    changed: tuple[int, ...]


class History(Table):
    """The versions of a notebook in the order of their times, a row for each.

    Its columns are `version`, `since`, `until`, `status`, `commit` and `notebook`, those asked for, and a list of which
    of these `changed`.

    Attributes:
        path: of the notebook.
        labels: of the columns asked for.
        entries: what the rows are made of.
        other_branches: how many versions are left out, since the notebook never was so on its branch.
    """

    def __init__(
        self,
        path: str,
        labels: Sequence[str],
        entries: Sequence[Entry],
        *,
        asked: bool = True,
        times: Sequence[str] = (),
        ended: Collection[int] = (),
        other_branches: int = 0,
    ) -> None:
        super().__init__((*_OWN, *labels, _CHANGED), self._as_rows, times={*_TIMES, *times})
        self.path, self.labels, self.entries = path, tuple(labels), list(entries)
        self.other_branches = other_branches
        self._asked, self._ended = asked, ended

    def __len__(self) -> int:
        return len(self.entries)

    def _as_rows(self) -> Iterator[Sequence[Any]]:
        for version, values, _, changed in self.entries:
            own = version.version, version.since, version.until, version.status, version.commit_hash, version.path
            yield *own, *values, [self.labels[place] for place in changed]

    def for_people(self, marks: Marks = UNICODE) -> Table:
        """Return what fits into a terminal: times to the minute, only columns that tell something, changes as marks."""
        found = [entry.version for entry in self.entries]
        own = {name: cells for name, cells in _own_columns(found, self._ended).items() if cells}
        shown = [[_marked(entry, place, marks) for place in range(len(self.labels))] for entry in self.entries]
        front = zip(*own.values(), strict=True)
        rows: list[Sequence[Any]] = [(*first, *rest) for first, rest in zip(front, shown, strict=True)]
        return Table([*own, *self.labels], lambda: iter(rows), 0 if self._asked else len(self.labels))

    def plot(self) -> Plot:
        """Draw the numbers over time, each with a line; of what nobody asked for the first one that has any.

        Raises:
            UsageError: there is nothing to draw.
        """
        from scrapdb.charts import points
        from scrapdb.charts.drawn import Plot

        places = [place for place in range(len(self.labels)) if self._asked or self._has_number(place)]
        if not places:
            raise errors.UsageError(f"No version of {self.path} has a number to draw: name a value.")
        drawn = places if self._asked else places[:1]
        labels = [self.labels[place] for place in drawn]
        points.refuse(labels, [tuple(entry.values[place] for place in drawn) for entry in self.entries])
        return Plot(_points(self.entries, dict(zip(labels, drawn, strict=True))), "line")

    def _has_number(self, place: int) -> bool:
        return any(is_number(entry.values[place]) for entry in self.entries)


def history(
    store: Path,
    notebook: str,
    names: Sequence[str] = (),
    *,
    changes: bool = False,
    limit: int | None = None,
    branches: bool = False,
) -> History:
    """Read the versions of a notebook, with the errors of `Database.history`."""
    if limit is not None and limit < 0:
        raise errors.UsageError("The limit is not a negative number.")
    with reading(store) as connection:
        path = path_of(connection, store, notebook)
    with reading(store, EVERY_VERSION) as connection:
        all_ = versions.line(connection, path)
        line = [version for version in all_ if branches or version.was_there] or all_
        if not line:
            raise errors.NotebookNotFoundError(
                f"The store keeps no version of {path}: it was there before any was kept."
            )
        shown = line if changes else _last(line, limit)
        labels, times, entries = _read(connection, shown, list(names) or _names(connection, line))
    if changes:
        entries = _last([entry for entry in entries if entry.changed], limit)
    hidden = len(all_) - len(line)
    return History(path, labels, entries, asked=bool(names), times=times, ended=_ended(line), other_branches=hidden)


def path_of(connection: sqlite3.Connection, store: Path, name: str) -> str:
    """Find the path of a notebook that is there, or else of one that was, as `find` does.

    Raises:
        NotebookNotFoundError: there is none, or more than one.
    """
    try:
        return str(notebooks.notebook_row(connection, find(connection, store, name))["path"])
    except errors.NotebookNotFoundError:
        gone = versions.paths_of_gone(connection, composed(valid_text(name)))
        if len(gone) != 1:
            raise
        return gone[0]


def unchanged_since(store: Path, path: str, version: int, name: str) -> Version | None:
    """Find the version of a notebook since which a value has been as it is in one of them; None if that is not kept."""
    entries = history(store, path, [name]).entries
    at = next((place for place, entry in enumerate(entries) if entry.version[1:3] == (path, version)), None)
    if at is None:
        return None
    return next(entry.version for entry in entries[at::-1] if entry.changed or entry is entries[0])


def version_of(connection: sqlite3.Connection, store: Path, text: str) -> Version | None:
    """Find what `BCD@3`, `BCD@previous` or `BCD@COMMIT` names; None if it is no such text.

    Raises:
        NotebookNotFoundError: there is no such notebook, or more than one, or no such version of it.
    """
    name, _, which = text.rpartition("@")
    if not name or not _VERSION.fullmatch(which):
        return None
    path = path_of(connection, store, name)
    line = versions.line(connection, path)
    found = list(_called(line, path, which))
    if len({version.commit_hash for version in found}) > 1:
        raise errors.NotebookNotFoundError(f"More than one commit of {path} begins with {which}; give more of it.")
    if not found:
        what = "version before the last one" if which == _PREVIOUS else f"version {which}"
        raise errors.NotebookNotFoundError(f"The store keeps no {what} of {path}; `scrapdb history {name}` lists them.")
    return found[-1]


def _called(line: Sequence[Version], path: str, which: str) -> Iterator[Version]:
    if which == _PREVIOUS:
        there = [version for version in line if version.was_there]
        yield from (version for version in line if there and version.id == there[-1].before_id)
    elif numbered := [version for version in line if (version.path, str(version.version)) == (path, which)]:
        yield from numbered
    else:
        yield from (version for version in line if (version.commit_hash or "").startswith(which.lower()))


def _ended(line: Sequence[Version]) -> set[int]:
    """Return the ids of the versions after which there was none for a while, or is none since."""
    there = [version for version in line if version.was_there]
    begins = [*(version.since for version in there[1:]), None]
    return {version.id for version, begin in zip(there, begins, strict=True) if version.until not in (None, begin)}


def _last(found: Sequence[Any], limit: int | None) -> list[Any]:
    return list(found if limit is None else found[max(len(found) - limit, 0) :])


def _names(connection: sqlite3.Connection, line: Sequence[Version]) -> list[str]:
    """Choose what to show: numbers that changed, then texts that did; if nothing did, all of them."""
    found = versions.names_of_values(connection, line)
    chosen = [each for each in found if each.is_changing] or found
    known = {name: role for role, name, _ in reversed(chosen)}  # a scrap's name means the scrap
    return [_asked(role, name) for name, role in reversed(known.items())]


def _asked(role: Role, name: str) -> str:
    return str(Name(role if name in (*_OWN, _CHANGED) else "", name))


def _read(
    connection: sqlite3.Connection, shown: Sequence[Version], names: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...], list[Entry]]:
    """Read some values of versions, and of those before them: what they are called, which are times, and entries."""
    fields = select.fields_of(connection)
    if any(name.strip() == "*" for name in names):
        raise errors.UsageError("A history shows values that are named, and not `*`, all of them.")
    for name in names:
        select.check(fields, columns=name)  # alone, so that an error tells its place in what was asked for
    ids = dict.fromkeys(id_ for version in shown for id_ in (version.id, version.before_id) if id_ is not None)
    columns = ", ".join((*_KEY, *names))
    selection = select.select(connection, fields, columns=columns, only=one_of(list(ids)))
    values = {tuple(row[: len(_KEY)]): row[len(_KEY) :] for row in selection.rows}
    labels = selection.labels[len(_KEY) :]
    _refuse_doubles(labels)
    changes = _Changes(connection, shown)
    entries = []
    for version in shown:
        after, before = values[version.path, version.version], values.get((version.before_path, version.before_version))
        pairs = enumerate(zip(before, after, strict=True)) if before is not None else ()
        changed = tuple(place for place, pair in pairs if changes.is_one(version, *pair))
        entries.append(Entry(version, after, before, changed))
    return labels, tuple(selection.times), entries


class _Changes:
    """Whether values differ; what DataFrames and displays are is not at hand, and the store is asked for it."""

    def __init__(self, connection: sqlite3.Connection, shown: Sequence[Version]) -> None:
        self._connection = connection
        self._shown = shown
        self._names: dict[int, set[str]] | None = None

    def is_one(self, version: Version, before: Any, after: Any) -> bool:
        if isinstance(after, FrameCell | DisplayCell) and type(before) is type(after):
            return after.name in self._of(version)
        return not is_same(before, after)

    def _of(self, version: Version) -> set[str]:
        if self._names is None:
            found = versions.changes(self._connection, self._shown)
            self._names = {id_: {each.name for each in changes} for id_, changes in found.items()}
        return self._names.get(version.id, set())


def _refuse_doubles(labels: Sequence[str]) -> None:
    taken = [*_OWN, _CHANGED]
    for label in labels:
        if label in taken:
            raise errors.UsageError(f"Two columns are called `{label}`; call one of them something else with `as`.")
        taken.append(label)


def _own_columns(found: Sequence[Version], ended: Collection[int]) -> dict[str, list[Any]]:
    """Return what stands before the values, by the names of columns; nothing for one that tells nothing."""
    moments = _moments([version.since for version in found])
    ends = [version.until if version.id in ended else None for version in found]
    paths = [version.path for version in found]
    statuses = [version.status for version in found]
    commits = [(version.commit_hash or "")[:_SHORT_HASH] or None for version in found]
    branches = [version.branch for version in found]
    return {
        "version": [version.version for version in found],
        "since": moments,
        "until": _moments(ends) if any(ends) else [],
        "status": statuses if set(statuses) - {_COMPLETED} else [],
        "commit": commits if any(commits) else [],
        "branch": branches if len(set(branches)) > 1 and not all(version.was_there for version in found) else [],
        "notebook": paths if len(set(paths)) > 1 else [],
    }


def minute(time: str) -> str:
    """Write a time of the store to the minute."""
    return time[:_MINUTE].replace("T", " ")


def _moments(times: Sequence[str | None]) -> list[str | None]:
    """Write times to the minute, or as exactly as tells them apart."""
    there = [time for time in times if time]
    length = next(
        (length for length in (_MINUTE, _SECOND) if len({time[:length] for time in there}) == len(there)), None
    )
    return [time and time[:length].replace("T", " ") for time in times]


def _marked(entry: Entry, place: int, marks: Marks) -> Marked:
    value = entry.values[place]
    if place not in entry.changed or entry.before is None:
        return Marked(value)
    return Marked(value, marks.of(entry.before[place], value))


def _points(entries: Sequence[Entry], places: dict[str, int]) -> Any:
    """Make the points of a line for each name; a value of one name may be anything that an axis has."""
    from scrapdb.charts import points

    name, *others = places
    rows = [
        (entry.version.path, entry.version.since, entry.values[place], *([label] if others else []))
        for label, place in places.items()
        for entry in entries
    ]
    drawn = [row for row in rows if (is_number(row[2]) or not others) and points.can_be_drawn(row[2])]
    scale = points.scale([row[2] for row in drawn])
    left_out = len(rows) - len(drawn)
    if others:
        return points.Points(("since", "value", "name"), ("temporal", scale, "nominal"), drawn, left_out)
    return points.Points(("since", name), ("temporal", scale), drawn, left_out)
