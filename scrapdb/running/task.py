"""The values of running: what one run is to do, and within which limits."""

from __future__ import annotations

from typing import Any

import msgspec

from scrapdb.facts import Report


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a run may use. None is no limit.

    Args:
        memory: bytes of all its processes together, and of files in memory.
        cpu: seconds of processor time of all its processes together.
        disk: bytes of all that it writes to its directory, and as many to its temporary one.
        processes: how many it may have at once.
        timeout: seconds for the whole run.
        cell_timeout: seconds for one cell.
        start_timeout: seconds in which the kernel has to answer first.
        grace: seconds between the interrupt and the end, for `finally` and `atexit`.
        cell_output: bytes of output that are kept of one cell.
        output: bytes of output that are kept of the run.
    """

    memory: int | None = None
    cpu: int | None = None
    disk: int | None = None
    processes: int | None = 256
    timeout: float | None = None
    cell_timeout: float | None = None
    start_timeout: float = 60.0
    grace: float = 5.0
    cell_output: int | None = 2**23
    output: int | None = 2**26


class Confines(msgspec.Struct, frozen=True, kw_only=True):
    """The wall around a run, and what passes through it.

    Args:
        wall: the wall that is demanded; None takes the best that this machine has.
        network: whether the network can be reached.
        read: paths that can be read, as they are named outside.
        beside: paths that are seen in the run's directory, read-only (`--with`).
        env: variables of our environment that are handed on, by name and value.
    """

    wall: str | None = None
    network: bool = False
    read: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of one batch have in common.

    Args:
        notebook: path or URL of the source, for the record.
        content: the source as it was when the batch began, JSON text in UTF-8.
        secrets: further parameters by name; reach the kernel and nothing else.
        limits: what a run may use.
        confines: the wall.
        kernel: name of a kernelspec; None takes the notebook's.
        fresh: whether the kernel must be a new process that has imported nothing.
        keep_files: globs of files to keep beside the output.
        python: the interpreter of the kernel, in place of the one that its kernelspec names.
        files: contents of what each run finds in its directory as its own, by path below it.
    """

    notebook: str
    content: bytes
    secrets: dict[str, str] = {}
    limits: Limits = Limits()
    confines: Confines = Confines()
    kernel: str | None = None
    fresh: bool = False
    keep_files: tuple[str, ...] = ()
    python: str | None = None
    files: dict[str, bytes] = {}

    def common(self) -> dict[str, Any]:
        """Return it alone, by name."""
        return {name: getattr(self, name) for name in Work.__struct_fields__}


class Task(Work, frozen=True, kw_only=True):
    """One attempt at one run.

    Args:
        id: hexadecimal, its row in `executions`.
        batch: hexadecimal, shared by the runs that one command asks for.
        output: path or URL of the executed notebook.
        parameters: JSON values, dates and times, by name.
        attempt: from 1.
        report: what is to become of it, if it is run for a report.
    """

    id: str
    batch: str
    output: str
    parameters: dict[str, Any] = {}
    attempt: int = 1
    report: Report | None = None

    def __repr__(self) -> str:
        return f"Task({self.id!r}, {self.output!r})"
