from __future__ import annotations

import sqlite3

from scrapdb.store.readers.problems import problems_of_notebook
from tests.store.readers.glued import notebook_id


def test_problems_of_all_and_of_one(connection: sqlite3.Connection) -> None:
    (problem,) = problems_of_notebook(connection)
    assert problem[:4] == ("b/broken.ipynb", None, None, None)
    assert [*problems_of_notebook(connection, notebook_id(connection))] == []
