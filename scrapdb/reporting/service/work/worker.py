"""A worker: a process that makes so many reports at a time, until it is told to end.

It holds the lock on a file as long as it lives. What it leaves when it is killed, the next one finds by that.
"""

from __future__ import annotations

import logging
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextlib import contextmanager
from contextlib import nullcontext
from contextlib import suppress
from typing import IO

from scrapdb.errors import ScrapdbError
from scrapdb.indexing.loop import index
from scrapdb.reporting.service.delivering import dispatch
from scrapdb.reporting.service.desk import Desk
from scrapdb.reporting.service.ledger import ledger
from scrapdb.reporting.service.ledger import requests
from scrapdb.reporting.service.scheduling import due
from scrapdb.reporting.service.work import tidying
from scrapdb.reporting.service.work.making import make
from scrapdb.reporting.service.work.making import recover
from scrapdb.running.batches import lost
from scrapdb.running.batches.cluster import Cluster
from scrapdb.running.batches.cluster import Lasting
from scrapdb.running.events import Stop
from scrapdb.running.kernels import servers
from scrapdb.store.executions import Executions

JOBS = 2
_log = logging.getLogger("scrapdb.service")
_SOON, _LATER = 0.1, 1.0  # seconds between two looks at the queue, and at what is due otherwise
Step = Callable[[Desk, str], int]


def work(desk: Desk, *, jobs: int = JOBS, scheduler: str | None = None, parent: IO[bytes] | None = None) -> None:
    """Make reports until a signal comes; those under way are then interrupted, and wait for the next worker.

    Args:
        desk: of the service.
        jobs: how many are made at the same time.
        scheduler: address of a scheduler whose workers execute the notebooks.
        parent: a pipe at whose end it ends, too.
    """
    over = threading.Event()
    with (
        ledger.worker(desk.reports) as worker,
        _temporary(worker),
        servers.used(),
        _elsewhere(scheduler, worker) as elsewhere,
        _until(over, parent),
        _beside(desk, worker, over),
    ):
        _sweep(desk, worker)
        _log.info("worker began: %d at a time", jobs)
        _Worker(desk, worker, jobs, elsewhere).run(over)
    _log.info("worker ended")


class _Worker:
    """The requests under way, in the hands of one thread."""

    def __init__(self, desk: Desk, worker: str, jobs: int, elsewhere: Lasting | None) -> None:
        self._desk = desk
        self._worker = worker
        self._jobs = jobs
        self._elsewhere = elsewhere
        self._under_way: dict[Future[None], tuple[str, Stop]] = {}

    def run(self, over: threading.Event) -> None:
        """Make what is asked for until it is over, and end what is then under way."""
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="scrapdb-report") as pool:
            while not over.wait(_SOON):
                with _told("the queue"):
                    self._step(pool)
            for _, stop in self._under_way.values():
                stop.interrupt()

    def _step(self, pool: ThreadPoolExecutor) -> None:
        for future in [future for future in self._under_way if future.done()]:
            id_, _ = self._under_way.pop(future)
            if error := future.exception():
                _log.error("%s could not be written down: %s", id_, error)
        recover(self._desk, self._worker, [id_ for id_, _ in self._under_way.values()])
        ended = set(requests.cancelled(self._desk.ledger, self._worker))
        for id_, stop in self._under_way.values():
            if id_ in ended:
                stop.interrupt()
        room, cluster = self._jobs, None
        if self._elsewhere:
            cluster = self._elsewhere.cluster
            room = min(room, cluster.size) if cluster and cluster.is_open else 0
        while len(self._under_way) < room and self._begin(pool, cluster):
            pass

    def _begin(self, pool: ThreadPoolExecutor, cluster: Cluster | None) -> bool:
        request = requests.claim(self._desk.ledger, self._worker, most=self._desk.host.each)
        if request is None:
            return False
        _log.info("%s begins, attempt %d", request.id, request.attempt)
        stop = Stop()
        future = pool.submit(make, self._desk, request, self._worker, stop, cluster)
        self._under_way[future] = request.id, stop
        return True


def _elsewhere(scheduler: str | None, worker: str) -> AbstractContextManager[Lasting | None]:
    """Connect to a scheduler, whose workers see the lock of this one if they have the same disk."""
    return Lasting(scheduler, worker, _log.warning) if scheduler else nullcontext()


@contextmanager
def _beside(desk: Desk, worker: str, over: threading.Event) -> Iterator[None]:
    """Send what is to be delivered, and ask for what is scheduled, in threads of their own."""

    def repeat(step: Step, what: str) -> None:
        while not over.wait(_LATER):
            with _told(what):
                while step(desk, worker) and not over.is_set():
                    pass

    threads = [threading.Thread(target=repeat, args=each, name=f"scrapdb-{each[1]}") for each in steps()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def steps() -> list[tuple[Step, str]]:
    """Return what else a worker sees to, by name."""
    return [(due.step, "schedules"), (dispatch.step, "deliveries"), (tidying.step, "tidying")]


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Go on after what goes wrong, which is told."""
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever it was, the other reports go on
        _log.exception("%s cannot be seen to; it is tried again", what)


@contextmanager
def _temporary(worker: str) -> Iterator[None]:
    """Have temporary files where the next worker finds them if this one is killed."""
    directory, before = ledger.temporary(worker), tempfile.tempdir
    directory.mkdir(0o700)
    directory.chmod(0o711)  # kernels are other users, and have theirs in it
    tempfile.tempdir = str(directory)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _until(over: threading.Event, parent: IO[bytes] | None) -> Iterator[None]:
    """End at a signal, or with the process at the other end of a pipe."""
    before = {each: signal.signal(each, lambda *_: over.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    if parent is not None:
        threading.Thread(target=_wait, args=(parent, over), daemon=True, name="scrapdb-parent").start()
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _wait(parent: IO[bytes], over: threading.Event) -> None:
    parent.read()
    over.set()


def _sweep(desk: Desk, worker: str) -> None:
    """Bring into the store what runners have left that are gone."""
    with suppress(ScrapdbError), Executions(desk.store) as executions:
        left, _ = lost.sweep(executions, worker)
        if left:
            index(desk.store, (), names=left, prune=False, workers=1)
