"""papermill's execution of a notebook with the record of a run, and its index when it has ended.

papermill's own engine does the work. What it would write of a kernel that died or a cell that took too long, that all
cells were completed, is mended.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from typing import TypeGuard
from uuid import uuid4

import nbformat
from jupyter_client.manager import AsyncKernelManager
from msgspec.structs import replace
from nbclient.exceptions import CellTimeoutError
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode
from papermill import iorw
from papermill.engines import NBClientEngine
from papermill.exceptions import PapermillExecutionError
from papermill.execute import raise_for_execution_errors

from scrapdb.facts import Execution
from scrapdb.files.remote import is_url
from scrapdb.notebooks.extract import read_facts
from scrapdb.running.batches.attempts import now
from scrapdb.running.batches.composing import check_installed
from scrapdb.running.batches.indexer import Indexer
from scrapdb.running.kernels import record
from scrapdb.running.kernels.client import HonestManager
from scrapdb.running.kernels.client import KernelNotReadyError
from scrapdb.running.kernels.client import OutputLostError
from scrapdb.running.kernels.guard import Verdict
from scrapdb.running.kernels.meter import Meter
from scrapdb.running.kernels.outcome import outcome
from scrapdb.running.kernels.prepared import is_executed
from scrapdb.running.rows.parameters import hashed
from scrapdb.running.task import Limits

_LATE_OUTPUT = "The message was: Timeout waiting for IOPub output"  # of nbclient, which has one error for two things


class _Manager(HonestManager):
    """Remembers the cell that was begun last, and what was raised."""

    def __init__(self, nb: NotebookNode, meter: Meter, **options: Any) -> None:
        super().__init__(nb, **options)
        self.meter = meter
        self.cell: int | None = None
        self.error: BaseException | None = None

    def cell_start(self, cell: NotebookNode, cell_index: int | None = None, **kwargs: Any) -> None:
        if is_executed(cell):
            self.cell = cell_index
        super().cell_start(cell, cell_index=cell_index, **kwargs)

    def cell_exception(self, cell: NotebookNode, cell_index: int | None = None, **kwargs: Any) -> None:
        self.error = kwargs["exception"]
        super().cell_exception(cell, cell_index=cell_index, **kwargs)

    def cell_complete(self, cell: NotebookNode, cell_index: int | None = None, **kwargs: Any) -> None:
        self.meter.look()
        super().cell_complete(cell, cell_index=cell_index, **kwargs)


def execute(
    nb: NotebookNode,
    kernel_name: str,
    output_path: str | None,
    *,
    progress_bar: bool | dict[str, Any] = True,
    log_output: bool = False,
    autosave_cell_every: int = 30,
    **options: Any,
) -> NotebookNode:
    """Do what `papermill.engines.Engine.execute_notebook` does; then write the notebook with its record, and index it.

    If a cell has failed, papermill marks it, writes that and raises: the same function does it here, a little sooner.

    Raises:
        ScrapdbError: what `run` needs is not installed.
    """
    check_installed()
    meter = Meter()
    manager = _Manager(
        nb,
        meter,
        output_path=output_path,
        progress_bar=progress_bar,
        log_output=log_output,
        autosave_cell_every=autosave_cell_every,
    )
    limits = Limits(
        cell_timeout=options.get("execution_timeout") or options.get("timeout"),
        start_timeout=options.get("start_timeout", 60),
    )
    begun = _begun(nb, limits)
    record.write(nb, begun)
    manager.notebook_start()
    options = {"kernel_manager_class": _metered(meter), **options}
    try:
        NBClientEngine.execute_managed_notebook(manager, kernel_name, log_output=log_output, **options)
    except BaseException as error:
        manager.error = error
        if manager.cell is not None:
            manager.cell_exception(nb.cells[manager.cell], cell_index=manager.cell, exception=error)
        with suppress(PapermillExecutionError):
            _finish(manager, _ended(begun, manager, limits))
        raise
    finally:
        meter.end()
    _finish(manager, _ended(begun, manager, limits))
    return nb


def _metered(meter: Meter) -> type[AsyncKernelManager]:
    """Return a class of what starts kernels, for nbclient to use, that shows the kernel's process to a meter."""

    class Kernel(AsyncKernelManager):
        async def start_kernel(self, **kwargs: Any) -> Any:  # type: ignore[override] # as its own is
            started = await super().start_kernel(**kwargs)
            meter.begin(self.provisioner)
            return started

    return Kernel


def _begun(nb: NotebookNode, limits: Limits) -> Execution:
    told = {"start_timeout": limits.start_timeout, "cell_timeout": limits.cell_timeout}
    return Execution(
        state="running",
        warm=False,
        limits={name: float(value) for name, value in told.items() if value is not None},
        attempt=1,
        host=socket.gethostname(),
        started_at=now(),
        id=uuid4().hex,
        code_hash=read_facts(nbformat.writes(nb).encode()).code_hash,
        parameters_hash=hashed(nb.metadata.papermill.get("parameters") or {}),
    )


def _ended(begun: Execution, manager: _Manager, limits: Limits) -> Execution:
    """Complete the record."""
    error, index, meter = manager.error, manager.cell, manager.meter
    died = meter.ended if isinstance(error, DeadKernelError | RuntimeError) else None
    if isinstance(error, RuntimeError) and index is None:  # nbclient has no error of its own for it
        error = KernelNotReadyError(str(error))
    elif isinstance(error, CellTimeoutError) and _LATE_OUTPUT in str(error):
        error = OutputLostError(str(error))
    cell = manager.nb.cells[index] if index is not None else None
    verdict, peak = _verdict(error, limits), meter.used.memory
    found = outcome(error, cell, verdict=verdict, ended=died, peak=peak, limits=limits)
    where = index if found.state != "completed" else None
    return replace(
        begun,
        state=found.state,
        wall=meter.wall,
        reason=found.told(where),
        cell=where,
        peak_memory=meter.used.memory or None,
        cpu_seconds=round(meter.used.cpu, 3) or None,
        signal=died.signal if died else None,
        exit_code=died.code if died else None,
        ended_at=now(),
    )


def _verdict(error: BaseException | None, limits: Limits) -> Verdict | None:
    """Return what somebody else decided: a cell took too long, or the run was to end."""
    if isinstance(error, CellTimeoutError):
        allowed = f"longer than {limits.cell_timeout:g} s (--execution-timeout)" if limits.cell_timeout else "too long"
        return Verdict("timed out", f"the cell took {allowed}")
    if error is None or isinstance(error, Exception):
        return None
    asked = isinstance(error, KeyboardInterrupt)
    return Verdict("cancelled", "it was asked to stop" if asked else f"{type(error).__name__}: {error}")


def _finish(manager: _Manager, execution: Execution) -> None:
    """Write a notebook in its final form, and index it.

    Raises:
        PapermillExecutionError: a cell has failed.
    """
    nb = manager.nb
    manager.output_path = None  # it is written once, below, also if papermill was not to save it while it ran
    manager.notebook_complete()
    record.write(nb, execution)
    output = nb.metadata.papermill.get("output_path")
    try:
        raise_for_execution_errors(nb, output)
        if _is_kept(output):
            iorw.write_ipynb(nb, output)
    finally:
        _index(output)


def _is_kept(output: str | None) -> TypeGuard[str]:
    """Return whether a notebook is written anywhere but to standard output, which papermill does when all is over."""
    return output is not None and output != "-"


def _index(output: str | None) -> None:
    """Bring a notebook into `$SCRAPDB_DB`, if that is set. What goes wrong is told, and is no reason to fail."""
    store = os.environ.get("SCRAPDB_DB")
    if not store:
        return
    if not _is_kept(output):
        _say("The run is not in the store, since its notebook is written to no file.")
        return
    base = iorw.papermill_io.get_handler("local")._cwd or Path.cwd()  # noqa: SLF001 - the kernel's may be another
    try:
        with Indexer(Path(base, store).expanduser(), _say) as indexer:
            indexer.add(output if is_url(output) else str(Path(base, output)))
    except Exception as error:  # noqa: BLE001 - the run is what counts
        _say(f"{output} is not in {store}: {error}")


def _say(sentence: str) -> None:
    sys.stderr.write(f"scrapdb: {sentence}\n")
