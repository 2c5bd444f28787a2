"""What became of a run: from what the client raised, how the kernel ended, and what the guard decided."""

from __future__ import annotations

import errno
import re
import signal
from typing import NamedTuple

from nbclient.exceptions import CellExecutionError
from nbclient.exceptions import CellTimeoutError
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from scrapdb.facts import State
from scrapdb.notebooks.skip import MIME
from scrapdb.notebooks.skip import reason_of
from scrapdb.running.client import KernelNotReadyError
from scrapdb.running.guard import Verdict
from scrapdb.running.guard import gigabytes
from scrapdb.running.processes import Ended
from scrapdb.running.retries import NOT_READY
from scrapdb.running.task import Limits

_FULL = re.compile(rf"\[Errno (?:{errno.EFBIG}|{errno.ENOSPC}|{errno.EDQUOT})\]")
_WELL = {"", "0"}  # of SystemExit, as papermill has it


class Outcome(NamedTuple):
    """The state of a run and the reason for it, without the cell."""

    state: State
    reason: str | None = None


def outcome(
    error: BaseException | None,
    cell: NotebookNode | None,
    verdict: Verdict | None,
    ended: Ended | None,
    peak: int | None,
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
        return _dead(ended, limits)
    if isinstance(error, KernelNotReadyError):
        return Outcome("failed", f"{NOT_READY}: {error}{_by(ended)}")
    if isinstance(error, CellTimeoutError):
        return Outcome("failed", "the kernel has said that the cell was over, but its output did not arrive")
    if isinstance(error, CellExecutionError):
        return _raised(error, cell, peak, limits)
    return Outcome("failed", str(error)) if error else Outcome("completed")


def _raised(error: CellExecutionError, cell: NotebookNode | None, peak: int | None, limits: Limits) -> Outcome:
    name, value = error.ename, error.evalue
    if name == "SystemExit" and value in _WELL:
        reason = _skipped(cell)
        return Outcome("completed") if reason is None else Outcome("skipped", reason)
    if name == "MemoryError" and limits.memory is not None:
        reached = f"{gigabytes(peak)} of " if peak else ""
        return Outcome("killed", f"memory: {reached}{gigabytes(limits.memory)} GB")
    if name == "OSError" and limits.disk is not None and _FULL.search(value):
        return Outcome("killed", f"disk: more than {gigabytes(limits.disk)} GB")
    return Outcome("failed", f"{name}: {value}" if value else name)


def _skipped(cell: NotebookNode | None) -> str | None:
    for output in cell.outputs if cell else ():
        if MIME in output.get("data", {}):
            return reason_of(output["data"][MIME]) or ""
    return None


def _dead(ended: Ended | None, limits: Limits) -> Outcome:
    if ended is None or ended.signal is None:
        code = ended.code if ended else None
        return Outcome("failed", f"the kernel ended by itself with code {code}")
    if ended.signal == signal.SIGXCPU.name and limits.cpu is not None:
        return Outcome("killed", f"processor: {limits.cpu} of {limits.cpu} s")
    return Outcome("killed", f"signal: the kernel was ended by {ended.signal}")


def _by(ended: Ended | None) -> str:
    if not ended:
        return ""
    return f" (by {ended.signal})" if ended.signal else f" (with code {ended.code})"
