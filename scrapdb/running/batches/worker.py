"""What a worker of a cluster does for a runner elsewhere: one run, whose events it sends home, until nobody wants it.

Events go through the scheduler, which keeps some of them: few, short, and without secrets, as `execute` tells them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from typing import TYPE_CHECKING
from typing import Any
from typing import Self

from scrapdb.facts import Execution
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.task import Task
from scrapdb.text import valid_text

if TYPE_CHECKING:
    from distributed import Worker

_PAUSE = 0.5  # seconds between two messages, and between two looks at whether the runner is still there
_MOST_TEXT = 2**16  # characters in a message
_WANTED = {"executing", "long-running"}  # states of a task that somebody waits for
_IDLE = 60.0  # seconds after which the processes are ended that kernels were forked from
_stops: dict[str, Stop] = {}
_lock = threading.Lock()


def identity(dask_worker: Worker) -> str:
    """Return by which name this worker is known, which it has to itself; `Client.run` fills in which it is."""
    return str(dask_worker.id)


def execute_here(task: Task, key: str, worker_id: str, topic: str) -> Execution:
    """Do one run.

    Args:
        task: what to do.
        key: of the run at the scheduler.
        worker_id: the worker that it was sent to. Another one may have taken its address, and must not do it again.
        topic: of its events.
    """
    from distributed import get_worker

    from scrapdb.running.kernels.execute import execute

    worker = get_worker()
    if worker.id != worker_id:
        return Execution(state="lost", reason="its worker was started anew before it ended")
    with _stop(task.id) as stop, _Messages(worker, key, topic, stop, task.id) as messages:
        return execute(task, messages.hear, stop)


def stop_here(id_: str, *, at_once: bool) -> None:
    """End a run before it is through; it may not have begun yet."""
    with _lock:
        stop = _stops.setdefault(id_, Stop())
    if at_once:
        stop.kill()
    stop.interrupt()


@contextmanager
def _stop(id_: str) -> Iterator[Stop]:
    with _lock:
        stop = _stops.setdefault(id_, Stop())
    try:
        yield stop
    finally:
        with _lock:
            del _stops[id_]
        timer = threading.Timer(_IDLE, _close_servers)
        timer.daemon = True
        timer.start()


def _close_servers() -> None:
    from scrapdb.running.kernels import servers

    with _lock:
        if not _stops:
            servers.close()


class _Messages:
    """Sends home what is heard of a run, and ends the run when nobody waits for it any more.

    Args:
        worker: this one.
        key: of the run at the scheduler.
        topic: under which messages are sent.
        stop: ends the run.
        id_: of the run, for the one who gets the messages.
    """

    def __init__(self, worker: Worker, key: str, topic: str, stop: Stop, id_: str) -> None:
        self._worker, self._key, self._topic, self._stop, self._id = worker, key, topic, stop, id_
        self._events: list[tuple[str, int, int, str, int | None]] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="scrapdb-messages", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._send()

    def hear(self, event: Event) -> None:
        """Keep an event until the next message; what one cell shows is joined."""
        kind, cell, text = event.kind, event.cell, valid_text(event.text)
        with self._lock:
            if kind == "output" and self._events and self._events[-1][:2] == (kind, cell):
                text = self._events.pop()[3] + text
            text = text if len(text) <= _MOST_TEXT else f"…{text[-_MOST_TEXT:]}"
            self._events.append((kind, cell, event.cells, text, event.place))

    def _work(self) -> None:
        self._send()
        while not self._over.wait(_PAUSE):
            self._send()
            if not self._is_wanted():
                self._stop.kill()

    def _send(self) -> None:
        with self._lock:
            events, self._events = self._events, []
        if events:
            with suppress(Exception):  # a worker that is being closed
                self._worker.log_event(self._topic, {"id": self._id, "events": events})

    def _is_wanted(self) -> bool:
        """Return whether the scheduler and the runner are still there: with either, what they wanted is forgotten."""
        known: Any = self._worker.state.tasks.get(self._key)
        return self._worker.status.name == "running" and known is not None and known.state in _WANTED
