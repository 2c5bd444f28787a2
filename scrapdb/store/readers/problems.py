"""Reading what went wrong: problems by kind, and failed runs by their error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

_PROBLEMS = """
SELECT path, cell, output, name, kind, message FROM problems JOIN notebooks ON notebooks.id = notebook_id"""

# How runs end that went wrong; what to call it, and what is said of it, of notebooks `n` and their records.
FAILED = ("failed", "timed out", "killed", "lost")
ERROR = "ifnull(iif(status = 'failed', error_name, status), '')"
MESSAGE = "coalesce(iif(status = 'failed', error_value, NULL), reason)"


class ProblemCount(NamedTuple):
    """A kind of problem, how often it occurs, and in how many notebooks."""

    kind: str
    problems: int
    notebooks: int


class ErrorCount(NamedTuple):
    """What ended runs, by the class of an error or the state: how many, and the latest of them with its message."""

    error: str
    runs: int
    path: str
    started_at: str | None
    message: str | None


class VersionProblem(NamedTuple):
    """A problem, and the version of a notebook that has it, by its number and, if a commit made it, by that."""

    path: str
    version: int
    commit: str | None
    cell: int | None
    output: int | None
    name: str | None
    kind: str
    message: str


class NotebookProblem(NamedTuple):
    """A problem, and the notebook that has it."""

    path: str
    cell: int | None
    output: int | None
    name: str | None
    kind: str
    message: str


def problem_counts(connection: sqlite3.Connection) -> list[ProblemCount]:
    """Count the problems by kind, the commonest first."""
    rows = connection.execute(
        """SELECT kind, count(*) AS problems, count(DISTINCT notebook_id) FROM problems
            GROUP BY kind ORDER BY problems DESC, kind"""
    )
    return [ProblemCount(*row) for row in rows]


def problems_of_kind(
    connection: sqlite3.Connection, kind: str | None, limit: int, offset: int
) -> list[NotebookProblem]:
    """Read problems by path and place, of one kind or of all."""
    rows = connection.execute(
        f"""{_PROBLEMS} {"" if kind is None else "WHERE kind = :kind"}
             ORDER BY path, cell, output, problems.id LIMIT :limit OFFSET :offset""",
        {"kind": kind, "limit": limit, "offset": offset},
    )
    return [NotebookProblem(*row) for row in rows]


def problems_of_notebook(connection: sqlite3.Connection, notebook_id: int | None = None) -> Iterator[NotebookProblem]:
    """Read problems by path and place, of one notebook or of all."""
    rows = connection.execute(
        f"""{_PROBLEMS} {"" if notebook_id is None else "WHERE notebook_id = :id"}
             ORDER BY path, cell, output, name, kind, message""",
        {"id": notebook_id},
    )
    return (NotebookProblem(*row) for row in rows)


def problems_of_versions(connection: sqlite3.Connection, path: str | None = None) -> Iterator[VersionProblem]:
    """Read problems of versions by path, version and place, of one notebook or of all."""
    rows = connection.execute(
        f"""SELECT v.path, version, commit_hash, cell, output, name, kind, message
              FROM main.version_problems JOIN main.versions AS v ON v.id = version_problems.notebook_id
             {"" if path is None else "WHERE v.path = :path"} ORDER BY 1, 2, 4, 5, 6, 7, 8""",
        {"path": path},
    )
    return (VersionProblem(*row) for row in rows)


def error_counts(connection: sqlite3.Connection, limit: int) -> list[ErrorCount]:
    """Count the failed runs by the class of their error, or by what became of them, the commonest first."""
    rows = connection.execute(
        f"""SELECT {ERROR} AS error, count(*) AS runs, path, max(ifnull(n.started_at, '')), {MESSAGE}
             FROM notebooks AS n LEFT JOIN records ON notebook_id = n.id WHERE status IN {FAILED}
            GROUP BY error ORDER BY runs DESC, error LIMIT ?""",
        (limit,),
    )
    return [ErrorCount(error, runs, path, started or None, message) for error, runs, path, started, message in rows]
