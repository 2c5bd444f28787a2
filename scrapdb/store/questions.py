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
        "Of the completed runs of one notebook with the same parameters, the one that started last; at most 1,000, from"
        " the last 20,000 runs.",
        """\
WITH given AS (
  SELECT *, (SELECT json_group_object(name_id, coalesce(exact, text, number, json))
               FROM parameters WHERE notebook_id = notebooks.id) AS parameters
    FROM notebooks WHERE status = 'completed' ORDER BY started_at DESC LIMIT 20000
), latest AS (
  SELECT id, max(coalesce(started_at, mtime) || path) AS moment
    FROM given GROUP BY coalesce(source, iif(parameters = '{}', path, '')), parameters
   ORDER BY moment DESC LIMIT 1000
)
SELECT runs.* FROM latest JOIN runs ON nb_id = id ORDER BY moment DESC""",
    ),
    Question(
        "failures_by_error",
        "Failures by error",
        "How many runs each error ended, or a limit, the commonest first, and the run that it ended last.",
        """\
SELECT iif(status = 'failed', error_name, status) AS error, count(*) AS runs,
       max(coalesce(n.started_at, mtime)) AS latest, path AS notebook,
       coalesce(iif(status = 'failed', error_value, NULL), reason) AS message, coalesce(error_cell, cell) AS cell
  FROM notebooks AS n LEFT JOIN records ON notebook_id = n.id
 WHERE status IN ('failed', 'timed out', 'killed', 'lost') GROUP BY error ORDER BY runs DESC, error""",
    ),
    Question(
        "largest_scraps",
        "Largest scraps",
        "What takes the most bytes in the notebooks.",
        """\
SELECT scraps.size AS bytes, name, encoder, path AS notebook, cell
  FROM (SELECT notebook_id, name_id FROM scraps ORDER BY size DESC LIMIT 100)
  JOIN scraps USING (notebook_id, name_id) JOIN names ON names.id = name_id JOIN notebooks ON notebooks.id = notebook_id
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
    Question(
        "slowest_cells",
        "Slowest cells",
        "The cells that took longest, with the source of those that glued something or failed.",
        """\
SELECT path AS notebook, cell, cell_id, cells.seconds, notebooks.status, cells.source
  FROM (SELECT notebook_id, cell FROM cells WHERE seconds IS NOT NULL ORDER BY seconds DESC LIMIT 100)
  JOIN cells USING (notebook_id, cell) JOIN notebooks ON notebooks.id = notebook_id
 ORDER BY cells.seconds DESC, path, cell""",
    ),
)
