from __future__ import annotations

from datetime import UTC
from datetime import datetime
from typing import Any

import pytest

from scrapdb.notebooks.times import iso
from tests.notebook_builder import code
from tests.notebook_builder import facts_of

START, END = "2026-11-01T12:00:00.000000Z", "2026-11-01T12:00:02.500000Z"
NOON = 1_793_534_400_000  # START in milliseconds since 1970
NBCLIENT = {
    "iopub.status.busy": "2026-11-01T11:59:59Z",
    "iopub.execute_input": "2026-11-01T12:00:00Z",
    "shell.execute_reply": "2026-11-01T12:00:02.500000Z",
}


def times(metadata: dict[str, Any], **of_cell: Any) -> tuple[str | None, str | None, float | None]:
    facts = facts_of(code("1", **of_cell), **metadata)
    return facts.started_at, facts.ended_at, facts.seconds


def papermill(**keys: Any) -> dict[str, Any]:
    return {"papermill": keys}


@pytest.mark.parametrize(
    ("metadata", "of_cell", "expected"),
    [
        (
            papermill(start_time="2026-11-01T12:00:00+00:00", end_time="2026-11-01T12:00:02.5+00:00", duration=2.4),
            {},
            (START, END, 2.4),
        ),
        (
            papermill(start_time="2026-11-01T14:00:00+02:00", end_time="2026-11-01T14:00:02.5+02:00", duration=3),
            {},
            (START, END, 3.0),
        ),
        (papermill(start_time="2026-11-01T12:00:00", end_time="2026-11-01T12:00:02.5"), {}, (START, END, 2.5)),
        (papermill(start_time="2026-11-01T12:00:00", end_time=None), {}, (START, None, None)),
        (
            {},
            {"papermill": {"start_time": "2026-11-01T12:00:00", "end_time": "2026-11-01T12:00:02.5"}},
            (START, END, 2.5),
        ),
        ({}, {"execution": NBCLIENT}, (START, END, 2.5)),
        (
            {},
            {"ExecuteTime": {"start_time": "2026-11-01T12:00:00Z", "end_time": "2026-11-01 12:00:02.500"}},
            (START, END, 2.5),
        ),
        ({}, {"executionInfo": {"timestamp": NOON + 2500, "elapsed": 2500, "status": "ok"}}, (START, END, 2.5)),
        (papermill(start_time="2026-11-01T12:00:00"), {"execution": NBCLIENT}, (START, END, 2.5)),
        ({}, {}, (None, None, None)),
        (papermill(start_time="soon", end_time=7.5, duration="long"), {}, (None, None, None)),
        (papermill(start_time=[], end_time={}, duration=True), {}, (None, None, None)),
        (papermill(duration=float("nan")), {}, (None, None, None)),
        (papermill(duration=float("inf")), {}, (None, None, None)),
        (papermill(duration=10**400, start_time=10**400, end_time=-(10**30)), {}, (None, None, None)),
        (papermill(start_time="0001-01-01T00:00:00+14:00"), {}, (None, None, None)),
        (papermill(start_time="0999-01-01T00:00:00"), {}, ("0999-01-01T00:00:00.000000Z", None, None)),
        ({}, {"executionInfo": {"timestamp": 10**400, "elapsed": 1}}, (None, None, None)),
        ({}, {"executionInfo": {"timestamp": True, "elapsed": 1}}, (None, None, None)),
        ({}, {"executionInfo": {"timestamp": "x", "elapsed": None}}, (None, None, None)),
    ],
)
def test_times_of_a_run(metadata: dict[str, Any], of_cell: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert times(metadata, **of_cell) == expected


def test_a_run_lasts_from_its_first_cell_to_its_last() -> None:
    def cell(start: str, end: str) -> Any:
        return code("1", papermill={"start_time": f"2026-11-01T12:00:{start}", "end_time": f"2026-11-01T12:00:{end}"})

    facts = facts_of(cell("05", "09"), cell("00", "01"), code("1"))
    assert (facts.started_at, facts.seconds) == (START, 9.0)


def test_times_sort_as_text() -> None:
    moments = [datetime(9, 1, 1, tzinfo=UTC), datetime(999, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, UTC)]
    assert sorted(str(iso(moment)) for moment in moments) == [str(iso(moment)) for moment in moments]
    assert {len(str(iso(moment))) for moment in moments} == {27}
