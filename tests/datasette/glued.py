"""A store for the pages of frames, notebooks, comparisons and problems: what is in it follows from this file."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from scrapdb.database import Database
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

ROWS = 20_000
SCRIPT = "<script>document.body.append('ran')</script>"
PLOTLY = "application/vnd.plotly.v1+json"


def large() -> pd.DataFrame:
    """A frame that goes into a sidecar: times as index, numbers with gaps, text."""
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "close": random.normal(100, 10, ROWS).round(6),
            "volume": random.integers(0, 50, ROWS),
            "venue": random.choice(["NYSE", "XETRA", "<b>Tokyo</b>"], ROWS),
            "ok": random.random(ROWS) > 0.5,
        },
        index=pd.date_range("2026-01-01", periods=ROWS, freq="min", name="time"),
    )
    frame.loc[frame.index[100:200], "close"] = None
    return frame


def small() -> pd.DataFrame:
    """A frame that stays in the database, with one column of each odd kind."""
    return pd.DataFrame(
        {
            "day": pd.to_datetime(["2026-11-01", "2026-11-02"]),
            "items": [[1, 2], [3]],
            "nested": [{"key": {"deep": "<i>"}}] * 2,
            "json": ['{"inner": [7]}', "no json"],
            "long": ["word " * 200, "short"],
            "bytes": [b"abc", None],
            "number": [float("nan"), 2.5],
            "wait": pd.to_timedelta(["1h", "2h"]),
        }
    )


def glued_frame(name: str, frame: pd.DataFrame, **options: Any) -> tuple[dict[str, Any], str]:
    """Glue a frame; gives the output, and the SHA-256 of its parquet file. Options are those of `to_parquet`."""
    content = frame.to_parquet(**options)
    return scrap(name, base64.b64encode(content).decode(), "pandas"), hashlib.sha256(content).hexdigest()


def hash_of(frame: pd.DataFrame) -> str:
    return glued_frame("any", frame)[1]


def page(name: str, /, **parameters: Any) -> str:
    """Give the address of a page of the store."""
    return f"/-/scrapdb/scraps/{name}?{urlencode(parameters, doseq=True)}"


def build(directory: Path) -> Path:
    """Write runs 0 to 2 of one code, two failed ones, an odd one and a damaged file, and index them."""
    for number in range(3):
        write(directory / f"run{number}.ipynb", _run(number))
    for name in ("KeyError", "ValueError"):
        failed = code(
            "1 / 0", scrap("partial", 1), error(name, f"'{name} <b>'", ["\x1b[31mTraceback\x1b[0m", "line 2"])
        )
        write(directory / f"{name}.ipynb", notebook(failed, papermill=_times(9)))
    repeated = [scrap("x", number) for number in range(150)]
    write(directory / "odd.ipynb", notebook(code("odd", *repeated, scrap("f", "!!", "pandas"))))
    write(directory / "damaged.ipynb", b'{"cells": [')
    path = directory / "scraps.db"
    Database(path).index(directory)
    return path


def _times(day: int) -> dict[str, Any]:
    start = f"2026-11-{day + 1:02}T10:00:00"
    return {"parameters": {"symbol": "ABC"[day % 3]}, "start_time": start, "end_time": start, "duration": 10.0 + day}


def _run(number: int) -> dict[str, Any]:
    frames = [glued_frame("small", small())[0], glued_frame("prices", large().head(ROWS - number))[0]]
    values = [
        scrap("distance", 0.5 + number),
        scrap("config", {"depth": number, "layers": [8, 8]}),
        scrap("same", "equal"),
        scrap("summary", f"The model needed {number} steps to get where the previous one was after fifty", "text"),
    ]
    displays = [
        display("chart", {"image/png": PNG, "text/plain": "<Figure>"}),
        display("table", {"text/html": f"<table><tr><td>{number}</td></tr></table>"}),
        display("scripted", {"text/html": f"<p>quiet</p>{SCRIPT}"}),
        display("both", {"image/png": PNG, "text/html": f"<p>live</p>{SCRIPT}", PLOTLY: {"data": [number]}}),
        display("plotly", {PLOTLY: {"data": [number]}, "text/plain": "Figure()"}),
        display("javascript", {"application/javascript": "element.append('</script><b>ran')"}),
        display("pdf", {"application/pdf": base64.b64encode(b"%PDF-1.7").decode()}),
    ]
    cells = [
        code("glue(<values>)", *values, *frames, papermill={"duration": 1.25}),
        code("show()", *displays, count=2, papermill={"duration": 2.5}),
    ]
    cells[0]["id"], cells[1]["id"] = "gluing", "showing"
    return notebook(*cells, papermill=_times(number), kernelspec={"name": "python3"})
