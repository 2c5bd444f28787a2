"""Notebooks are rewritten while they are read: piece by piece, as papermill does, and in place."""

from __future__ import annotations

import hashlib
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from proof import notebooks
from proof.running import scrapdb
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim
from tests.stores import check
from tests.stores import compare

_NOTEBOOKS = 60
_PIECE = 8192  # bytes: Python's buffer, which papermill's `open(path, "w")` empties as it fills
_INDEXED = 6  # times in a round


def prove(trial: Trial) -> Iterator[Counts]:
    """Index again and again while somebody writes; then once more when all is quiet, and compare."""
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    store = trial.directory / "read.db"
    writer = _Writer(root, trial.random.randrange(2**32))
    for number in trial.rounds():
        with writer:
            for _ in range(_INDEXED):
                succeeded(scrapdb("index", root, "--keep", db=store))
                yield Counter({"indexes meanwhile": 1, **_look(store, writer.written)})
        alone = trial.directory / f"alone{number}.db"
        for path in (store, alone):
            succeeded(scrapdb("index", root, db=path))
            check(path)
        yield Counter({"rewrites": writer.rewrites, "comparisons": 1, "rows compared": compare(store, alone)})
        writer.rewrites = 0


def _look(store: Path, written: set[str]) -> Counts:
    """See that every notebook which can be read is one that somebody has written, and not a mixture."""
    with closing(sqlite3.connect(store)) as connection:
        read = connection.execute("SELECT path, content_hash FROM notebooks WHERE status <> 'unreadable'").fetchall()
        mixed = connection.execute(notebooks.MIXED).fetchall()
        (unfinished,) = connection.execute("SELECT count(*) FROM notebooks WHERE status = 'unreadable'").fetchone()
    never = [path for path, digest in read if digest not in written]
    claim(not never, f"The store has notebooks that never were: {never[:3]}")
    claim(not mixed, f"The store has mixtures of two notebooks: {mixed[:3]}")
    return Counter({"notebooks seen": len(read), "unfinished ones seen": unfinished})


class _Writer:
    """Rewrites notebooks in a thread, while it is entered. `written` has the SHA-256 of all that were ever whole."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.rewrites = 0
        self.written = {_sha256(notebooks.content(number, 0)) for number in range(_NOTEBOOKS)}
        self._random = random.Random(seed)  # noqa: S311 (no secrets)
        self._stop = threading.Event()
        self._generation = 0

    def __enter__(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        while not self._stop.is_set():
            self._generation += 1
            number = self._random.randrange(_NOTEBOOKS)
            path = notebooks.place(self.root, number)
            before = path.stat().st_size
            content = notebooks.content(number, self._generation).ljust(before)  # JSON may end in spaces
            self.written.add(_sha256(content))
            if len(content) == before:  # as rsync --inplace does; the size, and often the time, stay what they were
                with path.open("r+b", buffering=0) as file:
                    file.write(content)
            else:
                self._rewrite(path, content)
            self.rewrites += 1

    def _rewrite(self, path: Path, content: bytes) -> None:
        pause = self._random.choice((0, 0, 0.0001, 0.005))
        with path.open("wb", buffering=0) as file:
            for start in range(0, len(content), _PIECE):
                file.write(content[start : start + _PIECE])
                time.sleep(pause)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
