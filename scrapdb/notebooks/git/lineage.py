"""Which versions of notebooks commits made, which followed which, and when each was the notebook. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import msgspec

from scrapdb.notebooks.git.commits import Change
from scrapdb.notebooks.git.commits import Changes
from scrapdb.notebooks.git.commits import Commit
from scrapdb.notebooks.git.commits import chain

_MICROSECONDS = 1_000_000


class Version(msgspec.Struct, eq=False):
    """A notebook as a commit made it, and the version before it.

    `since` and `until` are in microseconds of Unix; equal if it was never on the branch that was asked for. `until` is
    None if it is there still.
    """

    commit: Commit
    path: bytes
    mode: str
    blob: str
    previous: Version | None
    since: int
    until: int | None


class _Place(msgspec.Struct, frozen=True):
    """What a commit has at a path: a version, or the last that it had."""

    version: Version
    is_there: bool


_Places = dict[bytes, _Place]


def versions(commits: Sequence[Commit], changes: Changes, empty_tree: str, tip: str | None) -> list[Version]:
    """Return every version: a commit at which a notebook differs from all of the commit's parents.

    Args:
        commits: all, parents before children.
        changes: of each commit against each of its parents.
        empty_tree: which a commit without parents is compared with.
        tip: the commit whose first parents tell when a version was the notebook. What a merge brings in is there from
            the merge on. Times do not go back along them: a commit is later than the one before, by its author's time
            or by a microsecond.
    """
    trees = {commit.hash: commit.tree for commit in commits}
    left = Counter(parent for commit in commits for parent in commit.parents)
    main = {commit.hash for commit in chain({commit.hash: commit for commit in commits}, tip)}
    at: dict[str, _Places] = {}
    made: list[Version] = []
    moment: int | None = None
    for commit in commits:
        parents = [parent for parent in commit.parents if parent in trees]
        against = [_against(changes, trees[parent], commit) for parent in parents]
        others = [(at[parent], {*map(_path, told)}) for parent, told in zip(parents[1:], against[1:], strict=True)]
        left.subtract(parents)
        before = at[parents[0]] if parents else {}
        here = before if parents and not left[parents[0]] else dict(before)
        moves = _moves(commit, against[0] if against else _against(changes, empty_tree, commit), before, others)
        for parent in parents:
            if not left[parent]:
                del at[parent]
        at[commit.hash] = here
        made += [place.version for _, place in moves if place.is_there and place.version.commit is commit]
        if commit.hash in main and moves:
            authored = commit.authored * _MICROSECONDS
            moment = authored if moment is None or authored > moment else moment + 1
            _pass(moves, before, moment)
        here.update(moves)
    return made


def _against(changes: Changes, tree: str, commit: Commit) -> list[Change]:
    return changes.get((tree, commit.tree), [])


def _path(change: Change) -> bytes:
    return change.path


def _moves(
    commit: Commit, told: Iterable[Change], before: _Places, others: Sequence[tuple[_Places, set[bytes]]]
) -> list[tuple[bytes, _Place]]:
    """Find what is at each path at which a commit differs from its first parent.

    Args:
        commit: it.
        told: how it differs from its first parent.
        before: what that had.
        others: what each other parent had, and the paths at which the commit differs from that.
    """
    found: dict[bytes, _Place] = {}
    for change in told:
        if change.old is not None and change.old in before:
            found.setdefault(change.old, _Place(before[change.old].version, is_there=False))
        if place := _place(commit, change, before, others):
            found[change.path] = place
    return [*found.items()]


def _place(
    commit: Commit, change: Change, before: _Places, others: Sequence[tuple[_Places, set[bytes]]]
) -> _Place | None:
    path = change.path
    followed = before.get(change.old or path) or before.get(path)
    if change.mode is None or change.blob is None:
        return _Place(followed.version, is_there=False) if followed else None
    for places, different in others:
        if path not in different and path in places:
            return places[path]
    followed = followed or next((places[path] for places, _ in others if path in places), None)
    authored = commit.authored * _MICROSECONDS
    previous = followed.version if followed else None
    return _Place(Version(commit, path, change.mode, change.blob, previous, authored, authored), is_there=True)


def _pass(moves: Iterable[tuple[bytes, _Place]], before: Mapping[bytes, _Place], moment: int) -> None:
    """End what was there, and begin what is there from a moment on; what comes back was there all the time."""
    for path, place in moves:
        gone = before.get(path)
        if gone and gone.is_there:
            gone.version.until = moment
        if place.is_there:
            version = place.version
            version.since = moment if version.until == version.since else version.since
            version.until = None


def there(made: Iterable[Version]) -> Iterator[Version]:
    """Yield the versions that are there now."""
    return (version for version in made if version.until is None)
