"""Run the proofs and report what they counted.

python -m proof [NAME]... [--quick] [--seconds N | --rounds N] [--seed N]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path

from proof.trial import Counts
from proof.trial import NotRunError
from proof.trial import Trial

# Name of the proof, which is that of its module, and the seconds it goes on for.
PROOFS = {
    "killed": 420,
    "full_disk": 80,
    "read_only": 80,
    "together": 120,
    "kept": 180,
    "commits": 90,
    "nights": 180,
    "rewritten": 90,
    "sidecars": 60,
    "damaged": 150,
    "clocks": 30,
    "moved": 30,
    "versions": 30,
    "hostile": 60,
    "fuzzed": 90,
    "service": 180,
}
_DISPROVED, _NOT_RUN = "DISPROVED", "not run"
_QUICK = 15  # times shorter
_BETWEEN_LINES = 10  # seconds


def main() -> int:
    """Run the proofs that are named, or all. Gives the exit code: 1 if something does not hold."""
    parser = argparse.ArgumentParser(prog="python -m proof", description="Prove that a store lives through harm.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"by default all: {', '.join(PROOFS)}")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK} times shorter")
    parser.add_argument("--seconds", type=float, help="how long each goes on")
    parser.add_argument("--rounds", type=int, help="how often each does its harm, instead")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the chance")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - PROOFS.keys():
        parser.error(f"there is no proof {', '.join(sorted(unknown))}")
    print(f"seed {arguments.seed}", flush=True)
    reports = []
    for name in arguments.names or PROOFS:
        seconds = arguments.seconds or PROOFS[name] / (_QUICK if arguments.quick else 1)
        with tempfile.TemporaryDirectory(prefix="proof-") as directory:
            Path(directory).chmod(0o755)  # for the proofs that read as another user
            trial = Trial(Path(directory).resolve(), seconds, arguments.rounds, arguments.seed)
            reports.append((name, *_run(name, trial)))
    print()
    for name, counts, end in reports:
        print(f"{name:10} {', '.join(filter(None, (_counted(counts), end)))}")
    failed, left = (sum(end.startswith(how) for *_, end in reports) for how in (_DISPROVED, _NOT_RUN))
    lost = f"{failed} of {len(reports)} proofs failed." if failed else "Nothing was lost."
    print(f"{lost} {left} of {len(reports)} proofs could not be run." if left else lost)
    return 1 if failed else 0


def _run(name: str, trial: Trial) -> tuple[Counts, str]:
    """Run a proof: what it counted, and why it failed or was not run."""
    counts: Counts = Counter()
    said = time.monotonic()
    print(f"{name} ...", flush=True)
    try:
        for more in import_module(f"proof.{name}").prove(trial):
            counts.update(more)
            if time.monotonic() - said > _BETWEEN_LINES:
                said = time.monotonic()
                print(f"  {_counted(counts)}", flush=True)
    except (AssertionError, NotRunError) as error:
        end = f"{_NOT_RUN if isinstance(error, NotRunError) else _DISPROVED}: {error}"
        print(f"  {end}", flush=True)
        return counts, end.partition("\n")[0]
    print(f"  {_counted(counts)}", flush=True)
    return counts, ""


def _counted(counts: Counts) -> str:
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())


if __name__ == "__main__":
    sys.exit(main())
