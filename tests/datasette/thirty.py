"""A store of thirty small runs, whose values follow from their numbers."""

from __future__ import annotations

from pathlib import Path

from scrapdb.database import Database
from tests.notebook_builder import PNG
from tests.notebook_builder import code
from tests.notebook_builder import display
from tests.notebook_builder import notebook
from tests.notebook_builder import scrap
from tests.notebook_builder import write

REPORT = '<b>report</b><script>document.title = "owned"</script>'


def build(directory: Path) -> Path:
    """Glue into nNN.ipynb a distance of NN / 10, one of three symbols, a chart and a report; n29 has no distance."""
    for number in range(30):
        values = [scrap("symbol", "ABC"[number % 3], "text"), scrap("started", f"2026-11-{number % 28 + 1:02}", "text")]
        values += [scrap("distance", number / 10)] if number < 29 else []
        shown = [
            display("chart", {"image/png": PNG, "text/plain": "<Figure>"}),
            display("report", {"text/html": REPORT}),
        ]
        write(directory / f"n{number:02}.ipynb", notebook(code("1", *values, *shown)))
    path = directory / "scraps.db"
    Database(path).index(directory)
    return path
