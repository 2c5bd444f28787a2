"""A store that keeps versions, for the pages that show them: what is in it follows from this file."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from scrapdb.database import Database
from scrapdb.store.upkeep import keep_versions
from scrapdb.store.versions import Retention
from scrapdb.store.write import Writer
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import error
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

HOSTILE = "<script>document.title = 'owned'</script>\"'&"
# Another picture, since nobody looks at what follows the end of this one.
OTHER = base64.b64encode(base64.b64decode(PNG) + b"other").decode()
SCRIPT = "<p>then</p><script>document.body.append('ran')</script>"
Files = dict[str, dict[str, Any] | None]


def frame(rows: int) -> str:
    """A DataFrame of so many rows as it is glued."""
    return base64.b64encode(pd.DataFrame({"x": range(rows)}).to_parquet()).decode()


def a_run(moment: datetime, *outputs: Any, source: str = "glue()", threshold: float = 0.1) -> dict[str, Any]:
    """A notebook whose run ended at a moment."""
    papermill = {
        "start_time": (moment - timedelta(seconds=2)).isoformat(),
        "end_time": moment.isoformat(),
        "duration": 2.0,
        "parameters": {"threshold": threshold},
    }
    return notebook(code(source, *outputs), papermill=papermill)


def nights(now: datetime) -> Iterator[tuple[datetime, Files]]:
    """The notebooks that are written or removed in each of four nights: five, four and three days ago, and just now."""
    first, second, third, last = (now - timedelta(days=days, minutes=1) for days in (5, 4, 3, 0))
    shown = display("chart", {"image/png": PNG, "text/plain": "first"})
    later = display("chart", {"image/png": OTHER, "text/plain": "last"})
    values = [
        scrap("distance", 0.5),
        scrap("width", 8),
        scrap("<b>odd</b>", 1),
        shown,
        scrap("prices", frame(3), "pandas"),
    ]
    yield (
        first,
        {
            "a.ipynb": a_run(first, *values, scrap("late", {"a": 1}), display("page", {"text/html": SCRIPT})),
            "b.ipynb": a_run(first, scrap("value", 4)),
            "c.ipynb": a_run(first, scrap("value", 1)),
            "gone.ipynb": a_run(first, scrap("value", 7)),
            "same.ipynb": a_run(first, scrap("value", 7)),
            f"{HOSTILE.replace('/', '')}.ipynb": a_run(first, scrap(HOSTILE, 1)),
        },
    )
    values = [
        scrap("distance", 0.25),
        scrap("width", 8.0),
        scrap("<b>odd</b>", 2),
        shown,
        scrap("prices", frame(4), "pandas"),
    ]
    yield second, {"a.ipynb": a_run(second, *values)}
    yield (
        third,
        {
            "a.ipynb": a_run(third, scrap("distance", float("nan")), error("KeyError", "'x'")),
            "b.ipynb": a_run(third, scrap("value", 4.5), error("ValueError", "no")),
            f"{HOSTILE.replace('/', '')}.ipynb": a_run(third, scrap(HOSTILE, 2)),
        },
    )
    values = [scrap("distance", 1000), scrap("width", 8), later, scrap("prices", frame(3), "pandas")]
    yield (
        last,
        {
            "a.ipynb": a_run(last, *values, source="glue() # otherwise", threshold=0.2),
            "b.ipynb": a_run(last, scrap("value", 5)),
            "c.ipynb": a_run(last, scrap("value", 3), error("KeyError", "'x'")),
            "new.ipynb": a_run(last, scrap("value", 7)),
            "gone.ipynb": None,
        },
    )


def build(directory: Path) -> Path:
    """Write the nights one by one and index each."""
    store = directory / "scraps.db"
    for moment, files in nights(datetime.now(UTC).replace(tzinfo=None)):
        for name, document in files.items():
            if document is None:
                (directory / "runs" / name).unlink()
            else:
                write(directory / "runs" / name, document, int(moment.timestamp()))
        is_first = not store.exists()
        Database(store).index(directory / "runs")
        if is_first:
            with Writer(store) as writer:
                keep_versions(writer, Retention())
    return store
