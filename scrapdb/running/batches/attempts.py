"""Attempts at runs as the table `executions` has them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC
from datetime import datetime
from pathlib import Path

import msgspec

from scrapdb.files.paths import identity
from scrapdb.files.remote import is_url
from scrapdb.notebooks.times import iso
from scrapdb.running.rows.parameters import canonical
from scrapdb.running.task import Task
from scrapdb.store.connection import reading
from scrapdb.store.readers.executions import Attempt
from scrapdb.store.readers.executions import last_of
from scrapdb.text import valid_json
from scrapdb.text import valid_text


def of(task: Task, state: str, store: Path) -> Attempt:
    """Lay out a task as a row of a store; its secrets are not in it."""
    return Attempt(
        id=task.id,
        batch=task.batch,
        notebook=path_in_store(task.output, store),
        source=valid_text(task.notebook),
        parameters=valid_text(canonical(task.parameters)),
        attempt=task.attempt,
        state=state,
        queued_at=now(),
        report=valid_json(msgspec.to_builtins(task.report)) if task.report else None,
    )


def last(store: Path, outputs: Iterable[str]) -> dict[str, Attempt]:
    """Read the last attempt at each output of which a store knows one.

    Raises:
        StoreError: it cannot be read.
    """
    if not store.exists():
        return {}
    by_path = {path_in_store(output, store): output for output in outputs}
    with reading(store) as connection:
        return {by_path[attempt.notebook]: attempt for attempt in last_of(connection, by_path)}


def path_in_store(output: str, store: Path) -> str:
    """Return the path by which a store knows an output, which need not exist yet."""
    if is_url(output):
        return valid_text(output)
    return identity(os.path.realpath(output), os.path.realpath(store.parent))


def now() -> str:
    """Return the time as stores have it."""
    return iso(datetime.now(UTC)) or ""
