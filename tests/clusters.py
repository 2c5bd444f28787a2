"""A cluster on this machine: a scheduler of dask.distributed and workers, each a process that a test may kill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from pathlib import Path

RUN = "from distributed.cli.dask_{0} import main; main()"


@contextmanager
def started(kind: str, *arguments: str, before: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start a scheduler or a worker."""
    command = [sys.executable, "-c", before + RUN.format(kind), *arguments, "--no-dashboard"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str], text: str) -> str:
    """Wait for the line in which a process says that it is ready."""
    assert process.stderr is not None
    return next(line for line in process.stderr if text in line)


@contextmanager
def workers(scheduler: str, count: int, before: str = "") -> Iterator[list[subprocess.Popen[str]]]:
    """Start some workers at the same time."""
    arguments = (scheduler, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--memory-limit", "0")
    with ExitStack() as stack:
        processes = [stack.enter_context(started("worker", *arguments, before=before)) for _ in range(count)]
        for process in processes:
            said(process, "Registered to")
        yield processes


@contextmanager
def worker(scheduler: str, before: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start one worker."""
    with workers(scheduler, 1, before) as (process,):
        yield process


@contextmanager
def scheduling(before: str = "", port: str = "0") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a scheduler, and give its address and its process."""
    with started("scheduler", "--host", "127.0.0.1", "--port", port, before=before) as process:
        yield said(process, "Scheduler at:").split()[-1], process


@contextmanager
def running_scheduler(before: str = "") -> Iterator[str]:
    """Start a scheduler, and give its address."""
    with scheduling(before) as (address, _):
        yield address
