"""The guard of a run: it looks at clock, memory, disk and wishes, and decides when a run has to end early."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from scrapdb.facts import State
from scrapdb.running.events import Stop
from scrapdb.running.kernels import usage
from scrapdb.running.kernels.provisioner import Manager
from scrapdb.running.kernels.usage import gigabytes
from scrapdb.running.task import Limits

_LOOK = 0.1  # seconds between looks
_MEASURE = 0.5  # seconds between measurements of memory, processor and disk


class Verdict(NamedTuple):
    """Why a run has to end: its state, the reason without the cell, and whether it may clean up first."""

    state: State
    reason: str
    gently: bool = True


class Guard:
    """Looks after one run.

    Args:
        limits: what it may use.
        stop: the wish that it ends.
        directory: what it writes is below it.
    """

    def __init__(self, limits: Limits, stop: Stop, directory: str) -> None:
        self._limits, self._stop, self._directory = limits, stop, directory
        self._began = time.monotonic()
        self._cell_began: float | None = None
        self._measured = 0.0
        self._kernel: Manager | None = None
        self.used = usage.Used()
        self.verdict: Verdict | None = None

    def begin(self, kernel: Manager) -> None:
        """Take down that a kernel is started, which has no cell yet."""
        self._kernel, self._cell_began = kernel, None

    def cell(self) -> None:
        """Take down that a cell begins."""
        self._cell_began = time.monotonic()

    async def watch(self) -> None:
        """Return as soon as the run has to end, with the verdict set, or when its kernel has ended."""
        while not (self._kernel and self._kernel.ended) and not self.judge():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(_LOOK)

    def judge(self) -> Verdict | None:
        """Return why the run has to end, if it has to; a verdict is final."""
        self.verdict = self.verdict or self._of_wishes_and_clock()
        if not self.verdict and time.monotonic() - self._measured > _MEASURE:
            self.verdict = self.measured()
        return self.verdict

    def _of_wishes_and_clock(self) -> Verdict | None:
        limits, now = self._limits, time.monotonic()
        if self._stop.interrupted:
            return Verdict("cancelled", "it was asked to stop", gently=not self._stop.killed)
        if limits.timeout is not None and now - self._began > limits.timeout:
            return Verdict("timed out", f"it took longer than {limits.timeout:g} s (--timeout)")
        if limits.cell_timeout is not None and self._cell_began and now - self._cell_began > limits.cell_timeout:
            return Verdict("timed out", f"the cell took longer than {limits.cell_timeout:g} s (--cell-timeout)")
        return None

    def measured(self) -> Verdict | None:
        """Measure what is limited, and return what has become too much."""
        limits = self._limits
        used = usage.Used()
        if self._kernel and (limits.memory is not None or limits.cpu is not None):
            used = self.measure(self._kernel)
        disk = usage.on_disk(self._directory) if limits.disk is not None else 0
        self._measured = time.monotonic()
        if limits.memory is not None and used.memory > limits.memory:
            return _too_much(f"memory: {gigabytes(used.memory)} of {gigabytes(limits.memory)} GB")
        if limits.cpu is not None and used.cpu > limits.cpu:
            return _too_much(f"processor: {used.cpu:.1f} of {limits.cpu} s")
        if limits.disk is not None and disk > limits.disk:
            return _too_much(f"disk: {gigabytes(disk)} of {gigabytes(limits.disk)} GB")
        return None

    def measure(self, kernel: Manager) -> usage.Used:
        """Measure what a kernel uses, and keep the most that it ever was."""
        used = usage.below(kernel.roots())
        self.used = self.used.or_more(used)
        return used

    def finish(self) -> None:
        """Take notice, when all is done, of a child that was ended because it had used up the processor time."""
        if self._limits.cpu is not None:
            self.verdict = self.verdict or self.measured()

    async def until(self, over: asyncio.Future[None], seconds: float) -> None:
        """Wait until something is over, at most so many seconds, or until nobody wants to wait any more."""
        deadline = time.monotonic() + seconds
        while not over.done() and time.monotonic() < deadline and not self._stop.killed:
            await asyncio.wait([over], timeout=_LOOK)


def _too_much(reason: str) -> Verdict:
    return Verdict("killed", reason, gently=False)
