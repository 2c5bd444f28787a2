"""Paths of the executed notebooks, one for each row of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any


def outputs(
    rows: Sequence[Mapping[str, Any]],
    directory: str,
    source: str,
    pattern: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> list[str]:
    """Name the output of each row: below `directory`, `source` is the path of the notebook that is run."""
    raise NotImplementedError
