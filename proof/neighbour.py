"""A process that indexes, or reads, over and over until a file appears.

python -m proof.neighbour index|read STORE ROOT STOP
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import scrapdb
from proof import notebooks
from proof.trial import Counts
from proof.trial import claim
from scrapdb.errors import StoreError


def main() -> None:
    """Go on until the end, then print what was counted."""
    role, store, root, stop = sys.argv[1:]
    db = scrapdb.open(store)
    counts: Counts = Counter()
    while not Path(stop).exists():
        for work in _ROLES[role]:
            try:
                work(db, root)
                counts[work.__name__.strip("_")] += 1
            except StoreError as error:
                claim("is locked" in str(error), f"{work.__name__}: {error}")
                counts["times busy"] += 1
    print(json.dumps(counts))


def _indexes(db: scrapdb.Database, root: str) -> None:
    db.index(root, workers=1)


def _queries(db: scrapdb.Database, _: str) -> None:
    for run in db.query("generation >= 0", columns="generation, label, list, param.generation_asked as asked"):
        generation = run["generation"]
        expected = [f"g{generation}", [generation] * 3, generation]
        claim([run["label"], run["list"], run["asked"]] == expected, f"A query shows half a notebook: {run}")


def _versions(db: scrapdb.Database, _: str) -> None:
    for run in db.versions().query("generation >= 0", columns="notebook, nb.version, generation, label, list"):
        generation = run["generation"]
        claim([run["label"], run["list"]] == [f"g{generation}", [generation] * 3], f"A version is half of two: {run}")


def _statements(db: scrapdb.Database, _: str) -> None:
    rows = list(db.sql(notebooks.MIXED).rows())
    claim(not rows, f"`runs` has half a notebook: {rows[:3]}")


def _frames(db: scrapdb.Database, _: str) -> None:
    table = db.frame("large", where="number < 200")
    mixed = table.groupby("notebook")["generation"].nunique()
    claim((mixed == 1).all(), f"A frame is mixed: {mixed[mixed > 1]}")


_ROLES: dict[str, tuple[Callable[[scrapdb.Database, str], None], ...]] = {
    "index": (_indexes,),
    "read": (_queries, _versions, _statements, _frames),
}

if __name__ == "__main__":
    main()
