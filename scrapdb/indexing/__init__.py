"""Indexing: finding what changed, reading it in many processes, and writing it in batches.

The one room that stands on both wings, on `notebooks` and on `store`. Begin with `loop`.
"""

from __future__ import annotations

GARBAGE = 100_000  # objects between two looks for cycles: facts and rows hold none, and there are many of them
