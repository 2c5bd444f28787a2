"""One kernel that executes the cells of one notebook, guarded, and ended whatever happens."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scrapdb.running.events import Kind
from scrapdb.running.events import Stop
from scrapdb.running.kernels import capping
from scrapdb.running.kernels import prepared
from scrapdb.running.kernels import provisioner
from scrapdb.running.kernels import redaction
from scrapdb.running.kernels.client import Client
from scrapdb.running.kernels.client import KernelNotReadyError
from scrapdb.running.kernels.client import Manager
from scrapdb.running.kernels.forking import ForkServer
from scrapdb.running.kernels.forking import ServerLostError
from scrapdb.running.kernels.guard import Guard
from scrapdb.running.kernels.outcome import Outcome
from scrapdb.running.kernels.outcome import outcome
from scrapdb.running.kernels.places import Ready
from scrapdb.running.kernels.processes import Ended
from scrapdb.running.kernels.usage import Used
from scrapdb.running.task import Limits

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

_SAID = 200  # characters of what a kernel says that does not start
_TERMINATED = 1.0  # seconds for a kernel that did not heed anything else, before it is killed
_GONE = 5.0  # seconds in which a killed kernel has to be gone
_LAST_WORDS = 60.0  # seconds in which what a kernel has said before it was killed has to be read
_UNREADY = (KernelNotReadyError, ServerLostError)
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
        self, manager: Manager, spec: KernelSpec, ready: Ready, limits: Limits, *, stop: Stop, told: Told
    ) -> None:
        self._manager, self._spec, self._ready, self._limits = manager, spec, ready, limits
        self._told = told
        self._guard = Guard(limits, stop, ready.place.private)
        self._number = self._left_out = 0
        self._ended: Ended | None = None
        self._died = False
        self._hidden: list[str] = []
        self.warnings: list[str] = []
        self.cell: int | None = None
        self.warm = False

    @property
    def used(self) -> Used:
        """What its processes used: as they were measured, and as was told of them in the end."""
        ended = self._ended or Ended()
        return self._guard.used.or_more(Used(ended.peak_memory or 0, ended.cpu_seconds or 0.0))

    @property
    def ended(self) -> Ended | None:
        """How its kernel ended, if it did so by itself or was killed."""
        verdict = self._guard.verdict
        if verdict and not verdict.gently:
            return Ended(signal.SIGKILL.name)
        return self._ended if self._died else None

    async def run(self, secrets: Mapping[str, str]) -> Outcome:
        """Execute all cells, and tell what became of it. A kernel that is not ready is started once more, afresh.

        Args:
            secrets: texts that are assigned to names in the kernel, and are seen nowhere else.
        """
        self._hidden = redaction.forms(secrets.values())
        error: BaseException | None = None
        for server in (self._ready.server, None):
            if self._guard.judge() or not (error is None or isinstance(error, _UNREADY)):
                break
            if error:
                self.warnings.append(f"The kernel was started once more: {str(error).rstrip('.')}{self._said()}.")
            error = await self._attempt(server, secrets)
            if error is None:
                break
        if isinstance(error, KernelNotReadyError):
            error = KernelNotReadyError(f"{error}{self._said()}")
        if self._left_out:
            self.warnings.append(capping.warning(self._left_out))
        cell = self._manager.nb.cells[self.cell] if self.cell is not None else None
        died = self._ended if self._died else None
        verdict, peak = self._guard.verdict, self.used.memory
        return outcome(error, cell, verdict=verdict, ended=died, peak=peak, limits=self._limits)

    async def _attempt(self, server: ForkServer | None, secrets: Mapping[str, str]) -> BaseException | None:
        """Start a kernel, have it execute the cells, and end it; return what was raised."""
        kernel = provisioner.Manager(self._spec, self._ready.place, self._ready.wall, server)
        name = self._spec.name
        client = Client(self._manager, self._limits, self._shown, self._hidden, km=kernel, kernel_name=name)
        self._guard.begin(kernel)
        self.warm = server is not None
        cells = asyncio.ensure_future(self._cells(client, secrets))
        watching = asyncio.ensure_future(self._guard.watch())
        try:
            await asyncio.wait([cells, watching], return_when=asyncio.FIRST_COMPLETED)
            await self._stopped(cells, client, kernel)
            self._died = kernel.gone and not self._guard.verdict
        finally:
            watching.cancel()
            await self._end(kernel, politely=client.ready)
            self._left_out += client.left_out
            if client.kc:
                client.kc.stop_channels()
            await kernel.cleanup_resources()
        return cells.exception()

    async def _cells(self, client: Client, secrets: Mapping[str, str]) -> None:
        await client.start(self._ready.place.directory)
        telling = prepared.telling(self._manager.nb)
        for index, cell in enumerate(self._manager.nb.cells):
            if self._guard.verdict or client.exited:
                return
            if secrets and index in telling:
                await client.tell(prepared.assignments(self._spec, secrets))
            if prepared.is_executed(cell):
                self.cell, self._number = index, self._number + 1
                self._told("cell", self._number, "")
            self._guard.cell()
            await self._execute(client, index)
        client.set_widgets_metadata()
        self._guard.finish()

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

    async def _stopped(self, cells: asyncio.Future[None], client: Client, kernel: provisioner.Manager) -> None:
        """See the cells end: if they have to early, they are interrupted, and then their kernel is ended."""
        verdict = self._guard.verdict
        if verdict and verdict.gently and client.ready and not cells.done():
            with suppress(Exception):  # a kernel that cannot be asked is ended
                await kernel.interrupt_kernel()
            await self._guard.until(cells, self._limits.grace)
        if verdict and not cells.done():
            await self._end(kernel, politely=False)
        await asyncio.wait([cells], timeout=None if not kernel.gone else _LAST_WORDS)
        if not cells.done():
            cells.cancel()
            await asyncio.wait([cells])

    async def _end(self, kernel: provisioner.Manager, *, politely: bool) -> None:
        """End the kernel: by asking it, so that what it has registered for its exit is run; by a signal; by force."""
        gently = not self._guard.verdict or self._guard.verdict.gently
        if gently and politely and not kernel.gone:
            with suppress(Exception):  # a kernel that cannot be asked is ended
                if not kernel.is_ipykernel:
                    await kernel.interrupt_kernel()  # as jupyter_client does, and without which some do not end
                await kernel.request_shutdown()
            if not await self._is_gone(kernel, self._limits.grace):
                self.warnings.append(f"The kernel took longer than {self._limits.grace:g} s to end (--grace).")
            elif (ended := kernel.ended) and (ended.signal or ended.code):
                self.warnings.append(f"The kernel failed when it was to end: {ended.signal or ended.code}.")
        if gently and not kernel.gone:
            kernel.terminate()
            await self._is_gone(kernel, _TERMINATED)
        if not kernel.gone:
            self._guard.measure(kernel)
            kernel.kill()
            await self._is_gone(kernel, _GONE)
        self._ended = kernel.ended

    async def _is_gone(self, kernel: provisioner.Manager, seconds: float) -> bool:
        over = asyncio.ensure_future(kernel.is_gone())
        await self._guard.until(over, seconds)
        over.cancel()
        return kernel.gone

    def _said(self) -> str:
        """Return what the kernel said last before it was ready, for the reason."""
        with suppress(OSError):
            log = Path(self._ready.place.private, "kernel.log").read_text(encoding="utf-8", errors="replace")
            if last := [line.strip() for line in log.splitlines() if line.strip()]:
                return f": {last[-1][:_SAID]}"
        return ""

    def _shown(self, text: str) -> None:
        self._told("output", self._number, text)
