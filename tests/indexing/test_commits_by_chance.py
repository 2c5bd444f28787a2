"""What a store says of commits, against a plain loop over what git shows; `make proof` takes longer histories."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from scrapdb.database import Database
from scrapdb.indexing import commits
from scrapdb.indexing import loop
from scrapdb.store.versions import Retention
from tests import committed
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.repositories import Repository
from tests.stores import check
from tests.stores import query

TOLD = """
SELECT path, commit_hash, since, until, authored_at, branch,
       (SELECT path || ' ' || commit_hash FROM versions AS p WHERE p.id = v.previous)
  FROM versions AS v ORDER BY 1, 2"""


def index(store: Path, repo: Repository) -> None:
    commits.index(store, *commits.opened(str(repo.directory)), workers=1)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
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


def test_what_is_kept_of_a_working_tree_follows_its_last_commit(tmp_path: Path) -> None:
    store, repo = tmp_path / "scraps.db", Repository(tmp_path / "repo")
    repo.commit({"a.ipynb": gluing(x=1), "b.ipynb": gluing(x=5)}).commit({"a.ipynb": gluing(x=2)}).check_out()
    index(store, repo)
    write(repo.directory / "a.ipynb", gluing(x=3))  # long before the commit, as the file says
    for keep in (None, Retention()):
        loop.index(store, [str(repo.directory)], keep=keep)
    before = "SELECT p.id FROM versions AS p WHERE p.path = v.path AND p.version = v.version - 1"
    told = f"SELECT version, previous IS ({before}) FROM versions AS v WHERE path = 'repo/a.ipynb' ORDER BY 1"
    assert query(store, told) == [(1, 1), (2, 1), (3, 1)]
    now = Database(store).at("now()").query(None, "x, change(x)", sort="x")
    assert [tuple(row) for row in now.rows()] == [(3, 1), (5, None)]
