"""What `--resume` and `--rerun` pass over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import papermill
import pytest
from msgspec.structs import replace

from scrapdb.errors import UsageError
from scrapdb.running.batches.batch import carry_out
from scrapdb.running.batches.previous import states
from scrapdb.running.batches.request import Request
from scrapdb.running.batches.request import Wanted
from scrapdb.running.batches.request import decided
from tests import notebook_builder as nb
from tests.running.pretending import pretended
from tests.running.pretending import request


def told(asked: Request) -> list[tuple[bool, str]]:
    return [(choice.runs, choice.why) for _, choice in decided(asked)]


ROWS: list[dict[str, Any]] = [
    {"x": 1},
    {"x": 2, "ends": "failed"},
    {"x": 3, "ends": "skipped"},
    {"x": 4, "ends": "killed"},
]


def test_resume_passes_over_what_ended_well_and_has_not_changed(tmp_path: Path) -> None:
    carry_out(request(tmp_path, ROWS), execute=pretended)
    asked = request(tmp_path, [*ROWS, {"x": 5}], resume=True)
    assert told(asked) == [
        (False, "completed, and nothing has changed"),
        (True, "it is failed"),
        (False, "skipped, and nothing has changed"),
        (True, "it is killed"),
        (True, "new"),
    ]
    other = json.dumps(nb.notebook(nb.code("x = 0", tags=("parameters",)), nb.code("x + 2"))).encode()
    assert told(replace(asked, content=other))[0] == (True, "its code has changed")
    text = asked.content.replace(b'"cells": [', b'"cells": [{"cell_type": "markdown", "metadata": {}, "source": []}, ')
    assert told(replace(asked, content=text))[0] == (False, "completed, and nothing has changed")
    wanted = (Wanted(asked.wanted[0].output, {"x": "1"}),)
    assert told(replace(asked, wanted=wanted)) == [(True, "its parameters have changed")]


def test_without_resume_all_run_again(tmp_path: Path) -> None:
    carry_out(request(tmp_path, ROWS), execute=pretended)
    assert told(request(tmp_path, [*ROWS, {"x": 5}])) == [(True, "replaces what is there")] * 4 + [(True, "new")]


def test_what_was_run_again_by_hand_is_no_longer_what_the_record_says(tmp_path: Path) -> None:
    asked = request(tmp_path, [{"x": 1, "ends": "killed"}])
    carry_out(asked, execute=pretended)
    output = Path(asked.wanted[0].output)
    notebook = json.loads(output.read_text())
    for cell in notebook["cells"]:
        times = {"iopub.execute_input": "2099-01-01T00:00:00.000000Z", "shell.execute_reply": "2099-01-01T00:00:01Z"}
        cell |= {"execution_count": 1, "metadata": {**cell["metadata"], "execution": times}}
    output.write_text(json.dumps(notebook))
    assert told(replace(asked, resume=True)) == [(False, "completed, and nothing has changed")]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"x": 2}, (False, "completed, and nothing has changed")),
        ({"x": 3}, (True, "its parameters have changed")),
        ({}, (True, "its parameters have changed")),
    ],
)
def test_outputs_of_papermill_tell_as_much(tmp_path: Path, given: dict[str, Any], expected: tuple[bool, str]) -> None:
    asked = request(tmp_path, [given], resume=True)
    (tmp_path / "out").mkdir()
    papermill.execute_notebook(asked.notebook, asked.wanted[0].output, {"x": 2}, prepare_only=True, progress_bar=False)
    assert told(asked) == [(True, "it is not run")]
    output = Path(asked.wanted[0].output)
    notebook = json.loads(output.read_text())
    notebook["metadata"]["papermill"]["end_time"] = "2026-11-01T12:00:00"
    for cell in notebook["cells"]:
        cell |= {"execution_count": 1}
        cell["metadata"]["papermill"] = {"status": "completed"}
    output.write_text(json.dumps(notebook))
    assert told(asked) == [expected]


def test_rerun_chooses_by_the_last_state(tmp_path: Path) -> None:
    carry_out(request(tmp_path, ROWS), execute=pretended)
    asked = request(tmp_path, [*ROWS, {"x": 5}])
    assert told(replace(asked, rerun=states("failed"))) == [
        (False, "it is completed"),
        (True, "it is failed"),
        (False, "it is skipped"),
        (True, "it is killed"),
        (False, "it never ran"),
    ]
    assert [runs for runs, _ in told(replace(asked, rerun=states("killed,lost")))] == [False, False, False, True, False]


def test_rerun_knows_what_was_cancelled_before_it_began(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"x": 1, "ends": "failed"}, {"x": 2}]
    carry_out(request(tmp_path, rows[1:]), execute=pretended)  # so that 0.ipynb is there, and complete
    carry_out(request(tmp_path, [rows[0], rows[1], rows[1]], fail_fast=True, jobs=1), execute=pretended)
    asked = request(tmp_path, [rows[0], rows[1], rows[1], {"x": 5}], rerun=states("cancelled"))
    assert told(asked) == [
        (False, "it is failed"),
        (True, "it is cancelled"),
        (True, "it is cancelled"),
        (False, "it never ran"),
    ]


def test_without_a_store_the_outputs_tell(tmp_path: Path) -> None:
    asked = request(tmp_path, ROWS, rerun=states("failed"))
    carry_out(replace(asked, rerun=frozenset()), execute=pretended)
    asked.store.unlink()
    assert [runs for runs, _ in told(asked)] == [False, True, False, True]
    assert not asked.store.exists()


def test_states_of_rerun() -> None:
    assert states("failed") == {"failed", "timed out", "killed", "lost", "cancelled"}
    assert states("timed-out, lost") == states(["timed out", "lost"]) == {"timed out", "lost"}
    assert states("") == states(()) == frozenset()
    with pytest.raises(UsageError, match="No run ends as 'completed' here; there are failed"):
        states("completed")
