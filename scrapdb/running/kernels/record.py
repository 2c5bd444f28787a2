"""The record of a run, written into its notebook's metadata as `scrapdb.run`; `notebooks.record` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import msgspec

from scrapdb.facts import Execution
from scrapdb.notebooks.record import VERSION

if TYPE_CHECKING:
    from nbformat import NotebookNode


def write(node: NotebookNode, execution: Execution) -> None:
    """Put a record into a notebook; what is not known of the run is left out."""
    known: dict[str, Any] = {name: value for name, value in msgspec.to_builtins(execution).items() if value is not None}
    ours = node.metadata.get("scrapdb")
    others = dict(ours) if isinstance(ours, dict) else {}
    node.metadata["scrapdb"] = {**others, "run": {"version": VERSION, **known}}
