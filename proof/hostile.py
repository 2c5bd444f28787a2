"""Hostile notebooks, as many as there is time for; tests/hostile.py makes them and asks about them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim

_SECONDS = 20.0  # of one round


def prove(trial: Trial) -> Iterator[Counts]:
    """Let it make hostile files, round after round, and take over its counts."""
    for _ in trial.rounds():
        seconds, seed = str(min(_SECONDS, trial.seconds)), str(trial.random.randrange(2**32))
        command = [sys.executable, "-m", "tests.hostile", "--seconds", seconds, "--seed", seed]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        claim(run.returncode == 0, f"{' '.join(command[1:])} failed:\n{run.stdout}{run.stderr}")
        lines = (line.partition(" ") for line in run.stdout.splitlines())
        yield Counter({sort: int(count.replace(",", "")) for count, _, sort in lines})
