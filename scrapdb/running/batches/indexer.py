"""What brings finished runs into the store: a thread that indexes all that have ended since it last looked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from scrapdb.errors import ScrapdbError

_PAUSE = 0.25  # seconds in which further runs may end, so that those that end together are written together
_AGAIN = 5.0  # seconds until what failed is tried again


class Indexer:
    """Indexes files while others are executed. At its end, as a context manager, all that were named are indexed."""

    def __init__(self, store: Path, warn: Callable[[str], None]) -> None:
        """Take a store, and whom to tell of an index that fails; that is no reason for a run to fail."""
        self._store = store
        self._warn = warn
        self._files: list[str] = []
        self._change = threading.Condition()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="scrapdb-indexer", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Index what is left, and end."""
        with self._change:
            self._is_over.set()
            self._change.notify()
        self._thread.join()
        if self._files and (problem := self._index()):
            self._warn(f"{problem} `scrapdb index` brings in what is missing.")

    def add(self, file: str) -> None:
        """Have a file indexed soon."""
        with self._change:
            self._files.append(file)
            self._change.notify()

    def _work(self) -> None:
        told = False
        while self._wait():
            problem = self._index()
            if problem and not told:
                self._warn(f"{problem} It is tried again.")
                told = True
            self._is_over.wait(_AGAIN if problem else 0)

    def _wait(self) -> bool:
        """Wait for files; return whether to go on."""
        with self._change:
            while not self._files and not self._is_over.is_set():
                self._change.wait()
        return not self._is_over.wait(_PAUSE)

    def _index(self) -> str | None:
        """Index what has come in; if that fails, keep it and return why."""
        from scrapdb.indexing.loop import index

        with self._change:
            files, self._files = self._files, []
        try:
            summary = index(self._store, (), names=list(dict.fromkeys(files)), prune=False, workers=1)
        except (ScrapdbError, OSError, MemoryError) as error:
            with self._change:
                self._files = files + self._files
            count = "1 finished run is" if len(files) == 1 else f"{len(files):,} finished runs are"
            return f"{count} not in the store yet: {error}"
        for problem in summary.errors:
            self._warn(problem)
        return None
