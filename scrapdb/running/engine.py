"""The engine for those who keep their loop: `papermill --engine scrapdb`, or Airflow's PapermillOperator with it."""

from __future__ import annotations

from papermill.engines import NBClientEngine


class Engine(NBClientEngine):  # type: ignore[misc] # papermill has no types
    """Executes as papermill does, records what `scrapdb run` would, and brings the run into `$SCRAPDB_DB`."""
