"""Repositories by chance, of really executed notebooks; and what a store says of their commits, held against git.

The referee is a plain loop over the commits and what `git show` shows of each, which scrapbook reads.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from typing import NamedTuple

from scrapdb.database import Database
from tests import histories
from tests import nights
from tests.histories import History
from tests.referee import Version
from tests.repositories import Repository

_PLACES = [f"{directory}{ticker}.ipynb" for directory in ("", "deep/", "deep/é/") for ticker in ("AAA", "BCD", "XYZ")]
_HOUR = 3600


class Commit(NamedTuple):
    """A commit: its parents, the author's time, and what it has at each path."""

    parents: list[str]
    authored: int
    files: Mapping[str, bytes]


def grow(repo: Repository, chance: random.Random, count: int) -> None:
    """Commit, delete, move, break, bring back, branch and merge, so many times."""
    for _ in range(count):
        chance.choices([_commit, _leave, _move, _go, _merge, _again], [8, 2, 2, 3, 3, 1])[0](repo, chance)
    if repo.branch_name != "main":
        repo.switch("main")


def _commit(repo: Repository, chance: random.Random) -> None:
    files = {place: _content(place, chance) for place in chance.sample(_PLACES, chance.randint(1, 3))}
    repo.commit(files, at=_time(repo, chance))


def _leave(repo: Repository, chance: random.Random) -> None:
    if here := repo.paths():
        repo.commit({chance.choice(here): None}, at=_time(repo, chance))


def _move(repo: Repository, chance: random.Random) -> None:
    here = repo.paths()
    free = [place for place in _PLACES if place not in here]
    if here and free:
        old, new = chance.choice(here), chance.choice(free)
        repo.move(old, new, _content(new, chance) if chance.random() < 0.3 else None, at=_time(repo, chance))


def _go(repo: Repository, chance: random.Random) -> None:
    """Begin a branch, or go to another."""
    if len(repo.branches()) < 4 and repo.has_commits():
        repo.branch(f"branch {len(repo.branches())}".replace(" ", "-"))
        _commit(repo, chance)
    else:
        repo.switch(chance.choice(repo.branches()))


def _merge(repo: Repository, chance: random.Random) -> None:
    """Merge into the main branch; nothing comes back by that which was there before."""
    repo.switch("main")
    others = [name for name in repo.branches() if name != repo.branch_name]
    if others and repo.has_commits():
        files = {chance.choice(_PLACES): _content("AAA.ipynb", chance)} if chance.random() < 0.3 else {}
        repo.merge(*chance.sample(others, 1 if chance.random() < 0.8 else len(others)), files=files)


def _again(repo: Repository, chance: random.Random) -> None:
    """Commit what is somewhere at another place too."""
    if here := repo.paths():
        repo.commit({chance.choice(_PLACES): repo.content(chance.choice(here))}, at=_time(repo, chance))


def _content(place: str, chance: random.Random) -> bytes:
    number = chance.randrange(20)
    fails = chance.random() < 0.1
    written = json.dumps(nights.notebook(Path(place).stem, number, number / 20, fails=fails), indent=1).encode()
    return written[: len(written) // 2] if chance.random() < 0.05 else written


def _time(repo: Repository, chance: random.Random) -> str | None:
    """Say when: an hour later, or when clocks go wrong at the same time, or before."""
    if chance.random() < 0.8:
        return None
    return datetime.fromtimestamp(repo.now - chance.choice([0, _HOUR, 24 * _HOUR]), UTC).isoformat()


def commits(repo: Repository, *asked: str) -> dict[str, Commit]:
    """Read commits as `git log`, `git ls-tree` and `git show` have them, parents first."""
    log = repo.git("log", "--reverse", "--topo-order", "--format=%H %at %P", *asked).decode().splitlines()
    return {hash_: Commit(parents, int(at), _files(repo, hash_)) for hash_, at, *parents in map(str.split, log)}


@cache
def _files(repo: Repository, commit: str) -> dict[str, bytes]:
    listed = (entry.split(b"\t", 1) for entry in repo.git("ls-tree", "-rz", commit).split(b"\0")[:-1])
    return {path.decode(): _shown(repo, about.split()[2].decode()) for about, path in listed}


@cache
def _shown(repo: Repository, blob: str) -> bytes:
    return repo.git("show", blob)


def history(repo: Repository, store: Path) -> History:
    """Tell what lay there at each commit of the branch that has changed a notebook, and from when on."""
    found = History(store, [], [])
    last = 0
    before: Mapping[str, bytes] = {}
    for commit in commits(repo, "main", "--first-parent").values():
        if commit.files == before:
            continue
        before = commit.files
        last = max(last + 1, commit.authored * 1_000_000)
        moment = datetime.fromtimestamp(last // 1_000_000, UTC).replace(microsecond=last % 1_000_000)
        found.past.append({f"{repo.name}/{path}": content for path, content in commit.files.items()})
        found.moments.append(moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    return found


def as_of_commits(repo: Repository, store: Path) -> int:
    """See what the store says as of each commit of the branch; return how many values were compared."""
    told = history(repo, store)
    return histories.of_nights(told, range(len(told.past)))


def versions(repo: Repository, store: Path) -> int:
    """See that there is a version of each notebook wherever a commit has one that none of its parents has there."""
    found = commits(repo, "--all")
    expected: dict[tuple[str, str], bytes] = {
        (f"{repo.name}/{path}", hash_): content
        for hash_, commit in found.items()
        for path, content in commit.files.items()
        if all(found[parent].files.get(path) != content for parent in commit.parents)
    }
    columns = ["notebook", "nb.commit", "symbol", "distance"]
    rows = [tuple(row) for row in Database(store).versions().query(None, columns).rows()]
    told: dict[tuple[str, str], Any] = {row[:2]: histories.plain(row[2:]) for row in rows}
    read = {key: Version(key[0], 0, content, 0, None) for key, content in expected.items()}
    wanted = {key: histories.plain(map(version.value, ("symbol", "distance"))) for key, version in read.items()}
    assert told == wanted
    assert len(wanted) == len(rows)
    return len(wanted)
