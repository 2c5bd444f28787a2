"""Reading files in processes: many at once, or one after another where one of them kills the process that reads it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED
from concurrent.futures import BrokenExecutor
from concurrent.futures import Executor
from concurrent.futures import Future
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import wait
from contextlib import AbstractContextManager
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from typing import Literal
from typing import NamedTuple

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Facts
from scrapdb.facts import Problem
from scrapdb.files.paths import os_path
from scrapdb.files.remote import is_url
from scrapdb.indexing.backlog import GARBAGE
from scrapdb.indexing.backlog import Backlog
from scrapdb.indexing.backlog import Task
from scrapdb.indexing.cluster import connected
from scrapdb.notebooks import read as notebooks
from scrapdb.store.marks import File
from scrapdb.store.marks import Known
from scrapdb.store.rows import Rows
from scrapdb.store.rows import rows

_TASK_FILES = 64
_TASK_BYTES = 4 * 2**20
_TASKS_IN_FLIGHT = 3  # per worker: enough to keep it busy, few enough to keep memory flat
_LOOK_SECONDS = 5.0  # between looks at whether a pool that gives no result has lost its workers for good
_PARENT_SECONDS = 0.5  # between a worker's looks at whether its parent lives
_WORTH_A_POOL = 64  # files; starting processes takes as long as reading so many
_CRASHED = "The process that read it {}, perhaps for lack of memory. It is read again when it changes, or by --force."
_NOT_STARTED = (
    "A process to read notebooks in cannot be started; it ends with code {}. "
    'A script has to index below `if __name__ == "__main__":`, or with workers=1.'
)
_NO_MEMORY = "There is not enough memory to read it; a smaller --max-bytes passes over such files."


Outcome = Literal["added", "changed", "unchanged", "failed"]


class Done(NamedTuple):
    """A file that was read: its rows, or None if its content is the known one, and how the summary counts it."""

    file: File
    rows: Rows | None
    bytes: int
    outcome: Outcome


Pool = Callable[[], AbstractContextManager[Executor]]  # starts processes, as often as the last ones were killed


def pool(backlog: Backlog, workers: int | None, scheduler: str | None) -> Pool | None:
    """Return what starts the processes that read, or None if this one is to do it.

    Args:
        backlog: what is to be read.
        workers: how many processes; by default as many as there are processors, if there is work enough for them.
        scheduler: address of a scheduler whose workers read instead.
    """
    if backlog.in_memory:
        return None
    if scheduler:
        return partial(connected, scheduler, backlog.local_file)
    if workers is None and len(backlog) < _WORTH_A_POOL:
        return None
    count = workers or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))
    return None if count == 1 else partial(_processes, count)


def results(
    tasks: Iterable[Task], pool: Pool | None, base: str, max_bytes: int, *, apart: bool = False
) -> Generator[Done, None, None]:
    """Read files, in whatever order they are done; only so many are in flight that memory stays flat.

    When a process is killed, the files in flight are read again apart, to find the one that did it.

    Args:
        tasks: the files.
        pool: starts the processes; None reads one file after another.
        base: real path of the directory of the store.
        max_bytes: size beyond which a notebook is not read.
        apart: whether this process reads none itself, so that no file can kill it.
    """
    chunks = _chunks(tasks)
    if pool is None:
        for chunk in chunks:
            yield from (_apart if apart else read)(chunk, base, max_bytes)
        return
    work = partial(read, base=base, max_bytes=max_bytes)
    whole = False
    while not whole:
        lost: list[list[Task]] = []
        with pool() as executor:
            yield from _in_parallel(chunks, executor, work, lost)
        whole = not lost
        for chunk in lost:
            yield from _apart(chunk, base, max_bytes)


def read(chunk: Sequence[Task], base: str, max_bytes: int) -> list[Done]:
    """Read some files; this is what runs in the workers."""
    fetched = notebooks.fetch([task.candidate for task in chunk], max_bytes)
    return [_read_one(task, base, max_bytes, fetched) for task in chunk]


def _in_parallel(
    chunks: Iterable[list[Task]],
    executor: Executor,
    work: Callable[[list[Task]], list[Done]],
    lost: list[list[Task]],
) -> Iterator[Done]:
    """Have chunks read until there are no more or a process is killed; then `lost` gets those that were in flight.

    A local pool notices itself that a process is gone. One of other machines is asked, by its method `deserted`.
    """
    waiting: dict[Future[list[Done]], list[Task]] = {}
    deserted = getattr(executor, "deserted", None)
    limit = _TASKS_IN_FLIGHT * (getattr(executor, "_max_workers", None) or 1)
    for chunk in chunks:
        try:
            waiting[executor.submit(work, chunk)] = chunk
        except BrokenExecutor:
            lost.append(chunk)
        while len(waiting) >= limit:
            yield from _ready(waiting, lost, deserted)
        if lost:
            break
    while waiting:
        yield from _ready(waiting, lost, deserted)


def _ready(
    waiting: dict[Future[list[Done]], list[Task]], lost: list[list[Task]], deserted: Callable[[], bool] | None
) -> Iterator[Done]:
    ready, _ = wait(waiting, timeout=_LOOK_SECONDS if deserted else None, return_when=FIRST_COMPLETED)
    if deserted and not ready and deserted():
        lost += waiting.values()
        waiting.clear()
    for future in ready:
        chunk = waiting.pop(future)
        try:
            done = future.result()
        except (BrokenExecutor, MemoryError):  # the latter while the rows were sent
            lost.append(chunk)
        else:
            yield from done


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


def _read_one(task: Task, base: str, max_bytes: int, fetched: dict[str, bytes | Exception]) -> Done:
    listed, file = task.candidate, _file(task, base)
    if listed.reason:
        return _unreadable(task, file, "not a file", listed.reason)
    try:
        if is_url(listed.file):
            found = notebooks.read_fetched(listed, fetched.pop(listed.file, None), task.known_hash, max_bytes)
        else:
            found = notebooks.read(listed.file, task.known_hash, max_bytes)
        file = File(file.path, file.os_path, found.size, found.mtime_ns, found.content_hash, found.etag)
        return _done(task, file, found.facts)
    except MemoryError:
        return _unreadable(task, _file(task, base), "memory", _NO_MEMORY)


def _file(task: Task, base: str) -> File:
    path = task.candidate.path
    return File(path, os_path(task.candidate.file, path, base))


def _unreadable(task: Task, file: File, kind: str, message: str) -> Done:
    return _done(task, file, Facts("unreadable", problems=(Problem(kind, message),)))


def _done(task: Task, file: File, facts: Facts | None) -> Done:
    """Lay out the facts of a file, if it is not as known."""
    made = rows(file, facts) if facts else None
    size = sum(map(len, (*made.blobs.values(), *made.sidecars.values()))) if made else 0
    return Done(file, made, size, _outcome(task.before, file, facts))


def _outcome(before: Known | None, file: File, facts: Facts | None) -> Outcome:
    status = facts.status if facts else before and before.status
    if status == "unreadable":
        return "failed"
    if before is None:
        return "added"
    return "unchanged" if facts is None or file.content_hash == before.content_hash else "changed"


def _apart(chunk: Sequence[Task], base: str, max_bytes: int) -> Iterator[Done]:
    """Read files one after another in a process of their own, and in a new one after each that kills it.

    Raises:
        ScrapdbError: the process ends before it reads, as when it runs the whole script again that started it.
    """
    left = list(reversed(chunk))
    while left:
        context = _context()
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_send, args=(left[::-1], base, max_bytes, sending, os.getpid()), daemon=True)
        process.start()
        sending.close()
        started = False
        try:
            started = receiving.recv()
            while left:
                yield receiving.recv()
                left.pop()
        except (EOFError, OSError):
            process.join()
            if not started and (process.exitcode or 0) > 0:
                raise ScrapdbError(_NOT_STARTED.format(process.exitcode)) from None
            yield _crashed(left.pop(), process.exitcode or 0, base)
        finally:
            process.kill()
            process.join()
            receiving.close()


def _send(chunk: Sequence[Task], base: str, max_bytes: int, sending: Connection, parent: int) -> None:
    _start_worker(parent)
    sending.send(True)  # noqa: FBT003 - it has started: what ends it from now on is a file
    for task in chunk:
        try:
            sending.send(read([task], base, max_bytes)[0])
        except MemoryError:
            sending.send(_unreadable(task, _file(task, base), "memory", _NO_MEMORY))


def _crashed(task: Task, code: int, base: str) -> Done:
    """Say that a file killed its process. Its size and time are kept, so that no later index dies of it again."""
    signals = {member.value: member.name for member in signal.Signals}
    end = f"was killed by signal {-code} ({signals.get(-code, 'unknown')})" if code < 0 else f"ended with code {code}"
    seen = task.candidate
    file = _file(task, base)._replace(size=seen.size, mtime_ns=seen.mtime_ns, etag=seen.etag)
    return _unreadable(task, file, "crash", _CRASHED.format(end))


@contextmanager
def _processes(count: int) -> Iterator[Executor]:
    pool = ProcessPoolExecutor(count, _context(), initializer=_start_worker, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _context() -> multiprocessing.context.ForkContext | multiprocessing.context.SpawnContext:
    # Forking is the quickest, and needs no importable __main__, but a thread that holds a lock would take it along.
    alone = threading.active_count() == 1 and sys.platform == "linux"
    return multiprocessing.get_context("fork") if alone else multiprocessing.get_context("spawn")


def _start_worker(parent: int) -> None:
    gc.set_threshold(GARBAGE)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this worker when its parent is gone: one that was killed cannot do it, and the pool would wait forever."""
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    os._exit(1)
