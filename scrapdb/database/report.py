"""A report of a store: what is known of it, and where its files lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scrapdb.database import record
from scrapdb.database.notebook import StoredNotebook
from scrapdb.formats.values import short
from scrapdb.store.connection import reading
from scrapdb.store.readers import executions
from scrapdb.store.readers import reports
from scrapdb.store.readers.executions import Attempt
from scrapdb.text import Named

_OF_NOTEBOOK = ("started_at", "ended_at", "seconds")
_OF_RUN = ("wall", "limits", "peak_memory", "cpu_seconds", "signal", "exit_code", "attempt", "host", "warnings")


class StoredReport:
    """A report, which may be only queued.

    `told` is what is known of every report, `notebook` its notebook, if the store has that yet, `attempt` the run that
    is queued or under way or never got so far, or None, and `source` that of the cell that failed.
    """

    def __init__(self, store: Path, wanted: str) -> None:
        with reading(store) as connection:
            self.told = told = reports.find(connection, wanted)
            self.pages, self.pushed = reports.pages(connection, told)
            attempts = executions.last_of(connection, [told.notebook])
            self.source = reports.failing_source(connection, told)
        self.store = store
        self.notebook = StoredNotebook(store, told.notebook_id) if told.notebook_id is not None else None
        last = attempts[0] if attempts else None
        self.attempt: Attempt | None = last if last and not (told.is_made and last.ended_at) else None

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters by name."""
        if self.notebook and not self.attempt:
            return self.notebook.parameters
        given = json.loads(self.attempt.parameters or "{}") if self.attempt else {}
        return Named(given if isinstance(given, dict) else {})

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield what is known of it as labels and texts for people."""
        told, notebook = self.told, self.notebook
        now = record.progress(self.attempt) if self.attempt and not self.attempt.ended_at else ""
        yield "state", f"{told.state}{f', {now}' if now else ''}"
        for label, text in (("title", told.title), ("bundle", told.bundle), ("language", told.language)):
            if text is not None:
                version = f" {told.bundle_version}" if label == "bundle" and told.bundle_version else ""
                yield label, short(f"{text}{version}")
        if told.reason:
            yield "reason", short(told.reason)
        if told.at:
            yield "when", _time(told.at)
        for name, value in self.parameters.items():
            yield "parameter", f"{short(name)} = {short(value)}"
        if notebook and not self.attempt:
            yield from self._of_run(notebook)
        for label, names in (("page", self.pages), ("pushed", self.pushed)):
            for name in names:
                yield label, short(name)
        yield "notebook", short(told.notebook)

    def _of_run(self, notebook: StoredNotebook) -> Iterator[tuple[str, str]]:
        attributes = notebook.attributes
        if attributes["started_at"]:
            yield "started", _time(attributes["started_at"])
        if attributes["seconds"] is not None:
            yield "took", f"{short(attributes['seconds'])} seconds"
        if notebook.record:
            yield from ((label, text) for label, text in record.lines(notebook.record, None) if label != "reason")

    @property
    def error(self) -> Mapping[str, Any]:
        """The row of its notebook, whose `error_name` and so on tell what ended the run; nothing of one to come."""
        return self.notebook.attributes if self.notebook and not self.attempt else {}

    def to_dict(self) -> dict[str, Any]:
        """Return what is known of it by name, for programs."""
        notebook = None if self.attempt else self.notebook
        run, attributes = (notebook.record or {}, notebook.attributes) if notebook else ({}, {})
        told: dict[str, Any] = {"name": self.told.name} | self.told._asdict()
        shown = {name: part for name, part in told.items() if name not in ("notebook_id", "is_made")}
        shown |= {"parameters": self.parameters, "pages": self.pages, "pushed": self.pushed}
        shown |= {name: attributes.get(name) for name in _OF_NOTEBOOK}
        return shown | {name: run.get(name) for name in _OF_RUN}


def _time(text: str) -> str:
    return f"{short(text)[:19].replace('T', ' ')} UTC"
