"""papermill's client and manager of a notebook, with what they lack: caps on output, and hard ends that are told."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from queue import Empty
from typing import Any

import nbformat
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from scrapdb.running.task import Limits

_SAVED = 1.0  # seconds between saves while it runs
_NUDGED = 0.05  # seconds between questions whether a kernel is ready
_IOPUB = 60  # seconds in which all output of a cell has to arrive after it has ended
_MIB = 2**20


class KernelNotReadyError(RuntimeError):
    """A kernel that does not answer in time, or ends before it does."""


class Manager(NotebookExecutionManager):  # type: ignore[misc] # papermill has no types
    """Keeps papermill's metadata, and saves the notebook while it runs, but not more often than is seen.

    Args:
        nb: the notebook.
        save: writes it.
    """

    def __init__(self, nb: NotebookNode, save: Callable[[NotebookNode], None]) -> None:
        super().__init__(nb, progress_bar=False)
        self._save, self._saved = save, 0.0

    def save(self, **kwargs: Any) -> None:
        """Write the notebook, if that was not done just now."""
        del kwargs
        if time.monotonic() - self._saved >= _SAVED:
            self._save(self.nb)
            self._saved = time.monotonic()

    def autosave_cell(self, **kwargs: Any) -> None:
        """Write the notebook in the middle of a long cell."""
        self.save(**kwargs)

    def notebook_complete(self, **kwargs: Any) -> None:
        """Finish the metadata; cells that never ran stay as they are, where papermill would call them completed."""
        pending = [
            cell.metadata.papermill for cell in self.nb.cells if cell.metadata.papermill["status"] == self.PENDING
        ]
        self._saved = time.monotonic()  # it is written once more, with its record
        super().notebook_complete(**kwargs)
        if self.nb.metadata.papermill["exception"]:
            for cell in pending:
                cell["status"] = self.PENDING


class Client(PapermillNotebookClient):  # type: ignore[misc] # papermill has no types
    """Executes the cells of a notebook, and keeps no more of their output than it may.

    Args:
        manager: has the notebook.
        limits: of output.
        shown: is told what a cell shows, as text.
    """

    def __init__(self, manager: Manager, limits: Limits, shown: Callable[[str], None], **settings: Any) -> None:
        super().__init__(manager, iopub_timeout=_IOPUB, raise_on_iopub_timeout=True, **settings)
        self._limits, self._shown = limits, shown
        self.left_out = 0  # bytes
        self._kept = 0
        self._cap: _Cap | None = None

    async def start(self, cwd: str) -> None:
        """Start the kernel and wait until it answers, with its output already listened to.

        Raises:
            KernelNotReadyError: it ends before, or takes too long.
        """
        await self.async_start_new_kernel(cwd=cwd)
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.allow_stdin = False
        try:
            async with asyncio.timeout(self._limits.start_timeout):
                self.nb.metadata["language_info"] = (await self._nudged())["content"]["language_info"]
        except TimeoutError:
            raise KernelNotReadyError(
                f"the kernel was not ready in {self._limits.start_timeout:g} s (--start-timeout)"
            ) from None

    async def _nudged(self) -> dict[str, Any]:
        """Ask until an answer comes on both channels, as Jupyter's server does: output is listened to from then on."""
        while True:
            asked = self.kc.kernel_info()
            try:
                reply = await self.kc.shell_channel.get_msg(timeout=_NUDGED)
                while reply["parent_header"].get("msg_id") != asked:
                    reply = await self.kc.shell_channel.get_msg(timeout=_NUDGED)
                while True:
                    heard = await self.kc.iopub_channel.get_msg(timeout=_NUDGED)
                    if heard["parent_header"].get("msg_id") == asked:
                        return dict(reply)
            except Empty:
                if not await self.km.is_alive():
                    raise KernelNotReadyError("the kernel ended before it was ready") from None

    async def tell(self, code: str) -> None:
        """Run code that leaves no trace: no output, no history, no count.

        Raises:
            DeadKernelError: the kernel ends over it.
        """
        await self.async_wait_for_reply(self.kc.execute(code, silent=True, store_history=False))

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **kwargs: Any) -> NotebookNode:
        """Execute a cell and keep of its output what may be kept."""
        self._cap = _Cap(self._limits.cell_output, self._limits.output, self._kept)
        try:
            await super().async_execute_cell(cell, cell_index, **kwargs)
            return cell
        finally:
            self._cap.finish(cell.get("outputs", []))
            self._kept += self._cap.kept
            self.left_out += self._cap.left_out

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str, cell_index: int) -> Any:
        """Keep what a cell shows, or of streams that show too much the beginning and the end."""
        content = msg["content"]
        if text := content.get("text") or (content.get("data") or {}).get("text/plain"):
            self._shown(text)
        if self._cap and msg["msg_type"] == "stream" and not self._cap.takes(msg):
            return None
        return super().output(outs, msg, display_id, cell_index)

    def died(self) -> None:
        """Take notice that the kernel is gone, without waiting for the next look at it."""
        if self.task_poll_for_reply:
            self.task_poll_for_reply.cancel()


class _Cap:
    """Keeps the head and the tail of what one cell prints.

    Args:
        cell: bytes that are kept of it.
        run: bytes that are kept of the run.
        before: bytes that were kept of it before this cell.
    """

    def __init__(self, cell: int | None, run: int | None, before: int) -> None:
        self._most = min(cell or 2**62, max(0, (run or 2**62) - before))
        self._tail: deque[dict[str, Any]] = deque()
        self._in_tail = 0
        self.kept = self.left_out = 0

    def takes(self, msg: dict[str, Any]) -> bool:
        """Return whether a stream is kept as it comes; else it may be part of the tail."""
        size = len(msg["content"]["text"])
        if not self._tail and not self.left_out and self.kept + size <= self._most // 2:
            self.kept += size
            return True
        self._tail.append(msg["content"])
        self._in_tail += size
        while self._in_tail > self._most // 2:
            first = self._tail.popleft()
            excess = min(len(first["text"]), self._in_tail - self._most // 2)
            self._in_tail -= excess
            self.left_out += excess
            if excess < len(first["text"]):
                self._tail.appendleft({**first, "text": first["text"][excess:]})
        return False

    def finish(self, outs: list[NotebookNode]) -> None:
        """Put the tail behind what was kept, with a mark between."""
        if self.left_out:
            text = f"\n… {self.left_out / _MIB:,.1f} MiB of output are left out here (--max-output) …\n"
            outs.append(nbformat.v4.new_output("stream", name="stderr", text=text))
        outs += [nbformat.v4.new_output("stream", name=part["name"], text=part["text"]) for part in self._tail]
        self.kept += self._in_tail
