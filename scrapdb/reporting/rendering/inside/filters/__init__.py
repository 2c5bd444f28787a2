"""What templates can do with values: one module for each kind, and one table.

Each takes the environment, then the value; a template calls it as a filter, `price|number`, or `number(price)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import pass_environment

from scrapdb.reporting.rendering.inside.filters import charts
from scrapdb.reporting.rendering.inside.filters import files
from scrapdb.reporting.rendering.inside.filters import lists
from scrapdb.reporting.rendering.inside.filters import pictures
from scrapdb.reporting.rendering.inside.filters import tables

_OURS: dict[str, Callable[..., Any]] = {
    **tables.FORMATS,
    "table": tables.table,
    "image": pictures.image,
    "chart": charts.chart,
    "mean": lists.mean,
    "median": lists.median,
    "static": files.static,
    "static_text": files.static_text,
}
FILTERS: dict[str, Callable[..., Any]] = {name: pass_environment(call) for name, call in _OURS.items()}
