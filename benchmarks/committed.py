"""How long the versions in a git repository take, beside a plain loop of `git show` and `json` over the same commits.

python -m benchmarks.committed REPO    is that loop
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks import corpora
from benchmarks import racing
from tests.repositories import Repository

_NOTEBOOKS = 20
_NIGHTS = 65
_PICTURES = 4
_CHANGED = 2  # of them each night
_PICTURE = 55_000  # bytes
_ROUNDS = 3


def measure(directory: Path) -> Iterator[racing.Row]:
    """Make a repository in a directory and yield the lines of the table."""
    repository = directory / "repository"
    size = nights(repository)
    new = directory / "new"
    index = racing.scrapdb("--db", str(new / "scraps.db"), "-q", "index", "--git", str(repository))
    results = racing.race({"scrapdb": index}, _ROUNDS, partial(_empty, new))
    loop = racing.race({"loop": racing.python("-m", "benchmarks.committed", str(repository))}, 1, lambda: None)
    ours, theirs = results["scrapdb"], loop["loop"]
    work = f"index {_NOTEBOOKS * _NIGHTS:,} committed versions, {size / 1e6:,.0f} MB"
    yield racing.Row(
        work, "git show and json", _seconds(ours), _seconds(theirs), ours.seconds / theirs.seconds, "≤ 10 s"
    )
    again = racing.race({"scrapdb": index}, _ROUNDS, lambda: None)["scrapdb"]
    refs = racing.race({"git": ["/usr/bin/env", "git", "-C", str(repository), "for-each-ref"]}, _ROUNDS, lambda: None)
    theirs = refs["git"]
    yield racing.Row(
        f"{work}, no new commit", "git for-each-ref", _seconds(again), _seconds(theirs), again.times(theirs), ""
    )


def nights(directory: Path) -> int:
    """Make a repository of notebooks that run every night, packed, and return the bytes of all versions."""
    repository, size = Repository(directory), 0
    chance = random.Random(1)  # noqa: S311 (values, no secrets)
    names = [f"{number:02}.ipynb" for number in range(_NOTEBOOKS)]
    pictures = {name: [chance.randbytes(_PICTURE) for _ in range(_PICTURES)] for name in names}
    for night in range(_NIGHTS):
        files = {}
        for name in names:
            pictures[name][:_CHANGED] = [chance.randbytes(_PICTURE) for _ in range(_CHANGED)]
            files[name] = f"{json.dumps(corpora.nightly(pictures[name], chance), indent=1)}\n"
        size += sum(map(len, files.values()))
        repository.commit(files, message=f"Night {night}").write()
    repository.git("gc", "-q")
    return size


def loop(directory: str) -> int:
    """Read every version of every notebook as one would by hand, and return how many there are."""
    versions, commit = 0, ""
    for line in _git(directory, "log", "--all", "--format=%H", "--name-only").decode().splitlines():
        if line.endswith(".ipynb"):
            cells = json.loads(_git(directory, "show", f"{commit}:{line}"))["cells"]
            outputs = (output for cell in cells for output in cell.get("outputs", ()))
            versions += any("scrapbook" in output.get("metadata", {}) for output in outputs)
        elif line:
            commit = line
    return versions


def _git(directory: str, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", directory, *arguments], stdout=subprocess.PIPE, check=True).stdout  # noqa: S603, S607


def _empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()


def _seconds(measured: racing.Measured) -> str:
    return f"{measured.seconds:.2f} s"


if __name__ == "__main__":
    print(loop(sys.argv[1]))
