"""What stands in stores, comparing them, and seeing that one is whole: by plain SQL on tables, never through scrapdb.

Nothing here names a column of values: tables, columns and references are read from the database itself, so that what
is added to the schema is compared too.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

Rows = Counter[str]
_NAMES = {"notebooks": "path", "names": "name"}  # tables that others refer to by an id, and what stands for it
# Rows of names and blobs that nothing uses any more: `gc` removes them, and an undisturbed store never had them.
_USED = {
    "names": "scraps > 0 OR parameters > 0",
    "name_types": "notebooks > 0",
    "run_columns": "name_id IN (SELECT id FROM names WHERE scraps > 0 OR parameters > 0)",
    "blobs": "hash IN (SELECT hash FROM displays UNION ALL SELECT hash FROM frames)",
}
_PAST = ("settings", "version")  # tables whose names begin so tell how a store has come to what it is
_LONG = 64  # bytes and characters; longer values are compared by their SHA-256


def query(store: Path, sql: str, *bound: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(sql, bound).fetchall()


def runs(store: Path) -> dict[str, dict[str, Any]]:
    """The wide table: by notebook the columns that are set."""
    with closing(sqlite3.connect(store)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM runs")]
    return {row["notebook"]: {column: value for column, value in row.items() if value is not None} for row in rows}


def contents(store: Path, *, used: bool = False) -> dict[str, Rows]:
    """Read the rows of every table, as texts without ids; on request without those that nothing uses any more.

    The texts of the search table, which is made on request, are in no order.
    """
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("BEGIN")
        conditions = _USED if used else {"name_types": _USED["name_types"]}
        found = {
            table: Counter(map(repr, _rows(connection, table, conditions.get(table, "true"))))
            for table in _tables(connection)
        }
        found["runs"] = Counter(map(repr, _runs(connection)))
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'search'").fetchone():
            texts = connection.execute("SELECT path, error, texts FROM search")
            found["search"] = Counter(
                repr((path, error, sorted((text or "").split("\n")))) for path, error, text in texts
            )
        return found


def compare(one: Path, two: Path) -> int:
    """See that two stores hold the same; ids, the order of columns and what nothing uses may differ.

    Search tables are compared if both stores have one, and what was there before is not.

    Returns:
        How many rows were compared.

    Raises:
        AssertionError: they do not; it says where, with a row.
    """
    first, second = contents(one, used=True), contents(two, used=True)
    optional = {"search"} - (first.keys() & second.keys())
    tables = {table for table in first.keys() | second.keys() if not table.startswith(_PAST)}
    for table in sorted(tables - optional):
        left, right = first.get(table, Counter()), second.get(table, Counter())
        for store, surplus in ((one, left - right), (two, right - left)):
            example = next(iter(surplus), "")
            assert not surplus, f"{table}: {surplus.total()} rows are only in {store.name}, such as {example[:1000]}"
    return sum(first[table].total() for table in tables & first.keys())


def check(store: Path) -> int:
    """See that a store is whole: no damage, no dangling row, right counts, `runs` as the values, sidecars as named.

    Its versions too: none is twice, or lasts while another does, and those that are there now are what is there now.

    Returns:
        How many sidecars were read.

    Raises:
        AssertionError: it is not.
    """
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("BEGIN")
        for pragma in ("integrity_check", "foreign_key_check"):
            found = [row for row in connection.execute(f"PRAGMA {pragma}") if row != ("ok",)]
            assert not found, f"PRAGMA {pragma} of {store.name} finds {found[:3]}"
        for what, sql in _HOLD_NO_ROWS.items():
            found = connection.execute(sql).fetchmany(3)
            assert not found, f"{store.name}: {what}: {found}"
        for table in _OF_NOTEBOOKS:
            found = connection.execute(_unlike(connection, table)).fetchmany(3)
            assert not found, f"{store.name}: {table} of notebooks are not those of their versions: {found}"
        for name, column, name_id, kind in _columns(connection):
            found = connection.execute(_shown_otherwise(column, kind), {"name": name_id}).fetchmany(3)
            assert not found, f"{store.name}: `runs` shows {name!r} otherwise than it is: {found}"
        named = connection.execute(f"SELECT DISTINCT hash, size FROM {_FRAMES} WHERE stored = 'sidecar'").fetchall()
    for digest, size in named:
        _whole_sidecar(sidecar(store, digest), digest, size)
    return len(named)


def sidecar(store: Path, digest: str) -> Path:
    """Name the file of a frame, as docs/store.md says it."""
    return store.with_name(f"{store.name}-frames") / digest[:2] / f"{digest}.parquet"


def unnamed(store: Path) -> list[Path]:
    """Find the files among the sidecars that no row names."""
    with closing(sqlite3.connect(store)) as connection:
        named = {sidecar(store, digest) for (digest,) in connection.execute(f"SELECT hash FROM {_FRAMES}")}
    return [path for path in sidecars(store) if path not in named]


def sidecars(store: Path) -> list[Path]:
    """Find the files in the directory of the sidecars."""
    return sorted(path for path in store.with_name(f"{store.name}-frames").rglob("*") if path.is_file())


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    return [name for (name,) in rows if not name.startswith(("sqlite_", "search_")) and name != "runs"]


def _rows(connection: sqlite3.Connection, table: str, condition: str) -> Iterator[list[Any]]:
    """Give the rows of a table, references replaced by what they name, and without an id of their own."""
    references = {row[3]: row[2] for row in connection.execute(f"PRAGMA foreign_key_list({table})")}
    shown = []
    for _, column, _, _, _, key in connection.execute(f"PRAGMA table_info({table})").fetchall():
        if (target := references.get(column)) in _NAMES:
            shown.append(f'(SELECT {_NAMES[target]} FROM {target} WHERE {target}.id = {table}."{column}")')
        elif not (key and column == "id"):
            shown.append(f'"{column}"')
    for row in connection.execute(f"SELECT {', '.join(shown)} FROM {table} WHERE {condition}"):
        yield [_short(value) for value in row]


def _runs(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Give the rows of the wide table: the columns that are set."""
    cursor = connection.execute("SELECT * FROM runs")
    columns = sorted((column[0], place) for place, column in enumerate(cursor.description) if column[0] != "nb_id")
    for row in cursor:
        yield {column: _short(row[place]) for column, place in columns if row[place] is not None}


def _unlike(connection: sqlite3.Connection, table: str) -> str:
    """Write the SQL for rows of notebooks that are not among those of their versions, and the other way round.

    Times of files may have changed since, without their content.
    """
    key = "id" if table == "notebooks" else "notebook_id"
    left_out = {key, "id", "mtime", "mtime_ns", "etag"} if table in {"notebooks", "problems"} else {key}
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in left_out]
    shown = ", ".join(f't."{column}"' for column in columns)
    now = f"SELECT v.path, {shown} FROM {table} AS t JOIN versions AS v ON v.notebook_id = t.{key}"
    kept = f"SELECT v.path, {shown} FROM version_{table} AS t JOIN versions AS v ON v.id = t.{key}"
    kept = f"{kept} WHERE v.notebook_id IS NOT NULL"
    return f"SELECT * FROM ({now} EXCEPT {kept}) UNION ALL SELECT * FROM ({kept} EXCEPT {now})"


def _short(value: Any) -> Any:
    if isinstance(value, str | bytes) and len(value) > _LONG:
        return hashlib.sha256(value if isinstance(value, bytes) else value.encode()).hexdigest()
    return value


def _whole_sidecar(path: Path, digest: str, size: int) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AssertionError(f"A row names a sidecar that cannot be read: {error}") from error
    assert len(content) == size, f"The sidecar {path.name} has {len(content)} bytes, its row says {size}."
    assert hashlib.sha256(content).hexdigest() == digest, f"The sidecar {path.name} is not what its name says."


def _columns(connection: sqlite3.Connection) -> list[tuple[str, str, int, str]]:
    sql = 'SELECT name, "column", names.id, kind FROM run_columns JOIN names ON names.id = name_id'
    return connection.execute(sql).fetchall()


def _shown_otherwise(column: str, kind: str) -> str:
    """Write the SQL for runs in which a plain value stands otherwise than among the scraps, else the parameters."""
    quoted = '"' + column.replace('"', '""') + '"'
    types = "('integer', 'float', 'boolean')" if kind == "number" else f"('{kind}')"
    kind = "json_extract(exact, '$')" if kind == "expression" else kind
    return f"""
SELECT runs.notebook, runs.{quoted}, of.value FROM runs JOIN
  (SELECT notebook_id, type, {kind} AS value FROM scraps WHERE name_id = :name
    UNION ALL
   SELECT notebook_id, type, {kind} FROM parameters WHERE name_id = :name AND NOT shadowed) AS of
    ON of.notebook_id = runs.nb_id
 WHERE of.type IN {types} AND length(of.value) < 4096 AND runs.{quoted} IS NOT of.value"""


_OF_NOTEBOOKS = ("notebooks", "scraps", "parameters", "displays", "frames", "records", "reports", "problems")
_FRAMES = "(SELECT hash, size, stored FROM frames UNION SELECT hash, size, stored FROM version_frames)"
_VALUES = """
(SELECT notebook_id, name_id, 'scrap' AS role, type, number, json FROM scraps UNION ALL
 SELECT notebook_id, name_id, 'parameter', type, number, json FROM parameters)"""
_KEPT_VALUES = _VALUES.replace("FROM ", "FROM version_")
_MISCOUNTED = """
SELECT * FROM (SELECT name_id, role, type, count(*) FROM {values} GROUP BY 1, 2, 3 EXCEPT SELECT * FROM {counts})
 UNION ALL
SELECT * FROM (SELECT * FROM {counts} WHERE notebooks <> 0
               EXCEPT SELECT name_id, role, type, count(*) FROM {values} GROUP BY 1, 2, 3)"""
_HOLD_NO_ROWS = {
    "counts of types are wrong": _MISCOUNTED.format(values=_VALUES, counts="name_types"),
    "counts of types of versions are wrong": _MISCOUNTED.format(values=_KEPT_VALUES, counts="version_name_types"),
    "versions are twice": "SELECT path, version FROM versions GROUP BY 1, 2 HAVING count(*) > 1",
    "versions end before they begin": "SELECT path, version, since, until FROM versions WHERE until < since",
    "kept versions last at the same time": """
SELECT a.path, a.version, a.since, a.until, b.version, b.since, b.until FROM versions AS a
  JOIN versions AS b ON b.path = a.path AND b.version > a.version
 WHERE a.commit_hash IS NULL AND b.commit_hash IS NULL AND (a.until IS NULL OR a.until > b.since)""",
    "kept versions that are there now have ended, or others have not": """
SELECT path, version, until, notebook_id FROM versions
 WHERE commit_hash IS NULL AND (until IS NULL) <> (notebook_id IS NOT NULL)
    OR notebook_id NOT IN (SELECT id FROM notebooks)""",
    "versions follow others of their notebook than the one before": """
SELECT a.path, a.version, b.path, b.version FROM versions AS a JOIN versions AS b ON b.id = a.previous
 WHERE a.commit_hash IS NULL AND (a.path <> b.path OR a.version <= b.version OR EXISTS (
         SELECT 1 FROM versions AS c WHERE c.path = a.path AND c.commit_hash IS NULL
            AND c.version > b.version AND c.version < a.version))""",
    "notebooks of a store that keeps versions have none": """
SELECT path FROM notebooks WHERE EXISTS (SELECT 1 FROM settings WHERE name = 'keep')
   AND id NOT IN (SELECT notebook_id FROM versions WHERE notebook_id IS NOT NULL)""",
    "versions have no rows": "SELECT path, version FROM versions WHERE id NOT IN (SELECT id FROM version_notebooks)",
    "versions are half gone": "SELECT path FROM version_notebooks WHERE id NOT IN (SELECT id FROM versions)",
    "names are gone that versions have": f"""
SELECT name_id FROM {_KEPT_VALUES} WHERE name_id NOT IN (SELECT id FROM names)""",
    "counts of names are wrong": """
SELECT name, scraps, parameters FROM names
 WHERE scraps <> (SELECT count(*) FROM scraps WHERE name_id = id)
    OR parameters <> (SELECT count(*) FROM parameters WHERE name_id = id)""",
    "types of names are wrong": f"""
SELECT name, type, kinds FROM names LEFT JOIN
  (SELECT name_id, group_concat(DISTINCT CASE type WHEN 'integer' THEN 'number' WHEN 'float' THEN 'number'
                                                   ELSE type END) AS kinds
     FROM {_VALUES} WHERE type NOT IN ('null', 'expression') GROUP BY name_id) ON name_id = id
 WHERE type IS NOT CASE WHEN kinds LIKE '%,%' THEN 'mixed' WHEN kinds IS NOT NULL THEN kinds
                        WHEN id IN (SELECT name_id FROM parameters WHERE type = 'expression') THEN 'expression'
                        WHEN scraps + parameters > 0 THEN 'null' END""",
    "notebooks are not in `runs`": "SELECT path FROM notebooks WHERE id NOT IN (SELECT nb_id FROM runs)",
    "notebooks are half there": """
SELECT path, status FROM notebooks
 WHERE status = 'unreadable' AND id NOT IN (SELECT notebook_id FROM problems)
    OR status <> 'unreadable' AND content_hash IS NULL
   AND id NOT IN (SELECT notebook_id FROM problems WHERE kind = 'outdated')""",
    "a number is none": f"SELECT * FROM {_VALUES} WHERE typeof(number) NOT IN ('null', 'integer', 'real')",
    "JSON is none": f"SELECT * FROM {_VALUES} WHERE json IS NOT NULL AND NOT json_valid(json)",
    "frames miss their bytes": """
SELECT hash FROM (SELECT * FROM frames UNION ALL SELECT * FROM version_frames)
 WHERE stored = 'inline' AND hash NOT IN (SELECT hash FROM blobs)""",
    "displays miss their bytes": """
SELECT hash FROM (SELECT hash FROM displays UNION ALL SELECT hash FROM version_displays)
 WHERE hash NOT IN (SELECT hash FROM blobs)""",
}
