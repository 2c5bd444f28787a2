"""The one loop: scan, decide what changed, read in parallel, write in batches."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
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

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.errors import UsageError
from scrapdb.indexing.backlog import GARBAGE
from scrapdb.indexing.backlog import Backlog
from scrapdb.indexing.backlog import Task
from scrapdb.notebooks.scan import MAX_BYTES
from scrapdb.notebooks.scan import Candidate
from scrapdb.notebooks.scan import Scan
from scrapdb.notebooks.scan import scan
from scrapdb.store.known import extent
from scrapdb.store.known import known_files
from scrapdb.store.known import other_files
from scrapdb.store.known import touch
from scrapdb.store.marks import Known
from scrapdb.store.upkeep import settle
from scrapdb.store.write import Writer

if TYPE_CHECKING:
    from scrapdb.indexing.workers import Done

_COMPARED = 1_000  # files at a time
_MANY = 1_000  # files, for which to make indexes at the end
_BATCH_NOTEBOOKS = 512
_BATCH_BYTES = 32 * 2**20
_BATCH_SECONDS = 2.0
_UNFINISHED = frozenset({"missing", "changing", "empty", "truncated"})  # what writing to a file can look like


class _Reading(NamedTuple):
    """How files are read; see the arguments of `index`."""

    base: str
    workers: int | None
    scheduler: str | None
    max_bytes: int
    patience: float
    apart: bool


class Progress(NamedTuple):
    """How far an index is: files found by now, and how many of them had to be read and have been."""

    found: int
    to_read: int
    read: int


class Summary(msgspec.Struct):
    """What an index did.

    `failed` counts the notebooks found that cannot be read, changed or not; `unfinished` those that are being written.
    """

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    unfinished: int = 0
    seconds: float = 0.0
    errors: list[str] = []

    @property
    def notebooks(self) -> int:
        """How many notebooks were found."""
        return self.added + self.changed + self.unchanged + self.failed


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
    max_bytes: int = MAX_BYTES,
    patience: float = 0.0,
    apart: bool = False,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Bring a store up to date with the notebooks below some paths.

    Args:
        store: the database file; it is made if there is none.
        roots: directories, files, globs and URLs. Notebooks gone from below a directory or a URL are removed.
        names: further files, of which a missing one is an error in the summary; nothing is removed on their account.
        exclude: globs of names or relative paths to pass over.
        prune: whether to remove notebooks that are gone.
        force: whether to read unchanged notebooks too.
        workers: how many processes read; by default as many as there are processors.
        scheduler: address of a scheduler of dask.distributed whose workers read instead.
        max_bytes: size beyond which a notebook is not read.
        patience: seconds after its last change for which a file that ends too early is left alone, as one that is
            being written.
        apart: whether to start a process even for a few files, so that none that kills its reader kills this one.
        report: is told how far it is.

    Raises:
        UsageError: a root does not exist, or is the store itself.
        StoreError: the store cannot be written.
    """
    began = time.monotonic()
    summary = Summary()
    base = os.path.realpath(store.parent)
    if any(os.path.realpath(root) == os.path.realpath(store) for root in roots):
        raise UsageError(f"{store} is the store itself; name the notebooks that it is to hold.")
    found = Scan(base, exclude)
    candidates = scan(found, roots, names=names)
    with Writer(store) as writer, _few_collections(), Backlog() as backlog:
        known, last = extent(writer)
        seen = bytearray(last + 1)  # a mark by the id of each notebook that was found
        _compare(candidates, writer, backlog, seen, summary, force=force)
        if backlog:
            reading = _Reading(base, workers, scheduler, max_bytes, patience, apart)
            _take_in(backlog, reading, writer, summary, report)
        if prune and (found.listed or found.listed_urls) and seen.count(1) < known:
            _prune(writer, found, seen, summary)
        if backlog or summary.removed:
            settle(writer)
    summary.errors = found.errors
    summary.seconds = time.monotonic() - began
    return summary


def unchanged(candidate: Candidate, known: Known | None) -> bool:
    """Decide whether a file need not be opened: size, time of its last change and ETag are those that the store has."""
    return (
        known is not None
        and known.size == candidate.size
        and known.mtime_ns == candidate.mtime_ns
        and known.etag == candidate.etag
        and (known.mtime_ns is not None or known.etag is not None)
    )


def _compare(
    candidates: Iterator[Candidate], writer: Writer, backlog: Backlog, seen: bytearray, summary: Summary, *, force: bool
) -> None:
    """Put to the backlog what has to be read, count the rest, and mark what the store has."""
    while some := list(islice(candidates, _COMPARED)):
        known = known_files(writer, [candidate.path for candidate in some])
        to_read = []
        for candidate in some:
            before = known.get(candidate.path)
            if before and before.id < len(seen):
                seen[before.id] = 1
            if force or not before or not unchanged(candidate, before):
                to_read.append(Task(candidate, before, force))
            elif before.status == "unreadable":
                summary.failed += 1
            else:
                summary.unchanged += 1
        backlog.add(to_read)


def _take_in(
    backlog: Backlog, reading: _Reading, writer: Writer, summary: Summary, report: Callable[[Progress], None]
) -> None:
    """Read files and write what is in them."""
    from scrapdb.indexing import (
        workers,  # and all that reads notebooks, which takes longer than to find that none has changed
    )

    pool = workers.pool(backlog, reading.workers, reading.scheduler)
    progress = Progress(summary.notebooks + len(backlog), len(backlog), 0)
    with _marked(writer.path, here=pool is None) as was_killed:
        apart = (reading.apart or was_killed) and not backlog.in_memory
        with (
            writer.filling() if len(backlog) >= _MANY else nullcontext(),
            closing(workers.results(backlog, pool, reading.base, reading.max_bytes, apart=apart)) as done,
        ):
            for batch in _batches(_finished(done, reading.patience, summary)):
                _write(writer, batch, summary)
                progress = progress._replace(read=progress.read + len(batch))
                report(progress)


def _finished(read: Iterable[Done], patience: float, summary: Summary) -> Iterator[Done]:
    """Leave out the files that somebody seems to be writing."""
    for done in read:
        if patience and _is_unfinished(done, patience):
            summary.unfinished += 1
        else:
            yield done


def _is_unfinished(done: Done, patience: float) -> bool:
    if done.rows is None or done.rows.status != "unreadable":
        return False
    changed = done.file.mtime_ns
    fresh = changed is None or abs(time.time() - changed / 1e9) < patience
    return fresh and any(kind in _UNFINISHED for *_, kind, _ in done.rows.problems)


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


def _write(writer: Writer, batch: Sequence[Done], summary: Summary) -> None:
    writer.write([done.rows for done in batch if done.rows is not None])
    if touched := [done.file for done in batch if done.rows is None]:
        touch(writer, touched)
    for done in batch:
        setattr(summary, done.outcome, getattr(summary, done.outcome) + 1)


def _prune(writer: Writer, found: Scan, seen: bytearray, summary: Summary) -> None:
    """Remove the notebooks that are gone from directories and below URLs that were listed."""
    for others in other_files(writer, seen):
        gone = [path for path, os_path in others if found.gone(path, os_path)]
        gone += found.gone_urls(path for path, _ in others)
        if gone:
            writer.remove(gone)
            summary.removed += len(gone)


@contextmanager
def _marked(store: Path, *, here: bool) -> Iterator[bool]:
    """Leave a file beside the store while this process reads, and tell whether a killed one has left it.

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
def _few_collections() -> Iterator[None]:
    """Look for cycles less often, as in the workers."""
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
