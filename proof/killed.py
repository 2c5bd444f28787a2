"""Commands that write are killed at any moment, with all their processes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from proof import notebooks
from proof.running import scrapdb
from proof.running import start
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim
from tests.stores import check
from tests.stores import compare
from tests.stores import sidecars
from tests.stores import unnamed

_NOTEBOOKS = 1_500  # several batches
_COMPARED = 25  # rounds between two comparisons with an undisturbed index
_SHORTEST, _FIRST_LIMIT = 0.15, 2.0  # seconds after which it may be killed; the limit follows what commands take
_LONGER = 1.1  # times
_COMMANDS = (("index",),) * 8 + (("index", "--force"), ("optimize",), ("gc",))


def prove(trial: Trial) -> Iterator[Counts]:
    """Kill, look, and go on; now and then let an index end, and compare it with an undisturbed one."""
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    store = trial.directory / "killed.db"
    limits = dict.fromkeys(_COMMANDS, _FIRST_LIMIT)
    for number in trial.rounds():
        command = trial.random.choice(_COMMANDS) if store.exists() else _COMMANDS[0]
        paths = [root] if command[0] == "index" else []
        moment = trial.random.uniform(_SHORTEST, limits[command])
        killed = kill(start(*command, *paths, db=store), moment)
        limits[command] = limits[command] * _LONGER if killed else moment
        yield Counter({"kills survived" if killed else "ended before the kill": 1, **look(store)})
        if trial.random.random() < 1 / 2:  # otherwise the next one completes what this one began
            notebooks.shake(root, _NOTEBOOKS, number + 1, trial.random)
        if number % _COMPARED == _COMPARED - 1:
            yield _compare(trial, root, store)
            if trial.random.random() < 1 / 2:
                remove(store)
    yield _compare(trial, root, store)


def kill(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Kill a process and those it started after a while; tell whether it was still there."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    if process.poll() is not None:
        claim(process.returncode == 0, f"{process.args!r}, which nobody killed, ended with {process.returncode}")
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def look(store: Path) -> Counts:
    """See that what is left is whole, before and after the sidecars that nothing names are collected."""
    if not store.exists() or not store.stat().st_size:
        return Counter()
    seen = check(store)
    for path in sidecars(store):
        notebooks.age(path, 7200)
    succeeded(scrapdb("gc", db=store))
    claim(not (left := unnamed(store)), f"gc has left sidecars that no row names: {left[:3]}")
    check(store)
    return Counter({"sidecars read": seen})


def _compare(trial: Trial, root: Path, store: Path) -> Counts:
    """Let an index end, and compare it with one from nothing."""
    undisturbed = trial.directory / "undisturbed.db"
    remove(undisturbed)
    for path in (store, undisturbed):
        succeeded(scrapdb("index", root, db=path))
        check(path)
    return Counter({"rows compared": compare(store, undisturbed), "comparisons": 1})


def remove(store: Path) -> None:
    """Remove a store, with all that lies beside it."""
    for path in (*store.parent.glob(f"{store.name}*"), *sidecars(store)):
        if path.is_file():
            path.unlink()
