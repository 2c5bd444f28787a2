"""One run, from a task to the executed notebook with its record."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import suppress
from datetime import UTC
from datetime import datetime
from typing import TYPE_CHECKING
from typing import Any

from msgspec.structs import asdict
from msgspec.structs import replace
from papermill.exceptions import PapermillExecutionError
from papermill.execute import raise_for_execution_errors

from scrapdb.errors import ScrapdbError
from scrapdb.facts import Execution
from scrapdb.notebooks.extract import read_facts
from scrapdb.notebooks.times import iso
from scrapdb.running.batches.previous import WELL
from scrapdb.running.events import Event
from scrapdb.running.events import Kind
from scrapdb.running.events import Stop
from scrapdb.running.kernels import kernelspecs
from scrapdb.running.kernels import outputs
from scrapdb.running.kernels import places
from scrapdb.running.kernels import prepared
from scrapdb.running.kernels import record
from scrapdb.running.kernels import redaction
from scrapdb.running.kernels import walls
from scrapdb.running.kernels.client import Manager
from scrapdb.running.kernels.outcome import Outcome
from scrapdb.running.kernels.session import Session
from scrapdb.running.rows.parameters import hashed
from scrapdb.running.task import Limits
from scrapdb.running.task import Task

if TYPE_CHECKING:
    from nbformat import NotebookNode


def execute(task: Task, watch: Callable[[Event], None] = lambda _: None, stop: Stop | None = None) -> Execution:
    """Execute a notebook, write it where it is to go, and return its record, which stands in it too.

    What a notebook does never raises; nor does an output that cannot be written: it is a reason to fail.

    Args:
        task: what to do.
        watch: is told how far it is.
        stop: ends it early.
    """
    return _Run(task, watch, stop or Stop()).execute()


class _Run:
    """One attempt under way."""

    def __init__(self, task: Task, watch: Callable[[Event], None], stop: Stop) -> None:
        self._task, self._watch, self._stop = task, watch, stop
        self._hidden = redaction.forms(task.secrets.values())
        self._cells: list[int] = []
        self._saved = False
        self._record = Execution(
            state="running",
            limits=_in_force(task),
            attempt=task.attempt,
            host=socket.gethostname(),
            started_at=_now(),
            id=task.id,
            batch=task.batch,
            code_hash=read_facts(task.content).code_hash,
            parameters_hash=hashed(task.parameters),
        )

    def execute(self) -> Execution:
        """Do it."""
        try:
            node = prepared.notebook(self._task)
        except ScrapdbError as error:
            return self._ended(Outcome("failed", str(error)))
        self._cells = prepared.executed_cells(node)
        self._tell("started", 0, "")
        record.write(node, self._record)
        manager = Manager(node, self._save, outputs.pause(self._task.output))
        try:
            manager.notebook_start()
            outcome = self._run(manager)
        except (ScrapdbError, OSError) as error:
            outcome = Outcome("failed", str(error))
        manager.notebook_complete()
        return self._finish(node, self._ended(outcome))

    def _run(self, manager: Manager) -> Outcome:
        """Execute the cells in a place of their own, and keep what is to be kept."""
        task, node = self._task, manager.nb
        spec = kernelspecs.kernelspec(node.metadata, task.kernel, task.python)
        with ExitStack() as stack:
            ready = places.ready(task, spec, stack)
            network = task.confines.network or ready.wall.NAME in walls.WITH_NETWORK
            limits = {**(self._record.limits or {}), "network": network}
            self._record = replace(self._record, wall=ready.wall.NAME, limits=limits)
            session = Session(manager, spec, ready, task.limits, stop=self._stop, told=self._tell)
            outcome = asyncio.run(session.run(task.secrets))
            self._take_down(session, outcome, ready.warnings)
            if task.keep_files:
                outcome = self._keep(ready.place.directory, outcome)
        return outcome

    def _take_down(self, session: Session, outcome: Outcome, warnings: Sequence[str]) -> None:
        """Put into the record what is known of the kernel."""
        ended = session.ended if outcome.state != "completed" else None
        self._record = replace(
            self._record,
            warm=session.warm,
            cell=session.cell if outcome.state != "completed" else None,
            peak_memory=session.used.memory or None,
            cpu_seconds=round(session.used.cpu, 3) or None,
            signal=ended.signal if ended else None,
            exit_code=ended.code if ended else None,
            warnings=(*warnings, *session.warnings),
        )

    def _keep(self, where: str, outcome: Outcome) -> Outcome:
        """Keep files; that this is impossible is a reason to fail for a run that has none yet."""
        try:
            kept, warnings = outputs.keep(where, self._task.keep_files, self._task.output, self._hidden)
        except (OSError, ScrapdbError) as error:
            sentence = f"Its files cannot be kept: {getattr(error, 'strerror', None) or str(error).rstrip('.')}."
            self._record = replace(self._record, warnings=(*self._record.warnings, sentence))
            return Outcome("failed", sentence) if outcome.state in WELL else outcome
        self._record = replace(self._record, files=kept, warnings=(*self._record.warnings, *warnings))
        return outcome

    def _ended(self, outcome: Outcome) -> Execution:
        """Complete the record."""
        reason = outcome.told(self._record.cell)
        self._record = redaction.execution(
            replace(self._record, state=outcome.state, reason=reason, ended_at=_now()), self._hidden
        )
        return self._record

    def _finish(self, node: NotebookNode, execution: Execution) -> Execution:
        """Mark where and why it ended, as papermill does, and write it with its record."""
        outputs.join(node)
        if execution.state not in WELL:
            outputs.say(node, execution)
        with suppress(PapermillExecutionError):
            raise_for_execution_errors(node, None)
        record.write(node, execution)
        try:
            self._write(node)
        except ScrapdbError as error:
            self._record = replace(self._record, cell=None)
            execution = self._ended(Outcome("failed", str(error)))
            with suppress(ScrapdbError):  # for less there may be room
                outputs.bare(node)
                outputs.say(node, execution)
                record.write(node, execution)
                self._write(node)
        return execution

    def _save(self, node: NotebookNode) -> None:
        """Write the notebook while it runs; if that fails after it has succeeded, it may succeed again."""
        try:
            self._write(node)
        except ScrapdbError:
            if not self._saved:
                raise
        self._saved = True

    def _write(self, node: NotebookNode) -> None:
        """Write the notebook as it is, without secrets."""
        if self._hidden:
            node = redaction.notebook(node, self._hidden)
        outputs.write(node, self._task.output)

    def _tell(self, kind: Kind, cell: int, text: str) -> None:
        place = self._cells[cell - 1] if cell else None
        self._watch(Event(self._task, kind, cell, len(self._cells), text, place))


def _in_force(task: Task) -> dict[str, Any]:
    """Return the limits that were asked for."""
    usual = asdict(Limits())
    return {name: value for name, value in asdict(task.limits).items() if value != usual[name]}


def _now() -> str:
    return iso(datetime.now(UTC)) or ""
