from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import papermill
import pytest

from scrapdb.notebooks.extract import read_facts
from tests.notebook_builder import code
from tests.notebook_builder import error
from tests.notebook_builder import facts_of
from tests.notebook_builder import markdown
from tests.notebook_builder import notebook
from tests.notebook_builder import output
from tests.notebook_builder import write

ENDED = {"end_time": "2026-11-01T00:00:00"}
BEGAN = {"iopub.status.busy": "2026-11-01T00:00:00Z", "iopub.execute_input": "2026-11-01T00:00:00Z"}


def of_papermill(status: Any, count: int | None = None, *outputs: Any) -> Any:
    return code("1", *outputs, count=count, papermill={"status": status})


def marked(cell: Any, status: str, count: int | None = 1) -> Any:
    mark = {"status": status, "exception": status == "failed", "start_time": "2026-11-01T00:00:00"}
    return {**cell, "execution_count": count, "metadata": {**cell["metadata"], "papermill": mark}}


EXIT = code("sys.exit(0)", error("SystemExit", "0"))
SHOWN = output({"text/plain": "1"})
DONE = {"status": "completed", "exception": False, "start_time": "2026-11-01T00:00:00"}
RUNS = {"end_time": None}
FAILED = {"exception": True, "end_time": "2026-11-01T00:00:00"}


@pytest.mark.parametrize(
    ("status", "cells", "metadata"),
    [
        ("failed", [code("1", error())], {}),
        ("failed", [code("1"), code("2", error()), code("3", count=None)], {}),
        ("failed", [of_papermill("failed", 1)], ENDED),
        ("failed", [code("1")], {"exception": True}),
        ("failed", [of_papermill("running"), code("1", error())], {}),
        ("failed", [code("1", error(), tags=("other",))], {}),
        ("completed", [code("1", error(), tags=("raises-exception",))], {}),
        ("failed", [code("1", error(), tags=("raises-exception",)), code("2", error())], {}),
        ("completed", [code("1")], {"exception": None}),
        ("completed", [code("1")], {"exception": "true"}),
        (
            "running",
            [of_papermill("completed", 1), of_papermill("running", 2), of_papermill("pending")],
            RUNS,
        ),
        ("running", [of_papermill("pending"), of_papermill("pending")], {}),
        ("partial", [of_papermill("completed", 1), of_papermill("pending")], ENDED),
        ("not run", [of_papermill("pending")], ENDED),
        ("not run", [code("1", count=None), code("2", count=None)], {}),
        ("not run", [code("1", count=None), code("", count=None)], {}),
        ("partial", [code("1"), code("2", count=None)], {}),
        ("completed", [code("1"), code("  \n\t\n", count=None)], {}),
        ("completed", [code("1"), code("2", count=None, tags=("skip-execution",))], {}),
        ("completed", [code("1", count=0)], {}),  # Databricks
        ("completed", [code("1", execution={**BEGAN, "shell.execute_reply": "2026-11-01T00:00:01Z"})], {}),
        ("completed", [code("1", execution={**BEGAN, "iopub.status.idle": "2026-11-01T00:00:01Z"})], {}),
        ("partial", [code("1"), code("2", execution=BEGAN)], {}),  # its kernel died
        ("completed", [markdown("text")], {}),
        ("completed", [code("", count=None)], {}),
        ("completed", [], {}),
        ("not run", [of_papermill(["completed"])], {}),
        ("not run", [of_papermill({})], {}),
        ("completed", [code("1"), EXIT, code("2", count=None)], {}),
        ("completed", [code("1", papermill=DONE), marked(EXIT, "failed"), of_papermill("pending")], FAILED),
        ("completed", [code("1"), code("2", error("SystemExit", "")), code("3", count=None)], {}),
        ("failed", [code("1"), code("2", error("SystemExit", "1")), code("3", count=None)], {}),
        ("failed", [code("1"), code("2", error("SystemExit", "None")), code("3", count=None)], {}),
        ("failed", [code("1"), code("2", error("SystemExit", "False"))], {}),
        ("failed", [code("1"), code("2", error("Exit", "0"))], {}),
        ("failed", [EXIT, code("2", error())], {}),
        ("failed", [code("1", *EXIT["outputs"], error())], {}),
        ("failed", [EXIT, of_papermill("failed", 2)], ENDED),
        ("partial", [code("1", count=None), EXIT, code("2", count=None)], {}),
        ("partial", [code("1", *EXIT["outputs"], tags=("raises-exception",)), code("2", count=None)], {}),
        (
            "running",
            [of_papermill("completed", 1), marked(EXIT, "running"), of_papermill("pending")],
            RUNS,
        ),
        ("completed", [code("1", count=None), code("2", SHOWN, count=None)], {}),
        ("completed", [code("1", SHOWN, count=None), code("2", count=None)], {}),
        ("completed", [code("1"), code("2", SHOWN, count=None)], {}),
        ("partial", [code("1"), code("2", SHOWN, count=None), code("3", count=None)], {}),
        ("failed", [code("1", error(), count=None), code("2", count=None)], {}),
        ("completed", [code("1", count=None), marked(EXIT, "failed", count=None), code("2", count=None)], FAILED),
        ("partial", [code("1", SHOWN, count=None, papermill=DONE), of_papermill("pending")], ENDED),
        ("partial", [code("1", SHOWN, count=None, papermill=DONE), of_papermill("completed")], ENDED),  # never started
        ("partial", [code("1", SHOWN, count=None, execution=BEGAN), code("2", SHOWN, count=None)], {}),
        ("partial", [code("1", SHOWN, count=None), code("2", count=None, execution=BEGAN)], {}),
        ("running", [code("1", SHOWN, count=None, papermill=DONE), of_papermill("running")], {}),
    ],
)
def test_first_match_wins(status: str, cells: list[Any], metadata: dict[str, Any]) -> None:
    assert facts_of(*cells, papermill=metadata).status == status


def test_a_failed_run_of_papermill(executed: Callable[[str], Path]) -> None:
    found = read_facts(executed("fails").read_bytes())
    assert found.status == "failed"
    assert found.error is not None
    assert (found.error.name, found.error.value, found.error.cell) == ("KeyError", "'ABC'", 4)
    assert "prices[symbol]" in found.error.traceback
    assert "\x1b" not in found.error.traceback
    assert [scrap.name for scrap in found.scraps] == ["before"]


def test_a_killed_run_is_not_complete_whatever_papermill_says(executed: Callable[[str], Path]) -> None:
    found = read_facts(executed("is_killed").read_bytes())
    assert found.metadata is not None
    assert found.metadata["papermill"]["exception"] is None
    assert found.status == "partial"
    assert [scrap.name for scrap in found.scraps] == ["before"]


@pytest.mark.parametrize("source", ["sys.exit()", "sys.exit(0)", "raise SystemExit(None)", "sys.exit(False)"])
def test_an_exit_ends_a_run_well_if_papermill_says_so(tmp_path: Path, source: str) -> None:
    cells = [
        {**code(line, count=None), "id": place} for place, line in zip("abc", ("import sys", source, "1"), strict=True)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path, run = write(tmp_path / "source.ipynb", notebook(*cells, kernelspec=kernel)), tmp_path / "run.ipynb"
    try:
        papermill.execute_notebook(str(path), str(run), progress_bar=False)
        expected: Any = "completed", None
    except papermill.PapermillExecutionError as error:
        expected = "failed", (error.ename, error.evalue)
    found = read_facts(run.read_bytes())
    assert (found.status, found.error and (found.error.name, found.error.value)) == expected


@pytest.mark.parametrize("name", ["encoders", "fails", "is_killed"])
def test_the_status_stays_without_counts(executed: Callable[[str], Path], name: str) -> None:
    content = executed(name).read_bytes()
    document = json.loads(content)
    for cell in document["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
            for shown in cell["outputs"]:
                shown.pop("execution_count", None)
    assert read_facts(json.dumps(document).encode()).status == read_facts(content).status


@pytest.mark.parametrize("name", ["encoders", "fails"])
def test_the_status_stays_without_counts_and_records(executed: Callable[[str], Path], name: str) -> None:
    content = executed(name).read_bytes()
    document = json.loads(content)
    document["metadata"].pop("papermill")
    for cell in document["cells"]:  # as `nbdev_clean` does
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
    assert read_facts(json.dumps(document).encode()).status == read_facts(content).status
