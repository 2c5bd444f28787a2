"""What `scrapdb index --watch` prints: a line for each pass that changed something."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scrapdb.cli.options import complain
from scrapdb.cli.options import say

if TYPE_CHECKING:
    from scrapdb.indexing.loop import Summary


def follow(store: Path, roots: Sequence[str], index: Callable[[list[str]], Summary], first: Summary) -> None:
    """Index after every change until it is interrupted, and say then what was done in all.

    Args:
        store: the database file.
        roots: directories and notebooks.
        index: indexes those of the roots that exist.
        first: what the index before did.

    Raises:
        KeyboardInterrupt: always, in the end.
    """
    from scrapdb.indexing.watch import watch

    say("Watching for changes; Ctrl-C ends it.")
    total = Counter(_counts(first))
    try:
        for news in watch(store, roots, index, first):
            if isinstance(news, str):
                complain(f"Warning: {news}")
                continue
            for error in news.errors:
                complain(f"Warning: {error}")
            say(f"{time.strftime('%H:%M:%S')}  {_sentence(_counts(news), news)}")
            total.update(_counts(news))
            first = news
    finally:
        say(f"Watched: {_sentence(total, first)} → {store}")


def _counts(summary: Summary) -> dict[str, int]:
    return {name: getattr(summary, name) for name in ("added", "changed", "removed")}


def _sentence(counts: Mapping[str, int], last: Summary) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in {**counts, "failed": last.failed}.items())
