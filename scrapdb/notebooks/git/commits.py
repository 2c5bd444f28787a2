"""The commits of a repository, on which branch each was found, and what each changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import NamedTuple

from scrapdb.errors import UsageError
from scrapdb.notebooks.git.repository import Failed
from scrapdb.notebooks.git.repository import Repository
from scrapdb.notebooks.git.repository import run
from scrapdb.notebooks.scan import SUFFIX

_HEADS, _REMOTES = "refs/heads/", "refs/remotes/"
_FILE = "100"  # how the modes of files begin: 100644 and 100755
_DELETED = "D"
_DIFFERENCES = ("diff-tree", "--stdin", "-r", "--raw", "-z", "--no-abbrev", "--no-ext-diff", "--no-textconv")


class Branch(NamedTuple):
    """A branch: its name, as people write it, and its last commit."""

    name: str
    tip: str


class Asked(NamedTuple):
    """What is read of a repository: the commit of its revision, if there is one, and the branches, its own first.

    If a revision was named, only what it reaches is read, and the other branches only lend their names.
    """

    tip: str | None
    branches: list[Branch]
    is_named: bool

    @property
    def tips(self) -> list[str]:
        """The commits from which all is reached."""
        return [*dict.fromkeys([*([self.tip] if self.tip else []), *(branch.tip for branch in self.branches)])]


class Commit(NamedTuple):
    """A commit: its hash, those of its parents, that of its tree, and its author's time in seconds of Unix."""

    hash: str
    parents: tuple[str, ...]
    tree: str
    authored: int


class Change(NamedTuple):
    """A notebook that differs between two trees; of one that is there no more there is neither mode nor blob.

    `old` is its path in the first tree, if it had another one there.
    """

    path: bytes
    old: bytes | None
    mode: str | None
    blob: str | None


Changes = Mapping[tuple[str, str], list[Change]]  # by two trees


def asked(repository: Repository, revision: str | None) -> Asked:
    """Find out from which commits all that is asked for is reached; `revision` is HEAD, if there is none.

    Raises:
        UsageError: the revision is none.
    """
    name = "HEAD" if revision is None else revision
    tip = _commit_of(repository, name)
    if tip is None and revision is not None:
        raise UsageError(f"There is no commit {revision} in the repository {repository.top}.")
    listed = run(repository, "for-each-ref", "--format=%(objectname) %(refname) %(symref)", _HEADS, _REMOTES)
    refs = [line.split(" ") for line in os.fsdecode(listed).splitlines()]
    own = _parsed_revision(repository, name, "--symbolic-full-name")
    branches = [
        (ref != own, not ref.startswith(_HEADS), _short(ref), at) for at, ref, points_to in refs if not points_to
    ]
    return Asked(tip, [Branch(short, at) for _, _, short, at in sorted(branches)], revision is not None)


def commits(repository: Repository, asked: Asked) -> list[Commit]:
    """Read all commits, parents before their children.

    Raises:
        Failed: some cannot be read.
    """
    given = "".join(f"{tip}\n" for tip in asked.tips).encode()
    if not given:
        return []
    options = ("--stdin", "--ignore-missing", "--topo-order", "--reverse", "--parents", "--format=%T %at %ct")
    lines = iter(run(repository, "rev-list", *options, given=given).decode().splitlines())
    return [_commit(line, next(lines)) for line in lines]


def reached(commits: Iterable[Commit], tip: str | None) -> list[Commit]:
    """Return those commits that a commit reaches, itself among them, in the same order."""
    wanted, found = {tip}, []
    for commit in reversed([*commits]):
        if commit.hash in wanted:
            wanted.update(commit.parents)
            found.append(commit)
    return found[::-1]


def chain(commits: Mapping[str, Commit], tip: str | None) -> Iterator[Commit]:
    """Yield a commit, its first parent, the first parent of that, and so on."""
    while tip is not None and tip in commits:
        yield (commit := commits[tip])
        tip = commit.parents[0] if commit.parents else None


def names(commits: Iterable[Commit], branches: Iterable[Branch]) -> dict[str, tuple[str, bool]]:
    """Find for commits the branch on which each was made, and whether one can be sure, or it was merged into that one.

    Args:
        commits: parents before children.
        branches: of several on which it may have been made it is the first.
    """
    by_hash = {commit.hash: commit for commit in commits}
    found: dict[str, tuple[str, bool]] = {}
    for branch in branches:
        for commit in chain(by_hash, branch.tip):
            if commit.hash in found:
                break
            found[commit.hash] = branch.name, True
    for hash_ in reversed(by_hash):
        if hash_ in found:
            for parent in by_hash[hash_].parents:
                found.setdefault(parent, (found[hash_][0], False))
    return found


def changes(repository: Repository, commits: Iterable[Commit], wanted: Callable[[bytes], bool]) -> Changes:
    """Read what notebooks each commit changed against each of its parents; a root has the empty tree for one.

    Renames are found as `git log -M` does; where what it would have to read for that is missing, only exact ones.

    Args:
        repository: theirs.
        commits: parents before children.
        wanted: whether a path is.

    Raises:
        Failed: trees cannot be read.
    """
    trees = {commit.hash: commit.tree for commit in commits}
    pairs = dict.fromkeys(
        (trees.get(parent, repository.empty_tree), commit.tree)
        for commit in commits
        for parent in commit.parents or ("",)
    )
    given = "".join(f"{old} {new}\n" for old, new in pairs if old != new).encode()
    try:
        raw = run(repository, *_DIFFERENCES, "-M", "--", f"*{SUFFIX}", given=given)
    except Failed:
        raw = run(repository, *_DIFFERENCES, "-M100%", "--", f"*{SUFFIX}", given=given)
    return _parsed(raw, wanted)


def _parsed(raw: bytes, wanted: Callable[[bytes], bool]) -> Changes:
    """Parse what `diff-tree --stdin --raw -z` writes: a line `OLD NEW` for two trees, and each difference after that.

    Source: https://git-scm.com/docs/diff-format#_raw_output_format
    """
    found: dict[tuple[str, str], list[Change]] = {}
    here: list[Change] = []
    parts = iter(raw.split(b"\0"))
    for part in parts:
        heads, colon, said = part.rpartition(b":")
        for line in heads.decode().splitlines() if colon else part.decode().splitlines():
            old, _, new = line.partition(" ")
            here = found[old, new] = []
        if colon:
            here += _changed(said.decode().split(" "), parts, wanted)
    return found


def _changed(said: list[str], paths: Iterator[bytes], wanted: Callable[[bytes], bool]) -> Iterator[Change]:
    """Yield what one line tells: of a notebook that came from elsewhere, or went elsewhere, it is one of both."""
    before, mode, old_blob, blob, status = said
    old = path = next(paths)
    if status[0] in "RC":
        path = next(paths)
    if not wanted(path):
        if status[0] == "R" and wanted(old):
            yield Change(old, None, None, None)
    elif status[0] == _DELETED:
        yield Change(path, None, None, None)
    elif old != path or blob != old_blob or mode[:3] != before[:3]:  # that it may be executed is no other content
        yield Change(path, old if status[0] == "R" and wanted(old) else None, mode, blob)


def _commit(line: str, told: str) -> Commit:
    _, hash_, *parents = line.split(" ")
    tree, *times = told.split(" ")
    return Commit(hash_, tuple(parents), tree, next((int(time) for time in times if time.lstrip("-").isdigit()), 0))


def _commit_of(repository: Repository, revision: str) -> str | None:
    """Return the hash of the commit for which a revision stands, if there is one.

    Some revisions, as `:/fix`, cannot have a `^{commit}` behind them.
    """
    named = _parsed_revision(repository, revision)
    return _parsed_revision(repository, f"{named}^{{commit}}") if named and named.isalnum() else None


def _parsed_revision(repository: Repository, revision: str, *options: str) -> str | None:
    try:
        return os.fsdecode(
            run(repository, "rev-parse", "--verify", "--quiet", *options, "--end-of-options", revision)
        ).strip()
    except (Failed, ValueError):  # a NUL in it
        return None


def _short(ref: str) -> str:
    return ref.removeprefix(_HEADS).removeprefix(_REMOTES)
