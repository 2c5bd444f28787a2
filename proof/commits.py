"""Indexers of a repository's commits are killed, and two of them write at once, while there are ever more commits."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from proof.killed import kill
from proof.killed import look
from proof.killed import remove
from proof.running import scrapdb
from proof.running import start
from proof.running import succeeded
from proof.trial import Counts
from proof.trial import Trial
from proof.trial import claim
from tests import committed
from tests.repositories import Repository
from tests.stores import check
from tests.stores import compare

_COMMITS = 25  # in a round
_COMPARED = 8  # rounds between two comparisons
_REPOSITORY = 40  # rounds, after which there is another one
_SHORTEST, _LONGEST = 0.3, 3.0  # seconds after which it is killed
_VERSIONS = """
SELECT path, commit_hash, since, until, authored_at, branch,
       (SELECT path || ' ' || commit_hash FROM versions AS p WHERE p.id = v.previous),
       (SELECT content_hash FROM version_notebooks AS n WHERE n.id = v.id), v.notebook_id IS NULL
  FROM versions AS v WHERE commit_hash IS NOT NULL ORDER BY 1, 2"""


def prove(trial: Trial) -> Iterator[Counts]:
    """Commit, kill who reads that, and go on; now and then let one end, and hold all versions against git."""
    for number in trial.rounds():
        if number % _REPOSITORY == 0:
            directory = trial.part(f"repository {number}")
            store, repo = directory / "scraps.db", Repository(directory / "repo")
        committed.grow(repo, trial.random, _COMMITS if number % _REPOSITORY else 4 * _COMMITS)
        both = [start("index", "--git", repo.directory, db=store) for _ in range(trial.random.randint(1, 2))]
        killed = [kill(one, trial.random.uniform(_SHORTEST, _LONGEST)) for one in both]
        yield Counter({"kills survived": sum(killed), "ended before the kill": killed.count(False), **look(store)})
        if number % _COMPARED == _COMPARED - 1:
            yield _compare(repo, store)
    yield _compare(repo, store)


def _compare(repo: Repository, store: Path) -> Counts:
    """Let an index end, and compare it with one from nothing, and with git."""
    undisturbed = store.with_name("undisturbed.db")
    remove(undisturbed)
    for path in (store, undisturbed):
        succeeded(scrapdb("index", "--git", repo.directory, db=path))
        check(path)
    claim(_versions(store) == _versions(undisturbed), "Versions of commits are others after kills.")
    return Counter(
        {
            "versions compared": committed.versions(repo, store),
            "values as of a commit": committed.as_of_commits(repo, store),
            "rows compared": compare(store, undisturbed),
        }
    )


def _versions(store: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(_VERSIONS).fetchall()
