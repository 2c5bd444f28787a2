"""Adding up bytes: of payloads and displays in the notebooks, and of what the store keeps of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

from scrapdb.store import schema

_OF_VERSIONS = "version"  # so the names of tables begin
# What only versions name, in tables that say which bytes those are.
_ONLY_OF_VERSIONS = """
SELECT coalesce(sum({size}), 0) FROM {bytes}
 WHERE hash NOT IN (SELECT hash FROM displays UNION ALL SELECT hash FROM frames)"""


class OfVersions(NamedTuple):
    """What versions of notebooks take: how many there are, of how many notebooks, and of what only they name the bytes.

    `tables` is None where SQLite cannot tell how large a table is.
    """

    versions: int
    notebooks: int
    tables: int | None
    blobs: int
    sidecars: int


def sizes_by(connection: sqlite3.Connection, by: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """Read bytes by `notebook`, `scrap` or `encoder`, largest first: column names and rows.

    `bytes` is what payloads and displays take in the notebooks, `inline` and `sidecar` what they take in the store.
    """
    cursor = connection.execute(_SIZES[by])
    return [column[0] for column in cursor.description], iter(cursor)


def totals(connection: sqlite3.Connection) -> dict[str, int]:
    """Count the notebooks, and the bytes of their `files`, of their `scraps`, of the `store` and of its `sidecars`."""
    sums = {
        "notebooks": "SELECT count(*) FROM notebooks",
        "files": "SELECT coalesce(sum(size), 0) FROM notebooks",
        "scraps": "SELECT coalesce(sum(size), 0) FROM scraps",
        "store": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "sidecars": """SELECT coalesce(sum(size), 0)
                         FROM (SELECT hash, size FROM frames WHERE stored = 'sidecar'
                                UNION SELECT hash, size FROM version_frames WHERE stored = 'sidecar')""",
    }
    return {name: int(connection.execute(sql).fetchone()[0]) for name, sql in sums.items()}


def of_versions(connection: sqlite3.Connection) -> OfVersions | None:
    """Count the versions that are kept, and what they take; None if there are none."""
    count, notebooks = connection.execute("SELECT count(*), count(DISTINCT path) FROM main.versions").fetchone()
    if not count:
        return None
    blobs = _ONLY_OF_VERSIONS.format(size="length(data)", bytes="blobs")
    sidecars = _ONLY_OF_VERSIONS.format(
        size="size", bytes="(SELECT DISTINCT hash, size FROM version_frames WHERE stored = 'sidecar')"
    )
    in_blobs, in_sidecars = (int(connection.execute(sql).fetchone()[0]) for sql in (blobs, sidecars))
    return OfVersions(count, notebooks, _of_tables(connection), in_blobs, in_sidecars)


def _of_tables(connection: sqlite3.Connection) -> int | None:
    """Add up the pages of the tables of versions, and of their indexes (https://www.sqlite.org/dbstat.html)."""
    names = [name for name in schema.tables() if name.startswith(_OF_VERSIONS)]
    marks = ", ".join("?" * len(names))
    try:
        (pages,) = connection.execute(
            f"""SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE
                   AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name IN ({marks}))""",
            names,
        ).fetchone()
    except sqlite3.OperationalError:  # it has been compiled without
        return None
    return int(pages)


_STORED = """
WITH kept AS (
  SELECT notebook_id, name_id, iif(stored = 'inline', size, 0) AS inline, iif(stored = 'sidecar', size, 0) AS sidecar
    FROM frames
   UNION ALL
  SELECT notebook_id, name_id, size, 0 FROM displays
), stored AS (
  SELECT notebook_id, name_id, sum(inline) AS inline, sum(sidecar) AS sidecar FROM kept GROUP BY notebook_id, name_id
)
"""
_SUMS = (
    "coalesce(sum(scraps.size), 0) AS bytes, coalesce(sum(inline), 0) AS inline, coalesce(sum(sidecar), 0) AS sidecar"
)
_SIZES = {
    "scrap": f"""{_STORED}
        SELECT name AS scrap, count(*) AS notebooks, {_SUMS}, max(scraps.size) AS largest
          FROM scraps JOIN names ON names.id = scraps.name_id LEFT JOIN stored USING (notebook_id, name_id)
         GROUP BY name ORDER BY bytes DESC, name""",
    "encoder": f"""{_STORED}
        SELECT encoder, count(*) AS scraps, {_SUMS}, max(scraps.size) AS largest
          FROM scraps LEFT JOIN stored USING (notebook_id, name_id)
         GROUP BY encoder ORDER BY bytes DESC, encoder""",
    "notebook": f"""{_STORED}
        SELECT path AS notebook, notebooks.size AS file, {_SUMS}, count(scraps.name_id) AS scraps
          FROM notebooks LEFT JOIN scraps ON scraps.notebook_id = notebooks.id
          LEFT JOIN stored USING (notebook_id, name_id)
         GROUP BY notebooks.id ORDER BY file DESC, path""",
}
