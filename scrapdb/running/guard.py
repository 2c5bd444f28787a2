"""The guard of a run: it looks at clock, memory, disk and wishes, and decides when a run has to end before it is through."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from scrapdb.facts import State
from scrapdb.running.events import Stop
from scrapdb.running.provisioner import Manager
from scrapdb.running.task import Limits

_LOOK = 0.1  # seconds between looks
_MEASURE = 0.5  # seconds between measurements of memory and disk


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
        self._began = self._cell_began = time.monotonic()
        self._measured = 0.0
        self.peak_memory: int | None = None
        self.verdict: Verdict | None = None

    def begin(self, kernel: Manager) -> None:
        """Take down that a kernel is started."""
        self._kernel = kernel
        self.cell()

    def cell(self) -> None:
        """Take down that a cell begins."""
        self._cell_began = time.monotonic()

    async def watch(self) -> None:
        """Return as soon as the run has to end, with the verdict set, or when its kernel has ended."""
        while not self._kernel.gone:
            self.verdict = self._judge()
            if self.verdict:
                return
            await asyncio.sleep(_LOOK)

    def _judge(self) -> Verdict | None:
        limits, now = self._limits, time.monotonic()
        if self._stop.interrupted:
            return Verdict("cancelled", "it was asked to stop", gently=not self._stop.killed)
        if limits.timeout is not None and now - self._began > limits.timeout:
            return Verdict("timed out", f"it took longer than {limits.timeout:g} s (--timeout)")
        if limits.cell_timeout is not None and now - self._cell_began > limits.cell_timeout:
            return Verdict("timed out", f"the cell took longer than {limits.cell_timeout:g} s (--cell-timeout)")
        if now - self._measured > _MEASURE:
            self._measured = now
            return self._measure()
        return None

    def _measure(self) -> Verdict | None:
        limits = self._limits
        if limits.memory is not None:
            memory = memory_below(self._kernel.roots())
            self.peak_memory = max(memory, self.peak_memory or 0)
            if memory > limits.memory:
                return Verdict("killed", f"memory: {gigabytes(memory)} of {gigabytes(limits.memory)} GB", gently=False)
        if limits.disk is not None:
            disk = size_below(self._directory)
            if disk > limits.disk:
                return Verdict("killed", f"disk: {gigabytes(disk)} of {gigabytes(limits.disk)} GB", gently=False)
        return None

    async def until(self, over: asyncio.Future[None], seconds: float) -> None:
        """Wait until something is over, at most so many seconds, or until nobody wants to wait any more."""
        deadline = time.monotonic() + seconds
        while not over.done() and time.monotonic() < deadline and not self._stop.killed:
            await asyncio.wait([over], timeout=_LOOK)


def memory_below(roots: Sequence[int]) -> int:
    """Return the bytes of memory that processes and those below them have to themselves (USS would be slower to ask)."""
    import psutil

    total = 0
    for root in roots:
        with suppress(psutil.Error):
            above = psutil.Process(root)
            for process in above.children(recursive=True):
                with suppress(psutil.Error):
                    memory = process.memory_info()
                    total += memory.rss - memory.shared if hasattr(memory, "shared") else memory.rss
    return total


def size_below(directory: str) -> int:
    """Return the bytes that files below a directory take on the disk."""
    total = 0
    for above, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += Path(above, name).lstat().st_blocks * 512
    return total


def gigabytes(size: float) -> str:
    """Write bytes as gigabytes, with as many digits as tell."""
    return f"{size / 1e9:.1f}" if size >= 1e8 else f"{size / 1e9:.3f}"  # noqa: PLR2004 - below, a tenth says nothing
