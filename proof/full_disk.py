"""The disk is full: a small file system of its own, in memory, of any size."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proof import notebooks
from proof.running import is_root
from proof.running import refused
from proof.running import scrapdb
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import NotRunError
from proof.trial import Trial
from tests.stores import check
from tests.stores import compare

_NOTEBOOKS = 1_200
_FULL = ("disk is full", "disk may be full", "No space left")
_ROOM = 256 * 2**20  # bytes


def prove(trial: Trial) -> Iterator[Counts]:
    """Index into too little room, look, make room, and compare."""
    if not is_root():
        raise NotRunError("only root can mount a small file system")
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    undisturbed = trial.part("undisturbed") / "scraps.db"
    for number in trial.rounds():
        notebooks.shake(root, _NOTEBOOKS, number + 1, trial.random)
        succeeded(scrapdb("index", root, db=undisturbed))
        needed = sum(path.stat().st_size for path in undisturbed.parent.rglob("*") if path.is_file())
        with _disk(trial.directory / "disk", trial.random.randrange(8192, needed)) as disk:
            store = disk / "full.db"
            refused(scrapdb("index", root, "--keep", db=store), *_FULL)
            yield Counter({"times full": 1, **_look(trial, disk, store)})
            _resize(disk, _ROOM)
            succeeded(scrapdb("index", root, "--keep", db=store))
            check(store)
            yield Counter({"rows compared": compare(store, undisturbed)})
            yield from _fill(trial, disk, store, root)


def _look(trial: Trial, disk: Path, store: Path) -> Counts:
    """See that readers answer or say why, and that what is there is whole; on a copy, since there is no room."""
    asked = Counter({"questions": 1})
    run = scrapdb("query", "--count", db=store)
    asked["questions answered"] = run.code == 0
    copy = trial.directory / "copy"
    shutil.copytree(disk, copy)
    if store.exists() and store.stat().st_size:
        check(copy / store.name)
    shutil.rmtree(copy)
    return asked


def _fill(trial: Trial, disk: Path, store: Path, root: Path) -> Iterator[Counts]:
    """Fill the disk to the last byte: what only reads goes on, what writes says why not."""
    shake = trial.random.randrange(1_000_000, 2_000_000)
    notebooks.shake(root, _NOTEBOOKS, shake, trial.random)
    usage = shutil.disk_usage(disk)
    _resize(disk, usage.used + trial.random.choice((0, 0, 8192, 65536)))
    for command in (("index", str(root)), ("index", "--force", str(root)), ("optimize",)):
        refused(scrapdb(*command, db=store), *_FULL)
    refused(scrapdb("query", "-o", disk / "all.csv", "-c", "*", db=store), *_FULL)
    yield Counter({"times full": 4, **_look(trial, disk, store)})


@contextmanager
def _disk(place: Path, size: int) -> Iterator[Path]:
    place.mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _resize(place: Path, size: int) -> None:
    _mount("-o", f"remount,size={size}", str(place))


def _mount(*options: str) -> None:
    subprocess.run(["mount", *options], check=True)
