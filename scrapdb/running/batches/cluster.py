"""Runs on the workers of a scheduler of dask.distributed.

distributed executes once more, on another worker, what a lost worker had. A run must not be executed twice unasked; so
each is bound to the worker that it is sent to, is lost with it, and is tried again only if the batch wants that.
"""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager
from contextlib import contextmanager
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple
from typing import Self
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from scrapdb.facts import Execution
from scrapdb.files.remote import is_url
from scrapdb.indexing import cluster
from scrapdb.running.batches import lock
from scrapdb.running.batches import lost
from scrapdb.running.batches import worker
from scrapdb.running.batches.attempts import now
from scrapdb.running.batches.request import Request
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.task import Task

if TYPE_CHECKING:
    from distributed import Client
    from distributed import Future

_LOOK = 0.5  # seconds between looks at which workers there are
_ANSWER = 10.0  # seconds in which the scheduler has to tell
_DESERTED = 60.0  # seconds without a worker, after which none is expected
_LAST_WORDS = 1.0  # seconds for the result of a worker that is gone
_WORK = cluster.Work("run notebooks", "run again", "scrapdb[run]", ("ipykernel", "nbclient", "papermill", "psutil"))
_Watch = Callable[[Event], None]


class Slot(NamedTuple):
    """A thread of a worker: the worker's address, and the name that it has to itself."""

    address: str
    id: str


def of(request: Request, warn: Callable[[str], None]) -> AbstractContextManager[Cluster]:
    """Connect to the scheduler of a request, all workers of which see where they are to write. Errors are as below."""
    assert request.scheduler  # noqa: S101 - for mypy
    held = lock.path_of(request.directory, request.store)
    return connected(request.scheduler, str(held) if not is_url(request.directory) and held.exists() else None, warn)


@contextmanager
def connected(address: str, seen: str | None, warn: Callable[[str], None]) -> Iterator[Cluster]:
    """Connect to a scheduler, all workers of which can run notebooks.

    Args:
        address: of the scheduler.
        seen: a file that every worker must see.
        warn: is told what is wrong with a worker that comes later.

    Raises:
        UsageError: distributed is not installed.
        ScrapdbError: the scheduler cannot be reached, or one of its workers cannot do it.
    """
    with cluster.connection(address, seen, _WORK) as client:
        yield from Cluster(client, seen, warn).opened()


class Lasting:
    """A connection for many batches, which is made anew when it is lost. Arguments are those of `connected`."""

    def __init__(self, address: str, seen: str | None, warn: Callable[[str], None]) -> None:
        self._address, self._seen, self._warn = address, seen, warn
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="scrapdb-scheduler")
        self.cluster: Cluster | None = None  # as long as it is connected

    def __enter__(self) -> Self:
        cluster.check_installed(self._address)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        told = ""
        while not self._over.is_set():
            try:
                with connected(self._address, self._seen, self._warn) as self.cluster:
                    told = ""
                    while self.cluster.is_open and not self._over.wait(_LOOK):
                        pass
            except Exception as error:  # noqa: BLE001 - a client fails in many ways, and is told once of each
                if told != str(error):
                    self._warn(told := str(error))
            finally:
                self.cluster = None
            self._over.wait(_LOOK)


class Cluster:
    """The workers of a scheduler, as places for runs.

    Args:
        client: of the scheduler.
        seen: a file that every worker must see.
        warn: is told what is wrong with a worker that comes later.
    """

    def __init__(self, client: Client, seen: str | None, warn: Callable[[str], None]) -> None:
        self._client, self._seen, self._warn = client, seen, warn
        self._topic = f"scrapdb-run-{uuid4().hex}"
        self._watches: dict[str, tuple[Task, _Watch]] = {}  # by the id of the run
        self._hearing = threading.Lock()
        self._change = threading.Condition()
        self._workers: dict[str, str] = {}  # by address their names; of those that cannot be used none
        self._free: list[Slot] = []
        self._alone_since: float | None = None
        self._over = threading.Event()
        self.size = 0  # how many runs there is room for in all

    def opened(self) -> Iterator[Cluster]:
        """Look after workers while it is open."""
        self._look()
        self._client.subscribe_topic(self._topic, self._hear)
        thread = threading.Thread(target=self._look_after, name="scrapdb-cluster", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            with suppress(Exception):  # the scheduler may be gone
                self._client.unsubscribe_topic(self._topic)

    @property
    def is_open(self) -> bool:
        """Tell whether it has its scheduler; without, nothing is heard any more of what is under way."""
        return bool(self._client.status == "running")

    @contextmanager
    def worker(self, check: Callable[[], None]) -> Iterator[Callable[[Task, _Watch, Stop], Execution]]:
        """Wait for a worker with room for a run, and yield what executes one there.

        Args:
            check: raises if the run is not wanted any more.

        Raises:
            BrokenExecutor: no worker is left.
        """
        slot = self._taken(check)
        try:
            yield partial(self._execute, slot)
        finally:
            with self._change:
                if self._is_there(slot):
                    self._free.append(slot)
                    self._change.notify()

    def _taken(self, check: Callable[[], None]) -> Slot:
        with self._change:
            while not self._free:
                check()
                if self._over.is_set():
                    raise BrokenExecutor("the scheduler was gone before it began")
                if self._alone_since is not None and time.monotonic() - self._alone_since > _DESERTED:
                    raise BrokenExecutor("no worker of the scheduler was left")
                self._change.wait(_LOOK)
            return self._free.pop(0)

    def _execute(self, slot: Slot, task: Task, watch: _Watch, stop: Stop) -> Execution:
        key = f"scrapdb-run-{task.id}"
        call = _sealed(partial(worker.execute_here, _abroad(task), key, slot.id, self._topic))
        self._watches[task.id] = task, watch
        try:
            try:
                future = self._client.submit(call, key=key, workers=[slot.address], retries=0, pure=False)
            except Exception as error:  # noqa: BLE001 - a client that has lost its scheduler fails in many ways
                return _lost(task, f"it did not reach its worker {slot.address}: {error}")
            return self._result(slot, task, stop, future)
        finally:
            with self._hearing:
                del self._watches[task.id]

    def _result(self, slot: Slot, task: Task, stop: Stop, future: Future[Execution]) -> Execution:
        """Wait for the end of a run, or of its worker."""
        over = threading.Event()
        future.add_done_callback(lambda _: over.set())
        told, give_up = 0, float("inf")
        while not over.wait(_LOOK):
            wanted = stop.interrupted + stop.killed
            if wanted > told:
                told = wanted
                threading.Thread(target=self._tell_to_stop, args=(slot, task, stop), daemon=True).start()
                give_up = time.monotonic() + (_ANSWER if stop.killed else float("inf"))
            if (not self._is_there(slot) and not over.wait(_LAST_WORDS)) or time.monotonic() > give_up:
                with suppress(Exception):  # the scheduler may be gone, too
                    future.cancel()
                return _lost(task, f"its worker {slot.address} was gone before it ended")
        try:
            execution: Execution = future.result()
        except (CancelledError, OSError) as error:
            return _lost(task, f"its result did not arrive: {error}")
        return execution

    def _tell_to_stop(self, slot: Slot, task: Task, stop: Stop) -> None:
        with suppress(Exception):  # a worker that is gone
            self._client.run(worker.stop_here, task.id, at_once=stop.killed, workers=[slot.address])

    def _is_there(self, slot: Slot) -> bool:
        return self._workers.get(slot.address) == slot.id

    def _look_after(self) -> None:
        while not self._over.wait(_LOOK):
            self._look()

    def _look(self) -> None:
        """Find out which workers there are."""
        threads: dict[str, int] = {}
        with suppress(Exception):  # a client that loses its scheduler fails in many ways
            threads = dict(self._client.nthreads(callback_timeout=_ANSWER))
        new = self._asked([address for address in threads if address not in self._workers])
        with self._change:
            self._workers = {address: id_ for address, id_ in (self._workers | new).items() if address in threads}
            self._free = [slot for slot in self._free if self._is_there(slot)]
            for address, id_ in new.items():
                self._free += [Slot(address, id_)] * (threads[address] if id_ else 0)
            self.size = sum(threads[address] for address, id_ in self._workers.items() if id_)
            if self.size:
                self._alone_since = None
            else:
                self._alone_since = self._alone_since or time.monotonic()
            self._change.notify_all()

    def _asked(self, addresses: list[str]) -> dict[str, str]:
        """Ask new workers for their names; one that cannot be used has none."""
        names: dict[str, str] = {}
        with suppress(Exception):  # one that is gone again is asked when it comes back
            problems = cluster.problems(self._client, self._seen, _WORK, addresses) if addresses else {}
            for problem in filter(None, problems.values()):
                self._warn(f"{problem} It is not used.")
            able = [address for address, problem in problems.items() if not problem]
            names = dict.fromkeys(problems, "") | (self._client.run(worker.identity, workers=able) if able else {})
        return names

    def _hear(self, event: tuple[float, Any]) -> None:
        """Hand on what a worker tells of a run, unless that is over."""
        message = event[1]
        with self._hearing:
            if known := self._watches.get(message["id"]):
                task, watch = known
                for told in message["events"]:
                    watch(Event(task, *told))


def _sealed(call: Callable[[], Execution]) -> Callable[[], Execution]:
    """Pack a call so that the scheduler, which unpacks it, need not have scrapdb, and sees nothing of what is in it."""
    content = pickle.dumps(call)
    return lambda: __import__("pickle").loads(content)()  # noqa: PLW0108 - a function that is pickled as it stands


def _abroad(task: Task) -> Task:
    """Name files in a task so that a worker, which works in another directory, finds them."""
    confines = task.confines
    read, beside = (tuple(map(_absolute, paths)) for paths in (confines.read, confines.beside))
    return replace(task, output=_absolute(task.output), confines=replace(confines, read=read, beside=beside))


def _absolute(path: str) -> str:
    return path if is_url(path) else os.path.abspath(path)  # noqa: PTH100 - links must stay


def _lost(task: Task, reason: str) -> Execution:
    """Return how a run ended of which its worker cannot tell: if it has written that, it stands in the output."""
    ending: dict[str, Any] = {"state": "lost", "reason": reason, "ended_at": now()}
    if record := lost.settled(task.output, task.id, ending):
        with suppress(msgspec.ValidationError):
            return msgspec.convert(record, Execution)
    return Execution(**ending, id=task.id, batch=task.batch, attempt=task.attempt)
