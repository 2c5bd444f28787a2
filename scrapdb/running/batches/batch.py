"""A batch under way: its runs begin, end, are tried again, and get into the store."""

from __future__ import annotations

import heapq
import signal
import time
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from concurrent.futures import Future
from contextlib import nullcontext
from contextlib import suppress
from pathlib import Path
from queue import Empty
from queue import SimpleQueue
from uuid import uuid4

from msgspec.structs import replace

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.files.remote import is_url
from scrapdb.notebooks.times import parsed
from scrapdb.running.batches import executors
from scrapdb.running.batches import lost
from scrapdb.running.batches.attempts import path_in_store
from scrapdb.running.batches.audience import Audience
from scrapdb.running.batches.cluster import Cluster
from scrapdb.running.batches.indexer import Indexer
from scrapdb.running.batches.journal import Journal
from scrapdb.running.batches.lock import locked
from scrapdb.running.batches.request import Request
from scrapdb.running.batches.request import Wanted
from scrapdb.running.batches.request import decided
from scrapdb.running.batches.retries import pause
from scrapdb.running.batches.runs import Run
from scrapdb.running.batches.runs import Runs
from scrapdb.running.batches.stopping import signals
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.kernels import objects
from scrapdb.running.rows.parameters import plain
from scrapdb.running.task import Task
from scrapdb.store.executions import Executions

_TICK = 0.5  # seconds
_News = Event | signal.Signals | str | Future[Execution]  # a text is a warning


def carry_out(
    request: Request,
    audience: Audience | None = None,
    stop: Stop | None = None,
    *,
    execute: executors.Execute | None = None,
    around: executors.Around | None = None,
    cluster: Cluster | None = None,
) -> Runs:
    """Execute the runs of a batch, and bring each into the store when it ends.

    The first Ctrl-C, or SIGTERM, lets none begin and interrupts those under way; the second kills them.

    Args:
        request: what to run.
        audience: is told how it goes.
        stop: ends it early, and says whether it was.
        execute: executes one run on this machine; by default `execute.execute`.
        around: does what is done here before and after a run; is given what executes it.
        cluster: executes them, in place of the scheduler that the request names.

    Raises:
        ScrapdbError: another runner writes to the directory, or to one of the outputs.
        StoreError: the store cannot be written.
    """
    began = time.monotonic()
    lock = nullcontext(request.runner) if request.runner else locked(request.directory, request.store)
    with lock as runner, Executions(request.store) as executions:
        left, busy = ([], set[str]()) if request.runner else lost.sweep(executions, runner)
        choices = list(decided(request))
        wanted = [run for run, decision in choices if decision.runs]
        left += [run.output for run, decision in choices if not decision.runs]  # a killed runner may not have got there
        _refuse_busy(wanted, busy, request.store)
        batch = _Batch(request, wanted, audience or Audience(), stop or Stop())
        batch.run(executions, runner, left, executors.Way(execute, around, cluster))
    return Runs(
        batch.runs,
        passed=len(request.wanted) - len(wanted),
        seconds=time.monotonic() - began,
        where=f" → {request.directory}, {request.store}",
        warnings=batch.warnings,
    )


class _Batch:
    """The runs that are queued, under way and waiting for another attempt, in the hands of one thread.

    Other threads, and signals, put their news into its inbox.
    """

    def __init__(self, request: Request, wanted: Sequence[Wanted], audience: Audience, stop: Stop) -> None:
        self.warnings: list[str] = []
        self._request = request
        self._audience = audience
        self._stop = stop
        self._tasks = _tasks(request, wanted)
        self._inbox: SimpleQueue[_News] = SimpleQueue()
        self._under_way: dict[Future[Execution], Task] = {}
        self._waiting: list[tuple[float, str, Task]] = []  # a heap by the moment of the next attempt
        self._last: dict[str, Run] = {}
        self._closed = ""  # why no more runs begin

    @property
    def runs(self) -> list[Run]:
        """How they ended, in the order in which they were asked for."""
        return [self._last[task.output] for task in self._tasks]

    def run(self, executions: Executions, runner: str, left: Iterable[str], way: executors.Way) -> None:
        """Execute and index all."""
        request = self._request
        expected = executions.expected_seconds(request.code_hash or "")
        self._journal = Journal(executions, runner, expected, self._inbox.put)
        with signals(self._inbox.put), Indexer(request.store, self._inbox.put) as self._indexer:
            for output in left:
                self._index(output)
            if self._tasks:
                self._execute(expected, way)
        self._hear_rest()
        if request.watched and _has_changed(request):
            self._warn(f"{request.notebook} was changed meanwhile; all runs executed it as it was at the beginning.")

    def _execute(self, expected: float | None, way: executors.Way) -> None:
        with executors.opened(self._request, way, self._inbox.put, self._stop) as (self._submit, jobs):
            self._journal.queue(self._tasks)
            self._audience.began(self._tasks, expected, jobs)
            for task in self._tasks:
                self._begin(task)
            while self._under_way or self._waiting:
                self._step()

    def _step(self) -> None:
        """Take what is new, and begin attempts whose time has come."""
        for news in self._news():
            match news:
                case Event():
                    self._journal.heard(news)
                    self._audience.heard(news)
                case Future():
                    self._end(self._under_way.pop(news), news)
                case signal.Signals():
                    self._obey()
                case _:
                    self._warn(news)
        if self._stop.interrupted:
            self._close("the batch was stopped")
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            self._begin(heapq.heappop(self._waiting)[-1])
        self._journal.flush()
        self._audience.ticked()

    def _news(self) -> Iterator[_News]:
        """Wait a little for news, and yield all there are."""
        soonest = self._waiting[0][0] - time.monotonic() if self._waiting else _TICK
        with suppress(Empty):
            yield self._inbox.get(timeout=max(0.0, min(soonest, _TICK)))
            for _ in range(self._inbox.qsize()):
                yield self._inbox.get_nowait()

    def _begin(self, task: Task) -> None:
        future = self._submit(task)
        self._under_way[future] = task
        future.add_done_callback(self._inbox.put)

    def _end(self, task: Task, future: Future[Execution]) -> None:
        """Take how an attempt ended, and decide whether there is another."""
        execution = self._execution(future)
        self._journal.ended(task, execution)
        self._index(task.output)
        again = not self._closed and self._request.retries.wants(execution, task.attempt)
        run = self._last[task.output] = _run(task, execution, self._request.store)
        self._audience.ended(run, pause(task.attempt) if again else None)
        if again:
            self._try_again(task)
        elif self._request.fail_fast and not run.ended_well:
            self._close(f"{task.output} did not end well")

    def _index(self, output: str) -> None:
        if objects.is_there(output):
            self._indexer.add(output)

    def _execution(self, future: Future[Execution]) -> Execution:
        """Return how an attempt ended, also if that cannot be told by who made it."""
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or isinstance(error, executors.NotBegunError):
            return Execution(state="cancelled", reason=f"it had not begun when {error or self._closed}")
        if error is None:
            return future.result()
        if isinstance(error, BrokenExecutor):
            return Execution(state="lost", reason=str(error))
        return Execution(state="failed", reason=f"{type(error).__name__}: {error}")

    def _try_again(self, task: Task) -> None:
        again = replace(task, id=uuid4().hex, attempt=task.attempt + 1)
        self._journal.retrying(again)
        heapq.heappush(self._waiting, (time.monotonic() + pause(task.attempt), again.id, again))

    def _obey(self) -> None:
        """Stop: with grace when it is said once, at once when it is said twice."""
        if self._stop.interrupted:
            self._stop.kill()
        self._stop.interrupt()

    def _close(self, why: str) -> None:
        """Let no further runs begin."""
        if self._closed:
            return
        self._closed = why
        for future in list(self._under_way):
            future.cancel()  # which comes as news, if it had not begun
        for _, _, task in self._waiting:
            execution = Execution(state="cancelled", reason=f"it had not been tried again when {why}")
            self._journal.ended(task, execution)  # while its last attempt ended as it did
        self._waiting.clear()

    def _hear_rest(self) -> None:
        """Take the warnings that came after the last run."""
        with suppress(Empty):
            while True:
                if isinstance(news := self._inbox.get_nowait(), str):
                    self._warn(news)

    def _warn(self, sentence: str) -> None:
        self.warnings.append(sentence)
        self._audience.warned(sentence)


def _tasks(request: Request, wanted: Iterable[Wanted]) -> list[Task]:
    batch, common = uuid4().hex, request.common()
    return [Task(id=uuid4().hex, batch=batch, **run._asdict(), **common) for run in wanted]


def _run(task: Task, execution: Execution, store: Path) -> Run:
    started, ended = parsed(execution.started_at), parsed(execution.ended_at)
    return Run(
        path=task.output,
        state=execution.state,
        reason=execution.reason,
        cell=execution.cell,
        seconds=(ended - started).total_seconds() if started and ended else None,
        parameters=plain(task.parameters),
        attempt=task.attempt,
        wall=execution.wall,
        warnings=execution.warnings,
        id=task.id,
        store=store,
    )


def _refuse_busy(wanted: Iterable[Wanted], busy: Collection[str], store: Path) -> None:
    for run in wanted if busy else ():
        if path_in_store(run.output, store) in busy:
            raise ScrapdbError(f"Another `scrapdb run` is at {run.output}; wait until it ends, or name another -o.")


def _has_changed(request: Request) -> bool:
    """Return whether the source is not what it was when it was read."""
    if is_url(request.notebook):
        return False
    try:
        return Path(request.notebook).read_bytes() != request.content
    except OSError:
        return True
