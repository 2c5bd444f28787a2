"""papermill's client and manager of a notebook, with what they lack: caps on output, and ends told as they were."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty
from typing import Any

from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NotebookExecutionManager

from scrapdb.running.kernels import redaction
from scrapdb.running.kernels.capping import Cap
from scrapdb.running.task import Limits

_DISCREET = logging.getLogger(__name__)  # nbclient logs all that a kernel says, as a help in debugging
_DISCREET.setLevel(logging.INFO)
_SAVING = 0.1  # of the time at most
_NUDGED = 0.05  # seconds in which what a kernel has done is heard of, if output is listened to
_LOOK = 0.1  # seconds between looks whether a kernel lives
_LAST_WORDS = 3  # looks in which nothing more is heard of a kernel that is gone
_FOREVER = 2**30  # seconds, in which the client that is extended here asks; we look ourselves
_IOPUB = 60.0  # seconds in which nothing is heard of a cell that has ended, while there is output to come
_PIECE = 4096  # characters up to which pieces of a stream are put together at once
_MESSAGES = 100_000  # that wait here for being read, of kernels which would throw away what they cannot send
# ipykernel, too, throws away what waits too long, unless there is no limit: then it waits within its own memory.
# And what it does at its exit can wait for a thread that waits for what has been closed.
_PREPARE = (
    "(lambda app: (app.iopub_thread.schedule(lambda: app.iopub_thread.socket.set_hwm(0)), "
    "__import__('atexit').unregister(app.close)))(__import__('ipykernel.kernelapp').kernelapp.IPKernelApp.instance())"
)


class KernelNotReadyError(RuntimeError):
    """A kernel that does not answer in time, or ends before it does."""


class OutputLostError(RuntimeError):
    """A kernel that has said that a cell is over, but not all that the cell showed."""


class HonestManager(NotebookExecutionManager):  # type: ignore[misc] # papermill has no types
    """Keeps papermill's metadata of a run."""

    def notebook_complete(self, **kwargs: Any) -> None:
        """Finish the metadata; cells that never ran stay as they are, where papermill would call them completed."""
        pending = [
            cell.metadata.papermill for cell in self.nb.cells if cell.metadata.papermill["status"] == self.PENDING
        ]
        super().notebook_complete(**kwargs)
        for cell in pending:
            cell["status"] = self.PENDING


class Manager(HonestManager):
    """Saves the notebook while it runs, but not more often than is seen.

    Args:
        nb: the notebook.
        save: writes it.
        pause: seconds between two saves.
    """

    def __init__(self, nb: NotebookNode, save: Callable[[NotebookNode], None], pause: float = 1.0) -> None:
        super().__init__(nb, progress_bar=False)
        self._save, self._next, self._pause = save, 0.0, pause

    def save(self, **kwargs: Any) -> None:
        """Write the notebook, if that was not done just now."""
        del kwargs
        began = time.monotonic()
        if began >= self._next:
            self._save(self.nb)
            ended = time.monotonic()
            self._next = ended + max(self._pause, (ended - began) / _SAVING)

    def autosave_cell(self, **kwargs: Any) -> None:
        """Write the notebook in the middle of a long cell."""
        self.save(**kwargs)

    def notebook_complete(self, **kwargs: Any) -> None:
        """Finish the metadata, and write nothing: that is done once more, with the record."""
        self._next = float("inf")
        super().notebook_complete(**kwargs)


class Client(PapermillNotebookClient):  # type: ignore[misc] # papermill has no types
    """Executes the cells of a notebook, and keeps no more of their output than it may.

    Args:
        manager: has the notebook.
        limits: of output.
        shown: is told what a cell shows, as text.
        hidden: texts that are taken out of it before anybody sees it.
    """

    def __init__(
        self,
        manager: Manager,
        limits: Limits,
        shown: Callable[[str], None],
        hidden: Sequence[str] = (),
        **settings: Any,
    ) -> None:
        super().__init__(manager, iopub_timeout=_FOREVER, on_cell_executed=self._executed, **settings)
        if hidden:
            self.log = _DISCREET
        self._limits, self._told, self._hidden = limits, shown, hidden
        self._all = redaction.Held(hidden)
        self.left_out = 0  # bytes
        self.ready = self.exited = False
        self._lost_output = False
        self._heard = self._kept = 0
        self._cell: NotebookNode | None = None
        self._cap = Cap(None, None, 0)
        self._held: dict[str, redaction.Held] = {}

    async def start(self, cwd: str) -> None:
        """Start the kernel and wait until it answers, with its output already listened to.

        Raises:
            KernelNotReadyError: it ends before, or takes too long.
        """
        await self.async_start_new_kernel(cwd=cwd)
        self.kc = self.km.client()
        self.kc.start_channels()
        if not self.km.is_ipykernel:
            self.kc.iopub_channel.socket.rcvhwm = _MESSAGES
        self.kc.allow_stdin = False
        try:
            async with asyncio.timeout(self._limits.start_timeout):
                self.nb.metadata["language_info"] = (await self._nudged())["content"]["language_info"]
        except TimeoutError:
            raise KernelNotReadyError(
                f"the kernel was not ready in {self._limits.start_timeout:g} s (--start-timeout)"
            ) from None
        self.ready = True
        if self.km.is_ipykernel:
            await self.tell(_PREPARE)

    async def _nudged(self) -> dict[str, Any]:
        """Ask until an answer comes on both channels, as Jupyter's server does: output is listened to from then on."""
        while True:
            asked = self.kc.kernel_info()
            reply = await self._reply_to(asked)
            with suppress(Empty):
                while True:
                    heard = await self.kc.iopub_channel.get_msg(timeout=_NUDGED)
                    if heard["parent_header"].get("msg_id") == asked:
                        return reply

    async def _reply_to(self, asked: str) -> dict[str, Any]:
        """Wait for the reply to a question, which waits for the kernel: to ask once more would only keep that busy."""
        while True:
            try:
                reply = await self.kc.shell_channel.get_msg(timeout=_LOOK)
                if reply["parent_header"].get("msg_id") == asked:
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
        """Execute a cell and keep of its output what may be kept.

        Raises:
            OutputLostError: not all of it has arrived.
        """
        self._cap = Cap(self._limits.cell_output, self._limits.output, self._kept)
        self._cell, self._held = cell, {}
        try:
            await super().async_execute_cell(cell, cell_index, **kwargs)
        except DeadKernelError:
            if self._lost_output:
                raise OutputLostError from None
            raise
        finally:
            self._finish(cell)
        return cell

    def _finish(self, cell: NotebookNode) -> None:
        outs = cell.get("outputs", [])
        for name, held in self._held.items():
            self._print(outs, name, held.rest())
        if rest := self._all.rest():
            self._told(rest)
        outs += self._cap.finish()
        self._kept += self._cap.kept
        self.left_out += self._cap.left_out

    def _executed(self, execute_reply: Any, **kwargs: Any) -> None:
        """Take down that a cell has asked for the end of the kernel, as `exit` does, which follows soon."""
        del kwargs
        asked = [payload.get("source") for payload in execute_reply["content"].get("payload") or ()]
        self.exited = self.exited or "ask_exit" in asked

    async def _async_poll_kernel_alive(self) -> None:
        """Return when nothing more is heard of a kernel: it is gone, or its cell is over and something is missing."""
        silent, heard = 0, -1
        times = self._cell.metadata.execution if self._cell else {}
        while silent * _LOOK < _IOPUB and not (self.km.gone and silent >= _LAST_WORDS):
            await asyncio.sleep(_LOOK)
            waiting = self.km.gone or "shell.execute_reply" in times
            silent = silent + 1 if waiting and self._heard == heard else 0
            heard = self._heard
        self._lost_output = not self.km.gone
        self.task_poll_for_reply.cancel()

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> Any:
        """Take in what a kernel tells."""
        self._heard += 1
        return super().process_message(msg, cell, cell_index)

    def output(self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str, cell_index: int) -> Any:
        """Keep what a cell shows, or of what is too much the beginning and the end."""
        content = msg["content"]
        if self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            return super().output(outs, msg, display_id, cell_index)
        if self.clear_before_next_output:
            self._cleared(outs, cell_index)
        if msg["msg_type"] == "stream":
            held = self._held.setdefault(content["name"], redaction.Held(self._hidden))
            return self._print(outs, content["name"], held.passed(content["text"]))
        if text := (content.get("data") or {}).get("text/plain"):
            self._shown(text)
        return super().output(outs, msg, display_id, cell_index) if self._cap.shows(content) else None

    def _shown(self, text: str) -> None:
        """Tell what is shown, without a secret that comes in pieces by several ways."""
        if seen := self._all.passed(text):
            self._told(seen)

    def _print(self, outs: list[NotebookNode], name: str, text: str) -> None:
        """Keep what is printed; that is done here, since to validate each of many little pieces takes long."""
        if text:
            self._shown(text)
        kept = self._cap.prints(name, text)
        last = outs[-1] if outs else {}
        if last.get("name") == name and len(last["text"]) < _PIECE:
            last["text"] += kept
        elif kept:
            outs.append(NotebookNode(output_type="stream", name=name, text=kept))

    def _cleared(self, outs: list[NotebookNode], cell_index: int) -> None:
        self._cap.clear()
        self.clear_before_next_output = False
        outs.clear()
        self.clear_display_id_mapping(cell_index)

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """Forget what a cell has shown, now or with the next output."""
        if not msg["content"]["wait"]:
            self._cap.clear()
        super().clear_output(outs, msg, cell_index)

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        """Show something else in place of what was shown before, if there is room for it."""
        if msg["msg_type"] != "update_display_data" or self._cap.shows(msg["content"]):
            super()._update_display_id(display_id, msg)
