"""What `scrapdb index --watch` prints: a line for each pass that changed something."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scrapdb.cli.options import complain
from scrapdb.cli.options import say

if TYPE_CHECKING:
    from scrapdb.indexing.changes import Summary


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
    from scrapdb.indexing.changes import Change
    from scrapdb.indexing.watch import watch

    told = (Change.ADDED, Change.CHANGED, Change.REMOVED, Change.FAILED)
    say("Watching for changes; Ctrl-C ends it.")
    total = first
    try:
        for news in watch(store, roots, index, first):
            if isinstance(news, str):
                complain(f"Warning: {news}")
                continue
            for error in news.errors:
                complain(f"Warning: {error}")
            say(f"{time.strftime('%H:%M:%S')}  {news.told(*told)}")
            total = total.then(news)
    finally:
        say(f"Watched: {total.told(*told)} → {store}")
