"""Which cells of a notebook are executed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scrapdb.notebooks import ipynb

NOT_EXECUTED = re.compile(r"\s*#\s*noexecute\b", re.IGNORECASE)
SKIPPED = "skip-execution"  # nbclient's tag


def executed(content: bytes) -> Iterator[str]:
    """Yield the sources of cells that are executed; none of a notebook that cannot be read.

    Args:
        content: of its file.
    """
    try:
        notebook = ipynb.read(content)
    except ipynb.UnreadableError:
        return
    for cell in notebook.cells:
        source = ipynb.text(cell.source)
        if cell.cell_type == "code" and SKIPPED not in cell.metadata.tags and not NOT_EXECUTED.match(source):
            yield source
