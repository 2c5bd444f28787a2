"""Reading what was shown for scraps, of many notebooks at once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from scrapdb.text import composed

_LOOKED_AT = 1000  # displays at either end of the store
# Of a row `r` of `runs`: whether it has shown something for a name.
IS_SHOWN = """EXISTS (SELECT 1 FROM displays WHERE notebook_id = r.nb_id
                       AND name_id = (SELECT id FROM names WHERE name = :shown))"""


class StoredDisplay(NamedTuple):
    """What was shown for a scrap, as one MIME type: where its bytes are, and how many."""

    hash: str
    size: int


def displayed_names(connection: sqlite3.Connection) -> list[str]:
    """Read the names under which something was shown, the commonest first.

    A name that always has a value beside what is shown is found by the first and the last displays of the store, since
    looking at all takes too long.
    """
    rows = connection.execute(
        """SELECT name FROM names WHERE id IN (
             SELECT name_id FROM name_types WHERE role = 'scrap' AND type = 'display' AND notebooks > 0 UNION
             SELECT name_id FROM (SELECT name_id FROM displays ORDER BY notebook_id LIMIT ?1) UNION
             SELECT name_id FROM (SELECT name_id FROM displays ORDER BY notebook_id DESC LIMIT ?1)
           ) ORDER BY scraps DESC, name""",
        (_LOOKED_AT,),
    )
    return [name for (name,) in rows]


def displays_of_notebooks(
    connection: sqlite3.Connection, paths: Sequence[str], name: str | None, mime_types: Sequence[str]
) -> dict[tuple[str, str], dict[str, StoredDisplay]]:
    """Read what some notebooks have shown for a name, or under any name as one of some MIME types.

    It comes by path and name, in the order of `paths`, and by MIME type.
    """
    found: dict[tuple[str, str], dict[str, StoredDisplay]] = {}
    for path, shown_name, mime, digest, size in connection.execute(
        """SELECT notebooks.path, name, mime_type, hash, displays.size
             FROM json_each(?1) AS chosen
             JOIN notebooks ON notebooks.path = chosen.value
             JOIN displays ON displays.notebook_id = notebooks.id
             JOIN names ON names.id = name_id
            WHERE CASE WHEN ?2 IS NULL THEN mime_type IN (SELECT value FROM json_each(?3)) ELSE name = ?2 END
            ORDER BY chosen.key, name""",
        (json.dumps(paths), name and composed(name), json.dumps(mime_types)),
    ):
        found.setdefault((path, shown_name), {})[mime] = StoredDisplay(digest, size)
    return found


def display_of_hash(connection: sqlite3.Connection, digest: str) -> tuple[str, bytes] | None:
    """Read MIME type and bytes of a display, also of one that only versions have; of several types, a picture."""
    for table in ("displays", "main.version_displays"):
        row: tuple[str, bytes] | None = connection.execute(
            f"""SELECT mime_type, data FROM blobs CROSS JOIN {table} AS shown ON shown.hash = blobs.hash
                 WHERE blobs.hash = ? ORDER BY mime_type NOT LIKE 'image/%', mime_type LIMIT 1""",
            (digest,),
        ).fetchone()
        if row:
            return row
    return None


def displays_of_name(
    connection: sqlite3.Connection, name: str, paths: Sequence[str]
) -> dict[str, dict[str, StoredDisplay]]:
    """Read what some notebooks have shown for a name: by path, by MIME type."""
    shown = displays_of_notebooks(connection, paths, name, ())
    return {path: by_type for (path, _), by_type in shown.items()}


def display_content(connection: sqlite3.Connection, display: StoredDisplay) -> bytes:
    """Read the bytes of a display."""
    data: bytes = connection.execute("SELECT data FROM blobs WHERE hash = ?", (display.hash,)).fetchone()[0]
    return data


def display_of_scrap(connection: sqlite3.Connection, notebook_id: int, name: str) -> dict[str, bytes]:
    """Read what was shown for a scrap: bytes by MIME type."""
    rows = connection.execute(
        """SELECT mime_type, data FROM displays JOIN names ON names.id = name_id JOIN blobs USING (hash)
            WHERE notebook_id = ? AND name = ?""",
        (notebook_id, name),
    )
    return dict(rows.fetchall())


def display_as(connection: sqlite3.Connection, notebook_id: int, name: str, mime_type: str) -> bytes | None:
    """Read what was shown for a scrap as one MIME type; None if it was not."""
    row: tuple[bytes] | None = connection.execute(
        """SELECT data FROM displays JOIN names ON names.id = name_id JOIN blobs USING (hash)
            WHERE notebook_id = ? AND name = ? AND mime_type = ?""",
        (notebook_id, name, mime_type),
    ).fetchone()
    return row and row[0]


def display_hashes(connection: sqlite3.Connection, notebook_id: int, name: str) -> dict[str, str]:
    """Read what was shown for a scrap: SHA-256 by MIME type."""
    rows = connection.execute(
        "SELECT mime_type, hash FROM displays JOIN names ON names.id = name_id WHERE notebook_id = ? AND name = ?",
        (notebook_id, name),
    )
    return dict(rows.fetchall())
