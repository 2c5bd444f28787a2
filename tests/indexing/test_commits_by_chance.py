"""What a store says of commits, against a plain loop over what git shows; `make proof` takes longer histories."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from scrapdb.indexing import history
from tests import committed
from tests.repositories import Repository
from tests.stores import check
from tests.stores import query

TOLD = """
SELECT path, commit_hash, since, until, authored_at, branch,
       (SELECT path || ' ' || commit_hash FROM versions AS p WHERE p.id = v.previous)
  FROM versions AS v ORDER BY 1, 2"""


def index(store: Path, repo: Repository) -> None:
    history.index(store, *history.opened(str(repo.directory)), workers=1)


@pytest.mark.parametrize("seed", range(3))
def test_commits_are_as_git_shows_them(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311
    store, repo = tmp_path / "scraps.db", Repository(tmp_path / "repo")
    for _ in range(2):  # the second goes on where the first has ended
        committed.grow(repo, chance, 12)
        index(store, repo)
        check(store)
        assert committed.versions(repo, store) > 3
        assert committed.as_of_commits(repo, store) > 10
    anew = tmp_path / "anew.db"
    index(anew, repo)
    assert query(store, TOLD) == query(anew, TOLD)
