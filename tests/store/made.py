"""Notebooks as rows, written into stores."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scrapdb.store import sidecars
from scrapdb.store.rows import File
from scrapdb.store.rows import Rows
from scrapdb.store.rows import rows
from scrapdb.store.write import Writer
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import facts_of
from tests.notebook_builder import scrap
from tests.stores import query

Values = Mapping[str, Any]


def frame_of(size: int) -> str:
    """The payload of a frame of about so many bytes that cannot be compressed."""
    file = io.BytesIO()
    pd.DataFrame({"x": [os.urandom(size)]}).to_parquet(file)
    return base64.b64encode(file.getvalue()).decode()


LARGE, OTHER_LARGE = frame_of(100_000), frame_of(100_000)
SMALL = frame_of(10)


def made(path: str, scraps: Values = {}, parameters: Values = {}, frames: Mapping[str, str] = {}) -> Rows:  # noqa: B006
    outputs = [scrap(name, value) for name, value in scraps.items() if value is not PNG]
    outputs += [display(name, {"image/png": PNG}) for name, value in scraps.items() if value is PNG]
    outputs += [scrap(name, payload, "pandas") for name, payload in frames.items()]
    found = facts_of(code("glue()", *outputs), papermill={"parameters": dict(parameters)})
    return rows(File(path, None, 1, 2, "hash"), found)


def write(store: Path, *batches: Sequence[Rows]) -> None:
    for batch in batches:
        with Writer(store) as writer:
            writer.write(batch)


def frames_of(store: Path) -> set[str]:
    return {path.stem for path in sidecars.directory(store).glob("*/*")}


def named(store: Path) -> set[str]:
    return {digest for (digest,) in query(store, "SELECT hash FROM frames WHERE stored = 'sidecar'")}
