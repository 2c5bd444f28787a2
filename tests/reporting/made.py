"""Directories of reports as they are left when one was made, and a store of them: what is in it follows from here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scrapdb.database import Database
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt
from tests.notebook_builder import code
from tests.notebook_builder import error
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

HTML = '<!doctype html><html lang="{}"><title>{}</title><h1>{}</h1><p>ürgent</p></html>'
LOG = "12:00:00 cell 1\n12:00:01 cell 2: \x1b[31mred\x1b[0m\n"

TRACE = {
    "name": "UndefinedError",
    "value": "'share' is undefined",
    "file": "template.html",
    "line": 7,
    "source": "6 <p>\n7 {{ share }}\n8 </p>",
}


def report(
    directory: Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    run: Mapping[str, Any] | None = None,
    trace: Mapping[str, Any] | None = None,
    files: Mapping[str, bytes] | None = None,
    **told: Any,
) -> Path:
    """Write the directory of a report; what is `told` is its record, by default that of a good one."""
    record = {"id": directory.name, "bundle": "voltage", "bundle_version": "1.2", "bundle_hash": "e0" * 32}
    record |= {"language": "en", "state": "completed", "made_at": "2026-11-29T12:00:10Z", **told}
    record.setdefault("title", f"Voltage in {record['language']}")
    assigned = "\n".join(f"{name} = {value!r}" for name, value in (parameters or {}).items())
    failure = [error("KeyError", "'l4'", ["Traceback of l4"])] if record["state"] == "error" and trace is None else []
    cells = [code(assigned or "1", tags=("injected-parameters",)), code("glue()", scrap("share", 0.97), *failure)]
    ran: dict[str, Any] = {
        "version": 1,
        "state": "failed" if failure else "completed",
        "wall": "bubblewrap",
        "peak_memory": 2**27,
    }
    ran |= {"started_at": "2026-11-29T12:00:00Z", "ended_at": "2026-11-29T12:00:09Z", "cpu_seconds": 4.5, **(run or {})}
    write(directory / "report.ipynb", notebook(*cells, scrapdb={"run": ran, "report": record}))
    made = {
        "report.html": HTML.format(record["language"], record["title"], record["title"]).encode(),
        "output.json": b'{"share": 0.97}',
        "log.txt": LOG.encode(),
        "report.json": json.dumps({"id": record["id"], "state": record["state"], "trace": trace}).encode(),
    }
    for name, content in (made | dict(files or {})).items():
        (directory / name).write_bytes(content)
    return directory


def queue(store: Path, *asked: Mapping[str, Any], batch: str = "b2") -> None:
    """Queue attempts at reports; of each are told its name, and columns of its attempt."""
    with Executions(store) as executions:
        for number, each in enumerate(asked):
            told = {"id": each["name"], "title": "Voltage", "bundle": "voltage", "language": "en", "state": "queued"}
            told |= {name: each[name] for name in told if name in each and name != "state"}
            attempt = Attempt(
                id=f"{batch}{number:02}",
                batch=batch,
                notebook=f"reports/{each['name']}/report.ipynb",
                parameters='{"site":"south"}',
                queued_at="2026-11-29T13:00:00.000000Z",
                report=json.dumps(told),
            )
            executions.queue([attempt])
            if "state" in each:
                executions.change(attempt.id, each["state"], **each.get("columns", {}))


def build(directory: Path) -> Path:
    """Make a store of reports: two languages of one, one that failed, one of another bundle, some under way."""
    reports = directory / "reports"
    north = {"site": "north", "days": 7}
    report(reports / "voltage-en-1a1a1a1a", parameters=north, pages=["report.html"], run={"id": "00aa", "batch": "b1"})
    report(
        reports / "voltage-ca-2b2b2b2b",
        parameters=north,
        language="ca",
        title="Qualitat de la tensió",
        pages=["report.html", "report.pdf"],
        files={"report.pdf": b"%PDF-1.7 nothing"},
        made_at="2026-11-29T12:00:20Z",
        pushed=["s3://reports/voltage-ca.html"],
    )
    report(
        reports / "voltage-en-3c3c3c3c",
        parameters={"site": "south", "days": 7},
        state="error",
        reason="KeyError: 'l4' in cell 1",
        made_at="2026-11-29T12:00:30Z",
    )
    report(
        reports / "near-high-en-4d4d4d4d",
        bundle="near-high",
        title="Near their high",
        state="error",
        reason="template.html, line 7: 'share' is undefined",
        made_at="2026-11-29T12:00:40Z",
        trace=TRACE,
    )
    write(directory / "plain.ipynb", notebook(code("1", scrap("x", 1))))
    store = directory / "scraps.db"
    Database(store).index(directory)
    queue(
        store,
        {"name": "voltage-en-5e5e5e5e", "state": "running", "columns": {"cell": 2, "cells": 5}},
        {"name": "voltage-ca-6f6f6f6f", "language": "ca"},
        {
            "name": "voltage-de-70707070",
            "language": "de",
            "state": "cancelled",
            "columns": {"reason": "it was stopped"},
        },
    )
    return store
