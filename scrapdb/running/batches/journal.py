"""What the table `executions` is told of a batch while it is under way, each change in a transaction of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from scrapdb.errors import StoreError
from scrapdb.facts import Execution
from scrapdb.running.batches import attempts
from scrapdb.running.batches.attempts import now
from scrapdb.running.events import Event
from scrapdb.running.task import Task
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt
from scrapdb.text import valid_text

_CELLS_SECONDS = 0.5  # between two looks at the cells that runs have reached


class Journal:
    """Writes down what becomes of tasks. Once they are queued, what cannot be written is told and fails no run.

    Args:
        executions: the table.
        runner: the file that this process has locked.
        expected_seconds: how long such a run took before.
        warn: is told once what cannot be written.
    """

    def __init__(
        self, executions: Executions, runner: str, expected_seconds: float | None, warn: Callable[[str], None]
    ) -> None:
        self._executions = executions
        self._runner = runner
        self._expected = expected_seconds
        self._warn = warn
        self._reached: dict[str, Event] = {}
        self._next_cells = 0.0
        self._has_warned = False

    def queue(self, tasks: Iterable[Task]) -> None:
        """Write that tasks are to run, all or none.

        Raises:
            StoreError: it cannot be written.
        """
        self._executions.queue([self._of(task, "queued") for task in tasks])

    def retrying(self, task: Task) -> None:
        """Write that there is to be another attempt."""
        self._try(lambda: self._executions.queue([self._of(task, "retrying")]))

    def heard(self, event: Event) -> None:
        """Write that a run has begun; which cell it has reached is remembered, for `flush`."""
        if event.kind == "started":
            self._change(event.task.id, "running", started_at=now(), cells=event.cells or None)
        elif event.kind == "cell":
            self._reached[event.task.id] = event

    def flush(self) -> None:
        """Write which cells have been reached, at most twice a second."""
        if self._reached and time.monotonic() >= self._next_cells:
            for id_, event in self._reached.items():
                self._change(id_, "running", cell=event.cell, cells=event.cells)
            self._reached.clear()
            self._next_cells = time.monotonic() + _CELLS_SECONDS

    def ended(self, task: Task, execution: Execution) -> None:
        """Write how an attempt ended."""
        self._reached.pop(task.id, None)
        told = {"reason": execution.reason, "wall": execution.wall, "ended_at": execution.ended_at or now()}
        told |= {"started_at": execution.started_at} if execution.started_at else {}
        self._change(task.id, execution.state, **told)

    def _of(self, task: Task, state: str) -> Attempt:
        attempt = attempts.of(task, state, self._executions.path)
        return attempt._replace(runner=valid_text(self._runner), expected_seconds=self._expected)

    def _change(self, id_: str, state: str, **columns: Any) -> None:
        self._try(lambda: self._executions.change(id_, state, **columns))

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StoreError as error:
            if not self._has_warned:
                self._warn(f"What becomes of the runs cannot be written to `executions`: {error}")
            self._has_warned = True
