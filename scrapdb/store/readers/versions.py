"""Reading the versions of a notebook: which there are, what changed in each, and its numbers and displays over them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Literal
from typing import NamedTuple

from scrapdb.errors import NotebookNotFoundError
from scrapdb.store.readers.notebooks import find_notebook
from scrapdb.store.values import ids_as_json

# `main`, since on a connection that looks back the tables of the present are others.
_VERSIONS = """
SELECT v.id, v.path, v.version, v.since, v.until, v.notebook_id, v.commit_hash, v.authored_at, v.branch,
       n.status, n.started_at, n.seconds, n.error_name, n.code_hash, b.id, b.path, b.version, k.code_hash IS n.code_hash
  FROM main.versions AS v JOIN main.version_notebooks AS n ON n.id = v.id
  LEFT JOIN main.versions AS b ON b.id = v.previous LEFT JOIN main.version_notebooks AS k ON k.id = b.id"""
# What makes a value another one; 1 and 1.0 are the same.
_DIFFERS = """(a.number IS NOT b.number OR a.text IS NOT b.text OR a.json IS NOT b.json OR a.exact IS NOT b.exact
            OR replace(a.type, 'integer', 'float') <> replace(b.type, 'integer', 'float'))"""
_SHOWN = """(SELECT group_concat(mime_type || hash) FROM main.version_displays AS d
            WHERE d.notebook_id = {0}.notebook_id AND d.name_id = {0}.name_id)"""
_FRAME = """(SELECT hash FROM main.version_frames AS f
            WHERE f.notebook_id = {0}.notebook_id AND f.name_id = {0}.name_id)"""
_LOOKS_OTHERWISE = " OR ".join(f"{what.format('a')} IS NOT {what.format('b')}" for what in (_SHOWN, _FRAME))
# Of pairs of ids, of a version and the one before it: what is new or not the same, and what is no more.
_CHANGES = """
SELECT pair.id, name, iif(a.name_id IS NULL, 'new', 'changed'), a.number, b.number, a.type, b.type
  FROM pair CROSS JOIN main.version_{role}s AS b ON b.notebook_id = pair.id
  LEFT JOIN main.version_{role}s AS a ON a.notebook_id = pair.before AND a.name_id = b.name_id
  JOIN main.names ON names.id = b.name_id
 WHERE a.name_id IS NULL OR {differs}
 UNION ALL
SELECT pair.id, name, 'gone', a.number, NULL, a.type, NULL
  FROM pair CROSS JOIN main.version_{role}s AS a ON a.notebook_id = pair.before
  JOIN main.names ON names.id = a.name_id
 WHERE NOT EXISTS (SELECT 1 FROM main.version_{role}s AS b
                    WHERE b.notebook_id = pair.id AND b.name_id = a.name_id)"""
_PAIRS = """
WITH pair AS (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS before FROM json_each(?))"""
_LINE = """
WITH RECURSIVE line (id) AS (
  SELECT id FROM main.versions WHERE path = ?
   UNION SELECT previous FROM main.versions JOIN line USING (id) WHERE previous IS NOT NULL)"""
_NAMES_OF_VALUES = """
WITH found AS (
  SELECT 'scrap' AS role, name_id, s.type, coalesce(number, text, exact) AS value, cell, output
    FROM json_each(?1) AS chosen CROSS JOIN main.version_scraps AS s ON s.notebook_id = chosen.value
   UNION ALL
  SELECT 'param', name_id, p.type, coalesce(number, text, exact), NULL, NULL
    FROM json_each(?1) AS chosen CROSS JOIN main.version_parameters AS p ON p.notebook_id = chosen.value
   WHERE NOT shadowed)
SELECT role, name, count(DISTINCT value) > 1
  FROM found JOIN main.names ON names.id = name_id WHERE found.type IN ('integer', 'float', 'boolean', 'text')
 GROUP BY role, name_id
 ORDER BY role <> 'scrap', max(found.type = 'text'), max(found.type = 'boolean'), min(cell), min(output), name"""
_NUMBERS = ("integer", "float")
_LARGEST = 1.7976931348623157e308
NUMBERS = range(1, 10**9)  # of versions


class Version(NamedTuple):
    """A version of a notebook.

    Args:
        id: as the tables of versions name it.
        path: of the notebook.
        version: its number, from 1.
        since: from when the notebook was so.
        until: until when; None if it still is.
        notebook_id: of the notebook whose present version it is; None of all others.
        commit_hash: the commit that made it so.
        authored_at: the author's time of that commit.
        branch: on which that commit was found.
        status: as in `notebooks`, as what follows.
        started_at: start of the run.
        seconds: duration of the run.
        error_name: class of the error that ended the run.
        code_hash: of the sources of its code cells.
        before_id: the id of the version before it, as long as that is kept.
        before_path: the path of that, which is another one after a renaming.
        before_version: the number of that.
        has_same_code: whether its code is that of the version before it; of one without, it is not.
    """

    id: int
    path: str
    version: int
    since: str
    until: str | None
    notebook_id: int | None
    commit_hash: str | None
    authored_at: str | None
    branch: str | None
    status: str
    started_at: str | None
    seconds: float | None
    error_name: str | None
    code_hash: str | None
    before_id: int | None
    before_path: str | None
    before_version: int | None
    has_same_code: int

    @property
    def was_there(self) -> bool:
        """Whether the notebook was ever so on the branch asked for."""
        return self.until is None or self.until > self.since


class Change(NamedTuple):
    """A value that a version has and the one before has not, or not so.

    `how` is new, changed or gone; `before` and `after` are set if they are finite numbers.
    """

    name: str
    role: str
    how: str
    before: float | None = None
    after: float | None = None


class Kept(NamedTuple):
    """Which version a notebook is, and how many of it there are."""

    version: int
    since: str
    until: str | None
    commit_hash: str | None
    versions: int


class NamedValue(NamedTuple):
    """A name of what versions have, and whether it is not the same in all that have it."""

    role: Literal["scrap", "param"]
    name: str
    is_changing: bool


class Around(NamedTuple):
    """The numbers of the versions just before and after one, and of the last; and whether the notebook is there now."""

    before: int | None
    after: int | None
    last: int
    is_there: int


def are_there(connection: sqlite3.Connection) -> bool:
    """Return whether there is any version."""
    return connection.execute("SELECT 1 FROM main.versions LIMIT 1").fetchone() is not None


def of_path(connection: sqlite3.Connection, path: str, limit: int | None = None) -> list[Version]:
    """Read the versions of a notebook, the last one first."""
    rows = connection.execute(
        f"{_VERSIONS} WHERE v.path = ? ORDER BY v.version DESC LIMIT ?", (path, -1 if limit is None else limit)
    )
    return [Version(*row) for row in rows]


def of_notebook(connection: sqlite3.Connection, notebook_id: int) -> Kept | None:
    """Tell which version a notebook is, on a connection that looks back by the id of a version; None if of none."""
    row = connection.execute(
        """SELECT version, since, until, commit_hash, (SELECT count(*) FROM main.versions WHERE path = v.path)
             FROM versions AS v WHERE notebook_id = ?""",
        (notebook_id,),
    ).fetchone()
    return Kept(*row) if row else None


def line(connection: sqlite3.Connection, path: str) -> list[Version]:
    """Read the versions of a notebook and, across renamings, all that they follow, in the order of their times."""
    rows = connection.execute(f"{_LINE} {_VERSIONS} WHERE v.id IN line ORDER BY v.since, v.id", (path,))
    return [Version(*row) for row in rows]


def paths_of_gone(connection: sqlite3.Connection, wanted: str) -> list[str]:
    """Find the notebooks that are no more by the ends of their paths, with or without suffix; one by its whole path."""
    if _are_kept(connection, wanted):
        return [wanted]
    rows = connection.execute(
        """SELECT DISTINCT path FROM main.versions
            WHERE path LIKE '%.ipynb'
              AND (substr('/' || path, -length(?1)) = ?1 OR substr('/' || path, -length(?2)) = ?2)
            ORDER BY path""",
        [f"/{wanted}", f"/{wanted}.ipynb"],
    )
    return [path for (path,) in rows]


def names_of_values(connection: sqlite3.Connection, versions: Iterable[Version]) -> list[NamedValue]:
    """Read the names of what versions have as numbers, booleans and texts: of scraps numbers first, then as glued."""
    rows = connection.execute(_NAMES_OF_VALUES, (_ids(versions),))
    return [NamedValue(role, name, bool(is_changing)) for role, name, is_changing in rows]


def find(connection: sqlite3.Connection, wanted: str, version: int | None = None) -> Version:
    """Find a version of a notebook by its number, or the last one, also of a notebook that is gone.

    Args:
        connection: to the store.
        wanted: the path of the notebook, or the end of that of one that is there.
        version: the number.

    Raises:
        NotebookNotFoundError: there is none, or more than one such notebook, or no such version.
    """
    path = wanted if _are_kept(connection, wanted) else find_notebook(connection, wanted)[1]
    row = connection.execute(
        f"{_VERSIONS} WHERE v.path = ?1 AND v.version = coalesce(?2, v.version) ORDER BY v.version DESC LIMIT 1",
        (path, version),
    ).fetchone()
    if row is None:
        which = "no version" if version is None else f"no version {version}"
        raise NotebookNotFoundError(f"The store keeps {which} of {path!r}; `scrapdb history` lists what it keeps.")
    return Version(*row)


def named(text: str) -> tuple[str, int | None]:
    """Take `PATH@3` apart: the path and the number of a version, which is None if none is named."""
    path, at, number = text.rpartition("@")
    is_number = at and number.isascii() and number.isdecimal() and len(number) < len(str(NUMBERS.stop))
    return (path, int(number)) if is_number else (text, None)


def resolve(connection: sqlite3.Connection, wanted: str, version: int | None = None) -> Version | None:
    """Find what `PATH`, `PATH@3` or a path and a number name: a version, or None for a notebook as it is.

    The last version stands for a notebook that is gone.

    Raises:
        NotebookNotFoundError: there is none, or more than one.
    """
    if version is not None:
        return find(connection, wanted, version)
    try:
        find_notebook(connection, wanted)
    except NotebookNotFoundError:
        path, version = named(wanted)
        if version is None and not _are_kept(connection, path):
            raise
        return find(connection, path, version)
    return None


def around(connection: sqlite3.Connection, version: Version) -> Around:
    """Read what is beside a version."""
    row = connection.execute(
        """SELECT (SELECT max(version) FROM main.versions WHERE path = ?1 AND version < ?2),
                  (SELECT min(version) FROM main.versions WHERE path = ?1 AND version > ?2),
                  (SELECT max(version) FROM main.versions WHERE path = ?1),
                  EXISTS (SELECT 1 FROM main.notebooks WHERE path = ?1)""",
        (version.path, version.version),
    ).fetchone()
    return Around(*row)


def ids_of(connection: sqlite3.Connection, paths: Sequence[str], limit: int) -> list[int]:
    """Read the ids of the versions of some notebooks, of very many the latest."""
    rows = connection.execute(
        """SELECT id FROM main.versions WHERE path IN (SELECT value FROM json_each(?)) ORDER BY since DESC LIMIT ?""",
        (json.dumps(paths), limit),
    )
    return [id_ for (id_,) in rows]


def values_of(connection: sqlite3.Connection, version: int) -> int:
    """Count the scraps and parameters of a version, by its id."""
    (count,) = connection.execute(
        """SELECT (SELECT count(*) FROM main.version_scraps WHERE notebook_id = ?1)
                + (SELECT count(*) FROM main.version_parameters WHERE notebook_id = ?1)""",
        (version,),
    ).fetchone()
    return int(count)


def changes(connection: sqlite3.Connection, versions: Sequence[Version]) -> dict[int, list[Change]]:
    """Read what is not as in the version before, by the ids of versions that have one; parameters come first."""
    pairs = json.dumps([(version.id, version.before_id) for version in versions if version.before_id is not None])
    found: dict[int, list[Change]] = {}
    for role, differs in (("parameter", _DIFFERS), ("scrap", f"({_DIFFERS} OR {_LOOKS_OTHERWISE})")):
        sql = f"{_PAIRS} {_CHANGES.format(role=role, differs=differs)} ORDER BY 1, 2"
        for id_, name, how, before, after, *types in connection.execute(sql, (pairs,)):
            numbers = (_finite(number, type_) for number, type_ in zip((before, after), types, strict=True))
            found.setdefault(id_, []).append(Change(name, role, how, *numbers))
    return found


def numbers(connection: sqlite3.Connection, versions: Iterable[Version]) -> dict[str, dict[int, float]]:
    """Read the finite numbers that versions have glued: by name, by the id of the version."""
    found: dict[str, dict[int, float]] = {}
    for name, id_, number in connection.execute(
        """SELECT name, notebook_id, number
             FROM json_each(?) AS chosen CROSS JOIN main.version_scraps AS s ON s.notebook_id = chosen.value
             JOIN main.names ON names.id = name_id
            WHERE s.type IN ('integer', 'float') AND number > -9e999 AND number < 9e999 ORDER BY name""",
        (_ids(versions),),
    ):
        found.setdefault(name, {})[id_] = number
    return found


def displays(
    connection: sqlite3.Connection, versions: Iterable[Version], mime_types: Sequence[str]
) -> dict[str, dict[int, str]]:
    """Read the hashes of what versions have shown as one of some MIME types, the best first: by name, by id."""
    found: dict[str, dict[int, str]] = {}
    for name, id_, hash_, _ in connection.execute(
        """SELECT name, notebook_id, hash, min(wanted.key)
             FROM json_each(?1) AS chosen CROSS JOIN main.version_displays AS d ON d.notebook_id = chosen.value
             JOIN json_each(?2) AS wanted ON wanted.value = d.mime_type JOIN main.names ON names.id = name_id
            GROUP BY name, notebook_id ORDER BY name""",
        (_ids(versions), json.dumps(mime_types)),
    ):
        found.setdefault(name, {})[id_] = hash_
    return found


def display_of(connection: sqlite3.Connection, version: int, digest: str) -> tuple[str, bytes] | None:
    """Read MIME type and bytes of what a version has shown, by its id and the hash; of several types, a picture."""
    row: tuple[str, bytes] | None = connection.execute(
        """SELECT mime_type, data FROM main.version_displays AS d JOIN main.blobs USING (hash)
            WHERE d.notebook_id = ? AND hash = ? ORDER BY mime_type NOT LIKE 'image/%', mime_type LIMIT 1""",
        (version, digest),
    ).fetchone()
    return row


def _are_kept(connection: sqlite3.Connection, path: str) -> bool:
    return connection.execute("SELECT 1 FROM main.versions WHERE path = ? LIMIT 1", (path,)).fetchone() is not None


def _ids(versions: Iterable[Version]) -> str:
    return ids_as_json([version.id for version in versions])


def _finite(number: float | None, type_: str | None) -> float | None:
    return number if type_ in _NUMBERS and number is not None and abs(number) <= _LARGEST else None
