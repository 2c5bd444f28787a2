"""Repositories of all kinds, and such as would like git to execute something."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from scrapdb.errors import UsageError
from scrapdb.notebooks.git import commits
from scrapdb.notebooks.git import repository
from scrapdb.notebooks.git.blobs import Blobs
from scrapdb.notebooks.git.blobs import MissingError
from scrapdb.notebooks.git.blobs import sizes
from tests.repositories import Repository


def changed(directory: Path, revision: str | None = None) -> list[tuple[bytes, str | None]]:
    """Paths and modes of what every commit changed, in order."""
    opened = repository.opened(str(directory))
    read = commits.commits(opened, commits.asked(opened, revision))
    told = commits.changes(opened, read, lambda _: True)
    return [(change.path, change.mode) for some in told.values() for change in some]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo").commit({"a.ipynb": "1"}).commit({"b.ipynb": "2"})


@pytest.mark.parametrize(
    ("asked", "parted"),
    [
        ("repo", ("repo", None)),
        ("repo@main", ("repo", "main")),
        ("repo@HEAD@{1}", ("repo", "HEAD@{1}")),
        ("repo@@", ("repo", "@")),
        ("repo@feature/x", ("repo", "feature/x")),
        ("a@b", ("a@b", None)),
        ("a@b@c", ("a@b", "c")),
        (".@-x", (".", "-x")),
        ("file://repo", ("repo", None)),
    ],
)
def test_a_directory_and_a_revision_are_parted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, parted: tuple[str, str | None]
) -> None:
    for name in ("repo", "a@b", "a"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert repository.parted(asked) == parted


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("https://github.com/ada/repo@main", "clone the repository"),
        ("git@github.com:ada/repo.git", "clone the repository"),
        ("ssh://ada@host/repo", "clone the repository"),
        ("ext::sh -c 'touch /tmp/x'", "clone the repository"),
        ("nowhere", "There is no directory nowhere"),
        ("nowhere@main", "There is no directory nowhere@main"),
        ("", "There is no directory"),
        (".@", "no revision after the @"),
    ],
)
def test_what_is_no_directory_is_refused(asked: str, said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        repository.parted(asked)


@pytest.mark.parametrize(
    "revision", ["-x", "--all", "nope", "main..main", "a b", "main:a.ipynb", "\0", "^main", "@{9}"]
)
def test_what_is_no_commit_is_refused(repo: Repository, revision: str) -> None:
    opened = repository.opened(str(repo.directory))
    with pytest.raises(UsageError, match="There is no commit"):
        commits.asked(opened, revision)


@pytest.mark.parametrize("revision", ["HEAD~1", "main^", ":/first", "v1", "HEAD^{/first}"])
def test_a_revision_is_whatever_git_takes_for_a_commit(tmp_path: Path, revision: str) -> None:
    repo = Repository(tmp_path / "repo").commit({"a.ipynb": "1"}, message="first").commit({"b.ipynb": "2"})
    repo.git("tag", "-am", "one", "v1", "main~1")
    assert changed(repo.directory, revision)[:1] == [(b"a.ipynb", "100644")]
    opened = repository.opened(str(repo.directory))
    asked = commits.asked(opened, revision)
    assert len(commits.reached(commits.commits(opened, asked), asked.tip)) == 1


def test_without_git_a_sentence_says_so(repo: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    directory = str(repo.directory)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="git, which is not installed"):
        repository.opened(directory)


def test_a_directory_in_no_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not in a git repository"):
        repository.opened(str(tmp_path))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_repository_of_somebody_else_is_told(repo: Repository) -> None:
    os.chown(repo.directory, 12345, 12345)
    os.chown(repo.directory / ".git", 12345, 12345)
    with pytest.raises(UsageError, match=r"belongs to somebody else.* --add safe.directory "):
        repository.opened(str(repo.directory))


def test_an_empty_repository_has_no_commits(tmp_path: Path) -> None:
    assert changed(Repository(tmp_path / "repo").directory) == []


@pytest.mark.parametrize("objects", ["sha1", "sha256"])
@pytest.mark.parametrize("bare", [False, True])
def test_bare_repositories_and_other_hashes_are_read(tmp_path: Path, objects: str, bare: bool) -> None:
    repo = Repository(tmp_path / "repo", bare=bare, objects=objects).commit({"a.ipynb": "1"}).commit({"a.ipynb": None})
    assert changed(repo.directory) == [(b"a.ipynb", "100644"), (b"a.ipynb", None)]
    assert repository.opened(str(repo.directory)).top == str(repo.directory)


def test_a_repository_is_found_from_within(repo: Repository) -> None:
    (repo.directory / "deep").mkdir()
    repo.git("worktree", "add", "-q", "../linked", "main~1", "--detach")
    assert repository.opened(str(repo.directory / "deep")).top == str(repo.directory)
    assert repository.opened(str(repo.directory / ".git")).top == str(repo.directory)
    assert repository.opened(str(repo.directory.parent / "linked")).top == str(repo.directory.parent / "linked")
    assert len(changed(repo.directory.parent / "linked")) == 2


def test_another_repository_of_a_hook_is_not_taken(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repository(tmp_path / "other").commit({"x.ipynb": "1"})
    monkeypatch.setenv("GIT_DIR", str(other.directory / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.directory))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert len(changed(repo.directory)) == 2


def test_names_are_bytes(tmp_path: Path) -> None:
    names = [
        b'q"uo\\te.ipynb',
        b"line\nbreak.ipynb",
        b"\xff\xfe.ipynb",
        b":10.ipynb",
        b"tab\t.ipynb",
        "ü.ipynb".encode(),
    ]
    repo = Repository(tmp_path / "repo").commit(dict.fromkeys(names, "1")).commit({names[1]: "2"})
    repo.move(names[1], b"other\n:name.ipynb").commit({name: None for name in names if name != names[1]})
    found = changed(repo.directory)
    assert sorted(found[:6]) == sorted((name, "100644") for name in names)
    assert found[6:8] == [(names[1], "100644"), (b"other\n:name.ipynb", "100644")]


def test_nothing_in_a_repository_is_executed(repo: Repository, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    evil.chmod(0o755)
    names = "core.fsmonitor core.pager core.editor core.sshCommand core.gitProxy core.askPass core.alternateRefsCommand"
    names += " diff.external diff.x.textconv diff.x.command filter.x.smudge filter.x.clean filter.x.process gpg.program"
    names += " pager.log pager.diff-tree pager.rev-list pager.cat-file credential.helper uploadpack.packObjectsHook"
    names += " alias.diff-tree alias.rev-list alias.cat-file interactive.diffFilter"
    for name in names.split():
        repo.git("config", name, f"!{evil}" if name.startswith("alias") else str(evil))
    repo.git("config", "log.showSignature", "true")
    repo.git("config", "core.hooksPath", str(tmp_path))
    repo.commit({".gitattributes": "*.ipynb diff=x filter=x\n", "a.ipynb": "3\n" * 50}).move(
        "a.ipynb", "c.ipynb", "3\n" * 49
    )
    (repo.directory / ".git/info").mkdir(exist_ok=True)
    (repo.directory / ".git/info/attributes").write_text("*.ipynb diff=x filter=x\n")
    assert len(changed(repo.directory)) == 4
    opened = repository.opened(str(repo.directory))
    blob = repo.git("rev-parse", "main:c.ipynb").decode().strip()
    blobs = Blobs(opened)
    assert (sizes(opened, [blob]), blobs.read(blob)) == ({blob: 98}, b"3\n" * 49)
    blobs.close()
    assert not mark.exists()


def test_what_a_partial_clone_has_not_fetched_is_missing(repo: Repository, tmp_path: Path) -> None:
    repo.commit({"a.ipynb": "3\n" * 50}).move("a.ipynb", "c.ipynb", "3\n" * 49)
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "-q", "--bare", "--filter=blob:none", f"file://{repo.directory}", str(tmp_path / "part.git"))
    assert {path for path, _ in changed(tmp_path / "part.git")} == {b"a.ipynb", b"b.ipynb", b"c.ipynb"}
    opened = repository.opened(str(tmp_path / "part.git"))
    blob = repo.git("rev-parse", "main:c.ipynb").decode().strip()
    assert sizes(opened, [blob]) == {}
    blobs = Blobs(opened)
    with pytest.raises(MissingError):
        blobs.read(blob)
    blobs.close()
    assert sizes(opened, [blob]) == {}  # nothing was fetched


def test_a_damaged_blob_takes_no_other_along(tmp_path: Path) -> None:
    repo = Repository(tmp_path / "repo").commit({f"{number}.ipynb": f"{number}" * 99 for number in range(3)})
    blobs = [repo.git("rev-parse", f"main:{number}.ipynb").decode().strip() for number in range(3)]
    pack = next((repo.directory / ".git/objects").glob("pack/*.pack"), None)
    if pack:
        content = pack.read_bytes()
        for path in pack.parent.iterdir():
            path.unlink()
        repo.git("unpack-objects", "-q", input_=content)
    loose = repo.directory / ".git/objects" / blobs[1][:2] / blobs[1][2:]
    loose.chmod(0o644)
    loose.write_bytes(b"no zlib")
    process = Blobs(repository.opened(str(repo.directory)))
    process.ask(blobs)
    assert process.read(blobs[0]) == b"0" * 99
    with pytest.raises(MissingError):
        process.read(blobs[1])
    assert process.read(blobs[2]) == b"2" * 99
    process.close()


def test_a_shallow_clone_ends_where_its_history_does(repo: Repository, tmp_path: Path) -> None:
    repo.git("clone", "-q", "--bare", "--depth=1", f"file://{repo.directory}", str(tmp_path / "part.git"))
    assert {path for path, _ in changed(tmp_path / "part.git")} == {b"a.ipynb", b"b.ipynb"}
    assert repository.opened(str(tmp_path / "part.git")).is_shallow
