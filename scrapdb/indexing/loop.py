"""The one loop: walk, decide what changed, read in parallel, write in batches, count."""

from __future__ import annotations

import gc
import os
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import closing
from contextlib import contextmanager
from contextlib import nullcontext
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING
from typing import NamedTuple

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.files.paths import located
from scrapdb.indexing import GARBAGE
from scrapdb.indexing import changes
from scrapdb.indexing.backlog import Backlog
from scrapdb.indexing.backlog import Task
from scrapdb.notebooks import scan
from scrapdb.store import known
from scrapdb.store.commits import directories
from scrapdb.store.rows import Known
from scrapdb.store.schema import OLDEST
from scrapdb.store.upkeep import keep_versions
from scrapdb.store.upkeep import settle
from scrapdb.store.versions import Retention
from scrapdb.store.write import Writer

if TYPE_CHECKING:
    from scrapdb.indexing.reading import Done
    from scrapdb.indexing.reading import Reader
    from scrapdb.indexing.workers import Start

_COMPARED = 1_000  # files at a time
_MANY = 1_000  # files, for which to make indexes at the end
_BATCH_NOTEBOOKS = 512
_BATCH_BYTES = 32 * 2**20
_BATCH_SECONDS = 2.0
_TO_READ = (changes.Change.ADDED, changes.Change.CHANGED)
_BEING_WRITTEN = frozenset({"missing", "changing", "empty", "truncated"})  # problems that writing to a file can cause


class Progress(NamedTuple):
    """How far an index is: files found by now, and how many of them had to be read and have been."""

    found: int
    to_read: int
    read: int


def index(
    store: Path,
    roots: Sequence[str],
    *,
    names: Iterable[str] = (),
    exclude: Sequence[str] = (),
    prune: bool = True,
    force: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
    max_bytes: int = scan.MAX_BYTES,
    patience: float = 0.0,
    apart: bool = False,
    keep: Retention | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> changes.Summary:
    """Bring a store up to date with the notebooks below some paths. `Database.index` tells most arguments and errors.

    `names` are further files, of which a missing one is an error in the summary; nothing is removed on their account.
    `max_bytes` is the size beyond which a notebook is not read, and `patience` the seconds after its last change for
    which a file that ends too early is left alone, as one that is being written. With `apart`, a process is started
    even for a few files, so that none that kills its reader kills this one. `keep` says which versions the store keeps
    from now on; by default as before.
    """
    began = time.monotonic()
    base = os.path.realpath(store.parent)
    if any(os.path.realpath(root) == os.path.realpath(store) for root in roots):
        raise UsageError(f"{store} is the store itself; name the notebooks that it is to hold.")
    walk = scan.Scan(base, exclude)
    candidates = scan.scan(walk, roots, names=names)
    counts: Counter[changes.Change] = Counter()
    with Writer(store, oldest=OLDEST) as writer, few_collections(), closing(Backlog()) as backlog:
        known.forget_older(writer)
        if keep is not None:
            keep_versions(writer, keep)
        count, last = known.extent(writer)
        met = bytearray(last + 1)  # a mark by the id of each stored notebook that the walk came upon
        for change, candidate, stored in _compare(candidates, writer, force=force):
            if stored and stored.id <= last:
                met[stored.id] = 1
            if change in _TO_READ:
                backlog.add(Task(candidate, stored, force))
            else:
                counts[change] += 1
        if backlog:
            # These know all that reads notebooks, which takes longer to import than to find that none has changed.
            from scrapdb.indexing.reading import Reader
            from scrapdb.indexing.workers import starter

            batches = _read(backlog, store, starter(backlog, workers, scheduler), Reader(base, max_bytes), apart=apart)
            reached = Progress(counts.total() + len(backlog), len(backlog), 0)
            with writer.filling() if len(backlog) >= _MANY else nullcontext(), closing(batches):
                for batch in batches:
                    counts.update(_write(writer, batch, patience))
                    reached = reached._replace(read=reached.read + len(batch))
                    progress(reached)
        if prune and (walk.listed or walk.listed_urls) and met.count(1) < count:
            counts[changes.Change.REMOVED] = _prune(writer, walk, met)
        if backlog or counts[changes.Change.REMOVED]:
            settle(writer)
    return changes.Summary.of(counts, time.monotonic() - began, walk.errors)


def _compare(
    candidates: Iterator[scan.Candidate], writer: Writer, *, force: bool
) -> Iterator[tuple[changes.Change, scan.Candidate, Known | None]]:
    """Compare files with what the store has of them, before any is opened."""
    has_marks_of, change_of = changes.has_marks_of, changes.change_of  # a hundred thousand times
    while some := list(islice(candidates, _COMPARED)):
        marks = known.known_files(writer, [candidate.path for candidate in some])
        for candidate in some:
            stored = marks.get(candidate.path)
            same = not force and has_marks_of(candidate, stored)
            yield change_of(stored, same=same), candidate, stored


def _read(
    backlog: Backlog, store: Path, start: Start | None, reader: Reader, *, apart: bool
) -> Generator[list[Done], None, None]:
    """Read files, and yield those that are written at once."""
    from scrapdb.indexing.workers import results

    with (
        marked(store, here=start is None) as was_killed,
        closing(results(backlog, start, reader, apart=apart or was_killed)) as done,
    ):
        yield from _batches(done)


def _batches(results: Iterable[Done]) -> Iterator[list[Done]]:
    """Gather what is written at once; a cluster that is lost does not take along what it has read."""
    batch: list[Done] = []
    size, began = 0, time.monotonic()
    try:
        for done in results:
            batch.append(done)
            size += done.bytes
            late = time.monotonic() - began > _BATCH_SECONDS
            if len(batch) >= _BATCH_NOTEBOOKS or size >= _BATCH_BYTES or late:
                yield batch
                batch, size, began = [], 0, time.monotonic()
    except ScrapdbError:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def _write(writer: Writer, batch: Sequence[Done], patience: float) -> list[changes.Change]:
    """Write files, but for those that somebody seems to be writing; return what became of each."""
    finished = [done for done in batch if not _is_unfinished(done, patience)]
    writer.write([done.rows for done in finished if done.rows is not None])
    if touched := [done.file for done in finished if done.rows is None]:
        known.touch(writer, touched)
    return [done.change for done in finished] + [changes.Change.UNFINISHED] * (len(batch) - len(finished))


def _is_unfinished(done: Done, patience: float) -> bool:
    if not patience or done.rows is None or done.rows.status != "unreadable":
        return False
    changed = done.file.mtime_ns
    fresh = changed is None or abs(time.time() - changed / 1e9) < patience
    return fresh and any(kind in _BEING_WRITTEN for *_, kind, _ in done.rows.problems)


def _prune(writer: Writer, walk: scan.Scan, met: bytearray) -> int:
    """Remove the notebooks that are gone from directories and below URLs that were listed; return how many."""
    removed = 0
    repositories = sorted((os.path.join(top, "") for top in directories(writer)), reverse=True)  # inner ones first

    def is_kept(real: str) -> bool:
        """What is there by a repository alone lies in no directory; it goes with that."""
        return next((os.path.isdir(top) for top in repositories if real.startswith(top)), False)

    for rows in known.other_files(writer, met):
        gone = [
            path
            for path, os_path, is_committed in rows
            if walk.gone(path, os_path) and not (is_committed and is_kept(located(path, os_path, walk.base)))
        ]
        gone += walk.gone_urls(path for path, *_ in rows)
        if gone:
            writer.remove(gone)
            removed += len(gone)
    return removed


@contextmanager
def marked(store: Path, *, here: bool) -> Iterator[bool]:
    """Leave a file beside the store while this process reads, and yield whether a killed one has left it.

    A notebook may have killed it, so that this time none is read in the process that writes.
    """
    mark = Path(f"{store}-reading")
    was_killed = mark.exists()
    if here:
        with suppress(OSError):  # on a disk that is full, say
            mark.touch()
    try:
        yield was_killed
    finally:
        with suppress(OSError):
            mark.unlink()


@contextmanager
def few_collections() -> Iterator[None]:
    """Look for cycles less often, as in the workers."""
    thresholds = gc.get_threshold()
    gc.set_threshold(GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
