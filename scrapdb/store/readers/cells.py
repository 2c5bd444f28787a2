"""Reading the scraps and parameters of some notebooks, as the store has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from scrapdb.store.values import ids_as_json

# With more names it is quicker to read all that a notebook has than to look each of them up.
_FEW_NAMES = 8
# What the names of the tables of versions begin with, also where `scraps` are those of notebooks as they were.
OF_VERSIONS = "main.version_"
# The value in a row of `scraps` or `parameters`; of a frame its size, of a display its MIME types.
_CELLS = """\
SELECT v.notebook_id, v.name_id, 'scrap', v.type, coalesce(v.number, v.text, v.json, CASE v.type
 WHEN 'frame' THEN (SELECT json_array(rows, columns) FROM {of}frames
  WHERE notebook_id = v.notebook_id AND name_id = v.name_id)
 WHEN 'display' THEN (SELECT json_group_array(mime_type) FROM {of}displays
  WHERE notebook_id = v.notebook_id AND name_id = v.name_id) END), v.exact
FROM {wanted} CROSS JOIN {of}scraps AS v ON {found}
UNION ALL SELECT v.notebook_id, v.name_id, 'parameter', v.type, coalesce(v.number, v.text, v.json), v.exact
FROM {wanted} CROSS JOIN {of}parameters AS v ON {found}"""
# CROSS, so that a few names are looked up in each notebook; of many most notebooks do not have most.
_EACH = {
    "wanted": "json_each(:notebooks) AS n CROSS JOIN json_each(:names) AS name",
    "found": "v.notebook_id = n.value AND v.name_id = name.value",
}
_ALL = {
    "wanted": "json_each(:notebooks) AS n",
    "found": "v.notebook_id = n.value AND +v.name_id IN (SELECT value FROM json_each(:names))",
}


def statement(name_ids: Sequence[int], of: str = "") -> str:
    """Write the statement that reads so many names, from tables of which the names begin so."""
    return _CELLS.format(of=of, **(_EACH if len(name_ids) <= _FEW_NAMES else _ALL))


def cells(
    connection: sqlite3.Connection, notebooks: Sequence[int], name_ids: Sequence[int], of: str = ""
) -> dict[tuple[int, int, str], tuple[str, Any, str | None]]:
    """Read type, value and exact by notebook, name and role: scrap or parameter; or, of `OF_VERSIONS`, by version."""
    values = {"notebooks": ids_as_json(notebooks), "names": ids_as_json(name_ids)}
    rows = connection.execute(statement(name_ids, of), values)
    return {(notebook, name, role): (type_, value, exact) for notebook, name, role, type_, value, exact in rows}
