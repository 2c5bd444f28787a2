"""The engine for those who keep their loop: `papermill --engine scrapdb`.

papermill imports all engines whenever it is imported, so that nothing else may be imported here.
"""

from __future__ import annotations

from typing import Any

from papermill.engines import NBClientEngine


class Engine(NBClientEngine):  # type: ignore[misc] # papermill has no types
    """Executes as papermill does, records what `scrapdb run` would, and brings the run into `$SCRAPDB_DB`."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, output_path: str | None = None, **options: Any) -> Any:
        """Execute a notebook and write it in its final form; what papermill writes afterwards is the same.

        Args:
            nb: the notebook, as papermill prepares it.
            kernel_name: of the kernel.
            output_path: where papermill wants it saved while it runs.
            options: of papermill, and of nbclient.
        """
        from scrapdb.running.kernels.papermill import execute

        return execute(nb, kernel_name, output_path, **options)
