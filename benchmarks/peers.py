"""What others make of a directory of notebooks.

python -m benchmarks.peers scrapbook|nbformat|sklearn|duckdb|stat DIRECTORY DATABASE
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def scrapbook(directory: str, _: str) -> None:
    """Read every notebook with scrapbook, which validates it, and ask for its scraps."""
    import scrapbook as sb

    for notebook in sb.read_notebooks(directory).notebooks:
        notebook.scraps  # noqa: B018 (decoded when it is asked for)


def nbformat(directory: str, _: str) -> None:
    """Read every notebook with nbformat, and do nothing with it."""
    import nbformat as library

    for path in Path(directory).iterdir():
        library.read(path, as_version=4)


def sklearn(directory: str, database: str) -> None:
    """Let sklearn-evaluation's NotebookDatabase index the notebooks."""
    from sklearn_evaluation.nb.NotebookDatabase import NotebookDatabase

    NotebookDatabase(database, f"{directory}/*.ipynb").index(verbose=False)


def duckdb(directory: str, database: str) -> None:
    """Let DuckDB find in the JSON every payload that scrapbook left."""
    import duckdb as library

    with library.connect(database) as connection:
        connection.execute(_DUCKDB, [f"{directory}/*.ipynb"])


_DUCKDB = """
CREATE TABLE scraps AS
  SELECT filename, payload->>'name' AS name, payload->'data' AS data
    FROM (SELECT filename, unnest(content::JSON->'$.cells[*].outputs[*].data.*') AS payload FROM read_text(?))
   WHERE payload->>'encoder' IS NOT NULL"""


def stat(directory: str, __: str) -> None:
    """Walk the tree and look at every file's size and time."""
    for parent, _, names in os.walk(directory):
        for name in names:
            os.stat(f"{parent}/{name}")  # noqa: PTH116 (as quick as it gets)


if __name__ == "__main__":
    {work.__name__: work for work in (scrapbook, nbformat, sklearn, duckdb, stat)}[sys.argv[1]](*sys.argv[2:])
