"""Reading reports: those of notebooks, and those that are only queued or under way, or never got so far."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any
from typing import NamedTuple

from scrapdb.errors import ReportNotFoundError
from scrapdb.store.readers.executions import UNFINISHED

_SHOWN_CANDIDATES = 10
# Parameters that differ between the languages of one report.
_OF_LANGUAGE = ("language", "lang")


class Report(NamedTuple):
    """A report: of `notebook`, a path as in `notebooks`, which is in the store if there is a `notebook_id`.

    `id` is the path of its directory below that of its batch, as its notebook says; `execution` its last run, and `at`
    when it was made, or else when it ended, began or was queued. `is_made` says that a notebook tells of it.
    """

    notebook: str
    id: str | None
    execution: str | None
    state: str
    title: str | None
    bundle: str | None
    bundle_version: str | None
    language: str | None
    reason: str | None
    at: str | None
    batch: str | None
    notebook_id: int | None
    is_made: bool

    @property
    def name(self) -> str:
        """The path of its directory as far as its notebook knows it rightly, but at least its last part."""
        directory = str(PurePosixPath(self.notebook).parent)
        if self.id and f"/{directory}".endswith(f"/{self.id}"):
            return self.id
        return directory.rpartition("/")[2] if directory != "." else self.notebook


# A runner that was killed leaves a record that says that the report is under way: then it is known better elsewhere.
_LEFT = "('queued', 'running')"
_STATE = f"""CASE WHEN e.state IN ('queued', 'retrying') THEN 'queued'
       WHEN e.state = 'running' THEN 'running'
       WHEN r.state NOT IN {_LEFT} THEN r.state
       WHEN e.state = 'failed' OR n.status = 'failed' THEN 'error'
       WHEN e.state != 'completed' THEN e.state
       WHEN n.status IN ('timed out', 'killed', 'lost', 'cancelled', 'skipped') THEN n.status
       ELSE coalesce(r.state, e.state) END"""
_COLUMNS = f"""
  coalesce(n.path, e.notebook) AS notebook,
  coalesce(r.id, json_extract(e.told, '$.id')) AS id,
  coalesce(e.id, p.execution) AS execution,
  {_STATE} AS state,
  coalesce(r.title, json_extract(e.told, '$.title')) AS title,
  coalesce(r.bundle, json_extract(e.told, '$.bundle')) AS bundle,
  coalesce(r.bundle_version, json_extract(e.told, '$.bundle_version')) AS bundle_version,
  coalesce(r.language, json_extract(e.told, '$.language')) AS language,
  iif(e.state IN {UNFINISHED}, e.reason, coalesce(r.reason, p.reason, e.reason)) AS reason,
  iif(e.state IN {UNFINISHED}, coalesce(e.started_at, e.queued_at),
      coalesce(r.made_at, n.ended_at, e.ended_at, n.started_at, e.queued_at, n.mtime)) AS at,
  coalesce(iif(e.state IN {UNFINISHED}, e.batch, NULL), p.batch, e.batch) AS batch,
  n.id AS notebook_id,
  r.id IS NOT NULL AS is_made"""
_EVERY = f"""
WITH last AS MATERIALIZED (
  SELECT id, notebook, batch, state, reason, queued_at, started_at, ended_at,
         iif(json_valid(report), report, '{{}}') AS told, max(rowid)
    FROM executions WHERE report IS NOT NULL GROUP BY notebook),
every AS (
  SELECT {_COLUMNS} FROM reports AS r JOIN notebooks AS n ON n.id = r.notebook_id
    LEFT JOIN records AS p ON p.notebook_id = n.id LEFT JOIN last AS e ON e.notebook = n.path
  UNION ALL
  SELECT {_COLUMNS} FROM last AS e LEFT JOIN notebooks AS n ON n.path = e.notebook
    LEFT JOIN records AS p ON p.notebook_id = n.id LEFT JOIN reports AS r ON r.notebook_id = n.id
   WHERE r.id IS NULL)"""
_READ = f"{_EVERY} SELECT {', '.join(Report._fields)} FROM every"
_CHOSEN = """(:state IS NULL OR state = :state) AND (:bundle IS NULL OR bundle = :bundle)
   AND (:language IS NULL OR language = :language) AND (:batch IS NULL OR batch = :batch)
   AND (:notebooks IS NULL OR notebook_id IN (SELECT value FROM json_each(:notebooks)))"""
_PARAMETERS = f"""(
  SELECT group_concat(json_array(name, type, number, text, json, exact)) FROM (
    SELECT names.name, v.type, v.number, v.text, v.json, v.exact
      FROM parameters AS v JOIN names ON names.id = v.name_id
     WHERE v.notebook_id = {{}} AND lower(names.name) NOT IN {_OF_LANGUAGE} ORDER BY names.name))"""


class Filters(NamedTuple):
    """Which reports are asked for: in a state, of a bundle, in a language, of a batch; all where it is None."""

    state: str | None = None
    bundle: str | None = None
    language: str | None = None
    batch: str | None = None


def are_any(connection: sqlite3.Connection) -> bool:
    """Return whether a report was ever made or asked for."""
    question = "SELECT EXISTS (SELECT 1 FROM reports) OR EXISTS (SELECT 1 FROM executions WHERE report IS NOT NULL)"
    return bool(connection.execute(question).fetchone()[0])


def reports(
    connection: sqlite3.Connection,
    filters: Filters = Filters(),  # noqa: B008 - it is frozen
    *,
    notebooks: Sequence[int] | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Report]:
    """Read reports, the newest first; of `notebooks` by their ids, if some are given."""
    ids = None if notebooks is None else json.dumps(list(notebooks))
    rows = connection.execute(
        f"{_READ} WHERE {_CHOSEN} ORDER BY at DESC, notebook LIMIT :limit OFFSET :offset",
        filters._asdict() | {"notebooks": ids, "limit": -1 if limit is None else limit, "offset": offset},
    )
    return [_report(row) for row in rows]


def counts(connection: sqlite3.Connection, batch: str | None = None) -> Counter[Filters]:
    """Count the reports by state, bundle and language: those of a batch, or all."""
    grouped = "SELECT state, bundle, language, count(*) FROM every WHERE ?1 IS NULL OR batch = ?1 GROUP BY 1, 2, 3"
    rows = connection.execute(f"{_EVERY} {grouped}", (batch,))
    return Counter({Filters(*row): count for *row, count in rows})


def find(connection: sqlite3.Connection, wanted: str) -> Report:
    """Find a report by the name of its directory, by part of it, by its notebook, or by a hexadecimal id of its run.

    Raises:
        ReportNotFoundError: there is none, or more than one.
    """
    every = [_report(row) for row in connection.execute(f"{_READ} ORDER BY notebook")]
    wanted = wanted.removeprefix("./").rstrip("/")
    for answers in (_is_called, _ends, _has):
        if found := [report for report in every if wanted and answers(report, wanted)]:
            break
    if len(found) == 1:
        return found[0]
    if not found:
        raise ReportNotFoundError(f"No report is called {wanted!r}; `scrapdb report list` lists them all.")
    names = [report.name for report in found]
    unique = [name if names.count(name) == 1 else _directory(each) for name, each in zip(names, found, strict=True)]
    more = ", …" if len(unique) > _SHOWN_CANDIDATES else ""
    listed = ", ".join(unique[:_SHOWN_CANDIDATES])
    raise ReportNotFoundError(f"More than one report is called {wanted!r}: {listed}{more}. Give more of the name.")


def of_notebook(connection: sqlite3.Connection, path: str) -> Report | None:
    """Read the report of a notebook by its path; None if there is none."""
    row = connection.execute(f"{_READ} WHERE notebook = ?", (path,)).fetchone()
    return _report(row) if row else None


def title(connection: sqlite3.Connection, notebook_id: int) -> str | None:
    """Read the title of the report that was made of a notebook, which may be empty; None if none was."""
    row = connection.execute("SELECT coalesce(title, '') FROM reports WHERE notebook_id = ?", (notebook_id,)).fetchone()
    return row[0] if row else None


def pages(connection: sqlite3.Connection, report: Report) -> tuple[list[str], list[str]]:
    """Read the names of the pages that were made of a report, and where they were pushed, as its notebook says."""
    row = connection.execute(
        "SELECT pages, pushed FROM reports WHERE notebook_id = ?", (report.notebook_id,)
    ).fetchone()
    made, pushed = (json.loads(part or "[]") for part in row or (None, None))
    return made, pushed


def failing_source(connection: sqlite3.Connection, report: Report) -> str | None:
    """Read the source of the cell whose error ended the run."""
    row = connection.execute(
        "SELECT cells.source FROM notebooks AS n JOIN cells ON notebook_id = n.id AND cell = error_cell WHERE n.id = ?",
        (report.notebook_id,),
    ).fetchone()
    return row[0] if row else None


def translations(connection: sqlite3.Connection, report: Report, limit: int) -> list[Report]:
    """Read the reports of the same bundle with the same parameters in other languages, the newest of each."""
    if report.notebook_id is None:
        return []
    rows = connection.execute(
        f"""{_READ} WHERE bundle = :bundle AND language != :language AND is_made
               AND {_PARAMETERS.format("every.notebook_id")} IS {_PARAMETERS.format(":notebook_id")}
             ORDER BY at DESC, notebook LIMIT :limit""",
        {"bundle": report.bundle, "language": report.language, "notebook_id": report.notebook_id, "limit": limit},
    )
    newest: dict[str | None, Report] = {}
    for row in rows:
        newest.setdefault((found := _report(row)).language, found)
    return [newest[language] for language in sorted(newest, key=str)]


def _report(row: Sequence[Any]) -> Report:
    report = Report(*row)
    return report._replace(is_made=bool(report.is_made))


def _directory(report: Report) -> str:
    return str(PurePosixPath(report.notebook).parent)


def _is_called(report: Report, wanted: str) -> bool:
    return wanted in (report.name, report.id, report.execution, report.notebook, _directory(report))


def _ends(report: Report, wanted: str) -> bool:
    return f"/{_directory(report)}".endswith(f"/{wanted}") or f"/{report.notebook}".endswith(f"/{wanted}")


def _has(report: Report, wanted: str) -> bool:
    return wanted in report.name
