from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.facts import Execution
from scrapdb.facts import KeptFile
from scrapdb.facts import Problem
from scrapdb.facts import Report
from scrapdb.notebooks.extract import read_facts
from scrapdb.store.rows import File
from scrapdb.store.rows import rows
from tests.notebook_builder import code
from tests.notebook_builder import content
from tests.notebook_builder import error
from tests.notebook_builder import facts_of
from tests.notebook_builder import notebook
from tests.notebook_builder import output
from tests.notebook_builder import scrap

RECORD: dict[str, Any] = {
    "version": 1,
    "id": "0a",
    "batch": "0b",
    "state": "killed",
    "reason": "memory: 2.0 of 2.0 GB in cell 7",
    "cell": 7,
    "wall": "bubblewrap",
    "limits": {"memory": 2147483648, "timeout": 60.0, "network": False},
    "warm": True,
    "attempt": 2,
    "host": "name",
    "started_at": "2026-11-29T12:00:00.000000Z",
    "ended_at": "2026-11-29T12:01:30.500000Z",
    "peak_memory": 123456,
    "cpu_seconds": 1.2,
    "signal": "SIGKILL",
    "exit_code": None,
    "code_hash": "c0",
    "parameters_hash": "d0",
    "files": [{"path": "out.csv", "bytes": 12, "sha256": "e0"}],
    "warnings": ["It had threads."],
}
SKIP = {"application/vnd.scrapdb.skip+json": {"reason": "no new data"}, "text/plain": "Skipped: no new data"}
EXIT = error("SystemExit", "0")


def recorded(*cells: Any, record: Any = RECORD, **metadata: Any) -> Any:
    return facts_of(*(cells or [code("1")]), scrapdb={"run": record}, **metadata)


def test_the_record_is_read_as_it_was_written() -> None:
    found = recorded(code("1", scrap("x", 1)), code("2", count=None))
    expected = {key: value for key, value in RECORD.items() if key != "version"}
    expected |= {"files": (KeptFile("out.csv", 12, "e0"),), "warnings": ("It had threads.",)}
    assert found.execution == Execution(**expected)
    assert found.status == "killed"
    assert (found.started_at, found.ended_at, found.seconds) == (RECORD["started_at"], RECORD["ended_at"], 90.5)
    assert [scrap_.value for scrap_ in found.scraps] == [1]
    assert found.problems == ()


@pytest.mark.parametrize(
    "state", ["running", "completed", "failed", "timed out", "killed", "skipped", "lost", "cancelled"]
)
@pytest.mark.parametrize("cell", [code("1"), code("1", count=None), code("1", error())], ids=["ran", "waits", "failed"])
def test_the_state_of_a_record_is_the_status(state: str, cell: Any) -> None:
    found = recorded(cell, record={"version": 1, "state": state})
    assert (found.status, found.problems) == (state, ())
    assert found.execution == Execution(state=state)  # type: ignore[arg-type]


def test_papermills_times_come_first() -> None:
    papermill = {"start_time": "2026-11-29T12:00:01Z", "end_time": "2026-11-29T12:00:02Z", "duration": 1.0}
    assert recorded(papermill=papermill).seconds == 1.0
    ended_early = recorded(papermill={"start_time": "2026-11-29T12:00:01Z", "end_time": None})
    assert (ended_early.ended_at, ended_early.seconds) == (RECORD["ended_at"], 89.5)


@pytest.mark.parametrize(
    ("start", "counts"),
    [("2026-11-29T12:01:30.4Z", True), ("2026-11-29T12:01:30.6Z", False), ("2026-11-29T13:01:30.6+01:00", False)],
)
def test_a_record_counts_until_a_cell_is_run_again(start: str, counts: bool) -> None:
    again = code("2", execution={"iopub.execute_input": start, "shell.execute_reply": "2026-11-30T00:00:00Z"})
    found = recorded(code("1"), again)
    assert (found.execution is not None, found.status) == (counts, "killed" if counts else "completed")
    when = "after 2026-11-29T12:01:30.500000Z, when the recorded run ended"
    told = Problem("record", f"Cells were run again {when}; its record does not count.")
    assert found.problems == (() if counts else (told,))


def test_a_record_is_forgotten_when_cells_were_run_that_it_had_not_come_to() -> None:
    pending = {"status": "pending", "start_time": None}
    papermill = {"start_time": "2026-11-29T12:00:00Z", "end_time": None}
    waiting = recorded(code("1"), code("2", count=None, papermill=pending), papermill=papermill)
    assert (waiting.status, waiting.problems) == ("killed", ())
    for record in (RECORD, {"state": "running"}):  # which has no end
        done = recorded(code("1"), code("2", papermill=pending), papermill=papermill, record=record)
        assert (done.status, done.execution) == ("completed", None)
        assert {problem.kind for problem in done.problems} == {"record"}


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ([], "it is no object"),
        ("killed", "it is no object"),
        (None, "it is no object"),
        ({}, "no state is given that a run can have"),
        ({"state": "queued"}, "no state is given that a run can have"),
        ({"state": ["killed"]}, "no state is given that a run can have"),
        ({"state": "unreadable"}, "no state is given that a run can have"),
        ({"version": 2, "state": "killed"}, "this scrapdb knows its version 1 only"),
        ({"version": True, "state": "killed"}, None),
    ],
)
def test_what_is_no_record_is_a_problem(record: Any, why: str | None) -> None:
    found = recorded(record=record)
    told = [problem.message for problem in found.problems if "is left out: " in problem.message]
    assert told == ([f"The record of the run is left out: {why}."] if why else [])
    assert (found.status, found.execution is None) == (("completed", True) if why else ("killed", False))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("cell", -1),
        ("cell", 2**63),
        ("cell", "7"),
        ("cell", True),
        ("reason", 5),
        ("limits", [1]),
        ("limits", {"memory": {"deep": 1}}),
        ("warm", 1),
        ("peak_memory", 1.5),
        ("cpu_seconds", "1"),
        ("cpu_seconds", 10**400),
        ("exit_code", 2**70),
        ("files", "out.csv"),
        ("files", [{"path": "x"}]),
        ("files", [{"path": "x", "bytes": -1}]),
        ("warnings", [1]),
        ("started_at", "yesterday"),
        ("ended_at", {"a": 1}),
        ("ended_at", "9999-99-99"),
    ],
)
def test_a_part_that_is_malformed_is_left_out_and_told(key: str, value: Any) -> None:
    found = recorded(record={**RECORD, key: value})
    without = recorded(record={name: part for name, part in RECORD.items() if name != key})
    assert (found.status, found.execution) == ("killed", without.execution)
    (problem,) = found.problems
    assert (problem.kind, key in problem.message, "left out" in problem.message) == ("record", True, True)


def test_nothing_else_of_ours_in_the_metadata_is_a_record() -> None:
    nothing: list[Any] = [{}, {"x": 1}, [], None, "run"]
    for metadata in nothing:
        found = facts_of(code("1"), scrapdb=metadata)
        assert (found.status, found.execution, found.problems) == ("completed", None, ())


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800\0"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(RECORD, anything)), st.just("killed") | anything)
def test_no_record_is_an_error(parts: dict[str, Any], state: Any) -> None:
    record = {**parts, "state": state}
    document = notebook(code("1"), scrapdb={"run": record})
    found = read_facts(json.dumps(document).encode())
    rows(File("a.ipynb"), found)  # as they go into a store
    assert found.status in ("killed", "completed")
    assert (found.execution is None) <= bool(found.problems)


def test_a_number_that_is_none_is_kept_as_missing() -> None:
    found = recorded(record={"state": "killed", "cpu_seconds": math.nan, "limits": {"timeout": math.inf}})
    assert found.status == "killed"
    (record,) = rows(File("a.ipynb"), found).records
    assert '{"timeout":null}' in record


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"papermill": {"start_time": "2026-11-29T12:00:00Z", "end_time": "2026-11-29T12:00:01Z", "exception": True}},
        {"scrapdb": {"run": {"version": 1, "state": "completed"}}},
    ],
    ids=["jupyter", "papermill", "ours"],
)
def test_a_notebook_that_skipped_itself(metadata: dict[str, Any]) -> None:
    mark: dict[str, Any] = {"papermill": {"status": "failed"}} if "papermill" in metadata else {}
    found = facts_of(code("1"), code("skip()", output(SKIP), EXIT, **mark), code("3", count=None), **metadata)
    assert (found.status, found.error, found.problems) == ("skipped", None, ())
    assert found.execution == Execution(state="skipped", reason="no new data", cell=1)


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ([code("1", output(SKIP)), code("2")], "completed"),  # it caught what ends it
        ([code("1", EXIT), code("2", count=None)], "completed"),
        ([code("1", output(SKIP), EXIT, tags=("raises-exception",)), code("2")], "completed"),
        ([code("1", error()), code("2", output(SKIP), EXIT)], "failed"),
    ],
    ids=["caught", "exit", "may fail", "failed"],
)
def test_a_notebook_that_did_not_skip_itself(cells: list[Any], status: str) -> None:
    found = facts_of(*cells)
    assert (found.status, found.execution) == (status, None)


def test_the_record_of_a_killed_run_is_not_softened() -> None:
    assert recorded(code("1", output(SKIP), EXIT)).execution == recorded(code("1")).execution


@pytest.mark.parametrize("said", [None, [], {}, {"reason": 5}, "no new data", math.nan])
def test_a_malformed_reason_is_none(said: Any) -> None:
    cell = code("1", output({"application/vnd.scrapdb.skip+json": said}), EXIT)
    found = read_facts(content(notebook(cell)))
    assert (found.status, found.execution) == ("skipped", Execution(state="skipped", cell=0))


REPORT: dict[str, Any] = {
    "version": 1,
    "id": "0c",
    "title": "Qualitat de la tensió",
    "bundle": "voltage",
    "bundle_version": "1.2",
    "bundle_hash": "e0",
    "language": "ca",
    "state": "error",
    "reason": "template.html, line 7: 'share' is undefined",
    "pages": ["report.html", "report.pdf"],
    "pushed": ["s3://reports/a.html"],
    "made_at": "2026-11-29T12:02:00.000000Z",
}


def reported(report: Any, **metadata: Any) -> Any:
    return facts_of(code("1"), scrapdb={"report": report, **metadata})


def test_the_record_of_a_report_is_read_as_it_was_written() -> None:
    found = reported(REPORT, run=RECORD)
    expected = {key: value for key, value in REPORT.items() if key != "version"}
    lists = {"pages": ("report.html", "report.pdf"), "pushed": ("s3://reports/a.html",)}
    assert found.report == Report(**expected | lists)
    assert (found.execution, found.status, found.problems) == (recorded().execution, "killed", ())
    (row,) = rows(File("a/report.ipynb"), found).reports
    as_json = {name: json.dumps(REPORT[name], separators=(",", ":")) for name in lists}
    assert row == tuple((expected | as_json)[name] for name in Report.__struct_fields__)


@pytest.mark.parametrize(
    "state", ["queued", "running", "completed", "error", "timed out", "killed", "skipped", "lost", "cancelled"]
)
def test_a_report_may_have_nothing_but_an_id_and_a_state(state: str) -> None:
    found = reported({"id": "0c", "state": state})
    assert (found.report, found.status, found.problems) == (Report(id="0c", state=state), "completed", ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (None, "it is no object"),
        ([REPORT], "it is no object"),
        ("0c", "it is no object"),
        ({**REPORT, "version": 2}, "this scrapdb knows its version 1 only"),
        ({}, "no id is given that a report can have"),
        ({**REPORT, "id": 7}, "no id is given that a report can have"),
        ({**REPORT, "state": "failed"}, "no state is given that a report can have"),
        ({**REPORT, "state": None}, "no state is given that a report can have"),
    ],
)
def test_what_is_no_record_of_a_report_is_told(report: Any, why: str) -> None:
    found = reported(report)
    assert (found.report, found.status) == (None, "completed")
    assert found.problems[-1] == Problem("record", f"The record of the report is left out: {why}.")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("title", ["Voltage"]), ("bundle", 7), ("bundle_version", 1.2), ("language", {}), ("reason", False),
        ("pages", "report.html"), ("pages", [1]), ("pages", {"report.html": 1}), ("pushed", [None]),
        ("made_at", "yesterday"), ("made_at", 7), ("bundle_hash", []),
    ],
)  # fmt: skip
def test_a_part_of_a_report_that_is_malformed_is_left_out_and_told(key: str, value: Any) -> None:
    found = reported({**REPORT, key: value})
    assert found.report == reported({name: part for name, part in REPORT.items() if name != key}).report
    (problem,) = found.problems
    assert problem.message.startswith("The record of the report: ")
    assert (problem.kind, key in problem.message, "left out" in problem.message) == ("record", True, True)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(REPORT, anything)),
    st.just({"id": "0c", "state": "completed"}) | st.dictionaries(st.sampled_from(["id", "state"]), anything),
)
def test_no_record_of_a_report_is_an_error(parts: dict[str, Any], needed: dict[str, Any]) -> None:
    document = notebook(code("1"), scrapdb={"report": {**parts, **needed}})
    found = read_facts(json.dumps(document).encode())
    rows(File("a.ipynb"), found)  # as they go into a store
    assert found.status == "completed"
    assert (found.report is None) <= bool(found.problems)


def test_the_report_of_a_notebook_that_was_run_again_stays() -> None:
    again = code("1", execution={"iopub.execute_input": "2026-11-30T12:00:00Z"})
    found = facts_of(again, scrapdb={"run": RECORD, "report": REPORT})
    assert (found.execution, found.report) == (None, reported(REPORT).report)
