"""One kernel that executes the cells of one notebook, guarded, and ended whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import DeadKernelError

from scrapdb.running import prepared
from scrapdb.running import provisioner
from scrapdb.running.client import Client
from scrapdb.running.client import KernelNotReadyError
from scrapdb.running.client import Manager
from scrapdb.running.events import Kind
from scrapdb.running.events import Stop
from scrapdb.running.guard import Guard
from scrapdb.running.outcome import Outcome
from scrapdb.running.outcome import outcome
from scrapdb.running.places import Ready
from scrapdb.running.processes import Ended
from scrapdb.running.task import Limits

_SAID = 200  # characters of what a kernel says that does not start
_STARTS = 2  # a kernel that is not ready is started once more
_GONE = 5.0  # seconds in which a killed kernel has to be gone
_LAST_WORDS = 0.3  # seconds for output that is still on its way from a kernel that has died
Told = Callable[[Kind, int, str], None]


class Session:
    """The execution of a notebook.

    Args:
        manager: has the notebook, which it saves as it is executed.
        spec: of the kernel.
        ready: where that runs.
        limits: what it may use.
        stop: the wish to end early.
        told: is told `cell` with its number among the code cells, from 1, and `output` with what it shows.
    """

    def __init__(
        self, manager: Manager, spec: KernelSpec, ready: Ready, limits: Limits, stop: Stop, told: Told
    ) -> None:
        self._manager, self._spec, self._ready, self._limits = manager, spec, ready, limits
        self._told = told
        self._guard = Guard(limits, stop, ready.place.private)
        self._number = 0
        self.warnings: list[str] = []
        self.cell: int | None = None
        self.ended: Ended | None = None

    @property
    def peak_memory(self) -> int | None:
        """Bytes that its processes had at once, or that the largest had, whichever is more and is known."""
        known = [self._guard.peak_memory, self.ended.peak_memory if self.ended else None]
        return max((peak for peak in known if peak is not None), default=None)

    async def run(self, secrets: Mapping[str, str]) -> Outcome:
        """Execute all cells, and tell what became of it.

        Args:
            secrets: texts that are assigned to names in the kernel, and are seen nowhere else.
        """
        for left in reversed(range(_STARTS)):
            error, by_itself = await self._attempt(secrets)
            if not (isinstance(error, KernelNotReadyError) and left and not self._guard.verdict):
                break
            self.warnings.append(f"The kernel was started once more: {error}{self._said()}.")
        if isinstance(error, KernelNotReadyError):
            error = KernelNotReadyError(f"{error}{self._said()}")
        cell = self._manager.nb.cells[self.cell] if self.cell is not None else None
        return outcome(error, cell, self._guard.verdict, by_itself, self.peak_memory, self._limits)

    async def _attempt(self, secrets: Mapping[str, str]) -> tuple[BaseException | None, Ended | None]:
        """Start a kernel and have it execute the cells; return what was raised, and how the kernel ended by itself."""
        kernel = provisioner.Manager(self._spec, self._ready.place, self._ready.wall, self._ready.server)
        client = Client(self._manager, self._limits, self._shown, km=kernel, kernel_name=self._spec.name)
        self._guard.begin(kernel)
        cells = asyncio.ensure_future(self._cells(client, secrets))
        watching = asyncio.ensure_future(self._guard.watch())
        try:
            await asyncio.wait([cells, watching], return_when=asyncio.FIRST_COMPLETED)
            if not cells.done():
                await self._cut_short(cells, client, kernel)
            error = DeadKernelError() if cells.cancelled() else cells.exception()
            died = isinstance(error, DeadKernelError | KernelNotReadyError) and await kernel.is_gone(_LAST_WORDS)
        finally:
            watching.cancel()
            await self._close(client, kernel)
        self.ended = kernel.ended
        return error, self.ended if died else None

    async def _cells(self, client: Client, secrets: Mapping[str, str]) -> None:
        await client.start(self._ready.place.directory)
        behind = prepared.behind_parameters(self._manager.nb)
        for index, cell in enumerate(self._manager.nb.cells):
            if secrets and index == behind:
                await client.tell("\n".join(f"{name} = {value!r}" for name, value in secrets.items()))
            if prepared.is_executed(cell):
                self.cell, self._number = index, self._number + 1
                self._told("cell", self._number, "")
            self._guard.cell()
            await self._execute(client, index)
        client.set_widgets_metadata()

    async def _execute(self, client: Client, index: int) -> None:
        cell = self._manager.nb.cells[index]
        self._manager.cell_start(cell, index)
        try:
            await client.async_execute_cell(cell, index)
        except BaseException as error:
            self._manager.cell_exception(cell, cell_index=index, exception=error)
            raise
        finally:
            self._manager.cell_complete(cell, cell_index=index)

    async def _cut_short(self, cells: asyncio.Future[None], client: Client, kernel: provisioner.Manager) -> None:
        """End a run before it is through: ask the kernel, give it the time to clean up, then end it."""
        verdict = self._guard.verdict
        if verdict and verdict.gently:
            with suppress(Exception):  # a kernel that cannot be asked is ended
                await kernel.interrupt_kernel()
            await self._guard.until(cells, self._limits.grace)
        elif not verdict:  # the kernel has died: what it said last may still be on its way
            await asyncio.wait([cells], timeout=_LAST_WORDS)
        if not cells.done():
            kernel.kill()
            client.died()
            await asyncio.wait([cells], timeout=_LAST_WORDS)
        if not cells.done():
            cells.cancel()
            await asyncio.wait([cells])

    async def _close(self, client: Client, kernel: provisioner.Manager) -> None:
        """Let the kernel end by itself, so that what it has registered for its exit is run; else end it."""
        verdict = self._guard.verdict
        if kernel.has_kernel:
            if not verdict or verdict.gently:
                with suppress(Exception):  # a kernel that cannot be asked is ended
                    await kernel.request_shutdown()
                await kernel.is_gone(self._limits.grace)
            kernel.kill()
            await kernel.is_gone(_GONE)
        if client.kc:
            client.kc.stop_channels()
        await kernel.cleanup_resources()

    def _said(self) -> str:
        """Return what the kernel said last before it was ready, for the reason."""
        with suppress(OSError):
            said = (
                Path(self._ready.place.private, "kernel.log").read_text(encoding="utf-8", errors="replace").split("\n")
            )
            if last := [line.strip() for line in said if line.strip()]:
                return f": {last[-1][:_SAID]}"
        return ""

    def _shown(self, text: str) -> None:
        self._told("output", self._number, text)
