"""Sidecars are lost or damaged: reading says so, and indexing again with --force heals them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from proof import notebooks
from proof.running import refused
from proof.running import scrapdb
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from tests import stores
from tests.stores import check

_NOTEBOOKS = 40


def prove(trial: Trial) -> Iterator[Counts]:
    """Damage one sidecar after another, ask for its frame, and heal."""
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    for number in range(0, _NOTEBOOKS, 20):
        notebooks.write(root, number, number)  # frames that differ
    store = trial.directory / "scraps.db"
    succeeded(scrapdb("index", root, db=store))
    files = stores.sidecars(store)
    harms = trial.random.sample(_HARM, len(_HARM))
    for number in trial.rounds():
        damaged, harm = trial.random.choice(files), harms[number % len(harms)]
        harm(damaged, trial)
        for command in (("frame", "large"), ("show", _owner(store, damaged), "large")):
            refused(scrapdb(*command, db=store), "missing", "damaged", "cannot be read")
        succeeded(scrapdb("query", "generation >= 0", "-c", "*", db=store))
        succeeded(scrapdb("index", root, "--force", db=store))
        check(store)
        for command in (("frame", "large"), ("show", _owner(store, damaged), "large")):
            succeeded(scrapdb(*command, db=store))
        yield Counter({"sidecars damaged, named and healed": 1})


def _owner(store: Path, damaged: Path) -> str:
    sql = "SELECT path FROM notebooks JOIN frames ON notebook_id = id WHERE hash = ?"
    with closing(sqlite3.connect(store)) as connection:
        return str(connection.execute(sql, [damaged.stem]).fetchone()[0])


def _flip(path: Path, trial: Trial) -> None:
    content = bytearray(path.read_bytes())
    content[trial.random.randrange(len(content))] ^= 1 << trial.random.randrange(8)
    path.write_bytes(content)


def _truncate(path: Path, trial: Trial) -> None:
    os.truncate(path, trial.random.randrange(path.stat().st_size))


def _overwrite(path: Path, trial: Trial) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(trial.random.randrange(size - 4096))
        file.write(trial.random.randbytes(4096))


def _remove(path: Path, _: Trial) -> None:
    path.unlink()


def _remove_all(path: Path, _: Trial) -> None:
    shutil.rmtree(path.parent.parent)


def _exchange(path: Path, trial: Trial) -> None:
    """Put a frame there that can be read, and is another."""
    others = [other for other in path.parents[1].rglob("*.parquet") if other != path]
    path.write_bytes(trial.random.choice(others).read_bytes())


_HARM: tuple[Callable[[Path, Trial], None], ...] = (
    _flip,
    _truncate,
    _flip,
    _overwrite,
    _remove,
    _exchange,
    _remove_all,
)
