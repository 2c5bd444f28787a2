"""Where runs are executed: something with the interface of `concurrent.futures`, opened for one batch."""

from __future__ import annotations

import os
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
from scrapdb.running.request import Request
from scrapdb.running.task import Task

Execute = Callable[[Task, Callable[[Event], None], Stop], Execution]
Submit = Callable[[Task], "Future[Execution]"]


def opened(
    request: Request, execute: Execute | None, watch: Callable[[Event], None], stop: Stop
) -> AbstractContextManager[Submit]:
    """Open what a request asks for; arguments are those of `local`, whose own `execute` is `execute.execute`."""
    if request.scheduler:
        raise UsageError("--scheduler is not there yet.")
    if execute is None:
        from scrapdb.running.execute import execute
    return local(request.jobs, execute, watch, stop)


@contextmanager
def local(jobs: int | None, execute: Execute, watch: Callable[[Event], None], stop: Stop) -> Iterator[Submit]:
    """Yield what starts a run on this machine, in a thread, and wait at the end until all are through.

    Args:
        jobs: how many run at once; by default as many as there are processors.
        execute: does one run.
        watch: is told what happens in it.
        stop: says when to end before that.
    """
    with ThreadPoolExecutor(jobs or processors(), thread_name_prefix="scrapdb-run") as executor:
        yield lambda task: executor.submit(execute, task, watch, stop)


def processors() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
