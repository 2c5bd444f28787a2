"""The numbers of a DataFrame as lines: one small chart for each column, below each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

from scrapdb.charts import plot
from scrapdb.datasette.frames.parquet import Parquet
from scrapdb.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

MOST_POINTS = 2000
_MOST_LINES = 12
_FEW = 100  # points, each of which is marked, so that one between two gaps is seen
_WIDTH, _HEIGHT = 760, 110  # pixels
_ROW = "row"


def specification(
    file: Parquet, columns: Sequence[str], rows: np.ndarray[Any, Any] | None, *, dark: bool = False
) -> dict[str, Any]:
    """Describe the charts of those columns that hold numbers in Vega-Lite, with their data; `rows` None stands for all.

    Raises:
        UsageError: none of the columns holds numbers.
    """
    across = _across(file)
    names = [name for name in columns if file.is_numeric(name) and name != across][:_MOST_LINES]
    if not names:
        raise UsageError("This DataFrame has no column of numbers to draw.")
    numbers = _sample(file.rows if rows is None else len(rows))
    numbers = numbers if rows is None else rows[numbers]
    table = file.take(names if across is None else [across, *names], numbers)
    places = numbers.tolist() if across is None else [_plain(value) for value in table.column(across).to_pylist()]
    axis = _axis(file, across, len(places))
    lines = [
        _line(name, places, [_plain(y) for y in table.column(name).to_pylist()], axis, plot.MARKS[dark])
        for name in names
    ]
    return plot.colored({"vconcat": lines}, dark=dark)


def _across(file: Parquet) -> str | None:
    """Choose what the lines run over: an index of times or numbers, else the number of the row."""
    index = [column.name for column in file.columns if column.is_index]
    if len(index) == 1 and (file.is_numeric(index[0]) or _is_time(file, index[0])):
        return index[0]
    return None


def _is_time(file: Parquet, name: str) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(file.type_of(name)) or pa.types.is_date(file.type_of(name)))


def _axis(file: Parquet, across: str | None, count: int) -> dict[str, Any]:
    title = {"title": across or _ROW}
    if across is not None and _is_time(file, across):
        return {"type": "temporal"} | plot.TIMES | title
    rows = {"axis": plot.whole(count - 1)} if across is None else {}
    return {"type": "quantitative", "scale": {"zero": False, "nice": False}} | title | rows


def _sample(count: int) -> np.ndarray[Any, Any]:
    """Choose rows at even distances, the first and the last among them."""
    import numpy as np

    return np.unique(np.linspace(0, max(0, count - 1), min(count, MOST_POINTS)).round().astype(np.int64))


def _line(name: str, places: Sequence[Any], values: Sequence[Any], axis: dict[str, Any], color: str) -> dict[str, Any]:
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "data": {"values": [{"x": x, "y": y} for x, y in zip(places, values, strict=True)]},
        "mark": {"type": "line", "strokeWidth": 1.3, "color": color, "point": len(values) <= _FEW},
        "encoding": {
            "x": {"field": "x", **axis},
            "y": {"field": "y", "type": "quantitative", "title": name, "scale": plot.off_zero(values)},
        },
    }


def _plain(value: Any) -> Any:
    """Make a value one that JSON has a word for; what has none is a gap in the line."""
    if value is None or isinstance(value, int):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    number = float(value)
    return number if math.isfinite(number) else None
