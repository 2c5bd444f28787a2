"""Notebooks by a fuzzer that sees which branches of the reader they reach; tests/fuzzed.py tries them out."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec

from proof.trial import Counts
from proof.trial import NotRunError
from proof.trial import Trial
from proof.trial import claim

_SECONDS = 90.0  # of one round; what it learns in one is forgotten in the next
_PATIENCE = 20  # seconds that one notebook may take
_SAID = 2_000  # characters of the fuzzer's last words


def prove(trial: Trial) -> Iterator[Counts]:
    """Let it make notebooks until one raises, has an unknown problem, takes too long or too much memory."""
    if find_spec("atheris") is None:
        raise NotRunError("it needs atheris, which has wheels for some systems: `pip install --group fuzz`")
    for _ in trial.rounds():
        options = {
            "max_total_time": max(1, round(min(_SECONDS, trial.seconds))),  # 0 is without end
            "seed": trial.random.randrange(1, 2**31),
            "timeout": _PATIENCE,
            "print_final_stats": 1,
            "rss_limit_mb": 0,  # it would take the peak of this process for its own; tests/fuzzed.py limits its memory
            "artifact_prefix": f"{tempfile.gettempdir()}/fuzzed-",
        }
        command = [sys.executable, "-m", "tests.fuzzed", *(f"-{name}={value}" for name, value in options.items())]
        run = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
        last = (run.stdout + run.stderr)[-_SAID:]
        claim(run.returncode == 0, f"{' '.join(command[1:])} ended with {run.returncode}:\n{last}")
        tried = re.search(r"number_of_executed_units: (\d+)", run.stderr)
        claim(tried, f"{' '.join(command[1:])} has not said how many it tried:\n{last}")
        yield Counter({"notebooks": int(tried[1]) if tried else 0})
