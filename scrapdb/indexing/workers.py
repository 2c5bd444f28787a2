"""Processes that read: many at once, or one after another where a file kills the process that reads it."""

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
from concurrent import futures
from contextlib import AbstractContextManager
from functools import partial
from multiprocessing.connection import Connection
from typing import Protocol

from scrapdb.errors import ScrapdbError
from scrapdb.indexing import GARBAGE
from scrapdb.indexing.backlog import Backlog
from scrapdb.indexing.backlog import Task
from scrapdb.indexing.cluster import connected
from scrapdb.indexing.reading import Done
from scrapdb.indexing.reading import Reader

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
_Waiting = dict[futures.Future[list[Done]], list[Task]]  # what is in flight, and of which files


class Pool(Protocol):
    """Processes that read, of this machine or of others. What they lose ends with `BrokenExecutor`."""

    size: int

    def submit(self, reader: Reader, tasks: list[Task], /) -> futures.Future[list[Done]]:
        """Have some files read."""

    def is_lost(self) -> bool:
        """Return whether there will be no result any more, and no `BrokenExecutor` either."""


Start = Callable[[], AbstractContextManager[Pool]]  # is called again whenever a process of the last pool was killed


def starter(backlog: Backlog, workers: int | None, scheduler: str | None) -> Start | None:
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
    return None if count == 1 else partial(_Processes, count)


def results(
    backlog: Backlog, start: Start | None, reader: Reader, *, apart: bool = False
) -> Generator[Done, None, None]:
    """Read files, in whatever order they are done; only so many are in flight that memory stays flat.

    When a process is killed, the files in flight are read again apart, to find the one that did it.

    Args:
        backlog: the files.
        start: starts the processes; None reads one file after another.
        reader: what reads them.
        apart: whether this process reads none itself, so that no file can kill it, unless it alone has them in memory.
    """
    chunks = _chunks(backlog)
    if start is None:
        for chunk in chunks:
            yield from _apart(chunk, reader) if apart and not backlog.in_memory else reader(chunk)
        return
    whole = False
    while not whole:
        with start() as pool:
            lost = yield from _in_parallel(chunks, pool, reader)
        whole = not lost
        for chunk in lost:
            yield from _apart(chunk, reader)


def _in_parallel(chunks: Iterable[list[Task]], pool: Pool, reader: Reader) -> Generator[Done, None, list[list[Task]]]:
    """Have chunks read until there are no more or a process is killed; return those that were in flight then."""
    waiting: _Waiting = {}
    lost: list[list[Task]] = []
    for chunk in chunks:
        try:
            waiting[pool.submit(reader, chunk)] = chunk
        except futures.BrokenExecutor:
            lost.append(chunk)
        while len(waiting) >= _TASKS_IN_FLIGHT * pool.size:
            lost += yield from _ready(waiting, pool)
        if lost:
            break
    while waiting:
        lost += yield from _ready(waiting, pool)
    return lost


def _ready(waiting: _Waiting, pool: Pool) -> Generator[Done, None, list[list[Task]]]:
    """Wait for the next results and take them from those that are waited for; return the chunks without one."""
    ready, _ = futures.wait(waiting, timeout=_LOOK_SECONDS, return_when=futures.FIRST_COMPLETED)
    if not ready and pool.is_lost():
        lost = [*waiting.values()]
        waiting.clear()
        return lost
    lost = []
    for future in ready:
        chunk = waiting.pop(future)
        try:
            done = future.result()
        except (futures.BrokenExecutor, MemoryError):  # the latter while the rows were sent
            lost.append(chunk)
        else:
            yield from done
    return lost


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


def _apart(chunk: Sequence[Task], reader: Reader) -> Iterator[Done]:
    """Read files one after another in a process of their own, and in a new one after each that kills it.

    Raises:
        ScrapdbError: the process ends before it reads, as when it runs the whole script again that started it.
    """
    left = list(reversed(chunk))
    while left:
        context = _context()
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(target=_send, args=(left[::-1], reader, sending, os.getpid()), daemon=True)
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
            message = _CRASHED.format(_end(process.exitcode or 0))
            yield reader.unreadable(left.pop(), "crash", message, until_changed=True)
        finally:
            process.kill()
            process.join()
            receiving.close()


def _send(chunk: Sequence[Task], reader: Reader, sending: Connection, parent: int) -> None:
    _start_worker(parent)
    sending.send(True)  # noqa: FBT003 - it has started: what ends it from now on is a file
    for task in chunk:
        try:
            sending.send(reader([task])[0])
        except MemoryError:
            sending.send(reader.out_of_memory(task))


def _end(code: int) -> str:
    """Say how a process ended."""
    signals = {member.value: member.name for member in signal.Signals}
    return f"was killed by signal {-code} ({signals.get(-code, 'unknown')})" if code < 0 else f"ended with code {code}"


class _Processes(futures.ProcessPoolExecutor):
    """Processes of this machine."""

    def __init__(self, size: int) -> None:
        super().__init__(size, _context(), initializer=_start_worker, initargs=(os.getpid(),))
        self.size = size

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.shutdown(wait=kind is None, cancel_futures=kind is not None)

    def is_lost(self) -> bool:
        return False  # a process that is gone is noticed here


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
