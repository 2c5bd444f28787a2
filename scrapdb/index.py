"""The one loop: scan, decide what changed, read in parallel, write in batches."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import BrokenExecutor
from concurrent.futures import Executor
from concurrent.futures import Future
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import wait
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from scrapdb.errors import ScrapdbError
from scrapdb.notebooks import files
from scrapdb.notebooks.scan import Candidate
from scrapdb.notebooks.scan import Scan
from scrapdb.notebooks.scan import os_path
from scrapdb.notebooks.scan import scan
from scrapdb.scraps import Facts
from scrapdb.scraps import Problem
from scrapdb.store.rows import File
from scrapdb.store.rows import Rows
from scrapdb.store.rows import rows
from scrapdb.store.write import Known
from scrapdb.store.write import Writer

_TASK_FILES = 64
_TASK_BYTES = 4 * 2**20
_BATCH_NOTEBOOKS = 512
_BATCH_BYTES = 32 * 2**20
_BATCH_SECONDS = 2.0
_TASKS_IN_FLIGHT = 3  # per worker: enough to keep it busy, few enough to keep memory flat
_PARENT_SECONDS = 0.5  # between a worker's looks at whether its parent lives
_GARBAGE = 100_000  # objects between two looks for cycles: facts and rows hold none, and there are many of them
_WORTH_A_POOL = 64  # files; starting processes takes as long as reading so many


class Task(NamedTuple):
    """A file for a worker to read, and the content that the store has of it."""

    candidate: Candidate
    known_hash: str | None


class Done(NamedTuple):
    """A file that was read: its rows, or None if its content is the known one."""

    file: File
    rows: Rows | None
    bytes: int


class Progress(NamedTuple):
    """How far an index is: files found by now, and how many of them had to be read and have been."""

    found: int
    to_read: int
    read: int


class Summary(msgspec.Struct):
    """What an index did. `failed` counts the notebooks found that cannot be read, changed or not."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
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
    max_bytes: int = files.MAX_BYTES,
    report: Callable[[Progress], None] = lambda _: None,
) -> Summary:
    """Bring a store up to date with the notebooks below some paths.

    Args:
        store: the database file; it is made if there is none.
        roots: directories, files and globs. Notebooks gone from below a directory are removed.
        names: further files, of which a missing one is an error in the summary; nothing is removed on their account.
        exclude: globs of names or relative paths to pass over.
        prune: whether to remove notebooks that are gone.
        force: whether to read unchanged notebooks too.
        workers: how many processes read; by default as many as there are processors.
        max_bytes: size beyond which a notebook is not read.
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
        done = 0
        with _pool(tasks, workers) as pool:
            for batch in _batches(_results(tasks, pool, base, max_bytes)):
                _write(writer, batch, known, summary)
                done += len(batch)
                report(Progress(len(candidates), len(tasks), done))
        if prune:
            _prune(writer, found, known, {candidate.path for candidate in candidates}, summary)
        if summary.added or summary.changed or summary.removed or summary.failed:
            writer.settle()
    summary.errors = found.errors
    summary.seconds = time.monotonic() - began
    return summary


def unchanged(candidate: Candidate, known: Known | None) -> bool:
    """Decide whether a file need not be opened: size and time of its last change are those that the store has."""
    return (
        known is not None
        and known.mtime_ns is not None
        and (known.size, known.mtime_ns) == (candidate.size, candidate.mtime_ns)
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


def _results(tasks: Sequence[Task], pool: Executor | None, base: str, max_bytes: int) -> Iterator[Done]:
    """Read files, in whatever order they are done; only so many are in flight that memory stays flat."""
    chunks = _chunks(tasks)
    if pool is None:
        for chunk in chunks:
            yield from _read(chunk, base, max_bytes)
        return
    waiting: set[Future[list[Done]]] = set()
    limit = _TASKS_IN_FLIGHT * (getattr(pool, "_max_workers", None) or 1)
    for chunk in chunks:
        waiting.add(pool.submit(_read, chunk, base, max_bytes))
        if len(waiting) >= limit:
            ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ready:
                yield from future.result()
    while waiting:
        ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in ready:
            yield from future.result()


def _chunks(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    chunk: list[Task] = []
    size = 0
    for task in tasks:
        chunk.append(task)
        size += task.candidate.size or 0
        if len(chunk) >= _TASK_FILES or size >= _TASK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _read(chunk: Sequence[Task], base: str, max_bytes: int) -> list[Done]:
    """Read some files; this is what runs in the workers."""
    return [_read_one(task, base, max_bytes) for task in chunk]


def _read_one(task: Task, base: str, max_bytes: int) -> Done:
    path, real = task.candidate.path, task.candidate.file
    exact = os_path(real, path, base)
    if task.candidate.reason:
        unreadable = Facts("unreadable", problems=(Problem("not a file", task.candidate.reason),))
        return _done(File(path, exact), unreadable)
    found = files.read(real, task.known_hash, max_bytes)
    file = File(path, exact, found.size, found.mtime_ns, found.content_hash)
    return Done(file, None, 0) if found.facts is None else _done(file, found.facts)


def _done(file: File, facts: Facts) -> Done:
    made = rows(file, facts)
    return Done(file, made, sum(map(len, (*made.blobs.values(), *made.sidecars.values()))))


def _batches(results: Iterable[Done]) -> Iterator[list[Done]]:
    batch: list[Done] = []
    size, began = 0, time.monotonic()
    for done in results:
        batch.append(done)
        size += done.bytes
        late = time.monotonic() - began > _BATCH_SECONDS
        if len(batch) >= _BATCH_NOTEBOOKS or size >= _BATCH_BYTES or late:
            yield batch
            batch, size, began = [], 0, time.monotonic()
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
    gone = [path for path in known if path not in seen and found.gone(path, known[path].os_path)]
    if gone:
        writer.remove(gone)
        summary.removed = len(gone)


@contextmanager
def _pool(tasks: Sequence[Task], workers: int | None) -> Iterator[Executor | None]:
    """Start processes, if there is work enough for them."""
    count = workers or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))
    if count == 1 or len(tasks) < _WORTH_A_POOL:
        yield None
        return
    pool = ProcessPoolExecutor(count, _context(), initializer=_start_worker, initargs=(os.getpid(),))
    try:
        yield pool
    except BrokenExecutor as error:
        raise ScrapdbError(
            "A process that read notebooks was killed, perhaps for lack of memory. What was read before stands in the"
            " store; index again, with --workers 1 or a smaller --max-bytes."
        ) from error
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


@contextmanager
def _few_collections() -> Iterator[None]:
    """Look for cycles less often, as in the workers."""
    before = gc.get_threshold()
    gc.set_threshold(_GARBAGE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _context() -> multiprocessing.context.BaseContext:
    # Forking is the quickest, and needs no importable __main__, but a thread that holds a lock would take it along.
    alone = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if alone and sys.platform == "linux" else "spawn")


def _start_worker(parent: int) -> None:
    gc.set_threshold(_GARBAGE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone: one that was killed cannot do it, and the pool would wait forever."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)
