"""Versions that were committed: against what git itself says of every commit, read by a plain loop."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest

from scrapdb.database import Database
from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.indexing import history
from scrapdb.indexing import loop
from scrapdb.indexing.changes import Summary
from scrapdb.store.versions import Retention
from tests.notebook_builder import gluing
from tests.notebook_builder import write
from tests.repositories import ENVIRONMENT
from tests.repositories import Repository
from tests.stores import query

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
VALUES = """
SELECT v.path, v.commit_hash, s.number FROM versions AS v LEFT JOIN version_scraps AS s ON s.notebook_id = v.id
 WHERE v.commit_hash IS NOT NULL"""


class Commit(NamedTuple):
    parents: list[str]
    at: str
    files: dict[str, tuple[str, bytes]]  # mode and content of each notebook


def index(store: Path, asked: object, **options: Any) -> Summary:
    return history.index(store, *history.opened(os.fspath(asked)), **options)  # type: ignore[arg-type,call-overload]


def by_hand(repo: Repository, *tips: str) -> dict[str, Commit]:
    """Read every commit as `git log`, `git ls-tree` and `git cat-file` have it."""
    log = repo.git("log", "--reverse", "--topo-order", "--format=%H %at %P", *tips).decode().splitlines()
    return {hash_: Commit(parents, moment(at), tree(repo, hash_)) for hash_, at, *parents in map(str.split, log)}


def versions_by_hand(commits: dict[str, Commit]) -> set[tuple[str, str, Any]]:
    """Path, commit and value of each notebook that differs from what all parents of the commit have there."""
    return {
        (path, hash_, number(file[1]))
        for hash_, commit in commits.items()
        for path, file in commit.files.items()
        if all(commits[parent].files.get(path) != file for parent in commit.parents)
    }


def moment(seconds: str) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def there(store: Path, at: str) -> dict[str, Any]:
    """The value of each notebook as of a moment, by the rule of the store."""
    rows = query(
        store,
        "SELECT path, number FROM (SELECT *, row_number() OVER (PARTITION BY path ORDER BY since DESC, version DESC) AS n"
        " FROM versions WHERE since <= ?1 AND (until IS NULL OR until > ?1)) AS v"
        " LEFT JOIN version_scraps AS s ON s.notebook_id = v.id WHERE n = 1",
        at,
    )
    return dict(rows)


@cache
def tree(repo: Repository, commit: str) -> dict[str, tuple[str, bytes]]:
    files = {}
    for entry in repo.git("ls-tree", "-rz", commit).split(b"\0")[:-1]:
        about, path = entry.split(b"\t", 1)
        mode, _, blob = about.decode().split()
        if path.endswith(b".ipynb") and b".ipynb_checkpoints/" not in path:
            files[os.fsdecode(path)] = (mode[:3], shown(repo, blob) if mode != "160000" else blob.encode())
    return files


@cache
def shown(repo: Repository, blob: str) -> bytes:
    return repo.git("show", blob)


def number(content: bytes) -> Any:
    """Return what a notebook glued as x, read as JSON; None if it is none."""
    try:
        cells = json.loads(content)["cells"]
        return cells[0]["outputs"][0]["data"]["application/scrapbook.scrap.json+json"]["data"]
    except ValueError:
        return None


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository of all that happens to notebooks: branches, merges, renames, deletions, returns and broken ones."""
    repo = Repository(tmp_path_factory.mktemp("told") / "repo")
    repo.commit({"a.ipynb": gluing(x=1), "deep/b.ipynb": gluing(x=10), "README.md": "no notebook"})
    repo.commit({"a.ipynb": gluing(x=2), ".ipynb_checkpoints/a-checkpoint.ipynb": gluing(x=2)})
    repo.branch("clean").commit({"c.ipynb": gluing(x=20)}).commit({"c.ipynb": gluing(x=21)})
    repo.switch("main").branch("conflict").commit({"a.ipynb": gluing(x=-3), "d.ipynb": gluing(x=30)})
    repo.switch("main").commit({"a.ipynb": gluing(x=3)})
    repo.merge("clean")
    repo.merge("conflict", files={"a.ipynb": gluing(x=4)})
    repo.move("deep/b.ipynb", "moved/b.ipynb")
    repo.move("c.ipynb", "moved/c.ipynb", gluing(x=22))
    repo.commit({"a.ipynb": None}).commit({"README.md": "still none"}).commit({"a.ipynb": gluing(x=5)})
    repo.commit({"a.ipynb": gluing(x=4)})  # as it was, again
    repo.commit({"d.ipynb": "{"}).commit({"d.ipynb": LFS}).commit({"d.ipynb": gluing(x=31)}, kind="executable")
    repo.commit({"d.ipynb": gluing(x=31)})  # that it may not be executed any more is no version
    repo.commit({"link.ipynb": "a.ipynb"}, kind="link").commit({"link.ipynb": gluing(x=40)})
    repo.branch("one").commit({"one.ipynb": gluing(x=50)}).switch("main").branch("two").commit(
        {"two.ipynb": gluing(x=51)}
    )
    repo.switch("main").merge("one", "two")
    repo.branch("never").commit({"a.ipynb": gluing(x=6)}).commit({"never.ipynb": gluing(x=60)})
    repo.switch("main").commit({"e.ipynb": gluing(x=4)})
    return repo


@pytest.fixture(scope="module")
def read(told: Repository) -> Path:
    store = told.directory.parent / "scraps.db"
    index(store, told.directory)
    return store


def test_every_version_is_read_as_git_shows_it(told: Repository, read: Path) -> None:
    expected = versions_by_hand(by_hand(told, "--all"))
    assert {(path.removeprefix("repo/"), commit, x) for path, commit, x in query(read, VALUES)} == expected
    assert len(query(read, VALUES)) == len(expected) == 23


def test_a_notebook_was_what_the_commits_of_the_branch_say(told: Repository, read: Path) -> None:
    line = by_hand(told, "main", "--first-parent")
    for commit in line.values():
        expected = {f"repo/{path}": number(content) for path, (_, content) in commit.files.items()}
        assert there(read, commit.at) == expected


def test_what_is_there_now_are_notebooks(told: Repository, read: Path) -> None:
    found = query(read, "SELECT path, number FROM notebooks LEFT JOIN scraps ON notebook_id = notebooks.id")
    assert dict(found) == {f"repo/{path}": number(content) for path, (_, content) in tree(told, "main").items()}
    linked = "SELECT n.path FROM versions AS v JOIN notebooks AS n ON n.id = v.notebook_id WHERE v.path = n.path"
    assert {path for (path,) in query(read, linked)} == dict(found).keys()


def test_a_version_follows_the_one_on_its_branch_under_its_old_name_too(told: Repository, read: Path) -> None:
    rows = query(
        read,
        "SELECT substr(v.path, 6), s.number, substr(p.path, 6), t.number FROM versions AS v"
        " LEFT JOIN version_scraps AS s ON s.notebook_id = v.id LEFT JOIN versions AS p ON p.id = v.previous"
        " LEFT JOIN version_scraps AS t ON t.notebook_id = p.id ORDER BY v.path, v.version",
    )
    assert rows == [
        ("a.ipynb", 1, None, None),
        ("a.ipynb", 2, "a.ipynb", 1),
        *sorted([("a.ipynb", 3, "a.ipynb", 2), ("a.ipynb", -3, "a.ipynb", 2)], key=rows.index),
        ("a.ipynb", 4, "a.ipynb", 3),  # a merge
        ("a.ipynb", 5, "a.ipynb", 4),  # it came back
        ("a.ipynb", 4, "a.ipynb", 5),
        ("a.ipynb", 6, "a.ipynb", 4),
        ("c.ipynb", 20, None, None),
        ("c.ipynb", 21, "c.ipynb", 20),
        ("d.ipynb", 30, None, None),
        ("d.ipynb", None, "d.ipynb", 30),
        ("d.ipynb", None, "d.ipynb", None),
        ("d.ipynb", 31, "d.ipynb", None),
        ("deep/b.ipynb", 10, None, None),
        ("e.ipynb", 4, None, None),
        ("link.ipynb", None, None, None),
        ("link.ipynb", 40, "link.ipynb", None),
        ("moved/b.ipynb", 10, "deep/b.ipynb", 10),
        ("moved/c.ipynb", 22, "c.ipynb", 21),
        ("never.ipynb", 60, None, None),
        ("one.ipynb", 50, None, None),
        ("two.ipynb", 51, None, None),
    ]


def test_a_version_has_the_time_of_its_author_and_its_branch(told: Repository, read: Path) -> None:
    commits = by_hand(told, "--all")
    for commit, at, branch in query(read, "SELECT commit_hash, authored_at, branch FROM versions"):
        assert at == commits[commit].at
        assert commit in told.git("rev-list", branch).decode().split()
    assert query(read, "SELECT DISTINCT branch FROM versions WHERE path = 'repo/never.ipynb'") == [("never",)]
    main = told.git("rev-list", "--first-parent", "main").decode().split()
    assert {
        commit: branch for commit, branch in query(read, "SELECT commit_hash, branch FROM versions") if commit in main
    }
    assert {branch for commit, branch in query(read, "SELECT commit_hash, branch FROM versions") if commit in main} == {
        "main"
    }


def test_what_was_never_on_the_branch_has_an_empty_interval(told: Repository, read: Path) -> None:
    never = query(
        read,
        "SELECT substr(path, 6), s.number, since = until, since = authored_at FROM versions"
        " JOIN version_scraps AS s ON s.notebook_id = versions.id WHERE since = until ORDER BY path, s.number",
    )
    assert never == [("a.ipynb", -3, 1, 1), ("a.ipynb", 6, 1, 1), ("c.ipynb", 20, 1, 1), ("never.ipynb", 60, 1, 1)]


def test_what_cannot_be_read_is_a_version_with_a_problem(told: Repository, read: Path) -> None:
    rows = query(
        read,
        "SELECT substr(v.path, 6), k.status, p.kind FROM versions AS v JOIN version_notebooks AS k ON k.id = v.id"
        " JOIN version_problems AS p ON p.notebook_id = v.id ORDER BY v.path, v.version",
    )
    assert rows == [
        ("d.ipynb", "unreadable", "truncated"),
        ("d.ipynb", "unreadable", "git-lfs"),
        ("link.ipynb", "unreadable", "not a file"),
    ]
