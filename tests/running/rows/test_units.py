from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrapdb.errors import UsageError
from scrapdb.running.rows import units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1000", 1000),
        (1000, 1000),
        ("512M", 512 * 2**20),
        ("512 MB", 512 * 2**20),
        ("2GB", 2**31),
        ("2g", 2**31),
        ("1GiB", 2**30),
        ("1.5 GiB", 3 * 2**29),
        ("0.1k", 102),
        ("8P", 2**53),
        ("7b", 7),
        (9007199254740993, 9007199254740993),
        (2.0, 2),
    ],
)
def test_sizes(text: Any, expected: int) -> None:
    assert units.size(text) == expected


@pytest.mark.parametrize(
    "text", ["", "big", "2 apples", "-1", "1e9", "0", "0.1", "2GBB", "GB", "1_000", "9" * 30, None]
)
def test_what_is_no_size(text: Any) -> None:
    with pytest.raises(UsageError, match="is no size"):
        units.size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90.0),
        (90, 90.0),
        (0.5, 0.5),
        ("90s", 90.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1h 30m 5s", 5405.0),
        ("1.5h", 5400.0),
        ("30d", 2_592_000.0),
        ("2w", 1_209_600.0),
        ("500ms", 0.5),
        ("1D", 86_400.0),
    ],
)
def test_durations(text: Any, expected: float) -> None:
    assert units.duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "5x", "-5", "0", "0s", "5m 3", "30m1h", "1h2h", "m", "1e3", "9" * 40, None]
)
def test_what_is_no_duration(text: Any) -> None:
    with pytest.raises(UsageError, match="is no duration"):
        units.duration(text)


@given(st.integers(1, 2**40), st.sampled_from(["K", "M"]))
def test_sizes_are_exact(number: int, prefix: str) -> None:
    assert units.size(f"{number}{prefix}") == number * {"K": 2**10, "M": 2**20}[prefix]
