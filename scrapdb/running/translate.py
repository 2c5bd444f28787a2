"""How values get into a notebook: papermill's own translators write the cell, and this one dates and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def parameterized(
    notebook: Any, parameters: Mapping[str, Any], kernel: str | None = None, language: str | None = None
) -> Any:
    """Put papermill's injected cell into a notebook, and the parameters into its metadata as JSON values."""
    raise NotImplementedError
