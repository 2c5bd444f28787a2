"""What the notebooks of the store that the readers read have glued."""

from __future__ import annotations

import io
import math
import sqlite3

import pandas as pd

from scrapdb.store.readers.notebooks import find_notebook

VALUES = {
    "text": "007",
    "empty": "",
    "integer": 2**53 + 1,
    "big": 2**70,
    "float": 0.1 + 0.2,
    "round": 1.0,
    "infinity": math.inf,
    "yes": True,
    "none": None,
    "list": [1, [2.5, None], "x"],
    "surrogate": "\ud800",
    "nul": "a\0b",
}
FRAME = pd.DataFrame({"x": [1, 2, 3]})


def parquet() -> bytes:
    stream = io.BytesIO()
    FRAME.to_parquet(stream)
    return stream.getvalue()


def notebook_id(connection: sqlite3.Connection) -> int:
    return find_notebook(connection, "values")[0]
