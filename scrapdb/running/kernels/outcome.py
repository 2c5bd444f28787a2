"""What became of a run: from what the client raised, how the kernel ended, and what the guard decided."""

from __future__ import annotations

import errno
import re
import signal
from typing import TYPE_CHECKING
from typing import NamedTuple

from nbclient.exceptions import CellExecutionError
from nbclient.exceptions import DeadKernelError

from scrapdb.facts import State
from scrapdb.notebooks.skip import MIME
from scrapdb.notebooks.skip import reason_of
from scrapdb.running.batches.retries import NOT_READY
from scrapdb.running.kernels.client import KernelNotReadyError
from scrapdb.running.kernels.client import OutputLostError
from scrapdb.running.kernels.guard import Verdict
from scrapdb.running.kernels.processes import Ended
from scrapdb.running.kernels.usage import gigabytes
from scrapdb.running.task import Limits

if TYPE_CHECKING:
    from nbformat import NotebookNode

# How Python, numpy, pyarrow and torch say that there is no more; and what the system says.
_NO_MEMORY = re.compile(rf"^\w*MemoryError\b|\[Errno {errno.ENOMEM}\]|can't allocate memory|std::bad_alloc")
_TOO_LARGE = re.compile(rf"\[Errno {errno.EFBIG}\]")
_FULL = re.compile(rf"\[Errno (?:{errno.ENOSPC}|{errno.EDQUOT})\]")
_NO_PROCESS = re.compile(rf"^BlockingIOError: \[Errno {errno.EAGAIN}\] Resource|can't start new thread")
_WELL = {"", "0"}  # of SystemExit, as papermill has it


class Outcome(NamedTuple):
    """The state of a run and the reason for it, without the cell."""

    state: State
    reason: str | None = None

    def told(self, cell: int | None) -> str | None:
        """Return the reason with the cell; a run that skips itself has said all that is to be known."""
        if self.reason is None or cell is None or self.state == "skipped":
            return self.reason
        return f"{self.reason} in cell {cell}"


def outcome(
    error: BaseException | None,
    cell: NotebookNode | None,
    *,
    verdict: Verdict | None,
    ended: Ended | None,
    peak: int,
    limits: Limits,
) -> Outcome:
    """Tell what became of a run.

    Args:
        error: what the client raised; None if all cells were run.
        cell: the last that was begun.
        verdict: what the guard decided, if it did.
        ended: how the kernel ended, if it did so by itself.
        peak: bytes of memory.
        limits: that were in force.
    """
    if verdict:
        return Outcome(verdict.state, verdict.reason)
    if isinstance(error, DeadKernelError):
        return _dead(ended, peak, limits)
    if isinstance(error, KernelNotReadyError):
        return Outcome("failed", f"{NOT_READY}: {error}{_by(ended)}")
    if isinstance(error, OutputLostError):
        return Outcome("failed", "the kernel has said that the cell was over, but not all of its output has arrived")
    if isinstance(error, CellExecutionError):
        return _raised(error, cell, peak, limits)
    return Outcome("failed", str(error)) if error else Outcome("completed")


def _raised(error: CellExecutionError, cell: NotebookNode | None, peak: int, limits: Limits) -> Outcome:
    name, value = error.ename, error.evalue
    if name == "SystemExit" and value in _WELL:
        reason = _skipped(cell)
        return Outcome("completed") if reason is None else Outcome("skipped", reason)
    raised = ": ".join(part for part in (name, value) if part)  # bash gives no name
    if limits.memory is not None and _NO_MEMORY.search(raised):
        return Outcome("killed", f"memory: {gigabytes(peak)} of {gigabytes(limits.memory)} GB, when more was asked for")
    if limits.disk is not None and _TOO_LARGE.search(raised):
        return Outcome("killed", f"disk: a file with more than {gigabytes(limits.disk)} of {gigabytes(limits.disk)} GB")
    if limits.disk is not None and _FULL.search(raised):
        return Outcome("killed", f"disk: {gigabytes(limits.disk)} of {gigabytes(limits.disk)} GB, or all of the disk")
    if limits.memory is not None and _FULL.search(raised):
        return Outcome("failed", f"{raised} (files in memory: no more than {gigabytes(limits.memory)} GB)")
    if limits.processes is not None and _NO_PROCESS.search(raised):
        return Outcome("failed", f"{raised} (no more than {limits.processes} processes and threads)")
    return Outcome("failed", raised)


def _skipped(cell: NotebookNode | None) -> str | None:
    for output in cell.outputs if cell else ():
        if MIME in output.get("data", {}):
            return reason_of(output["data"][MIME]) or ""
    return None


def _dead(ended: Ended | None, peak: int, limits: Limits) -> Outcome:
    if ended and ended.lost:
        return Outcome("lost", "what kept its kernel is gone")
    if ended is None or ended.signal is None:
        code = ended.code if ended else None
        return Outcome("failed", f"the kernel ended by itself with code {code}")
    if ended.signal == signal.SIGXCPU.name and limits.cpu is not None:
        return Outcome("killed", f"processor: {limits.cpu} of {limits.cpu} s")
    memory = f", with {gigabytes(peak)} of {gigabytes(limits.memory)} GB of memory" if limits.memory else ""
    return Outcome("killed", f"signal: the kernel was ended by {ended.signal}{memory}")


def _by(ended: Ended | None) -> str:
    if not ended:
        return ""
    return f" (by {ended.signal})" if ended.signal else f" (with code {ended.code})"
