"""What many numbers have in common."""

from __future__ import annotations

import statistics
from typing import Any

from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.inside.filters.values import is_missing
from scrapdb.reporting.rendering.inside.filters.values import is_number
from scrapdb.reporting.rendering.inside.filters.values import shown
from scrapdb.reporting.rendering.inside.view import View


def mean(environment: View, values: Any) -> float | None:
    """Return the mean of numbers, without those that are missing; nothing if there are none."""
    del environment
    numbers = _numbers(values, "mean")
    return statistics.fmean(numbers) if numbers else None


def median(environment: View, values: Any) -> float | None:
    """Return the median of numbers, without those that are missing; nothing if there are none."""
    del environment
    numbers = _numbers(values, "median")
    return statistics.median(numbers) if numbers else None


def _numbers(values: Any, name: str) -> list[float]:
    if isinstance(values, str | bytes | dict) or not hasattr(values, "__iter__"):
        raise TemplateError(f"{name}: {shown(values)} is not a list of numbers.")
    numbers = [value for value in values if not is_missing(value)]
    for value in numbers:
        if not is_number(value):
            raise TemplateError(f"{name}: {shown(value)} is not a number.")
    return numbers
