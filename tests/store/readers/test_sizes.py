from __future__ import annotations

import base64
import sqlite3

import pytest

from scrapdb.store.readers.sizes import sizes_by
from scrapdb.store.readers.sizes import totals
from tests import notebook_builder as nb
from tests.store.readers.glued import parquet


@pytest.mark.parametrize("by", ["scrap", "notebook", "encoder"])
def test_sizes_are_those_of_the_payloads(connection: sqlite3.Connection, by: str) -> None:
    columns, rows = sizes_by(connection, by)
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    assert sum(row["inline"] for row in found) == len(parquet()) + len(base64.b64decode(nb.PNG)) + len("shown")
    assert sum(row["bytes"] for row in found) == totals(connection)["scraps"]
    assert sum(row["sidecar"] for row in found) == 0
