"""Stores to ask questions of, made without notebooks: ten random values each, and if wanted two long texts besides.

A store is a pure function of its number of notebooks and of characters. It is kept, since a million take minutes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scrapdb.formats.parquet import arrow_table
from scrapdb.store.runs import quoted
from scrapdb.store.runs import rechoose
from scrapdb.store.schema import VERSION
from scrapdb.store.upkeep import settle
from scrapdb.store.write import Writer

NAMES = ("distance", "close", "last", "first", "symbol", "sector", "volume", "dj", "threshold", "maybe", "log", "notes")
ID = {name: index for index, name in enumerate(NAMES, 1)}
DIRECTORY = Path(".cache/benchmarks")
_TEXTS = ("log", "notes")
_NUMBERS = ("distance", "last", "first", "volume", "maybe")
_BATCH = 20_000  # notebooks
_INDEXES = ("scraps_by_value", "parameters_by_value")  # made when all rows are there
_STATUS = ("completed", "failed", "partial")
_VERSIONS = """
INSERT INTO versions (id, path, version, notebook_id, previous, since, until)
SELECT id + :before, path, :version, CASE WHEN :last THEN id END,
       CASE WHEN :version > 1 THEN id + :before - :count END,
       printf('2026-10-%02dT00:00:00.000000Z', :version),
       CASE WHEN NOT :last THEN printf('2026-10-%02dT00:00:00.000000Z', :version + 1) END
  FROM notebooks"""
_OTHER = "CASE WHEN type = 'float' AND NOT :last THEN number * :version / 20 ELSE number END"
Values = dict[str, list[Any]]  # by name, one of each notebook; None if it has none


def kept(directory: Path, count: int, characters: int) -> Path:
    """Return the store of so many notebooks with two texts of so many characters each; it is made if there is none."""
    store = directory / f"schema {VERSION}, {count} notebooks, {characters} characters.db"
    if not store.exists():
        directory.mkdir(parents=True, exist_ok=True)
        unfinished = store.with_suffix(f".{os.getpid()}")
        fill(unfinished, count, characters)
        unfinished.rename(store)
    return store


def remembering(store: Path, versions: int) -> Path:
    """Return a store like another one that has so many versions of each notebook; it is made if there is none."""
    kept = store.with_name(f"{store.stem}, {versions} versions.db")
    if not kept.exists():
        unfinished = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(store, unfinished)
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
            for pragma in ("journal_mode = OFF", "synchronous = OFF"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN")
            _remember(connection, versions)
            connection.execute("COMMIT")
        with Writer(unfinished) as writer:
            settle(writer)
        unfinished.rename(kept)
    return kept


def _remember(connection: sqlite3.Connection, versions: int) -> None:
    """Write versions of all notebooks, each of another day with other numbers, of which the last is what is there."""
    (count,) = connection.execute("SELECT count(*) FROM notebooks").fetchone()
    connection.execute("INSERT INTO settings VALUES ('keep', '{}')")
    for version in range(1, versions + 1):
        bound = {"before": count * (version - 1), "version": version, "last": version == versions, "count": count}
        connection.execute(_VERSIONS, bound)
        for table in ("notebooks", "scraps", "parameters"):
            key = "id" if table == "notebooks" else "notebook_id"
            columns = [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
            shown = [f"{name} + :before" if name == key else _OTHER if name == "number" else name for name in columns]
            connection.execute(f"INSERT INTO version_{table} SELECT {', '.join(shown)} FROM {table}", bound)  # noqa: S608
    connection.execute(
        "INSERT INTO version_name_types SELECT name_id, role, type, notebooks * ? FROM name_types", (versions,)
    )


def parquet(store: Path) -> Path:
    """Return the wide table of a store as a parquet file beside it; it is made if there is none."""
    file = store.with_suffix(".parquet")
    if not file.exists():
        unfinished = store.with_suffix(f".{os.getpid()}")
        with closing(sqlite3.connect(store)) as connection:
            runs = connection.execute("SELECT * FROM runs ORDER BY nb_id")
            names = [column[0] for column in runs.description]
            first = arrow_table(names, runs.fetchmany(_BATCH))
            with pq.ParquetWriter(unfinished, first.schema) as writer:
                writer.write_table(first)
                while rows := runs.fetchmany(_BATCH):
                    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
                    writer.write_table(pa.Table.from_pydict(columns, first.schema))
        unfinished.rename(file)
    return file


def fill(store: Path, count: int, characters: int = 0) -> None:
    """Write the tables that a question reads."""
    with Writer(store):
        pass
    chance = np.random.default_rng(1)
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -500000", "temp_store = FILE"):
            connection.execute(f"PRAGMA {pragma}")
        indexes = [_taken_away(connection, index) for index in _INDEXES]
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO names (id, name) VALUES (?, ?)", [(id_, name) for name, id_ in ID.items()])
        for first in range(1, count + 1, _BATCH):
            ids = range(first, min(first + _BATCH, count + 1))
            _write(connection, ids, _notebooks(ids, chance), _values(ids, count, chance, characters))
        _count_types(connection)
        for index in indexes:
            connection.execute(index)
        connection.execute("COMMIT")
    with Writer(store) as writer:
        settle(writer)


def _taken_away(connection: sqlite3.Connection, index: str) -> str:
    (sql,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (index,)).fetchone()
    connection.execute(f"DROP INDEX {index}")
    return str(sql)


def _notebooks(ids: range, chance: np.random.Generator) -> list[tuple[Any, ...]]:
    count = len(ids)
    months, days, hours = (chance.integers(1, end, count).tolist() for end in (12, 29, 24))
    times = [
        f"2026-{month:02}-{day:02}T{hour:02}:00:00.000000Z"
        for month, day, hour in zip(months, days, hours, strict=True)
    ]
    paths = [f"tickers/{id_ // 1000:04}/run-{id_:07}.ipynb" for id_ in ids]
    statuses = chance.choice(_STATUS, count, p=(0.9, 0.07, 0.03)).tolist()
    return list(zip(ids, paths, statuses, times, (chance.random(count) * 100).tolist(), strict=True))


def _values(ids: range, count: int, chance: np.random.Generator, characters: int) -> Values:
    size = len(ids)
    first = chance.random(size) * 100 + 1
    maybe = zip((chance.random(size) < 0.1).tolist(), chance.random(size).tolist(), strict=True)
    found = {
        "distance": chance.random(size).tolist(),
        "close": (chance.random(size) < 0.2).astype(int).tolist(),
        "last": (first * (0.5 + chance.random(size))).tolist(),
        "first": first.tolist(),
        "symbol": [f"S{number:05}" for number in chance.integers(0, count // 40 + 1, size).tolist()],
        "sector": chance.choice(["tech", "energy", "bank", "food"], size).tolist(),
        "volume": (chance.random(size) * 1e6).tolist(),
        "dj": [f'{{"a":{number},"list":[1,2,3]}}' for number in chance.integers(0, 10, size).tolist()],
        "maybe": [value if is_there else None for is_there, value in maybe],
        "threshold": chance.choice([0.1, 0.2, 0.3], size).tolist(),
    }
    for name in _TEXTS if characters else ():
        found[name] = [f"{name} of {id_}: ".ljust(characters, "x") for id_ in ids]
    return found


def _write(connection: sqlite3.Connection, ids: range, notebooks: list[tuple[Any, ...]], values: Values) -> None:
    connection.executemany(
        "INSERT INTO notebooks (id, path, status, started_at, seconds) VALUES (?, ?, ?, ?, ?)", notebooks
    )
    connection.executemany(
        "INSERT INTO scraps (notebook_id, name_id, type, number, text, json, encoder, size, cell, output)"
        " VALUES (?, ?, ?, ?, ?, ?, 'json', 10, 1, 0)",
        _scraps(ids, values),
    )
    connection.executemany(
        "INSERT INTO parameters (notebook_id, name_id, type, number, source, shadowed)"
        " VALUES (?, ?, 'float', ?, 'injected', 0)",
        ((id_, ID["threshold"], value) for id_, value in zip(ids, values["threshold"], strict=True)),
    )
    if ids[0] == 1:
        rechoose(connection)  # makes the columns
        return
    columns = [name for (name,) in connection.execute("SELECT name FROM pragma_table_info('runs')")]
    fixed, named = columns[:5], [name for name in columns if name in values]
    connection.executemany(
        f"INSERT INTO runs ({', '.join([*fixed, *map(quoted, named)])})"  # noqa: S608 (ours)
        f" VALUES ({', '.join('?' * (len(fixed) + len(named)))})",
        ((*notebook, *cells) for notebook, *cells in zip(notebooks, *(values[name] for name in named), strict=True)),
    )


def _scraps(ids: range, values: Values) -> Iterator[tuple[Any, ...]]:
    """Yield rows in the order of the table."""
    columns = [(ID[name], name, values[name]) for name in NAMES if name in values and name != "threshold"]
    for place, id_ in enumerate(ids):
        for name_id, name, column in columns:
            value = column[place]
            if name in _NUMBERS:
                if value is not None:
                    yield id_, name_id, "float", value, None, None
            elif name == "close":
                yield id_, name_id, "boolean", value, None, None
            elif name == "dj":
                yield id_, name_id, "json", None, None, value
            else:
                yield id_, name_id, "text", None, value, None


def _count_types(connection: sqlite3.Connection) -> None:
    for role, table in (("scrap", "scraps"), ("parameter", "parameters")):
        connection.execute(
            f"INSERT INTO name_types SELECT name_id, '{role}', type, count(*) FROM {table} GROUP BY 1, 3"  # noqa: S608
        )
        connection.execute(
            f"UPDATE names SET type = 'number', {table} = (SELECT coalesce(sum(notebooks), 0)"  # noqa: S608
            f" FROM name_types WHERE name_id = id AND role = '{role}')"
        )
