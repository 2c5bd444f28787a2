"""Questions that everybody has about a store, as plain SQL over its tables: one ordered table."""

from __future__ import annotations

from typing import NamedTuple


class Question(NamedTuple):
    """A named SQL statement and what it answers."""

    name: str
    title: str
    description: str
    sql: str


QUESTIONS = (
    Question(
        "latest_completed",
        "Latest completed run per parameter set",
        "Of the completed runs of one notebook with the same parameters, the one that started last.",
        """\
WITH given AS (
  SELECT notebook_id, json_group_object(name, coalesce(text, number, json)) AS parameters
    FROM (SELECT notebook_id, name_id AS name, text, number, json FROM parameters ORDER BY notebook_id, name_id)
   GROUP BY notebook_id
), placed AS (
  SELECT id, row_number() OVER (PARTITION BY coalesce(source, iif(parameters IS NULL, path, '')), parameters
                                ORDER BY started_at DESC, mtime_ns DESC, id DESC) AS place
    FROM notebooks LEFT JOIN given ON notebook_id = id WHERE status = 'completed'
)
SELECT runs.* FROM placed JOIN runs ON nb_id = id WHERE place = 1 ORDER BY nb_started_at DESC, notebook""",
    ),
    Question(
        "failures_by_error",
        "Failures by error",
        "How many runs each error ended, the commonest first, and the run that it ended last.",
        """\
SELECT error_name AS error, count(*) AS runs, max(coalesce(started_at, mtime)) AS latest, path AS notebook,
       error_value AS message, error_cell AS cell
  FROM notebooks WHERE status = 'failed' GROUP BY error_name ORDER BY runs DESC, error""",
    ),
    Question(
        "largest_scraps",
        "Largest scraps",
        "What takes the most bytes in the notebooks.",
        """\
SELECT scraps.size AS bytes, name, encoder, path AS notebook, cell
  FROM (SELECT notebook_id, name_id, size, encoder, cell FROM scraps ORDER BY size DESC LIMIT 100) AS scraps
  JOIN names ON names.id = name_id JOIN notebooks ON notebooks.id = notebook_id
 ORDER BY bytes DESC, path, name""",
    ),
    Question(
        "slowest_runs",
        "Slowest runs",
        "The runs that took longest.",
        """\
SELECT path AS notebook, status, seconds, started_at, error_name AS error
  FROM notebooks WHERE seconds IS NOT NULL ORDER BY seconds DESC, path LIMIT 100""",
    ),
)
