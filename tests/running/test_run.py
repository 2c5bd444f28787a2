"""`scrapdb.run`, with real kernels."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import scrapdb
from scrapdb.errors import NotebookNotFoundError
from scrapdb.errors import UsageError
from scrapdb.running.run import rows_of
from tests import notebook_builder as nb

GLUE = """\
from IPython.display import display
shown = {"name": "twice", "data": 2 * x, "encoder": "json", "version": 1}
display({"application/scrapbook.scrap.json+json": shown}, raw=True)
assert x < 3, "too large"
"""
SOURCE = nb.notebook(
    {**nb.code("x = 0\nday: 'date' = None", count=None, tags=("parameters",)), "id": "parameters"},
    {**nb.code(GLUE, count=None), "id": "glue"},
    kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"},
)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCRAPDB_DB", raising=False)
    path = tmp_path / "source.ipynb"
    path.write_text(json.dumps(SOURCE))
    return path


def test_runs_are_a_list_of_what_became_of_them(source: Path) -> None:
    runs = scrapdb.run(source, "out", {"x": [1, 2, 3], "day": dt.date(2026, 11, 1)})
    assert [run.state for run in runs] == ["completed", "completed", "failed"]
    assert [run.scraps for run in runs] == [{"twice": 2}, {"twice": 4}, {"twice": 6}]
    assert runs[0].notebook.scraps["twice"].data == 2
    (failed,) = runs.failed
    assert (failed.path, failed.reason) == ("out/3.ipynb", "AssertionError: too large in cell 2")
    assert failed.parameters == {"x": 3, "day": "2026-11-01"}
    assert runs[:2] == (runs[0], runs[1])
    assert str(runs).startswith("3 runs: 2 completed, 1 failed in ")
    assert "AssertionError: too large" in runs._repr_html_()
    frame = runs.to_pandas()
    assert list(frame.columns) == ["notebook", "state", "reason", "seconds", "attempt", "wall", "x", "day"]
    assert frame["x"].tolist() == [1, 2, 3]
    found = scrapdb.open("scraps.db").query("twice > 2", columns="nb.path", sort="nb.path")
    assert list(found.rows()) == [("out/2.ipynb",), ("out/3.ipynb",)]


def test_two_batches_at_once_do_not_end_each_others_kernels(source: Path) -> None:
    notebook = json.loads(source.read_text())
    notebook["cells"].append({**nb.code("import time; time.sleep(x)", count=None), "id": "sleep"})
    source.write_text(json.dumps(notebook))

    def state(x: int) -> str:
        (run,) = scrapdb.run(source, f"out{x}", {"x": x}, db=f"{x}.db")
        return f"{run.state} {run.reason}"

    with ThreadPoolExecutor(2) as pool:
        assert [*pool.map(state, [0, 2])] == ["completed None", "completed None"]


def test_it_runs_where_an_event_loop_does_as_in_jupyter(source: Path) -> None:
    async def cell() -> list[str]:
        frame = pd.DataFrame({"x": [1, 2], "day": [pd.Timestamp("2026-11-01"), None]})
        return [run.state for run in scrapdb.run(source, "out", frame, name="{n}", resume=True)]

    assert asyncio.run(cell()) == ["completed", "completed"]
    found = scrapdb.open("scraps.db").query(columns="nb.path, param.x, param.day", sort="nb.path")
    assert list(found.rows()) == [("out/1.ipynb", 1, "2026-11-01"), ("out/2.ipynb", 2, None)]
    assert asyncio.run(cell()) == []


def test_only_what_is_asked_wrongly_raises(source: Path) -> None:
    with pytest.raises(UsageError, match="did you mean x"):
        scrapdb.run(source, "out", {"xx": 1})
    with pytest.raises(UsageError, match="at least one run at once"):
        scrapdb.run(source, "out", jobs=0)
    with pytest.raises(NotebookNotFoundError):
        scrapdb.run("gone.ipynb", "out")
    assert [path.name for path in source.parent.iterdir()] == ["source.ipynb"]


def test_rows_come_from_dicts_lists_and_frames() -> None:
    assert rows_of(None) == [{}]
    assert rows_of({"a": [1, 2], "b": "xy"}) == [{"a": 1, "b": "xy"}, {"a": 2, "b": "xy"}]
    assert rows_of({"a": range(2), "b": ("x", "y")}, zipped=True) == [{"a": 0, "b": "x"}, {"a": 1, "b": "y"}]
    assert rows_of({"a": [[1, 2]]}) == [{"a": [1, 2]}]
    assert rows_of([{"a": 1}, {"a": 2, "b": None}]) == [{"a": 1}, {"a": 2, "b": None}]
    frame = pd.DataFrame(
        {
            "integer": pd.Series([1, None], dtype="Int64"),
            "number": [np.nan, 0.5],
            "text": ["a", None],
            "time": [pd.Timestamp("2026-11-01 12:00"), pd.NaT],
            "list": [[1], []],
        }
    )
    rows = rows_of(frame)
    assert rows == [
        {"integer": 1, "text": "a", "time": dt.datetime(2026, 11, 1, 12), "list": [1]},  # noqa: DTZ001 - as in the frame
        {"number": 0.5, "list": []},
    ]
    assert [type(value) for value in rows[0].values()] == [int, str, dt.datetime, list]
