from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scrapdb.notebooks.extract import read_facts
from tests.notebook_builder import code
from tests.notebook_builder import error
from tests.notebook_builder import facts_of
from tests.notebook_builder import markdown

ENDED = {"end_time": "2026-11-01T00:00:00"}
BEGAN = {"iopub.status.busy": "2026-11-01T00:00:00Z", "iopub.execute_input": "2026-11-01T00:00:00Z"}


def papermill(status: Any, count: int | None = None, *outputs: Any) -> Any:
    return code("1", *outputs, count=count, papermill={"status": status})


@pytest.mark.parametrize(
    ("status", "cells", "metadata"),
    [
        ("failed", [code("1", error())], {}),
        ("failed", [code("1"), code("2", error()), code("3", count=None)], {}),
        ("failed", [papermill("failed", 1)], ENDED),
        ("failed", [code("1")], {"exception": True}),
        ("failed", [papermill("running"), code("1", error())], {}),
        ("failed", [code("1", error(), tags=("other",))], {}),
        ("completed", [code("1", error(), tags=("raises-exception",))], {}),
        ("failed", [code("1", error(), tags=("raises-exception",)), code("2", error())], {}),
        ("completed", [code("1")], {"exception": None}),
        ("completed", [code("1")], {"exception": "true"}),
        ("running", [papermill("completed", 1), papermill("running", 2), papermill("pending")], {"end_time": None}),
        ("running", [papermill("pending"), papermill("pending")], {}),
        ("partial", [papermill("completed", 1), papermill("pending")], ENDED),
        ("not run", [papermill("pending")], ENDED),
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
        ("not run", [papermill(["completed"])], {}),
        ("not run", [papermill({})], {}),
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
