"""Where runs are executed: something with the interface of `concurrent.futures`, opened for one batch."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from contextlib import contextmanager

from scrapdb.errors import UsageError
from scrapdb.facts import Execution
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.previous import WELL
from scrapdb.running.request import Request
from scrapdb.running.task import Task

Execute = Callable[[Task, Callable[[Event], None], Stop], Execution]
Submit = Callable[[Task], "Future[Execution]"]


class NotBegunError(Exception):
    """The run did not begin; the text says why."""


def opened(
    request: Request, execute: Execute | None, watch: Callable[[Event], None], stop: Stop
) -> AbstractContextManager[Submit]:
    """Open what a request asks for, which is closed when all its runs are through.

    Args:
        request: what is to run, and where.
        execute: does one run; by default `execute.execute`.
        watch: is told what happens in it.
        stop: says when to end before that.
    """
    if request.scheduler:
        raise UsageError("--scheduler is not there yet.")
    return _local(request, execute or _executed(), watch, stop)


@contextmanager
def _local(request: Request, execute: Execute, watch: Callable[[Event], None], stop: Stop) -> Iterator[Submit]:
    """Yield what starts a run on this machine, in a thread."""
    failed: list[Task] = []  # looked at when a thread takes the next run, which is sooner than anybody could cancel it

    def attempt(task: Task) -> Execution:
        if failed or stop.interrupted:
            raise NotBegunError(f"{failed[0].output} did not end well" if failed else "the batch was stopped")
        execution = execute(task, watch, stop)
        if request.fail_fast and execution.state not in WELL and not request.retries.wants(execution, task.attempt):
            failed.append(task)
        return execution

    try:
        with ThreadPoolExecutor(request.jobs or processors(), thread_name_prefix="scrapdb-run") as executor:
            try:
                yield lambda task: executor.submit(attempt, task)
            except BaseException:
                stop.kill()  # which nobody else could do any more
                executor.shutdown(cancel_futures=True)
                raise
    finally:
        _close_servers()


def _executed() -> Execute:
    from scrapdb.running.execute import execute

    return execute


def _close_servers() -> None:
    """End the processes that kernels were forked from, if there are any."""
    if servers := sys.modules.get("scrapdb.running.servers"):
        servers.close()


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
