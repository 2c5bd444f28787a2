"""What gone runners have left is found out, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scrapdb.running.batches.lock import locked
from scrapdb.running.batches.lost import sweep
from scrapdb.store.executions import Executions
from scrapdb.store.readers.executions import Attempt
from tests import notebook_builder as nb
from tests.stores import query

STATES = "SELECT id, state, reason FROM executions ORDER BY rowid"
BEGAN = "2026-11-01T12:00:00.000000Z"


def output(directory: Path, name: str, **record: Any) -> Path:
    path = directory / f"out/{name}.ipynb"
    nb.write(path, nb.notebook(nb.code("'ë'"), scrapdb={"run": {"version": 1, **record}, "else": 1}))
    return path


def record_of(path: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(path.read_text())["metadata"]["scrapdb"]["run"]
    return record


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A store of which a runner is gone: one run had begun, one had ended, one had not begun."""
    output(tmp_path, "begun", id="begun", state="running", started_at=BEGAN)
    output(tmp_path, "ended", id="ended", state="failed", reason="KeyError: 'x'", started_at=BEGAN, ended_at=BEGAN)
    output(tmp_path, "queued", id="earlier", state="completed")
    (tmp_path / "out/half.ipynb").write_text('{"cells": [')
    with Executions(tmp_path / "scraps.db") as executions:
        gone = str(tmp_path / "out/.scrapdb-run.lock")
        executions.queue(
            Attempt(id_, "batch", f"out/{id_}.ipynb", state=state, runner=gone, started_at=began)
            for id_, state, began in [
                ("begun", "running", BEGAN),
                ("ended", "running", BEGAN),
                ("queued", "queued", None),
                ("half", "running", BEGAN),
                ("nowhere", "retrying", None),
            ]
        )
    return tmp_path / "scraps.db"


def test_what_had_not_ended_is_lost(left: Path) -> None:
    out = left.parent / "out"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with locked(str(out), left) as runner, Executions(left) as executions:
        outputs, busy = sweep(executions, runner)
    assert (outputs, busy) == ([str(out / "begun.ipynb"), str(out / "ended.ipynb")], set())
    gone, waiting = "its runner was gone before it ended", "its runner was gone before it began"
    assert query(left, STATES) == [
        ("begun", "lost", gone),
        ("ended", "failed", "KeyError: 'x'"),
        ("queued", "lost", waiting),
        ("half", "lost", gone),
        ("nowhere", "lost", waiting),
    ]
    record = record_of(out / "begun.ipynb")
    assert record == {**record, "state": "lost", "reason": gone, "started_at": BEGAN}
    assert record["ended_at"] > BEGAN
    changed = {path.name for path in out.iterdir() if path.read_bytes() != before.get(path.name)}
    assert changed == {"begun.ipynb"}
    expected = json.loads(before["begun.ipynb"])
    expected["metadata"]["scrapdb"]["run"] = record
    assert json.loads((out / "begun.ipynb").read_text()) == expected


def test_what_another_runner_is_at_is_left_alone(left: Path) -> None:
    out = left.parent / "out"
    with locked(str(out), left), Executions(left) as executions:
        assert sweep(executions, "/elsewhere/.scrapdb-run.lock") == (
            [],
            {f"out/{name}.ipynb" for name in ("begun", "ended", "queued", "half", "nowhere")},
        )
    assert {state for _, state, _ in query(left, STATES)} == {"running", "queued", "retrying"}
    assert record_of(out / "begun.ipynb")["state"] == "running"


def test_a_report_is_lost_whose_pages_were_not_made(left: Path) -> None:
    path = left.parent / "out/ended.ipynb"
    notebook = json.loads(path.read_text())
    notebook["metadata"]["scrapdb"]["report"] = {"id": "ended", "state": "running"}
    path.write_text(json.dumps(notebook))
    with locked(str(path.parent), left) as runner, Executions(left) as executions:
        sweep(executions, runner)
    said = json.loads(path.read_text())["metadata"]["scrapdb"]
    assert said["report"] == {"id": "ended", "state": "lost", "reason": "its runner was gone before it ended"}
    assert said["run"]["reason"] == "KeyError: 'x'"
    assert ("ended", "lost", "its runner was gone before it ended") in query(left, STATES)


def test_what_has_left_a_record_had_begun(left: Path) -> None:
    output(left.parent, "queued", id="queued", state="running", started_at=BEGAN)  # of which the table was not told
    with locked(str(left.parent / "out"), left) as runner, Executions(left) as executions:
        sweep(executions, runner)
    assert ("queued", "lost", "its runner was gone before it ended") in query(left, STATES)
    assert record_of(left.parent / "out/queued.ipynb")["reason"] == "its runner was gone before it ended"
