from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from scrapdb.indexing.loop import index
from scrapdb.store.connection import open_reader
from tests import notebook_builder as nb
from tests.store.readers.glued import VALUES
from tests.store.readers.glued import parquet


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """A store of two notebooks, one of which could not be read."""
    directory = tmp_path_factory.mktemp("read")
    outputs = [nb.scrap(name, value) for name, value in VALUES.items()]
    frame = nb.scrap("frame", base64.b64encode(parquet()).decode(), "pandas")
    shown = nb.display("shown", {"image/png": nb.PNG, "text/plain": "shown"})
    parameters = nb.code("alpha = 0.5\nwhen = today()\ntext = 'x'", tags=("parameters",))
    glue = nb.code("glue()", *outputs, frame, shown, count=7)
    nb.write(directory / "a" / "values.ipynb", nb.notebook(parameters, glue))
    nb.write(directory / "b" / "broken.ipynb", b"{")
    index(directory / "scraps.db", [str(directory)])
    with closing(open_reader(directory / "scraps.db")) as found:
        yield found
