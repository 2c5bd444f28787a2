"""Axes that characters draw: round numbers, times of UTC, and both where there is little to go by."""

from __future__ import annotations

import math
from datetime import UTC
from datetime import datetime
from datetime import timedelta

import pytest

from scrapdb.charts import ticks


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0, 1], ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        ([-3, 7], ["-4", "-2", "0", "2", "4", "6", "8"]),
        ([0.001, 0.0052], ["0.001", "0.002", "0.003", "0.004", "0.005", "0.006"]),
        ([1_000_000, 5_000_000], ["1000000", "2000000", "3000000", "4000000", "5000000"]),
        ([3, 3], ["1", "2", "3", "4", "5"]),
        ([0, 0], ["-1", "-0.5", "0", "0.5", "1"]),
    ],
)
def test_numbers_are_round_and_none_lies_outside(values: list[float], texts: list[str]) -> None:
    axis = ticks.numbers(values, 5, "n")
    assert [text for _, text in axis.ticks] == texts
    assert axis.low <= min(values) <= max(values) <= axis.high


@pytest.mark.parametrize(
    "values",
    [[-1e299, 1e299], [1e-300, 2e-300], [0, 5e-324], [1e9, 1e9 + 1e-4], [1e16, 1e16 + 2], [-5e-324, 5e-324]],
)
def test_any_number_has_a_place_on_its_axis(values: list[float]) -> None:
    axis = ticks.numbers(values, 5, "n")
    assert all(0 <= axis.share(value) <= 1 for value in values)
    assert math.isfinite(axis.low)
    assert math.isfinite(axis.high)
    assert 1 <= len(axis.ticks) <= 20


def test_counts_begin_at_zero_and_have_no_fractions() -> None:
    axis = ticks.numbers([1, 2], 8, "runs", whole=True)
    assert [text for _, text in axis.ticks] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("first", "span", "texts", "title"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), timedelta(days=4), ["2026-11-01", "2026-11-02"], "t (UTC)"),
        (datetime(2026, 11, 1, 22, tzinfo=UTC), timedelta(hours=1.9), ["22:00", "22:30"], "t (2026-11-01 UTC)"),
        (datetime(2026, 11, 1, 22, tzinfo=UTC), timedelta(hours=12), ["11-02 00:00", "11-02 03:00"], "t (UTC)"),
        (datetime(2026, 11, 1, 0, 0, 1, tzinfo=UTC), timedelta(seconds=20), ["00:00:05"], "t (2026-11-01 UTC)"),
        (datetime(1900, 1, 1, tzinfo=UTC), timedelta(days=36_500), ["19", "19"], "t (UTC)"),
        (datetime(1, 1, 1, tzinfo=UTC), timedelta(days=3_652_000), [], "t (UTC)"),
    ],
)
def test_times_are_told_as_finely_as_they_differ(
    first: datetime, span: timedelta, texts: list[str], title: str
) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    milliseconds = [(moment - epoch).total_seconds() * 1000 for moment in (first, first + span)]
    axis = ticks.times(milliseconds, 5, "t")
    told = [text for _, text in axis.ticks]
    assert axis.title == title
    assert all(any(text.startswith(start) for text in told) for start in texts)
    assert len(told) <= 7
    for place, text in axis.ticks:
        if len(text) == len("2026-11-01"):
            assert (epoch + timedelta(milliseconds=place)).date().isoformat() == text


def test_one_time_is_in_the_middle() -> None:
    axis = ticks.times([86_400_000.0], 5, "t")
    assert axis.share(86_400_000.0) == pytest.approx(0.5)
