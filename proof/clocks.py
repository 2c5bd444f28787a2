"""Clocks go wrong: the times of files are in the past, in the future, and beyond what calendars hold."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
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
_YEAR = 365 * 24 * 3600 * 10**9  # nanoseconds
_MOMENTS = (0, -1, 1, -60 * _YEAR, 30 * _YEAR, 56 * _YEAR, 200 * _YEAR, 400 * _YEAR, 9_000 * _YEAR, -3_000 * _YEAR)


def prove(trial: Trial) -> Iterator[Counts]:
    """Change notebooks and their times at random, and see that all is seen but what has the size and time it had."""
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    store = trial.directory / "scraps.db"
    succeeded(scrapdb("index", root, db=store))
    for number in trial.rounds():
        changed = 0
        for place in trial.random.sample(range(_NOTEBOOKS), 10):
            path = notebooks.place(root, place)
            before = path.stat()
            notebooks.write(root, place, number + 1)
            changed += _set_time(path, trial, before)
        succeeded(scrapdb("index", root, db=store))
        fresh = trial.directory / f"fresh{number}.db"
        succeeded(scrapdb("index", root, db=fresh))
        check(store)
        yield Counter({"changes seen": changed, "rows compared": compare(store, fresh)})
    yield _unseen(root, store)


def _set_time(path: Path, trial: Trial, before: os.stat_result) -> int:
    """Give a file that has been written some time, other than it had."""
    moment = trial.random.choice((*_MOMENTS, before.st_mtime_ns - 1, before.st_mtime_ns - 10**9))
    os.utime(path, ns=(moment, moment))
    now = path.stat()
    if (now.st_size, now.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
        os.utime(path)
    return 1


def _unseen(root: Path, store: Path) -> Counts:
    """Change a notebook but neither its size nor its time: nothing sees that but --force, as the documentation says."""
    path = notebooks.place(root, 1)
    before = path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + (b" " if content.endswith(b"\n") else b"\n"))
    path.write_bytes(path.read_bytes()[: len(content)])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    run = scrapdb("index", root, "--json", db=store)
    claim('"changed": 0' in run.out, f"A file of the same size and time was read: {run.out}")
    run = scrapdb("index", root, "--json", "--force", db=store)
    claim('"changed": 1' in run.out or '"failed"' in run.out, f"--force has not seen a change: {run.out}")
    return Counter({"changes seen with --force only": 1})
