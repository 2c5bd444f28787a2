"""Two indexers, which keep versions, and ten readers at once, while notebooks change."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from proof import notebooks
from proof.running import scrapdb
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim
from tests.stores import check
from tests.stores import compare

_NOTEBOOKS = 400
_INDEXERS, _READERS = 2, 10
_TIMEOUT = 300  # seconds


def prove(trial: Trial) -> Iterator[Counts]:
    """Let them all run until the time is over, then compare with an index that was alone."""
    root = notebooks.plant(trial.directory / "notebooks", _NOTEBOOKS)
    store = trial.directory / "shared.db"
    succeeded(scrapdb("index", root, "--keep", db=store))
    stop = trial.directory / "stop"
    roles = ["index"] * _INDEXERS + ["read"] * _READERS
    everybody = [
        subprocess.Popen(
            [sys.executable, "-m", "proof.neighbour", role, str(store), str(root), str(stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for role in roles
    ]
    try:
        for number in trial.rounds():
            notebooks.shake(root, _NOTEBOOKS, number + 1, trial.random)
            time.sleep(trial.random.random())
            yield Counter({"changes of notebooks": 1})
            if any(process.poll() is not None for process in everybody):
                break  # which nobody does but to say why
    finally:
        stop.touch()
        ended = [_ended(process) for process in everybody]
    for code, out, err in ended:
        claim(code == 0, f"Somebody failed: {err}")
        yield Counter(json.loads(out))
    yield _compare(trial, root, store)


def _ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    with suppress(subprocess.TimeoutExpired):
        out, err = process.communicate(timeout=_TIMEOUT)
        return process.returncode, out.decode(), err.decode()
    process.kill()
    return 1, "", f"It has not ended in {_TIMEOUT} seconds."


def _compare(trial: Trial, root: Path, store: Path) -> Counts:
    alone = trial.directory / "alone.db"
    for path in (store, alone):
        succeeded(scrapdb("index", root, db=path))
        check(path)
    return Counter({"rows compared": compare(store, alone)})
