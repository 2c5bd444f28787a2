"""The one loop: scan, decide what changed, read in parallel, write in batches."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import closing
from contextlib import contextmanager
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from scrapdb.cluster import connected
from scrapdb.errors import ScrapdbError
from scrapdb.notebooks import files
from scrapdb.notebooks.remote import is_url
from scrapdb.notebooks.scan import Candidate
from scrapdb.notebooks.scan import Scan
from scrapdb.notebooks.scan import scan
from scrapdb.store.rows import Rows
from scrapdb.store.write import Known
from scrapdb.store.write import Writer
from scrapdb.workers import GARBAGE
from scrapdb.workers import Done
from scrapdb.workers import Pool
from scrapdb.workers import Task
from scrapdb.workers import local_pool
from scrapdb.workers import results

_BATCH_NOTEBOOKS = 512
_BATCH_BYTES = 32 * 2**20
_BATCH_SECONDS = 2.0
_UNFINISHED = frozenset({"missing", "changing", "empty", "truncated"})  # what writing to a file can look like


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
    max_bytes: int = files.MAX_BYTES,
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
        UsageError: a root does not exist.
        StoreError: the store cannot be written.
    """
    began = time.monotonic()
    summary = Summary()
    base = os.path.realpath(store.parent)
    found = Scan(base, exclude)
    candidates = list(scan(found, roots, names=names))
    with Writer(store) as writer, _few_collections():
        known = writer.known()
        tasks = list(_tasks(candidates, known, summary, force=force))
        in_memory = any(task.candidate.file.startswith("memory://") for task in tasks)  # of this process only
        pool = None if in_memory else _pool(tasks, workers, scheduler)
        done = 0
        with (
            _reading(store, here=bool(tasks) and pool is None) as was_killed,
            closing(results(tasks, pool, base, max_bytes, apart=(apart or was_killed) and not in_memory)) as read,
        ):
            for batch in _batches(_finished(read, patience, summary)):
                _write(writer, batch, known, summary)
                done += len(batch)
                report(Progress(len(candidates), len(tasks), done))
        if prune:
            _prune(writer, found, known, {candidate.path for candidate in candidates}, summary)
        if tasks or summary.removed:
            writer.settle()
    summary.errors = found.errors
    summary.seconds = time.monotonic() - began
    return summary


def unchanged(candidate: Candidate, known: Known | None) -> bool:
    """Decide whether a file need not be opened: size, time of its last change and ETag are those that the store has."""
    return (
        known is not None
        and (known.mtime_ns is not None or known.etag is not None)
        and (known.size, known.mtime_ns, known.etag) == (candidate.size, candidate.mtime_ns, candidate.etag)
    )


def _tasks(
    candidates: Iterable[Candidate], known: Mapping[str, Known], summary: Summary, *, force: bool
) -> Iterator[Task]:
    for candidate in candidates:
        before = known.get(candidate.path)
        if force or before is None or not unchanged(candidate, before):
            yield Task(candidate, before.content_hash if before and not force else None)
        elif before.status == "unreadable":
            summary.failed += 1
        else:
            summary.unchanged += 1


def _pool(tasks: Sequence[Task], workers: int | None, scheduler: str | None) -> Pool | None:
    """Choose the processes that read."""
    files_ = [task.candidate.file for task in tasks]
    if scheduler and files_:
        return partial(connected, scheduler, next((file for file in files_ if not is_url(file)), None))
    return local_pool(len(tasks), workers)


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


def _write(writer: Writer, batch: Sequence[Done], known: Mapping[str, Known], summary: Summary) -> None:
    writer.write([done.rows for done in batch if done.rows is not None])
    if touched := [done.file for done in batch if done.rows is None]:
        writer.touch(touched)
    for file, made, _ in batch:
        before = known.get(file.path)
        if _status(made, before) == "unreadable":
            summary.failed += 1
        elif before is None:
            summary.added += 1
        elif made is None or before.content_hash == file.content_hash:
            summary.unchanged += 1
        else:
            summary.changed += 1


def _status(made: Rows | None, before: Known | None) -> str | None:
    if made is not None:
        return made.status
    return before.status if before else None


def _prune(writer: Writer, found: Scan, known: Mapping[str, Known], seen: set[str], summary: Summary) -> None:
    missing = [path for path in known if path not in seen]
    gone = [path for path in missing if found.gone(path, known[path].os_path)] + found.gone_urls(missing)
    if gone:
        writer.remove(gone)
        summary.removed = len(gone)


@contextmanager
def _reading(store: Path, *, here: bool) -> Iterator[bool]:
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
