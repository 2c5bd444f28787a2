"""A pass over a git repository: every version of its notebooks that was committed becomes one of the store."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NamedTuple

from msgspec import structs

from scrapdb.files import paths
from scrapdb.indexing.backlog import Backlog
from scrapdb.indexing.backlog import Task
from scrapdb.indexing.changes import Change
from scrapdb.indexing.changes import Summary
from scrapdb.indexing.loop import Progress
from scrapdb.indexing.loop import few_collections
from scrapdb.indexing.loop import marked
from scrapdb.notebooks import scan
from scrapdb.notebooks.git import commits
from scrapdb.notebooks.git import lineage
from scrapdb.notebooks.git import repository
from scrapdb.notebooks.git.blobs import sizes
from scrapdb.store import commits as store
from scrapdb.store import known
from scrapdb.store.rows import COMMITTED
from scrapdb.store.rows import Rows
from scrapdb.store.schema import OLDEST
from scrapdb.store.upkeep import settle
from scrapdb.store.versions import written
from scrapdb.store.write import Writer
from scrapdb.text import valid_text

if TYPE_CHECKING:
    from scrapdb.indexing.reading import Done

_TOGETHER = 512
_TOGETHER_BYTES = 32 * 2**20
_TOGETHER_SECONDS = 2.0
_AGAIN = frozenset({"missing", "too large"})  # problems that may have gone meanwhile
_NO_FILES = {"120000": "It is a symbolic link.", "160000": "It is a commit of another repository (a submodule)."}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Item(NamedTuple):
    """A version, and what is wanted of its blob.

    `is_read` says whether it is read, and the version does not share the rows of another, `is_added` whether the
    version gets rows, and `is_present` whether it becomes the notebook that the store has now.
    """

    version: store.Committed
    candidate: scan.Candidate
    is_read: bool
    is_added: bool
    is_present: bool

    @property
    def mark(self) -> tuple[str, str]:
        """Path and blob, by which what was read is found."""
        return self.candidate.path, self.candidate.etag or ""


def opened(asked: str) -> tuple[repository.Repository, str | None]:
    """Open the repository that is asked for, `REPO` or `REPO@REV`, and return it and the revision.

    Raises:
        UsageError: there is no such repository, or no git.
    """
    directory, revision = repository.parted(asked)
    return repository.opened(directory), revision


def index(
    store_path: Path,
    repo: repository.Repository,
    revision: str | None = None,
    *,
    exclude: Sequence[str] = (),
    prune: bool = True,
    force: bool = False,
    workers: int | None = None,
    max_bytes: int = scan.MAX_BYTES,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Bring a store up to date with every version of the notebooks that were committed to a repository.

    Notebooks of the commit that was asked for are in the store as they are there, but for those that it has as files.

    Args:
        store_path: the store.
        repo: the repository.
        revision: the commit up to which it is read; by default HEAD and all branches.
        exclude: globs of names or of paths below the repository that are passed over.
        prune: whether to remove notebooks, not their versions, that are not in that commit any more.
        force: whether to read again what has been read.
        workers: how many processes read; by default one per processor.
        max_bytes: size beyond which a version is not read.
        progress: is told how far it is.

    Raises:
        UsageError: there is no such revision.
        ScrapdbError: the repository cannot be read.
        StoreError: the store cannot be written.
    """
    began = time.monotonic()
    tips = commits.asked(repo, revision)
    with Writer(store_path, oldest=OLDEST) as writer, few_collections():
        known.forget_older(writer)
        base = os.path.realpath(store_path.parent)
        found = _Pass(writer, repo, tips, scan.Scan(base, exclude), max_bytes)
        noted = [revision, tips.tips, [branch.name for branch in tips.branches], [*exclude], max_bytes, repo.is_shallow]
        if force or not store.is_as_noted(writer, repo.top, noted):
            found.look(force=force)
            found.read(store_path, workers, progress)
            found.settle(noted, prune=prune)
        return found.summary(time.monotonic() - began)


class _Pass:
    """One pass over a repository: what it is to do, and what it did."""

    def __init__(
        self, writer: Writer, repo: repository.Repository, asked: commits.Asked, walk: scan.Scan, max_bytes: int
    ) -> None:
        self._writer, self._repo, self._asked, self._walk, self._max_bytes = writer, repo, asked, walk, max_bytes
        self._nested = [
            os.path.join(other, "")
            for other in store.directories(writer)
            if other.startswith(os.path.join(repo.top, ""))
        ]
        self._places: dict[bytes, tuple[str, str]] = {}  # real and stored path of each path in the repository
        self._spelled: set[str] = set()  # as they are there
        self._wanted: dict[store.Key, store.Committed] = {}
        self._there: set[str] = set()  # paths at the commit that was asked for
        self._reached: set[str] = set()
        self._items: list[_Item] = []
        self._ids: dict[store.Key, int] = {}
        self._again: set[int] = set()
        self._shared: dict[str, store.Key] = {}  # by the mark of a blob, a version that has its rows
        self._changes: dict[str, Change] = {}
        self._removed = self._added = 0

    def look(self, *, force: bool) -> None:
        """Find out which versions there are, and which of them the store has."""
        everything = commits.commits(self._repo, self._asked)
        read = commits.reached(everything, self._asked.tip) if self._asked.is_named else everything
        self._reached = {commit.hash for commit in read}
        told = commits.changes(self._repo, read, self._is_wanted)
        names = {change.path for some in told.values() for change in some}
        self._spelled = {self._spelling(os.path.join(self._repo.top, os.fsdecode(name))) for name in names}
        made = lineage.versions(read, told, self._repo.empty_tree, self._asked.tip)
        branches = commits.names(everything, self._asked.branches)
        last = {(version.path, version.blob): version for version in made}
        pairs = [(version, self._committed(version, branches, last)) for version in made]
        self._wanted = {committed.key: committed for _, committed in pairs}
        self._there = {committed.path for _, committed in pairs if committed.until is None}
        self._decide(sorted(pairs, key=lambda pair: pair[1].path), force=force)

    def _decide(self, pairs: Sequence[tuple[lineage.Version, store.Committed]], *, force: bool) -> None:
        """Decide what is read: what the store does not have, or has of another content as the notebook of now."""
        had = {version.key: version for version in store.stored(self._writer)}
        now = store.present(self._writer, self._there)
        self._ids = {key: version.id for key, version in had.items()}
        if not force:
            self._shared = {
                version.etag or "": key for key, version in had.items() if version.blob and version.content_hash
            }
        blobs = dict.fromkeys(
            made.blob for made, version in pairs if force or _is_open(had.get(version.key)) or version.until is None
        )
        size = sizes(self._repo, blobs)
        for made, version in pairs:
            known_, row = had.get(version.key), now.get(version.path)
            mark = f"{COMMITTED}{made.blob}"
            is_again = known_ is not None and self._is_again(known_, size.get(made.blob), force=force)
            if known_ and is_again:
                self._again.add(known_.id)
            is_added = known_ is None or is_again
            is_other = row is None or (row.etag is not None and (row.etag != mark or is_again))
            is_present = version.until is None and is_other
            if is_added or is_present:
                candidate = self._candidate(made, size.get(made.blob))
                is_read = is_present or candidate.reason is not None or mark not in self._shared
                self._items.append(_Item(version, candidate, is_read, is_added, is_present))
                if not candidate.reason:
                    self._shared.setdefault(mark, version.key)
                if is_present:
                    self._changes[version.path] = Change.CHANGED if row else Change.ADDED

    def _is_again(self, version: store.Stored, size: int | None, *, force: bool) -> bool:
        """Return whether a version that the store has is read again, as all may be, but those that came from a file."""
        if force or version.blob is None:
            return version.blob is not None
        return version.problem in _AGAIN and size is not None and size <= self._max_bytes

    def read(self, store_path: Path, workers: int | None, progress: Callable[[Progress], None]) -> None:
        """Read what is to be read, and write the versions and the notebooks of now."""
        reads = Counter(item.mark for item in self._items if item.is_read)
        reached = Progress(len(self._wanted), reads.total(), 0)
        with closing(Backlog()) as backlog:
            for candidate in {item.mark: item.candidate for item in self._items if item.is_read}.values():
                backlog.add(Task(candidate, None, force=False))
            with closing(self._results(backlog, store_path, workers)) as results:
                for batch in _batches(self._items, reads, results):
                    self._write(batch)
                    reached = reached._replace(read=reached.read + sum(item.is_read for item, _ in batch))
                    progress(reached)

    def settle(self, noted: object, *, prune: bool) -> None:
        """Say of all versions when each was the notebook, and remove notebooks that are not in the repository now."""
        rows = store.present(self._writer, ()).values()
        gone = [row.path for row in rows if row.path not in self._there and self._is_own(row.path, row.os_path)]
        if prune and gone:
            self._writer.remove(gone)
            self._removed = len(gone)
        store.place(
            self._writer,
            self._wanted,
            directory=self._repo.top,
            is_stray=self._is_stray,
            reached=self._reached,
            noted=noted,
        )
        settle(self._writer)

    def summary(self, seconds: float) -> Summary:
        """Return what was done, of notebooks that are in the store by git alone, and of versions."""
        counts: Counter[Change] = Counter({Change.REMOVED: self._removed})
        for row in store.present(self._writer, ()).values():
            if self._is_own(row.path, row.os_path):
                change = self._changes.get(row.path, Change.UNCHANGED)
                counts[Change.FAILED if row.status == "unreadable" else change] += 1
        failed = sum(self._is_own(path, os_path) for path, os_path in store.unreadable(self._writer))
        summary = Summary.of(counts, seconds, [])
        return structs.replace(summary, versions=self._added, failed_versions=failed)

    def _results(self, backlog: Backlog, store_path: Path, workers: int | None) -> Generator[Done, None, None]:
        if not backlog:
            return
        # These know all that reads notebooks, which takes longer to import than to find that there is no new commit.
        from scrapdb.indexing.reading import BlobReader
        from scrapdb.indexing.workers import results
        from scrapdb.indexing.workers import starter

        reader = BlobReader(self._walk.base, self._max_bytes, repository=self._repo)
        start = starter(backlog, workers, None)
        try:
            with marked(store_path, here=start is None) as was_killed:
                yield from results(backlog, start, reader, apart=was_killed)
        finally:
            reader.close()

    def _write(self, batch: Sequence[tuple[_Item, Rows | None]]) -> None:
        found = [
            (item.version, rows or self._shared[item.mark[1]], item.mark[1]) for item, rows in batch if item.is_added
        ]
        self._added += store.add(self._writer, found, self._ids, self._again)
        here = {item.version.key: rows for item, rows in batch if item.is_present and rows}
        self._writer.write(here.values(), {key[0]: self._ids[key] for key in here})

    def _committed(
        self,
        made: lineage.Version,
        branches: Mapping[str, tuple[str, bool]],
        last: Mapping[tuple[bytes, str], lineage.Version],
    ) -> store.Committed:
        real, path = self._place(made.path)
        before = made.previous
        name, is_made_there = branches.get(made.commit.hash, (None, False))
        return store.Committed(
            path,
            paths.os_path(real, path, self._walk.base),
            made.commit.hash,
            _moment(made.commit.authored * 1_000_000),
            (self._place(before.path)[1], before.commit.hash) if before else None,
            _moment(made.since),
            None if made.until is None else _moment(made.until),
            None if name is None else valid_text(name),
            is_made_there,
            last[made.path, made.blob] is made,
        )

    def _candidate(self, made: lineage.Version, size: int | None) -> scan.Candidate:
        real, path = self._place(made.path)
        return scan.Candidate(real, path, size, None, _NO_FILES.get(made.mode), f"{COMMITTED}{made.blob}")

    def _place(self, path: bytes) -> tuple[str, str]:
        """Return where a file of the repository would lie, and how the store calls it.

        That is in NFC, unless another file of the repository is spelled so.
        """
        if path not in self._places:
            real = os.path.join(self._repo.top, os.fsdecode(path))
            stored = paths.identity(real, self._walk.base)
            spelled = self._spelling(real)
            self._places[path] = real, spelled if stored in self._spelled else stored
        return self._places[path]

    def _spelling(self, real: str) -> str:
        return valid_text(real.removeprefix(os.path.join(self._walk.base, "")))

    def _is_wanted(self, path: bytes) -> bool:
        return path.endswith(scan.SUFFIX.encode()) and not self._walk.excludes_way_to(os.fsdecode(path))

    def _is_own(self, path: str, os_path: bytes | None) -> bool:
        """Return whether a notebook is of this repository, and not one that is passed over."""
        real, top = paths.located(path, os_path, self._walk.base), os.path.join(self._repo.top, "")
        return (
            real.startswith(top)
            and not real.startswith(tuple(self._nested))
            and self._is_wanted(os.fsencode(real.removeprefix(top)))
        )

    def _is_stray(self, version: store.Stored) -> bool:
        return self._is_own(version.path, version.os_path)


def _is_open(version: store.Stored | None) -> bool:
    """Return whether a version is not in the store, or could not be read for a reason that may have gone."""
    return version is None or version.problem in _AGAIN


def _batches(
    items: Iterable[_Item], reads: Counter[tuple[str, str]], results: Iterator[Done]
) -> Iterator[list[tuple[_Item, Rows | None]]]:
    """Gather what is written at once, in the order of the items, which is not that in which their blobs are read."""
    ready: dict[tuple[str, str], Done] = {}
    batch: list[tuple[_Item, Rows | None]] = []
    size, began = 0, time.monotonic()
    for item in items:
        rows = None
        if item.is_read:
            while item.mark not in ready:
                done = next(results)
                ready[done.file.path, done.file.etag or ""] = done
            reads[item.mark] -= 1
            done = ready[item.mark] if reads[item.mark] else ready.pop(item.mark)
            rows = done.rows
            size += done.bytes
        batch.append((item, rows))
        if len(batch) >= _TOGETHER or size >= _TOGETHER_BYTES or time.monotonic() - began > _TOGETHER_SECONDS:
            yield batch
            batch, size, began = [], 0, time.monotonic()
    if batch:
        yield batch


def _moment(microseconds: int) -> str:
    return written(_EPOCH + timedelta(microseconds=microseconds))
