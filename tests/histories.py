"""A store that has kept the nights of a made history; and what it answers, held against the files as they were.

The referee is a plain loop over files that scrapbook reads, and, for all that scrapbook does not know, a store of those
files that knows no versions.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pandas as pd

from scrapdb.database import Database
from scrapdb.errors import ExpressionError
from scrapdb.indexing.loop import index
from scrapdb.query.results import DisplayCell
from scrapdb.query.results import FrameCell
from scrapdb.store.connection import reading
from scrapdb.store.past import EVERY_VERSION
from scrapdb.store.past import Past
from scrapdb.store.schema import KEPT
from scrapdb.store.versions import Retention
from tests import nights
from tests import referee
from tests.referee import Version
from tests.stores import query

NAMES = ("symbol", "distance", "close_to_ath", "grade", "dj", "spread", "volume", "rare", "huge", "odd")
QUESTIONS = (
    "distance < 0.1",
    "distance < 0.1 and close_to_ath",
    "grade > 3",
    "grade like 'grade%'",
    "spread is null",
    "volume is not null and volume > 1000",
    "dj.a = 1 or rare is not null",
    "nb.status = 'failed'",
    "not (distance > 0.3)",
    "threshold = 0.1 and symbol in ('AAA', 'BCD', 'XYZ')",
    "param.symbol ~ '^[A-M]' and distance / threshold < 2",
    "prices.rows > 3",
    "prices.columns = 3 or chart is null",
    "huge > 1e20",
)
_OVER_TIME = (
    "previous(distance)",
    "previous(grade)",
    "change(distance)",
    "first(symbol)",
    "streak(nb.status != 'completed')",
    "since(distance < 0.5)",
    "previous(dj.a)",
)
_SHOWN = ("notebook", "nb.status", *NAMES, "threshold", "prices", "chart")
_GROUPS = (("symbol", "count() as n, mean(distance), min(distance), max(grade)"), ("nb.status", "count() as n"))


class History(NamedTuple):
    """A store, what lay there after each night, and a moment between its index and the next night."""

    store: Path
    past: list[Mapping[str, bytes]]
    moments: list[str]

    def versions(self) -> dict[str, list[Version]]:
        return referee.versions(self.past)


def keep(directory: Path, count: int, tickers: tuple[str, ...] = nights.TICKERS) -> Iterator[History]:
    """Play a history, index after each night, and yield what there is then: the same history, which grows."""
    history = History(directory / "scraps.db", [], [])
    for files in nights.play(directory / "nights", count, tickers):
        index(history.store, [str(directory / "nights")], keep=Retention(), workers=1)
        history.past.append({f"nights/{name}": content for name, content in files.items()})
        history.moments.append(nights.now())
        yield history


def versions(history: History) -> int:
    """See that versions, their times and values are those of the files that were saved; return how many there are."""
    found = {}
    with closing(sqlite3.connect(history.store)) as connection:
        columns = "v.id, v.path, v.version, v.notebook_id, v.previous, v.since, v.until, n.content_hash, n.status"
        for row in connection.execute(
            f"SELECT {columns} FROM versions AS v JOIN version_notebooks AS n USING (id) ORDER BY v.path, v.version"
        ):
            found[row[1:3]] = row
    expected = [version for those in history.versions().values() for version in those]
    assert [*found] == [(version.path, version.number) for version in expected]
    for version in expected:
        _, _, _, notebook, previous, since, until, content, status = found[version.path, version.number]
        before = found.get((version.path, version.number - 1))
        assert (content, previous) == (version.hash, before and before[0])
        assert _is_between(since, history.moments, version.first), f"{version[:2]} began {since}"
        assert (until is None, notebook is None) == (version.until is None, version.until is not None)
        assert version.until is None or _is_between(until, history.moments, version.until), f"{version[:2]}: {until}"
        assert status == _status(version)
    return len(expected)


def of_nights(history: History, numbers: Iterable[int]) -> int:
    """See what the store says as of some nights; return how many values were compared."""
    found = history.versions()
    compared = 0
    for number in numbers:
        then = Database(history.store).at(history.moments[number])
        compared += _values(then, referee.as_of(found, number), ("notebook",))
    return compared


def of_versions(history: History) -> int:
    """See what the store says of every version; return how many values were compared."""
    expected = [version for those in history.versions().values() for version in those]
    return _values(Database(history.store).versions(), expected, ("notebook", "nb.version"))


def over_time(history: History) -> int:
    """See what functions over time say of every version, and of those that are there now; return how many values."""
    columns = ["notebook", "nb.version", *_OVER_TIME]
    expected, current = [], []
    for those in history.versions().values():
        rows = [_over_time(those[: number + 1], history) for number in range(len(those))]
        expected += rows
        current += rows[-1:] if those[-1].until is None else []
    for db, wanted in ((Database(history.store).versions(), expected), (Database(history.store), current)):
        ours = [plain(row) for row in db.query(None, columns, sort=["notebook", "nb.version"]).rows()]
        assert ours == wanted, _unlike(ours, wanted)
    return (len(expected) + len(current)) * len(columns)


def _over_time(those: list[Version], history: History) -> tuple[Any, ...]:
    """What they should say of the last of some versions of a notebook."""
    last, before = those[-1], those[-2] if len(those) > 1 else None
    now, was = _number(last.value("distance")), _number(before and before.value("distance"))
    count, _ = referee.streak(those, lambda version: _status(version) != "completed")
    _, close = referee.streak(those, lambda version: _is_less(version.value("distance"), 0.5))
    return plain(
        [
            *(last.path, last.number, before and before.value("distance"), before and before.value("grade")),
            *(None if now is None or was is None else now - was, those[0].value("symbol"), count),
            *(
                None if close is None else _since(history, close),
                before and before.value("dj") and before.value("dj")["a"],
            ),
        ]
    )


def _number(value: Any) -> Any:
    return None if value is None or math.isnan(value) else value


def like_then(history: History, number: int, directory: Path) -> int:
    """See that all answers as of a night are those of a store of what lay there; return how many rows were compared."""
    fresh = _store(directory / f"night {number}", history.past[number])
    past = Past(history.moments[number])
    compared = _tables(history.store, past, fresh, "path")
    return compared + _answers(Database(history.store, past), Database(fresh))


def like_files(history: History, directory: Path) -> int:
    """See that versions have all rows that their files have as notebooks; return how many rows were compared."""
    those = [version for versions in history.versions().values() for version in versions]
    files = {f"{version.path}@{version.number}.ipynb": version.content for version in those}
    fresh = _store(directory / "versions", files)
    named = "(SELECT v.path || '@' || v.version || '.ipynb' FROM main.versions AS v WHERE v.id = n.id)"
    return _tables(history.store, EVERY_VERSION, fresh, named)


def _values(looking: Database, expected: list[Version], keys: tuple[str, ...]) -> int:
    """Compare values, conditions and frames with what scrapbook reads."""
    known = {row["name"] for row in looking.fields()}
    names = [name for name in NAMES if name in known]
    rows = looking.query(None, columns=[*keys, "nb.status", *names], sort=keys).rows()
    ours = [plain(row) for row in rows]
    wanted = [plain([*_key(version, keys), _status(version), *map(version.value, names)]) for version in expected]
    assert ours == wanted, _unlike(ours, wanted)
    close = [version for version in expected if _is_less(version.value("distance"), 0.1)]
    rows = looking.query("distance < 0.1", columns=keys, sort=keys).rows()
    assert [tuple(row) for row in rows] == [_key(version, keys) for version in close]
    assert looking.count("distance < 0.1") == len(close)
    assert looking.count("nb.status = 'failed'") == sum(_status(version) == "failed" for version in expected)
    return len(expected) * len(names) + len(close) + _frames(looking, expected) + _displays(looking, expected)


def _frames(looking: Database, expected: list[Version]) -> int:
    with_frames = [version.saved.frames["prices"] for version in expected if version.saved and version.saved.frames]
    if not with_frames:
        return 0
    table = looking.frame("prices")
    wanted = pd.concat(with_frames, ignore_index=True)
    pd.testing.assert_frame_equal(table[wanted.columns].reset_index(drop=True), wanted, check_dtype=False)
    return len(wanted)


def _displays(looking: Database, expected: list[Version]) -> int:
    sql = """SELECT n.path, mime_type, d.hash FROM displays AS d JOIN notebooks AS n ON n.id = d.notebook_id
               JOIN names ON names.id = name_id WHERE name = 'chart' AND mime_type = 'image/png'"""
    import base64

    shown = Counter(
        (version.path, "image/png", hashlib.sha256(base64.b64decode(data)).hexdigest())
        for version in expected
        if version.saved
        for (name, mime), data in version.saved.displays.items()
        if (name, mime) == ("chart", "image/png")
    )
    assert Counter(tuple(row) for row in looking.sql(sql).rows()) == shown
    return len(shown)


def _tables(store: Path, past: Past, fresh: Path, path: str) -> int:
    """Compare the rows of all tables that are kept, but for ids and the times of files."""
    compared = 0
    with reading(store, past) as then, closing(sqlite3.connect(fresh)) as now:
        for table in KEPT:
            key = "id" if table == "notebooks" else "notebook_id"
            columns = [row[1] for row in now.execute(f"PRAGMA table_info({table})")]
            shown = [
                "(SELECT name FROM names WHERE names.id = t.name_id)" if column == "name_id" else f"t.{column}"
                for column in columns
                if column not in {key, "id", "path", "mtime", "mtime_ns", "etag"}
            ]
            sql = f"SELECT {{}}, {', '.join(shown)} FROM notebooks AS n CROSS JOIN {table} AS t ON t.{key} = n.id"
            theirs = Counter(map(repr, now.execute(sql.format("n.path"))))
            ours = Counter(map(repr, then.execute(sql.format(f"n.{path}" if path == "path" else path))))
            assert ours == theirs, f"{table}: {[*(ours - theirs)][:2]} is not {[*(theirs - ours)][:2]}"
            compared += theirs.total()
    return compared


def _answers(then: Database, now: Database) -> int:
    """Compare answers to all questions of which the store that knows no versions has the names."""
    compared = 0
    shown = [column for column in _SHOWN if _answer(now, None, columns=column) is not None]
    asked: list[tuple[str | None, dict[str, Any]]] = [
        (question, {"columns": shown, "sort": "-distance"}) for question in (None, *QUESTIONS)
    ]
    for question, how in (*asked, *((None, {"columns": columns, "by": by}) for by, columns in _GROUPS)):
        theirs = _answer(now, question, **how)
        if theirs is not None:
            ours = _answer(then, question, **how)
            assert ours == theirs, f"{question} {how}: {_unlike(ours or [], theirs)}"
            compared += len(theirs)
    return compared


def _answer(db: Database, question: str | None, **how: Any) -> list[tuple[Any, ...]] | None:
    try:
        return [plain(row) for row in db.query(question, **how).rows()]
    except ExpressionError:  # a name that no notebook had then, or that was of another type
        return None


def _store(directory: Path, files: Mapping[str, bytes]) -> Path:
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    store = directory / "scraps.db"
    index(store, [str(directory)], workers=1)
    return store


def _since(history: History, version: Version) -> str:
    """Read since when a version is there, which `versions` holds against the nights."""
    sql = "SELECT since FROM versions WHERE path = ? AND version = ?"
    return str(query(history.store, sql, version.path, version.number)[0][0])


def _status(version: Version) -> str:
    return "unreadable" if version.saved is None else "failed" if version.saved.failed else "completed"


def _key(version: Version, keys: tuple[str, ...]) -> tuple[Any, ...]:
    return (version.path, version.number)[: len(keys)]


def _is_less(value: Any, other: float) -> bool:
    return isinstance(value, int | float) and value < other


def _is_between(moment: str, moments: list[str], number: int) -> bool:
    return (moments[number - 1] if number else "") < moment <= moments[number]


def _unlike(ours: list[Any], theirs: list[Any]) -> str:
    """Show the first rows that differ."""
    pairs = zip_longest(ours, theirs)
    return next((f"{one} is not {other}" for one, other in pairs if one != other), "")


def plain(row: Iterable[Any]) -> tuple[Any, ...]:
    """Make values comparable: NaN is itself, and a frame or display is what it shows, not of which notebook."""
    cells = (str(value) if isinstance(value, FrameCell | DisplayCell) else value for value in row)
    return tuple("NaN" if isinstance(value, float) and math.isnan(value) else value for value in cells)
