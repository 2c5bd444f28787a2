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
_NAMES = ("distance", "close", "last", "first", "symbol", "sector", "volume", "dj", "threshold", "maybe")
_TEXTS = ("log", "notes")
_ID = {name: index for index, name in enumerate((*_NAMES, *_TEXTS), 1)}


class _Case(NamedTuple):
    expression: str | None
    columns: str
    sort: str
    limit: int | None
    sql: str


def _sql(columns: str, driving: str, where: str, order: str = "n.path", joined: str = "") -> str:
    """Write the SQL that somebody would who knows the tables: the driving row out of the index, then the others."""
    return (
        f"SELECT {columns} FROM scraps d JOIN notebooks n ON n.id = d.notebook_id {joined}"  # noqa: S608 (ours)
        f" WHERE d.name_id = {_ID[driving]} AND {where} ORDER BY {order}"
    )


def _with(alias: str, name: str) -> str:
    return f"LEFT JOIN scraps {alias} ON {alias}.notebook_id = n.id AND {alias}.name_id = {_ID[name]}"


def _has(table: str, name: str, condition: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {table} a WHERE a.notebook_id = d.notebook_id"  # noqa: S608 (ours)
        f" AND a.name_id = {_ID[name]} AND {condition})"
    )


_NEAREST = "d.number, n.path"
_CASES = (
    _Case(
        "distance < 0.001",
        "symbol, distance",
        "distance",
        None,
        _sql("s.text, d.number", "distance", "d.number < 0.001", _NEAREST, _with("s", "symbol")),
    ),
    _Case(
        "distance < 0.1",
        "symbol, distance",
        "",
        None,
        _sql("s.text, d.number", "distance", "d.number < 0.1", joined=_with("s", "symbol")),
    ),
    _Case(
        "distance < 0.1 and close",
        "symbol, distance",
        "distance",
        None,
        _sql(
            "s.text, d.number",
            "distance",
            f"d.number < 0.1 AND {_has('scraps', 'close', 'a.number = 1')}",
            _NEAREST,
            _with("s", "symbol"),
        ),
    ),
    _Case(
        'symbol in ("S00001", "S00002", "S00003")',
        "notebook, last",
        "",
        None,
        _sql(
            "n.path, l.number",
            "symbol",
            "d.number IS NULL AND d.text IN ('S00001', 'S00002', 'S00003')",
            joined=_with("l", "last"),
        ),
    ),
    _Case(
        "threshold = 0.1 and distance < 0.001",
        "notebook",
        "",
        None,
        _sql("n.path", "distance", f"d.number < 0.001 AND {_has('parameters', 'threshold', 'a.number = 0.1')}"),
    ),
    _Case(
        "last / first > 1.1",
        "notebook",
        "",
        None,
        "SELECT n.path FROM scraps a CROSS JOIN scraps b ON b.notebook_id = a.notebook_id AND b.name_id = 4"
        " JOIN notebooks n ON n.id = a.notebook_id WHERE a.name_id = 3 AND a.number / b.number > 1.1 ORDER BY n.path",
    ),
    _Case("dj.a = 1", "notebook", "", None, _sql("n.path", "dj", "json_extract(d.json, '$.a') = 1")),
    _Case(
        None,
        "symbol, distance",
        "distance",
        20,
        _sql("s.text, d.number", "distance", "1", _NEAREST, _with("s", "symbol")) + " LIMIT 20",
    ),
    _Case(
        "maybe is null",
        "notebook",
        "",
        None,
        "SELECT path FROM notebooks n"
        " WHERE NOT EXISTS (SELECT 1 FROM scraps s WHERE s.notebook_id = n.id AND s.name_id = 10) ORDER BY path",
    ),
    _Case(
        "nb.status = 'failed'",
        "notebook, distance",
        "",
        None,
        "SELECT n.path, d.number FROM notebooks n LEFT JOIN scraps d ON d.notebook_id = n.id AND d.name_id = 1"
        " WHERE n.status = 'failed' ORDER BY n.path",
    ),
)


def measure(directory: Path, count: int = 100_000) -> Iterator[Row]:
    """Make a store of so many notebooks and yield the lines of the table."""
    store = directory / f"query {count}.db"
    fill(store, count)
    yield from _processes(store, count)
    yield from _inside(store, count)


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


def _inside(store: Path, count: int) -> Iterator[Row]:
    db = scrapdb.open(store)
    for case in _CASES:
        theirs, expected = _best(partial(_by_hand, store, case))
        ours, rows = _best(partial(_by_scrapdb, db, case))
        if rows != expected:
            sys.exit(f"{case.expression}: {len(rows)} rows, by hand {len(expected)}.")
        question = case.expression or f"the first {case.limit} by {case.sort}"
        work = f"`{question}`, {len(expected):,} of {count:,}"
        yield Row(work, "SQL by hand", f"{ours * 1000:.1f} ms", f"{theirs * 1000:.1f} ms", ours / theirs, "≤ 1.5")


def _by_scrapdb(db: Database, case: _Case) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.query(case.expression, case.columns, case.sort, case.limit).rows()]


def _by_hand(store: Path, case: _Case) -> list[tuple[Any, ...]]:
    """Open the file and ask, as somebody's script would."""
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(case.sql).fetchall()


def _best(ask: Callable[[], Any]) -> tuple[float, Any]:
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        answer = ask()
        times.append(time.perf_counter() - began)
    return min(times), answer
