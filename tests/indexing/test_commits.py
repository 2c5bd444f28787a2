"""Versions that were committed: against what git itself says of every commit, read by a plain loop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from typing import NamedTuple

import pytest

from scrapdb.database import Database
from scrapdb.errors import UsageError
from scrapdb.indexing import commits
from scrapdb.indexing import loop
from scrapdb.indexing.changes import Change
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


def index(store: Path, asked: str | Path, **options: Any) -> Summary:
    return commits.index(store, *commits.opened(os.fspath(asked)), **options)


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
        "SELECT path, number FROM (SELECT *, row_number() OVER (PARTITION BY path ORDER BY since DESC, version DESC) n"
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


def test_a_version_follows_the_one_on_its_branch_under_its_old_name_too(read: Path) -> None:
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


def test_what_was_never_on_the_branch_has_an_empty_interval(read: Path) -> None:
    never = query(
        read,
        "SELECT substr(path, 6), s.number, since = until, since = authored_at FROM versions"
        " JOIN version_scraps AS s ON s.notebook_id = versions.id WHERE since = until ORDER BY path, s.number",
    )
    assert never == [("a.ipynb", -3, 1, 1), ("a.ipynb", 6, 1, 1), ("c.ipynb", 20, 1, 1), ("never.ipynb", 60, 1, 1)]


def test_what_cannot_be_read_is_a_version_with_a_problem(read: Path) -> None:
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


def places(store: Path) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Of each version of a commit: what it follows, when it was, its branch, whether it is there, value and problem."""
    rows = query(
        store,
        "SELECT v.path, v.commit_hash, p.path, p.commit_hash, v.since, v.until, v.branch, v.notebook_id IS NOT NULL,"
        " k.path, k.status, k.etag, k.content_hash,"
        " (SELECT json_group_array(number) FROM version_scraps WHERE notebook_id = v.id),"
        " (SELECT json_group_array(kind) FROM version_problems WHERE notebook_id = v.id)"
        " FROM versions AS v JOIN version_notebooks AS k ON k.id = v.id LEFT JOIN versions AS p ON p.id = v.previous"
        " WHERE v.commit_hash IS NOT NULL",
    )
    assert len({row[:2] for row in rows}) == len(rows), "a version twice"
    return {row[:2]: row[2:] for row in rows}


def now(store: Path) -> dict[str, tuple[Any, ...]]:
    """Of each notebook of now: its value, and whether it was read from a blob."""
    rows = query(
        store, "SELECT path, number, etag LIKE 'git:%' FROM notebooks LEFT JOIN scraps ON notebook_id = notebooks.id"
    )
    return {path: (number, bool(of_git)) for path, number, of_git in rows}


def clone(told: Repository, directory: Path) -> Repository:
    told.git("clone", "-q", "--bare", "--no-local", str(told.directory), str(directory))
    cloned = object.__new__(Repository)
    cloned.__dict__ |= told.__dict__ | {"_directory": directory, "_stream": []}
    return cloned


def test_commit_by_commit_it_is_as_all_at_once(told: Repository, tmp_path: Path) -> None:
    cloned = clone(told, tmp_path / "repo")
    line = told.git("rev-list", "--first-parent", "--reverse", "main").decode().split()
    for branch in told.git("for-each-ref", "--format=%(refname)", "refs/heads").decode().split():
        if not branch.endswith("/main"):
            cloned.git("update-ref", "-d", branch)
    added = 0
    for commit in line:
        cloned.git("update-ref", "refs/heads/main", commit)
        added += index(tmp_path / "steps.db", cloned.directory).versions
    index(tmp_path / "once.db", cloned.directory)
    assert places(tmp_path / "steps.db") == places(tmp_path / "once.db")
    assert now(tmp_path / "steps.db") == now(tmp_path / "once.db")
    assert added == len(places(tmp_path / "once.db")) == 21  # all but those of the branch that was never merged


def test_workers_read_the_same(told: Repository, read: Path) -> None:
    store = read.with_name("workers.db")
    index(store, told.directory, workers=2)
    assert (places(store), now(store)) == (places(read), now(read))


def test_a_second_pass_does_nothing_and_the_next_reads_new_blobs_only(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1)}).commit({"a.ipynb": gluing(x=2)})
    store = tmp_path / "scraps.db"
    assert index(store, repo.directory).versions == 2
    for blob in ("main:a.ipynb", "main~1:a.ipynb"):  # what is not there cannot be read
        name = repo.git("rev-parse", blob).decode().strip()
        (repo.directory / ".git/objects" / name[:2] / name[2:]).unlink()
    before = places(store)
    assert index(store, repo.directory).versions == 0
    assert places(store) == before
    repo.commit({"b.ipynb": gluing(x=3)})
    assert index(store, repo.directory).versions == 1
    assert {key: row for key, row in places(store).items() if key in before} == before
    assert now(store) == {"repo/a.ipynb": (2, True), "repo/b.ipynb": (3, True)}


def test_equal_blobs_are_read_once(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1)}).commit({"a.ipynb": gluing(x=2)})
    repo.commit({"a.ipynb": gluing(x=1)}).commit({"b.ipynb": gluing(x=2)}).move("b.ipynb", "c.ipynb")
    repo.commit({"c.ipynb": None})
    read: list[int] = []
    index(tmp_path / "scraps.db", repo.directory, progress=lambda progress: read.append(progress.to_read))
    assert read[-1] <= 3  # two contents, and one of them for the notebook that is there now
    expected = {(f"repo/{path}", commit, x) for path, commit, x in versions_by_hand(by_hand(repo, "--all"))}
    assert {*query(tmp_path / "scraps.db", VALUES)} == expected
    assert len(expected) == 5


def test_what_is_no_more_after_a_forced_push_was_never_there(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1)})
    first = repo.git("rev-parse", "main").decode().strip()
    repo.commit({"a.ipynb": gluing(x=2), "b.ipynb": gluing(x=20)})
    store = tmp_path / "scraps.db"
    index(store, repo.directory)
    repo.git("update-ref", "refs/heads/main", first)
    repo.branch("side").commit({"a.ipynb": gluing(x=3)})
    side = repo.git("rev-parse", "side").decode().strip()
    repo.git("update-ref", "refs/heads/main", side)
    index(store, repo.directory)
    index(tmp_path / "fresh.db", repo.directory)
    had, fresh = places(store), places(tmp_path / "fresh.db")
    assert {key: row for key, row in had.items() if key in fresh} == fresh
    gone = {path: row[2] == row[3] for (path, commit), row in had.items() if (path, commit) not in fresh}
    assert gone == {"repo/a.ipynb": True, "repo/b.ipynb": True}
    assert now(store) == now(tmp_path / "fresh.db") == {"repo/a.ipynb": (3, True)}


def test_up_to_a_revision(told: Repository, tmp_path: Path) -> None:
    middle = told.git("rev-list", "--first-parent", "main").decode().split()[-5]
    store = tmp_path / "scraps.db"
    index(store, f"{told.directory}@{middle}")
    expected = versions_by_hand(by_hand(told, middle))
    top = str(told.directory)
    assert {(path.removeprefix(f"{top}/"), commit, x) for path, commit, x in query(store, VALUES)} == expected
    assert {path.removeprefix(f"{top}/"): x for path, (x, _) in now(store).items()} == {
        path: number(content) for path, (_, content) in tree(told, middle).items()
    }
    index(store, told.directory)  # and then everything
    index(tmp_path / "fresh.db", told.directory)
    assert (places(store), now(store)) == (places(tmp_path / "fresh.db"), now(tmp_path / "fresh.db"))


def test_what_is_passed_over_is_left_alone(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1), "drafts/b.ipynb": gluing(x=2)})
    store = tmp_path / "scraps.db"
    index(store, repo.directory, exclude=["drafts"])
    assert now(store) == {"repo/a.ipynb": (1, True)}
    index(store, repo.directory)
    assert len(now(store)) == 2
    repo.commit({"drafts/b.ipynb": None})
    index(store, repo.directory, exclude=["drafts/*"])
    assert len(now(store)) == 2
    index(store, repo.directory)
    assert len(now(store)) == 1


def test_what_was_too_large_is_read_when_it_may_be(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1)})
    store = tmp_path / "scraps.db"
    small = index(store, repo.directory, max_bytes=10)
    assert (small.versions, small.failed_versions, small.failed) == (1, 1, 1)
    assert [row[-1] for row in places(store).values()] == ['["too large"]']
    large = index(store, repo.directory)
    assert (large.versions, large.failed_versions, large.changed) == (0, 0, 1)
    assert now(store) == {"repo/a.ipynb": (1, True)}


def test_a_working_tree_and_its_repository_do_not_fight(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1), "b.ipynb": gluing(x=2)})
    store = tmp_path / "scraps.db"
    index(store, repo.directory)
    assert loop.index(store, [str(tmp_path)]).told(*Change) == (
        "0 added, 0 changed, 0 unchanged, 0 removed, 0 failed, 0 unfinished"
    )  # nothing is checked out, and what is there by git alone stays
    before = places(store)
    repo.check_out()
    summary = loop.index(store, [str(tmp_path)])
    assert (summary.unchanged, summary.added + summary.changed + summary.removed) == (2, 0)
    assert now(store) == {"repo/a.ipynb": (1, False), "repo/b.ipynb": (2, False)}
    assert (index(store, repo.directory).versions, places(store)) == (0, before)
    write(repo.directory / "a.ipynb", gluing(x=5))  # is run again, and not committed
    (repo.directory / "b.ipynb").unlink()
    loop.index(store, [str(tmp_path)])
    assert now(store) == {"repo/a.ipynb": (5, False)}
    for _ in range(2):
        index(store, repo.directory)
        assert now(store) == {"repo/a.ipynb": (5, False), "repo/b.ipynb": (2, True)}  # which is there by its commit
        assert loop.index(store, [str(tmp_path)]).removed == 0
    repo.commit({"a.ipynb": gluing(x=5), "b.ipynb": None})
    assert index(store, repo.directory).removed == 1
    assert now(store) == {"repo/a.ipynb": (5, False)}


def test_a_notebook_of_a_file_is_told_to_be_the_version_that_it_is(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1)}).check_out()
    store = tmp_path / "scraps.db"
    loop.index(store, [str(repo.directory)])
    summary = index(store, repo.directory)
    assert (summary.versions, summary.notebooks, now(store)) == (1, 0, {"repo/a.ipynb": (1, False)})
    assert query(store, "SELECT notebook_id FROM versions") == query(store, "SELECT id FROM notebooks")
    write(repo.directory / "a.ipynb", gluing(x=2))
    loop.index(store, [str(repo.directory)])
    assert query(store, "SELECT notebook_id, until FROM versions") == [(None, None)]
    repo.check_out()
    loop.index(store, [str(repo.directory)])
    index(store, repo.directory)
    assert query(store, "SELECT notebook_id FROM versions") == query(store, "SELECT id FROM notebooks")


def test_what_was_kept_before_it_was_committed_is_no_second_version(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1)}, at="2020-01-01T00:00:00Z").check_out()
    store = tmp_path / "scraps.db"
    path = repo.directory / "a.ipynb"
    loop.index(store, [str(repo.directory)], keep=Retention())
    for x in (2, 3):
        write(path, gluing(x=x), mtime=1_600_000_000 + x)
        loop.index(store, [str(repo.directory)])
    committed = path.read_bytes()
    repo.commit({"a.ipynb": committed}, at="2030-01-01T00:00:00Z")
    kept = query(store, "SELECT id, since, until, notebook_id FROM versions ORDER BY id")
    assert len(kept) == 3
    assert index(store, repo.directory).versions == 2
    assert query(store, "SELECT id, since, until, notebook_id FROM versions ORDER BY id") == kept
    told = query(
        store,
        "SELECT number, commit_hash, authored_at, branch, previous FROM versions AS v"
        " JOIN version_scraps AS s ON s.notebook_id = v.id ORDER BY v.id",
    )
    log = repo.git("log", "--reverse", "--format=%H").decode().split()
    assert told == [
        (1, log[0], "2020-01-01T00:00:00.000000Z", "main", None),
        (2, None, None, None, kept[0][0]),
        (3, log[1], "2030-01-01T00:00:00.000000Z", "main", kept[1][0]),
    ]
    repo.commit({"b.ipynb": gluing(x=9)}, at="2030-01-02T00:00:00Z")
    index(store, repo.directory)  # and once more, since there is a new commit
    assert (
        query(store, "SELECT id, since, until, notebook_id FROM versions WHERE path LIKE '%a.ipynb' ORDER BY id")
        == kept
    )
    write(path, gluing(x=4), mtime=1_600_000_009)
    loop.index(store, [str(repo.directory)])
    last = query(
        store,
        "SELECT v.number, p.number FROM version_scraps AS v JOIN versions ON versions.id = v.notebook_id"
        " JOIN version_scraps AS p ON p.notebook_id = previous WHERE versions.notebook_id IS NOT NULL",
    )
    assert last == [(4, 3)]


def test_notebooks_of_git_are_kept_by_their_commits_alone(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1)})
    store = tmp_path / "scraps.db"
    write(tmp_path / "other/o.ipynb", gluing(x=0))
    loop.index(store, [str(tmp_path / "other")], keep=Retention())
    for x in (2, 3):
        index(store, repo.directory)
        repo.commit({"a.ipynb": gluing(x=x)})
    index(store, repo.directory)
    rows = query(
        store,
        "SELECT number, commit_hash IS NOT NULL, versions.notebook_id IS NOT NULL FROM versions"
        " JOIN version_scraps AS s ON s.notebook_id = versions.id WHERE path = 'repo/a.ipynb' ORDER BY 1",
    )
    assert rows == [(1, 1, 0), (2, 1, 0), (3, 1, 1)]


def test_two_at_once_write_no_version_twice(told: Repository, read: Path, tmp_path: Path) -> None:
    cloned = clone(told, tmp_path / "repo")
    cloned.git("update-ref", "-d", "refs/remotes/origin/HEAD")
    code = "import sys; from scrapdb import open; open(sys.argv[1]).index(git=sys.argv[2], workers=1)"
    command = [sys.executable, "-c", code, str(tmp_path / "scraps.db"), str(cloned.directory)]
    running = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert {key: row[2:4] for key, row in places(tmp_path / "scraps.db").items()} == {
        key: row[2:4] for key, row in places(read).items()
    }


def test_the_store_may_lie_anywhere(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"runs/a.ipynb": gluing(x=1), "top.ipynb": gluing(x=2)}).check_out()
    store = repo.directory / "runs/scraps.db"
    index(store, repo.directory)
    assert now(store) == {"a.ipynb": (1, True), f"{repo.directory}/top.ipynb": (2, True)}
    loop.index(store, [str(repo.directory)])
    assert now(store) == {"a.ipynb": (1, False), f"{repo.directory}/top.ipynb": (2, False)}


def test_names_of_all_kinds_are_those_of_the_files(tmp_path: Path) -> None:
    names = [b'q"uote.ipynb', b"line\nbreak.ipynb", b"\xff.ipynb", "e\u0301.ipynb".encode(), b"back\\slash.ipynb"]
    repo = Repository(tmp_path / "repo").commit({name: gluing(x=number) for number, name in enumerate(names)})
    store, files = tmp_path / "scraps.db", tmp_path / "files.db"
    index(store, repo.check_out().directory)
    loop.index(files, [str(repo.directory)])
    assert {path: x for path, (x, _) in now(store).items()} == {path: x for path, (x, _) in now(files).items()}
    assert query(store, "SELECT path, os_path FROM notebooks ORDER BY path") == query(
        files, "SELECT path, os_path FROM notebooks ORDER BY path"
    )
    summary = loop.index(store, [str(repo.directory)])
    assert (summary.unchanged, summary.removed) == (5, 0)


def test_two_spellings_of_a_name_are_two_notebooks(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo", bare=True)
    repo.commit({"e\u0301.ipynb".encode(): gluing(x=1), "\xe9.ipynb".encode(): gluing(x=2)})
    index(tmp_path / "scraps.db", repo.directory)
    assert sorted(x for x, _ in now(tmp_path / "scraps.db").values()) == [1, 2]
    repo.commit({"other.ipynb": gluing(x=3)})
    index(tmp_path / "scraps.db", repo.directory)
    assert len(places(tmp_path / "scraps.db")) == 3


def test_times_that_go_back_are_made_to_go_on(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo")
    times = ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"]
    for x, at in enumerate(times):
        repo.commit({"a.ipynb": gluing(x=x)}, at=at)
    index(tmp_path / "scraps.db", repo.directory)
    rows = query(tmp_path / "scraps.db", "SELECT since, until, authored_at FROM versions ORDER BY since")
    assert [since for since, _, _ in rows] == [
        "2026-01-02T00:00:00.000000Z",
        "2026-01-02T00:00:00.000001Z",
        "2026-01-02T00:00:00.000002Z",
        "2026-01-03T00:00:00.000000Z",
    ]
    assert [until for _, until, _ in rows] == [*(since for since, _, _ in rows[1:]), None]
    assert [at[:19] + "Z" for _, _, at in rows] == times


def test_repositories_within_one_another_are_told_apart(tmp_path: Path) -> None:
    outer = Repository(tmp_path / "outer").commit({"a.ipynb": gluing(x=1)})
    inner = Repository(outer.directory / "inner").commit({"b.ipynb": gluing(x=2)})
    store = tmp_path / "scraps.db"
    for repo in (outer, inner, outer.commit({"a.ipynb": gluing(x=3)})):
        index(store, repo.directory)
    assert now(store) == {"outer/a.ipynb": (3, True), "outer/inner/b.ipynb": (2, True)}
    assert {path: row[3] for (path, _), row in places(store).items() if row[3] is None}.keys() == now(store).keys()
    shutil.rmtree(inner.directory)  # and with the repository goes what was there by it
    loop.index(store, [str(tmp_path)])
    assert now(store).keys() == {"outer/a.ipynb"}


def test_what_a_deeper_history_denies_is_no_version(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1)}).commit({"b.ipynb": gluing(x=2)})
    repo.git("clone", "-q", "--depth=1", f"file://{repo.directory}", str(tmp_path / "part"))
    store = tmp_path / "scraps.db"
    index(store, tmp_path / "part")
    assert len(places(store)) == 2
    subprocess.run(["git", "-C", tmp_path / "part", "fetch", "-q", "--unshallow"], check=True, env=ENVIRONMENT)
    index(store, tmp_path / "part")
    index(tmp_path / "fresh.db", tmp_path / "part")
    assert places(store) == places(tmp_path / "fresh.db")


def test_python_indexes_both(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": gluing(x=1), "b.ipynb": gluing(x=2)})
    write(tmp_path / "c.ipynb", gluing(x=3))
    db = Database(tmp_path / "scraps.db")
    summary = db.index(tmp_path / "c.ipynb", git=f"{repo.directory}@main")
    assert (summary.added, summary.versions, summary.failed_versions) == (3, 2, 0)
    assert str(summary).startswith(
        "3 notebooks: 3 added, 0 changed, 0 unchanged, 0 removed, 0 failed; versions: 2 added"
    )
    assert {x for (x,) in db.query("x > 0", columns="x").rows()} == {1, 2, 3}
    with pytest.raises(UsageError, match="There is no commit nope"):
        db.index(git=f"{repo.directory}@nope")


def test_problems_of_versions_name_the_commit(told: Repository, read: Path) -> None:
    rows = [(row["kind"], row["nb.commit"]) for row in Database(read).versions().problems("d.ipynb")]
    line = told.git("log", "--reverse", "--format=%H", "main", "--", "d.ipynb").decode().split()
    assert rows == [("truncated", line[1]), ("git-lfs", line[2])]
    assert {*Database(read).versions().problems().rows()} > {*Database(read).versions().problems("d.ipynb").rows()}
    assert [*Database(read).problems("d.ipynb").rows()] == []
