"""Where runs are executed: something with the interface of `concurrent.futures`, opened for one batch."""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextlib import contextmanager
from contextlib import nullcontext
from threading import Thread
from typing import NamedTuple

from scrapdb.facts import Execution
from scrapdb.running.batches import cluster
from scrapdb.running.batches.cluster import Cluster
from scrapdb.running.batches.previous import WELL
from scrapdb.running.batches.request import Request
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.task import Task
from scrapdb.running.task import Work

Execute = Callable[[Task, Callable[[Event], None], Stop], Execution]
Around = Callable[[Task, Callable[[Event], None], Stop, Execute], Execution]
Submit = Callable[[Task], "Future[Execution]"]
Place = Callable[[Callable[[], None]], AbstractContextManager[Execute]]
_MOST_AT_ONCE = 512  # threads that wait for runs elsewhere


class NotBegunError(Exception):
    """The run did not begin; the text says why."""


class Way(NamedTuple):
    """How a run is done.

    Args:
        execute: executes one on this machine; by default `execute.execute`.
        around: does what is done here before and after a run; is given what executes it, be that here or elsewhere.
        cluster: executes it, in place of what a request names.
    """

    execute: Execute | None = None
    around: Around | None = None
    cluster: Cluster | None = None


class Opened(NamedTuple):
    """What starts a run, and how many are executed at once."""

    submit: Submit
    jobs: int


@contextmanager
def opened(request: Request, way: Way, watch: Callable[[Event | str], None], stop: Stop) -> Iterator[Opened]:
    """Open what a request asks for, which is closed when all its runs are through.

    Args:
        request: what is to run, and where.
        way: how.
        watch: is told what happens in it, and in sentences what goes wrong beside it.
        stop: says when to end before that.

    Raises:
        ScrapdbError: the scheduler cannot be reached, or its workers cannot do it.
    """
    done = _done(way.around, watch, stop)
    if way.cluster or request.scheduler:
        with nullcontext(way.cluster) if way.cluster else cluster.of(request, watch) as connected:
            jobs = request.jobs or _MOST_AT_ONCE
            with _threads(request, jobs, connected.worker, done, stop) as submit:
                yield Opened(submit, min(jobs, connected.size))
        return
    from scrapdb.running.kernels import servers

    jobs = request.jobs or processors() + 2  # of which some always wait for their kernels to begin or to end
    with (
        servers.used(),
        nullcontext() if way.execute else _warming_up(request),
        _threads(request, jobs, _here(way.execute or _executed()), done, stop) as submit,
    ):
        yield Opened(submit, jobs)


@contextmanager
def _warming_up(work: Work) -> Iterator[None]:
    """Have a fork server started meanwhile: importing what executes notebooks takes this process as long."""
    from scrapdb.running.kernels import places

    thread = Thread(target=places.warm_up, args=(work,), name="scrapdb-warm-up")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _executed() -> Execute:
    from scrapdb.running.kernels.execute import execute

    return execute


def _here(execute: Execute) -> Place:
    """Have runs executed by the threads themselves."""
    return lambda _: nullcontext(execute)


def _done(around: Around | None, watch: Callable[[Event], None], stop: Stop) -> Callable[[Task, Execute], Execution]:
    """Return what does a run by what executes it."""
    if around is None:
        return lambda task, execute: execute(task, watch, stop)
    return lambda task, execute: around(task, watch, stop, execute)


@contextmanager
def _threads(
    request: Request, jobs: int, place: Place, done: Callable[[Task, Execute], Execution], stop: Stop
) -> Iterator[Submit]:
    """Yield what starts a run in a thread.

    Args:
        request: what is to run.
        jobs: how many threads there are.
        place: gives what executes a run, as soon as there is room for one.
        done: does a run by that.
        stop: says when to end.
    """
    failed: list[Task] = []  # looked at when a thread takes the next run, which is sooner than anybody could cancel it

    def check() -> None:
        if failed or stop.interrupted:
            raise NotBegunError(f"{failed[0].output} did not end well" if failed else "the batch was stopped")

    def attempt(task: Task) -> Execution:
        check()
        with place(check) as execute:
            check()  # again, since there may have been no room for long
            execution = done(task, execute)
            if request.fail_fast and execution.state not in WELL and not request.retries.wants(execution, task.attempt):
                failed.append(task)
            return execution

    with ThreadPoolExecutor(jobs, thread_name_prefix="scrapdb-run") as executor:
        try:
            yield lambda task: executor.submit(attempt, task)
        except BaseException:
            stop.kill()  # which nobody else could do any more
            executor.shutdown(cancel_futures=True)
            raise


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
