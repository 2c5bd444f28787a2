from __future__ import annotations

import base64
import io
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scrapdb.indexing.loop import index
from scrapdb.store.connection import open_reader
from scrapdb.store.readers.sizes import of_versions
from scrapdb.store.readers.sizes import sizes_by
from scrapdb.store.readers.sizes import totals
from scrapdb.store.versions import Retention
from tests import notebook_builder as nb
from tests.store.readers.glued import parquet


@pytest.mark.parametrize("by", ["scrap", "notebook", "encoder"])
def test_sizes_are_those_of_the_payloads(connection: sqlite3.Connection, by: str) -> None:
    columns, rows = sizes_by(connection, by)
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    assert sum(row["inline"] for row in found) == len(parquet()) + len(base64.b64decode(nb.PNG)) + len("shown")
    assert sum(row["bytes"] for row in found) == totals(connection)["scraps"]
    assert sum(row["sidecar"] for row in found) == 0


def test_what_versions_take_is_what_nothing_else_needs(tmp_path: Path) -> None:
    store = tmp_path / "scraps.db"
    parquets = [_parquet(count) for count in (1, 2, 30_000)]
    for night, frame in enumerate(parquets):
        outputs = (
            nb.scrap("frame", base64.b64encode(frame).decode(), "pandas"),
            nb.display("shown", {"image/png": nb.PNG}),
        )
        nb.write(tmp_path / "runs" / "a.ipynb", nb.notebook(nb.code("glue()", *outputs)), nb.LONG_AGO + night)
        index(store, [str(tmp_path / "runs")], keep=Retention())
    with closing(open_reader(store)) as connection:
        found = of_versions(connection)
        assert found is not None
        # The picture is the notebook's, and so is the last DataFrame, which has a file of its own.
        assert found[:2] == (3, 1)
        assert (found.blobs, found.sidecars) == (len(parquets[0]) + len(parquets[1]), 0)
        page = connection.execute("PRAGMA page_size").fetchone()[0]
        assert found.tables is not None
        assert 20 * page > found.tables >= 12 * page
    nb.write(tmp_path / "runs" / "a.ipynb", nb.gluing(x=1), nb.LONG_AGO + 9)
    index(store, [str(tmp_path / "runs")])
    with closing(open_reader(store)) as connection:
        found = of_versions(connection)
        assert found is not None
        assert (found.blobs, found.sidecars) == (
            len(parquets[0]) + len(parquets[1]) + len(base64.b64decode(nb.PNG)), len(parquets[2])
        )  # fmt: skip
        assert totals(connection)["sidecars"] == len(parquets[2])


def test_a_store_without_versions_has_none_to_tell_of(connection: sqlite3.Connection) -> None:
    assert of_versions(connection) is None


def _parquet(count: int) -> bytes:
    stream = io.BytesIO()
    pd.DataFrame({"x": np.random.default_rng(0).random(count)}).to_parquet(stream)
    return stream.getvalue()
