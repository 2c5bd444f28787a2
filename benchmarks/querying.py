"""How long a query takes: the whole process beside `--version`, and the query inside beside SQL written by hand."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import closing
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from typing import NamedTuple

import duckdb
import pandas as pd

import scrapdb
from benchmarks import stores
from benchmarks.racing import Measured
from benchmarks.racing import Row
from benchmarks.racing import race
from benchmarks.racing import scrapdb as command
from scrapdb.database import Database

_LEAST, _ROUNDS, _ENOUGH = 3, 25, 5.0  # times that each is asked, and seconds after which it is enough
_PATIENCE = 60.0  # seconds, by the clock on the wall
_SLOW, _TIMES = 0.1, 4  # seconds, and times the least, of which nothing more is to be known
_PROCESSES = 21
_CHARACTERS = 1_000  # of a long text
_COLUMNS = ("notebook", "nb_status")
Rows = Sequence[Sequence[Any]]


class _Case(NamedTuple):
    """A question; and how somebody would ask it who knows the tables, over `runs` and over `scraps`."""

    expression: str | None
    columns: str | None  # None: how many there are
    sort: str
    limit: int | None
    wide: str
    narrow: str


def _wide(columns: str, where: str = "1", order: str = "notebook") -> str:
    return f"SELECT {columns} FROM runs WHERE {where} ORDER BY {order}"  # noqa: S608 (ours)


def _narrow(columns: str, driving: str, where: str, order: str = "n.path", joined: str = "") -> str:
    """Write the driving row out of the index, then the others."""
    return (
        f"SELECT {columns} FROM scraps d JOIN notebooks n ON n.id = d.notebook_id {joined}"  # noqa: S608 (ours)
        f" WHERE d.name_id = {stores.ID[driving]} AND {where} ORDER BY {order}"
    )


def _with(**names: str) -> str:
    return " ".join(
        f"LEFT JOIN scraps {alias} ON {alias}.notebook_id = n.id AND {alias}.name_id = {stores.ID[name]}"
        for alias, name in names.items()
    )


def _has(table: str, name: str, condition: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {table} a WHERE a.notebook_id = d.notebook_id"  # noqa: S608 (ours)
        f" AND a.name_id = {stores.ID[name]} AND {condition})"
    )


def _of(name: str, condition: str) -> str:
    return f"SELECT notebook_id AS id FROM scraps WHERE name_id = {stores.ID[name]} AND {condition}"  # noqa: S608 (ours)


_SHOWN, _PAIR = "symbol, distance", "s.text, d.number"
_SYMBOLS = "('S00001', 'S00002', 'S00003')"
_CLOSE = _has("scraps", "close", "a.number = 1")
_RATIO = "scraps a CROSS JOIN scraps b ON b.notebook_id = a.notebook_id AND b.name_id = 4"
_RISEN = "a.name_id = 3 AND a.number / b.number > 1.1"
_FEW, _TENTH, _MANY = "distance < 0.001", "distance < 0.1", "distance < 0.9"
_CASES = (
    _Case(
        *(_FEW, _SHOWN, "distance", None, _wide(_SHOWN, _FEW, "distance, notebook")),
        _narrow(_PAIR, "distance", "d.number < 0.001", "d.number, n.path", _with(s="symbol")),
    ),
    _Case(
        *(_TENTH, _SHOWN, "", None, _wide(_SHOWN, _TENTH)),
        _narrow(_PAIR, "distance", "d.number < 0.1", joined=_with(s="symbol")),
    ),
    _Case(
        *(_MANY, _SHOWN, "", None, _wide(_SHOWN, _MANY)),
        _narrow(_PAIR, "distance", "d.number < 0.9", joined=_with(s="symbol")),
    ),
    _Case(
        *(f"{_TENTH} and close", _SHOWN, "distance", None),
        _wide(_SHOWN, f"{_TENTH} AND close", "distance, notebook"),
        _narrow(_PAIR, "distance", f"d.number < 0.1 AND {_CLOSE}", "d.number, n.path", _with(s="symbol")),
    ),
    _Case(
        *('symbol in ("S00001", "S00002", "S00003")', "notebook, last", "", None),
        _wide("notebook, last", f"symbol IN {_SYMBOLS}"),
        _narrow("n.path, l.number", "symbol", f"d.number IS NULL AND d.text IN {_SYMBOLS}", joined=_with(l="last")),
    ),
    _Case(
        *(f"threshold = 0.1 and {_FEW}", "notebook", "", None),
        _wide("notebook", f"threshold = 0.1 AND {_FEW}"),
        _narrow("n.path", "distance", f"d.number < 0.001 AND {_has('parameters', 'threshold', 'a.number = 0.1')}"),
    ),
    _Case(
        *("sector = 'tech' and last > 50", _SHOWN, "", None),
        _wide(_SHOWN, "sector = 'tech' AND last > 50"),
        _narrow(
            *("s.text, x.number", "sector"),
            f"d.number IS NULL AND d.text = 'tech' AND {_has('scraps', 'last', 'a.number > 50')}",
            joined=_with(s="symbol", x="distance"),
        ),
    ),
    _Case(
        *(f'{_FEW} or symbol = "S00001"', _SHOWN, "", None),
        _wide(_SHOWN, f"{_FEW} OR symbol = 'S00001'"),
        f"SELECT s.text, d.number FROM ({_of('distance', 'number < 0.001')} UNION"  # noqa: S608 (ours)
        f" {_of('symbol', 'number IS NULL AND text = {}'.format(repr('S00001')))}) i JOIN notebooks n ON n.id = i.id"
        f" {_with(s='symbol', d='distance')} ORDER BY n.path",
    ),
    _Case(
        *("last / first > 1.1", "notebook", "", None, _wide("notebook", "last / first > 1.1")),
        f"SELECT n.path FROM {_RATIO} JOIN notebooks n ON n.id = a.notebook_id"  # noqa: S608 (ours)
        f" WHERE {_RISEN} ORDER BY n.path",
    ),
    _Case(
        *("dj.a = 1", "notebook", "", None, _wide("notebook", "json_extract(dj, '$.a') = 1")),
        _narrow("n.path", "dj", "json_extract(d.json, '$.a') = 1"),
    ),
    _Case(
        *("maybe is null", "notebook", "", None, _wide("notebook", "maybe IS NULL")),
        f"SELECT path FROM notebooks WHERE id NOT IN ({_of('maybe', '1')}) ORDER BY path",  # noqa: S608 (ours)
    ),
    _Case(
        *("nb.status = 'failed'", "notebook, distance", "", None),
        _wide("notebook, distance", "nb_status = 'failed'"),
        f"SELECT n.path, d.number FROM notebooks n {_with(d='distance')}"  # noqa: S608 (ours)
        " WHERE n.status = 'failed' ORDER BY n.path",
    ),
    _Case(
        *(None, "notebook, symbol, distance, last, first, volume", "", None),
        _wide("notebook, symbol, distance, last, first, volume"),
        "SELECT n.path, s.text, d.number, l.number, f.number, v.number FROM notebooks n"  # noqa: S608 (ours)
        f" {_with(s='symbol', d='distance', l='last', f='first', v='volume')} ORDER BY n.path",
    ),
    _Case(
        *(None, _SHOWN, "distance", 10, _wide(_SHOWN, order="distance, notebook LIMIT 10")),
        _narrow(_PAIR, "distance", "1", "d.number, n.path LIMIT 10", _with(s="symbol")),
    ),
    _Case(
        *("distance < 0.5", "notebook, last", "-last", 10),
        _wide("notebook, last", "distance < 0.5", "last DESC, notebook LIMIT 10"),
        _narrow(
            *("n.path, d.number", "last", f"+{_has('scraps', 'distance', 'a.number < 0.5')}"),
            "d.number DESC, n.path LIMIT 10",
        ),
    ),
    _Case(_FEW, None, "", None, _wide("count(*)", _FEW, "1"), _of("distance", "number < 0.001")),
    _Case(_TENTH, None, "", None, _wide("count(*)", _TENTH, "1"), _of("distance", "number < 0.1")),
    _Case(
        *(f"{_TENTH} and close", None, "", None, _wide("count(*)", f"{_TENTH} AND close", "1")),
        f"SELECT notebook_id FROM scraps d WHERE name_id = 1 AND number < 0.1 AND {_CLOSE}",  # noqa: S608 (ours)
    ),
    _Case(
        *("last / first > 1.1", None, "", None, _wide("count(*)", "last / first > 1.1", "1")),
        f"SELECT 1 FROM {_RATIO} WHERE {_RISEN}",  # noqa: S608 (ours)
    ),
)
_MASKS: dict[str, Callable[[pd.DataFrame], pd.Series[bool]]] = {
    _FEW: lambda runs: runs["distance"] < 0.001,
    _TENTH: lambda runs: runs["distance"] < 0.1,
    "distance < 0.5": lambda runs: runs["distance"] < 0.5,
    _MANY: lambda runs: runs["distance"] < 0.9,
    f"{_TENTH} and close": lambda runs: (runs["distance"] < 0.1) & (runs["close"] == 1),
    'symbol in ("S00001", "S00002", "S00003")': lambda runs: runs["symbol"].isin(["S00001", "S00002", "S00003"]),
    f"threshold = 0.1 and {_FEW}": lambda runs: (runs["threshold"] == 0.1) & (runs["distance"] < 0.001),
    "sector = 'tech' and last > 50": lambda runs: (runs["sector"] == "tech") & (runs["last"] > 50),
    f'{_FEW} or symbol = "S00001"': lambda runs: (runs["distance"] < 0.001) | (runs["symbol"] == "S00001"),
    "last / first > 1.1": lambda runs: runs["last"] / runs["first"] > 1.1,
    "dj.a = 1": lambda runs: runs["dj"].map(lambda text: json.loads(text).get("a")) == 1,
    "maybe is null": lambda runs: runs["maybe"].isna(),
    "nb.status = 'failed'": lambda runs: runs["nb_status"] == "failed",
}
_SMALL = 0.005  # seconds, below which an answer is mostly Python's


def measure(_: Path, count: int = 100_000) -> Iterator[Row]:
    """Ask a store of so many notebooks, and one with long texts besides, and yield the lines of the table."""
    store = stores.kept(stores.DIRECTORY, count, 0)
    yield from _processes(store, count)
    yield from _inside(store, f"{count:,}")
    yield from _inside(stores.kept(stores.DIRECTORY, count, _CHARACTERS), f"{count:,} with long texts")


def _processes(store: Path, count: int) -> Iterator[Row]:
    query = command("--db", str(store), "query", "distance < 0.001", "-c", "symbol,distance")
    contenders = {"version": command("--version"), "csv": [*query, "--csv"], "table": [*query, "--format", "table"]}
    results = {name: found.of_processor() for name, found in race(contenders, _PROCESSES, lambda: None).items()}
    for name, bar in (("csv", "≤ 1.3"), ("table", "≤ 1.5")):
        ours, theirs = results[name], results["version"]
        work = f"scrapdb query, {name}, {count:,} notebooks"
        yield Row(work, "scrapdb --version", _milliseconds(ours), _milliseconds(theirs), ours.times(theirs), bar)


def _milliseconds(measured: Measured) -> str:
    return f"{measured.seconds * 1000:.0f} ms"


def _inside(store: Path, of: str) -> Iterator[Row]:
    db, parquet = scrapdb.open(store), stores.parquet(store)
    for case in _CASES:
        contenders = {
            "scrapdb": partial(_by_scrapdb, db, case),
            "SQL by hand over scraps": partial(_by_hand, store, _counted(case)),
            "SQL by hand over runs": partial(_by_hand, store, case.wide),
            "DuckDB": partial(_by_duckdb, parquet, case.wide),
            "pandas": partial(_by_pandas, parquet, case),
        }
        times, answers = _best(contenders)
        rows, ours = answers["scrapdb"], times.pop("scrapdb")
        if wrong := {name: found for name, found in answers.items() if found != rows}:
            sys.exit(f"{case.expression}: {rows}, {wrong}.")
        beside = ", ".join(f"{name} {times.pop(name) * 1000:.1f} ms" for name in ("DuckDB", "pandas"))
        against, theirs = min(times.items(), key=lambda contender: contender[1])
        bar = "≤ 1.5" if theirs < _SMALL else "≤ 1.3"
        work = _work(case, rows.notebooks, of)
        yield Row(work, against, f"{ours * 1000:.1f} ms", f"{theirs * 1000:.1f} ms", ours / theirs, bar, beside)


def _counted(case: _Case) -> str:
    return case.narrow if case.columns else f"SELECT count(*) FROM ({case.narrow})"  # noqa: S608 (ours)


def _work(case: _Case, count: int, of: str) -> str:
    question = f"`{case.expression}`" if case.expression else f"`-c '{case.columns}'`"
    if case.limit:
        question += f", the first {case.limit} by `{case.sort}`"
    return f"{question}, {count:,} of {of}" if case.columns else f"{question}, counting {count:,} of {of}"


def _by_scrapdb(db: Database, case: _Case) -> Rows:
    if case.columns is None:
        return [(db.count(case.expression),)]
    return list(db.query(case.expression, case.columns, case.sort, case.limit).rows())


def _by_hand(store: Path, sql: str) -> Rows:
    """Open the file and ask, as somebody's script would; nothing if it takes too long, for lack of memory perhaps."""
    ends = time.monotonic() + _PATIENCE
    with closing(sqlite3.connect(store)) as connection, suppress(sqlite3.OperationalError):
        connection.set_progress_handler(lambda: time.monotonic() > ends, 1_000_000)
        return connection.execute(sql).fetchall()
    return []


def _by_duckdb(parquet: Path, sql: str) -> Rows:
    with closing(duckdb.connect()) as connection:
        connection.execute(f"CREATE VIEW runs AS SELECT * FROM '{parquet}'")  # noqa: S608 (ours)
        rows: Rows = connection.execute(sql).fetchall()
        return rows


def _by_pandas(parquet: Path, case: _Case) -> Rows:
    key, shown = case.sort.removeprefix("-"), (case.columns or "").split(", ")
    words = re.findall(r"[a-z_]+", f"{case.expression} {case.columns} {key} notebook".replace("nb.", "nb_"))
    frame = pd.read_parquet(parquet, columns=[name for name in (*stores.NAMES, *_COLUMNS) if name in words])
    if case.expression:
        frame = frame[_MASKS[case.expression](frame)]
    if case.columns is None:
        return [(len(frame),)]
    keys = [key, "notebook"] if key else ["notebook"]
    frame = frame.sort_values(keys, ascending=[not case.sort.startswith("-"), True][-len(keys) :])
    return list(frame[shown].head(case.limit or len(frame)).itertuples(index=False, name=None))


class _Answer(NamedTuple):
    """How many notebooks there are in an answer, and what tells it from others."""

    notebooks: int
    digest: int


def _best(contenders: Mapping[str, Callable[[], Rows]]) -> tuple[dict[str, float], dict[str, _Answer]]:
    """Ask in turn, and take the least of the processor's time of each, which others on the machine change least.

    Who takes many times the least of all is asked once, and has no answer if nobody waited for it.
    """
    times = dict.fromkeys(contenders, math.inf)
    answers = {}
    began = time.process_time()
    for round_ in range(_ROUNDS):
        if round_ >= _LEAST and time.process_time() - began > _ENOUGH:
            break
        # Forwards and backwards, so that nobody always comes after one who has emptied the processor's caches.
        for name, ask in list(contenders.items())[:: -1 if round_ % 2 else 1]:
            if name != "scrapdb" and math.inf > times[name] > max(_SLOW, _TIMES * min(times.values())):
                continue
            before = time.process_time()
            rows = ask()
            if not rows:
                times[name] = _PATIENCE
                continue
            times[name] = min(times[name], time.process_time() - before)
            count = rows[0][0] if len(rows) == len(rows[0]) == 1 else len(rows)
            answers[name] = _Answer(count, hash(tuple(map(tuple, rows))))
    return times, answers
