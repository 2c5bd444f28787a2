"""A batch in a file: `scrapdb run batch.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What `scrapdb run` is told, by the names that its options have."""

    notebook: str
    output: str
    parameters: dict[str, list[Any]] = {}


def read(path: Path) -> Batch:
    """Read a batch file (.yaml, .yml, .json, .toml); paths in it are relative to it."""
    raise NotImplementedError
