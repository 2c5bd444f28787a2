from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from scrapdb.facts import Facts
from scrapdb.facts import Problem
from scrapdb.notebooks.extract import read_facts
from tests.notebook_builder import code
from tests.notebook_builder import error
from tests.notebook_builder import facts_of

PAPERMILL = {
    "start_time": "2026-06-04T10:00:00+00:00",
    "end_time": "2026-06-04T10:00:02+00:00",
    "duration": 2.0,
    "parameters": {"a": 1},
    "input_path": "source.ipynb",
}
Run = tuple[str | None, str | None, float | None]
OLD: Run = ("2026-06-04T10:00:00.000000Z", "2026-06-04T10:00:02.000000Z", 2.0)
NEW: Run = ("2026-07-17T09:00:00.000000Z", "2026-07-17T09:00:06.000000Z", 6.0)
KILLED: Run = ("2026-07-17T09:00:00.000000Z", "2026-07-17T09:00:05.000000Z", 5.0)  # in its second cell


def timing(start: Any, end: str | None = None) -> dict[str, Any]:
    return {"iopub.execute_input": start, **({"shell.execute_reply": end} if end else {})}


BEFORE = timing("2026-06-04T10:00:00.100000Z", "2026-06-04T10:00:01.900000Z")
FIRST = timing("2026-07-17T09:00:00Z", "2026-07-17T09:00:05Z")
SECOND = timing("2026-07-17T11:00:05+02:00", "2026-07-17T11:00:06+02:00")
BOTH = timing("2026-07-17T09:00:00Z", "2026-07-17T09:00:06Z")
EXECUTE_TIME = {"start_time": "2026-07-17T09:00:00.000Z", "end_time": "2026-07-17T09:00:06.000Z"}
PENDING = code("1", count=None, papermill={"status": "pending", "start_time": None})


def ran(mark: str, execution: dict[str, Any], *outputs: Any, **more: Any) -> Any:
    record = {"status": mark, "exception": mark == "failed", "duration": 1.0, "start_time": "2026-06-04T10:00:00"}
    return code("1", *outputs, papermill=record, execution=execution, **more)


def run(found: Facts) -> Run:
    return found.started_at, found.ended_at, found.seconds


@pytest.mark.parametrize(
    ("cells", "exception", "status", "expected"),
    [
        ([ran("failed", FIRST), ran("pending", SECOND)], True, "completed", NEW),
        ([ran("completed", FIRST), ran("completed", SECOND)], None, "completed", NEW),
        ([ran("failed", FIRST), ran("pending", SECOND, error())], True, "failed", NEW),
        ([ran("failed", FIRST), ran("pending", timing("2026-07-17T09:00:06Z"))], True, "partial", KILLED),
        ([ran("failed", BEFORE, ExecuteTime=EXECUTE_TIME)], True, "completed", NEW),
        ([ran("failed", BOTH), PENDING], True, "partial", NEW),
        ([ran("failed", FIRST), ran("completed", SECOND), code("", count=None)], True, "completed", NEW),
        ([ran("completed", BEFORE), ran("failed", SECOND)], True, "completed", OLD),
        ([ran("completed", BEFORE), ran("failed", FIRST), PENDING], True, "partial", OLD),
        ([ran("completed", SECOND), ran("failed", BEFORE)], True, "failed", OLD),
        ([ran("completed", SECOND), ran("completed", BEFORE)], True, "failed", OLD),
        ([ran("completed", SECOND), ran("failed", BEFORE, error())], True, "failed", OLD),
    ],
)
def test_cells_that_were_run_again_count(cells: list[Any], exception: bool | None, status: str, expected: Run) -> None:
    found = facts_of(*cells, papermill={**PAPERMILL, "exception": exception})
    assert (found.status, run(found)) == (status, expected)
    assert [problem.kind for problem in found.problems] == ["record"]
    assert found.source == "source.ipynb"
    assert [(parameter.name, parameter.value) for parameter in found.parameters] == [("a", 1)]


@pytest.mark.parametrize(
    ("cells", "status", "expected"),
    [
        ([ran("completed", FIRST), ran("running", SECOND), PENDING], "running", None),
        ([ran("completed", FIRST), ran("running", FIRST), ran("pending", SECOND)], "completed", NEW),
        ([ran("completed", FIRST), ran("running", SECOND)], "completed", NEW),
        ([ran("completed", BEFORE), ran("running", FIRST), ran("pending", SECOND)], "completed", (*OLD[:2], 2.0)),
        (
            [ran("completed", BEFORE), ran("running", FIRST), ran("pending", SECOND), PENDING],
            "partial",
            (*OLD[:2], 2.0),
        ),
        ([ran("completed", BEFORE), ran("running", timing("2026-06-04T10:00:02Z"))], "running", None),
        ([ran("completed", BEFORE), ran("running", {}), PENDING], "running", None),
    ],
)
def test_cells_that_were_run_after_papermill_was_killed(cells: list[Any], status: str, expected: Run | None) -> None:
    record = {**PAPERMILL, "end_time": None, "duration": None}
    cells[0]["metadata"]["papermill"]["end_time"] = "2026-06-04T10:00:02"
    found = facts_of(*cells, papermill=record)
    assert found.status == status
    assert expected is None or run(found) == expected
    assert [problem.kind for problem in found.problems] == ([] if expected is None else ["record"])


@pytest.mark.parametrize(
    ("cells", "status", "expected"),
    [
        ([ran("failed", {}), ran("pending", {})], "completed", (None, None, None)),
        ([ran("completed", {}), ran("failed", {}), ran("pending", {})], "completed", OLD),
        ([ran("completed", {}), ran("failed", {}), ran("pending", {}), PENDING], "partial", OLD),
        ([ran("completed", {}), ran("failed", {}, error()), ran("pending", {})], "failed", OLD),
        ([ran("completed", BEFORE), ran("failed", BEFORE), ran("pending", {})], "failed", OLD),
    ],
)
def test_without_times_it_is_told_by_the_cells_that_papermill_had_not_come_to(
    cells: list[Any], status: str, expected: Run
) -> None:
    found = facts_of(*cells, papermill={**PAPERMILL, "exception": True})
    assert (found.status, run(found)) == (status, expected)
    assert [problem.kind for problem in found.problems] == ["record"]


def test_the_problem_says_how_many() -> None:
    message = "Cells were run again after 2026-06-04T10:00:02.000000Z, when the run ended that papermill recorded:"
    rest = "of those that ran. What they say counts, and not its record."
    assert facts_of(ran("completed", FIRST), papermill=PAPERMILL).problems == (
        Problem("record", f"{message} all {rest}"),
    )
    assert facts_of(ran("completed", BEFORE), ran("failed", FIRST), papermill=PAPERMILL).problems == (
        Problem("record", f"{message} 1 of 2 {rest}"),
    )


def test_a_cell_that_was_run_again_has_its_own_seconds() -> None:
    found = facts_of(ran("completed", BEFORE), ran("failed", FIRST), papermill=PAPERMILL)
    assert [cell.seconds for cell in found.code] == [1.0, 5.0]


@pytest.mark.parametrize(
    "execution",
    [
        BEFORE,
        timing("2026-06-04T10:00:02Z"),
        timing("2026-06-04T10:00:02.000000Z"),
        timing("2026-06-04T12:00:01.5+02:00", "2026-06-04T12:00:02+02:00"),
        timing("soon", "later"),
        timing(["2026-07-17T09:00:00Z"]),
        {},
    ],
)
def test_cells_of_the_run_itself_leave_the_record_as_it_is(execution: dict[str, Any]) -> None:
    found = facts_of(ran("completed", execution), papermill=PAPERMILL)
    assert (run(found), found.problems) == (OLD, ())


@pytest.mark.parametrize("name", ["fails", "encoders", "is_killed"])
def test_a_run_of_papermill_is_as_papermill_recorded_it(executed: Callable[[str], Path], name: str) -> None:
    content = executed(name).read_bytes()
    recorded = json.loads(content)["metadata"]["papermill"]
    found = read_facts(content)
    assert found.seconds == recorded["duration"]
    assert [problem for problem in found.problems if problem.kind == "record"] == []


def test_a_failed_notebook_that_was_mended_and_run_again(executed: Callable[[str], Path]) -> None:
    node: Any = nbformat.reads(executed("fails").read_text(), 4)
    for cell in node.cells:
        cell.source = cell.source.replace("prices[symbol]", "len(prices)")
    nbclient.NotebookClient(node).execute()
    found = read_facts(nbformat.writes(node).encode())
    timings = [cell.metadata.execution for cell in node.cells if cell.cell_type == "code"]
    assert node.metadata.papermill.exception is True
    assert (found.status, found.error) == ("completed", None)
    assert found.started_at == min(each["iopub.execute_input"] for each in timings)
    assert found.ended_at == max(each["shell.execute_reply"] for each in timings)
    assert "record" in [problem.kind for problem in found.problems]
