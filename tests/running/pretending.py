"""Runs without kernels: what a batch does with them is the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scrapdb.facts import Execution
from scrapdb.notebooks.extract import read_facts
from scrapdb.running.batches.attempts import now
from scrapdb.running.batches.request import Request
from scrapdb.running.batches.request import Wanted
from scrapdb.running.events import Event
from scrapdb.running.events import Stop
from scrapdb.running.rows.parameters import hashed
from scrapdb.running.task import Task
from tests import notebook_builder as nb

SOURCE = nb.notebook(
    {**nb.code("x = 0", count=None, tags=("parameters",)), "id": "parameters"},
    {**nb.code("x + 1", count=None), "id": "code"},
    kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
)


def request(directory: Path, rows: Sequence[Mapping[str, Any]], *, out: str = "out", **more: Any) -> Request:
    """Ask for runs of a notebook in a directory, into another one in it: 0.ipynb, 1.ipynb and so on."""
    source = directory / "source.ipynb"
    if not source.exists():
        source.write_text(json.dumps(SOURCE))
    return Request(
        notebook=str(source),
        content=source.read_bytes(),
        directory=str(directory / out),
        store=directory / "scraps.db",
        wanted=tuple(Wanted(str(directory / out / f"{number}.ipynb"), dict(row)) for number, row in enumerate(rows)),
        **more,
    )


def pretended(task: Task, watch: Callable[[Event], None], stop: Stop) -> Execution:
    """Write the output of a run without executing anything.

    The parameter `ends` is the state, `takes` the seconds, and `well_from` the attempt from which on it completes.
    """
    given, began = task.parameters, now()
    watch(Event(task, "started", cells=2))
    _write(task, {"state": "running", "id": task.id, "started_at": began})
    watch(Event(task, "cell", 1, 2))
    watch(Event(task, "output", 1, 2, "hello\n"))
    stop.wait(given.get("takes", 0))
    state = "completed" if task.attempt >= given.get("well_from", 99) else given.get("ends", "completed")
    state = "cancelled" if stop.interrupted else state
    record: dict[str, Any] = {
        "state": state,
        "id": task.id,
        "started_at": began,
        "ended_at": now(),
        "wall": "none",
        "batch": task.batch,
    }
    record |= {"code_hash": read_facts(task.content).code_hash, "parameters_hash": hashed(given)}
    record |= {"reason": None if state == "completed" else "as it was told", "attempt": task.attempt}
    _write(task, record)
    return Execution(**record)


def _write(task: Task, record: Mapping[str, Any]) -> None:
    notebook = json.loads(task.content)
    notebook["metadata"]["papermill"] = {"input_path": task.notebook, "parameters": task.parameters}
    notebook["metadata"]["scrapdb"] = {"run": {"version": 1, **record}}
    path = Path(task.output)
    new = path.with_name(f".{path.name}.new")
    new.parent.mkdir(parents=True, exist_ok=True)
    new.write_text(json.dumps(notebook))
    new.replace(path)
