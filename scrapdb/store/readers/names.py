"""Reading names: which are in use, what they stand for, and which vary."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import islice
from typing import Any

from scrapdb.store import past
from scrapdb.store.values import ids_as_json
from scrapdb.text import composed

_TRIED, _LOOKED_AT = 20, 1000  # numbers of the past that may vary, and how many values of each
_EXAMPLES = 3
_LONGEST_EXAMPLE = 40  # characters
# Two rows if a parameter has two values now, also where the past is looked at, which has no index: the least and the
# greatest, off the index, which knows neither JSON nor expressions; of these the first thousand have to do.
_TWO_VALUES = (
    """
SELECT * FROM (SELECT number, text FROM main.parameters WHERE name_id = ?1 ORDER BY number, text LIMIT 1)
UNION
SELECT * FROM (SELECT number, text FROM main.parameters WHERE name_id = ?1 ORDER BY number DESC, text DESC LIMIT 1)""",
    """
SELECT DISTINCT value FROM (
  SELECT coalesce(json, exact) AS value
    FROM main.parameters WHERE name_id = ? AND number IS NULL AND text IS NULL LIMIT 1000
)
LIMIT 2""",
)

PARAMETERS = """\
SELECT name, differs FROM (
  SELECT name_id, count(*) AS notebooks,
         count(DISTINCT parameters.type) > 1
         OR count(DISTINCT coalesce(exact, number, text, parameters.json, '')) > 1 AS differs
    FROM json_each(:notebooks) AS found CROSS JOIN parameters ON notebook_id = found.value GROUP BY name_id
) JOIN names ON names.id = name_id ORDER BY notebooks DESC, name_id"""
_EXPRESSIONS = """
SELECT DISTINCT json_extract(exact, '$') FROM (
  SELECT exact, type FROM parameters WHERE name_id = ? AND number IS NULL AND text IS NULL LIMIT 1000
)
WHERE type = 'expression' LIMIT ?"""
# At a moment; the dictionary counts all versions.
_WERE_USED = "id IN (SELECT name_id FROM scraps UNION SELECT name_id FROM parameters)"
_ALL_RANGES = "SELECT name_id, group_concat(DISTINCT type), count(*), min(number), max(number) FROM {} GROUP BY name_id"
_ALL_EXAMPLES = """
SELECT name_id, text FROM (
  SELECT name_id, text, row_number() OVER (PARTITION BY name_id ORDER BY text) AS place
    FROM (SELECT DISTINCT name_id, text FROM {} WHERE number IS NULL AND text > ''))
 WHERE place <= ? ORDER BY name_id, place"""


def names_starting_with(connection: sqlite3.Connection, start: str, limit: int = -1) -> list[str]:
    """Read the names in use that begin so."""
    rows = connection.execute(
        "SELECT name FROM names WHERE type IS NOT NULL AND substr(name, 1, length(?1)) = ?1 ORDER BY name LIMIT ?2",
        (composed(start), limit),
    )
    return [name for (name,) in rows]


def commonest_numbers(connection: sqlite3.Connection, limit: int) -> list[str]:
    """Read the names that stand for numbers in the most notebooks, but for those that always stand for the same."""
    if past.of(connection) is not None:
        return list(islice(_varying_numbers(connection), limit))
    rows = connection.execute(
        """SELECT name FROM names WHERE type = 'number' AND (
             (SELECT min(number) FROM scraps WHERE name_id = names.id)
           < (SELECT max(number) FROM scraps WHERE name_id = names.id)
          OR (SELECT min(number) FROM parameters WHERE name_id = names.id)
           < (SELECT max(number) FROM parameters WHERE name_id = names.id)
           ) ORDER BY scraps + parameters DESC, name LIMIT ?""",
        (limit,),
    )
    return [name for (name,) in rows]


def _varying_numbers(connection: sqlite3.Connection) -> Iterator[str]:
    """Read the same of the past, which has no index: by the first values of those that are commonest."""
    commonest = "SELECT id, name FROM names WHERE type = 'number' ORDER BY scraps + parameters DESC, name LIMIT ?"
    for name_id, name in connection.execute(commonest, (_TRIED,)).fetchall():
        for table in ("scraps", "parameters"):
            few = f"SELECT number FROM {table} WHERE name_id = ? LIMIT {_LOOKED_AT}"
            if connection.execute(f"SELECT min(number) < max(number) FROM ({few})", (name_id,)).fetchone()[0]:
                yield name
                break


def roles_of_name(connection: sqlite3.Connection, name: str) -> list[tuple[int, str, str, str, int, int]]:
    """Read what a name stands for: its id, itself, a role, a type, in how many notebooks it has both; and `whole`."""
    return connection.execute(
        """SELECT names.id, names.name, name_types.role, name_types.type, name_types.notebooks, names.whole
             FROM names JOIN name_types ON name_types.name_id = names.id WHERE names.name = ?""",
        (name,),
    ).fetchall()


def run_columns_of(connection: sqlite3.Connection, name_id: int) -> tuple[tuple[str, str], ...]:
    """Read which columns of `runs` show a name: number, text or expression, and what the column is called."""
    return tuple(connection.execute('SELECT kind, "column" FROM run_columns WHERE name_id = ?', (name_id,)))


def used_names(connection: sqlite3.Connection) -> list[str]:
    """Read the names in use, the first ones first."""
    looked_at = past.of(connection)
    used = "scraps > 0 OR parameters > 0" if looked_at is None or looked_at == past.EVERY_VERSION else _WERE_USED
    rows = connection.execute(f"SELECT name FROM names WHERE {used} ORDER BY id")
    return [name for (name,) in rows]


def parameters_of(connection: sqlite3.Connection, notebooks: Sequence[int]) -> dict[str, bool]:
    """Read which parameters some notebooks have, and whether they do not have one and the same value in all of them."""
    return dict(connection.execute(PARAMETERS, {"notebooks": ids_as_json(notebooks)}).fetchall())


def varying_parameters(connection: sqlite3.Connection, looked_at: int) -> Iterator[str]:
    """Read which of the commonest parameters do not have one and the same value in all notebooks."""
    rows = connection.execute(
        """SELECT id, name, 1 = (
             SELECT count(*) FROM name_types WHERE name_id = names.id AND role = 'parameter' AND notebooks > 0
           )
             FROM names WHERE parameters > 0 ORDER BY parameters DESC, id LIMIT ?""",
        (looked_at,),
    )
    for name_id, name, has_one_type in rows:
        if not has_one_type or any(len(connection.execute(sql, (name_id,)).fetchall()) > 1 for sql in _TWO_VALUES):
            yield name


def name_summaries(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Read every name in each of its roles: name, role, type, notebooks, min, max, examples."""
    if past.of(connection) is not None:
        yield from _summaries_of_past(connection)
        return
    rows = connection.execute(
        """SELECT names.id, name, role, sum(notebooks), group_concat(DISTINCT name_types.type)
             FROM names JOIN name_types ON name_types.name_id = names.id
            WHERE notebooks > 0 GROUP BY names.id, role ORDER BY name, role DESC"""
    )
    for name_id, name, role, notebooks, types in rows:
        smallest, largest = number_range(connection, role, name_id, "number IS NOT NULL")
        examples = _examples(connection, role, name_id, expressions="expression" in types)
        yield name, role, types.replace(",", ", "), notebooks, smallest, largest, examples


def _summaries_of_past(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Read the same in one pass through all values, since the past has no index to look names up in."""
    names = dict(connection.execute("SELECT id, name FROM main.names"))
    found = []
    for role in ("scrap", "parameter"):
        examples: dict[int, list[str]] = {}
        for name_id, text in connection.execute(_ALL_EXAMPLES.format(f"{role}s"), (_EXAMPLES,)):
            examples.setdefault(name_id, []).append(text)
        for name_id, types, *told in connection.execute(_ALL_RANGES.format(f"{role}s")).fetchall():
            texts = _shown(connection, name_id, examples.get(name_id, []), expressions="expression" in types)
            found.append((names[name_id], role, ", ".join(sorted(types.split(","))), *told, texts))
    yield from sorted(found, key=lambda row: row[0])


def number_range(connection: sqlite3.Connection, role: str, name_id: int, condition: str) -> list[float | None]:
    """Read the smallest and the largest number of a name that meet a condition of SQL, off the index."""
    return [
        connection.execute(
            f"SELECT {function}(number) FROM {role}s WHERE name_id = ? AND {condition}", (name_id,)
        ).fetchone()[0]
        for function in ("min", "max")
    ]


def _examples(connection: sqlite3.Connection, role: str, name_id: int, *, expressions: bool) -> str | None:
    """Read the first few distinct texts of a name, off the index, and if there are too few its expressions."""
    found: list[str] = []
    while len(found) < _EXAMPLES:
        (text,) = connection.execute(
            f"SELECT min(text) FROM {role}s WHERE name_id = ? AND number IS NULL AND text > ?",
            (name_id, found[-1] if found else ""),
        ).fetchone()
        if text is None:
            break
        found.append(text)
    return _shown(connection, name_id, found, expressions=expressions)


def _shown(connection: sqlite3.Connection, name_id: int, found: list[str], *, expressions: bool) -> str | None:
    if expressions and len(found) < _EXAMPLES:
        sources = connection.execute(_EXPRESSIONS, (name_id, _EXAMPLES - len(found)))
        found += [source for (source,) in sources]
    shown = (text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1]}…" for text in found)
    return ", ".join(shown) or None
