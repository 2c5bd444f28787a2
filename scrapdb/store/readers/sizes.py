"""Adding up bytes: of payloads and displays in the notebooks, and of what the store keeps of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any


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
                         FROM (SELECT DISTINCT hash, size FROM frames WHERE stored = 'sidecar')""",
    }
    return {name: int(connection.execute(sql).fetchone()[0]) for name, sql in sums.items()}


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
