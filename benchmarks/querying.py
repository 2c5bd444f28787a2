"""How long a query takes: the whole process beside `--version`, and the query inside beside SQL written by hand."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from typing import NamedTuple

import scrapdb
from benchmarks.racing import Measured
from benchmarks.racing import Row
from benchmarks.racing import race
from benchmarks.racing import scrapdb as command
from scrapdb.database import Database
from scrapdb.store.runs import rechoose
from scrapdb.store.upkeep import settle
from scrapdb.store.write import Writer

_ROUNDS = 5
_PROCESSES = 21
_CHARACTERS = 1_000  # of a long text
_MOST_LONG = 100_000  # notebooks with two of them, which take 23 KB each
_NAMES = ("distance", "close", "last", "first", "symbol", "sector", "volume", "dj", "threshold", "maybe")
_TEXTS = ("log", "notes")
_ID = {name: index for index, name in enumerate((*_NAMES, *_TEXTS), 1)}


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
        f" WHERE d.name_id = {_ID[driving]} AND {where} ORDER BY {order}"
    )


def _with(**names: str) -> str:
    return " ".join(
        f"LEFT JOIN scraps {alias} ON {alias}.notebook_id = n.id AND {alias}.name_id = {_ID[name]}"
        for alias, name in names.items()
    )


def _has(table: str, name: str, condition: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {table} a WHERE a.notebook_id = d.notebook_id"  # noqa: S608 (ours)
        f" AND a.name_id = {_ID[name]} AND {condition})"
    )


def _of(name: str, condition: str) -> str:
    return f"SELECT notebook_id AS id FROM scraps WHERE name_id = {_ID[name]} AND {condition}"  # noqa: S608 (ours)


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
_SMALL = 0.005  # seconds, below which an answer is mostly Python's


def measure(directory: Path, count: int = 100_000) -> Iterator[Row]:
    """Make a store of so many notebooks, and one with long texts, and yield the lines of the table."""
    store, long = directory / f"query {count}.db", directory / f"query {count} long.db"
    fill(store, count)
    yield from _processes(store, count)
    yield from _inside(store, f"{count:,}")
    if count <= _MOST_LONG:
        fill(long, count, _CHARACTERS)
        yield from _inside(long, f"{count:,} with long texts")


def fill(store: Path, count: int, characters: int = 0) -> None:
    """Write the tables that a query reads: random values, and for each notebook two texts of so many characters."""
    with Writer(store):
        pass
    chance = random.Random(1)  # noqa: S311 (values, no secrets)
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany("INSERT INTO names (id, name) VALUES (?, ?)", [(id_, name) for name, id_ in _ID.items()])
        connection.executemany(
            "INSERT INTO notebooks (id, path, status, started_at, seconds) VALUES (?, ?, ?, ?, ?)",
            (_notebook(id_, chance) for id_ in range(1, count + 1)),
        )
        connection.executemany(
            "INSERT INTO scraps (notebook_id, name_id, type, number, text, json, encoder, size, cell, output)"
            " VALUES (?, ?, ?, ?, ?, ?, 'json', 10, 1, 0)",
            (row for id_ in range(1, count + 1) for row in (*_scraps(id_, count, chance), *_texts(id_, characters))),
        )
        connection.executemany(
            "INSERT INTO parameters (notebook_id, name_id, type, number, source, shadowed)"
            " VALUES (?, 9, 'float', ?, 'injected', 0)",
            ((id_, chance.choice([0.1, 0.2, 0.3])) for id_ in range(1, count + 1)),
        )
        for role, table in (("scrap", "scraps"), ("parameter", "parameters")):
            connection.execute(
                f"INSERT INTO name_types SELECT name_id, '{role}', type, count(*) FROM {table} GROUP BY 1, 3"  # noqa: S608
            )
            connection.execute(
                f"UPDATE names SET type = 'number', {table} = (SELECT coalesce(sum(notebooks), 0)"  # noqa: S608
                f" FROM name_types WHERE name_id = id AND role = '{role}')"
            )
    with Writer(store) as writer:
        with writer.transaction():
            rechoose(writer.connection)
        settle(writer)


def _notebook(id_: int, chance: random.Random) -> tuple[Any, ...]:
    started = f"2026-{chance.randint(1, 11):02}-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:00:00.000000Z"
    (status,) = chance.choices(["completed", "failed", "partial"], [90, 7, 3])
    return id_, f"tickers/{id_ // 1000:04}/run-{id_:07}.ipynb", status, started, chance.random() * 100


def _scraps(id_: int, count: int, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    first = chance.random() * 100 + 1
    numbers = {
        "distance": chance.random(),
        "last": first * (0.5 + chance.random()),
        "first": first,
        "volume": chance.random() * 1e6,
    }
    if chance.random() < 0.1:  # noqa: PLR2004 (a tenth)
        numbers["maybe"] = chance.random()
    yield from ((id_, _ID[name], "float", number, None, None) for name, number in numbers.items())
    yield id_, _ID["close"], "boolean", int(chance.random() < 0.2), None, None  # noqa: PLR2004 (a fifth)
    yield id_, _ID["symbol"], "text", None, f"S{chance.randint(0, count // 40):05}", None
    yield id_, _ID["sector"], "text", None, chance.choice(["tech", "energy", "bank", "food"]), None
    yield id_, _ID["dj"], "json", None, None, f'{{"a":{chance.randint(0, 9)},"list":[1,2,3]}}'


def _texts(id_: int, characters: int) -> Iterator[tuple[Any, ...]]:
    for name in _TEXTS if characters else ():
        yield id_, _ID[name], "text", None, f"{name} of {id_}: ".ljust(characters, "x"), None


def _processes(store: Path, count: int) -> Iterator[Row]:
    query = command("--db", str(store), "query", "distance < 0.001", "-c", "symbol,distance")
    contenders = {"version": command("--version"), "csv": [*query, "--csv"], "table": [*query, "--format", "table"]}
    results = race(contenders, _PROCESSES, lambda: None)
    for name, bar in (("csv", "≤ 1.3"), ("table", "≤ 1.5")):
        ours, theirs = results[name], results["version"]
        work = f"scrapdb query, {name}, {count:,} notebooks"
        yield Row(work, "scrapdb --version", _milliseconds(ours), _milliseconds(theirs), ours.times(theirs), bar)


def _milliseconds(measured: Measured) -> str:
    return f"{measured.seconds * 1000:.0f} ms"


def _inside(store: Path, of: str) -> Iterator[Row]:
    db = scrapdb.open(store)
    for case in _CASES:
        ours, rows = _best(partial(_by_scrapdb, db, case))
        contenders = {
            "SQL by hand over runs": _best(partial(_by_hand, store, case.wide)),
            "SQL by hand over scraps": _best(partial(_by_hand, store, _counted(case))),
        }
        for name, (_, expected) in contenders.items():
            if rows != expected:
                sys.exit(f"{case.expression}: {len(rows)} rows, {name} {len(expected)}.")
        against, (theirs, _) = min(contenders.items(), key=lambda contender: contender[1][0])
        bar = "≤ 1.5" if theirs < _SMALL else "≤ 1.3"
        yield Row(
            _work(case, rows, of), against, f"{ours * 1000:.1f} ms", f"{theirs * 1000:.1f} ms", ours / theirs, bar
        )


def _counted(case: _Case) -> str:
    return case.narrow if case.columns else f"SELECT count(*) FROM ({case.narrow})"  # noqa: S608 (ours)


def _work(case: _Case, rows: list[tuple[Any, ...]], of: str) -> str:
    question = f"`{case.expression}`" if case.expression else f"`-c '{case.columns}'`"
    if case.limit:
        question += f", the first {case.limit} by `{case.sort}`"
    return f"{question}, {len(rows):,} of {of}" if case.columns else f"{question}, counting {rows[0][0]:,} of {of}"


def _by_scrapdb(db: Database, case: _Case) -> list[tuple[Any, ...]]:
    if case.columns is None:
        return [(db.count(case.expression),)]
    return [tuple(row) for row in db.query(case.expression, case.columns, case.sort, case.limit).rows()]


def _by_hand(store: Path, sql: str) -> list[tuple[Any, ...]]:
    """Open the file and ask, as somebody's script would."""
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(sql).fetchall()


def _best(ask: Callable[[], Any]) -> tuple[float, Any]:
    """Take the least of the processor's time, which others on the machine change least."""
    times = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        answer = ask()
        times.append(time.process_time() - began)
    return min(times), answer
