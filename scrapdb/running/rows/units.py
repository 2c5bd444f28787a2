"""Sizes and durations as people write them."""

from __future__ import annotations

import itertools
import re

from scrapdb.errors import UsageError

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgtp]?)(?:i?b)?\s*", re.IGNORECASE)
_PARTS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d|w)", re.IGNORECASE)
_NUMBER = re.compile(r"\s*[0-9]+(?:\.[0-9]+)?\s*")
_PREFIXES = "kmgtp"
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_MOST = 2**63 - 1  # what the kernel's limits can hold


def size(text: str | float) -> int:
    """Read bytes: `1000`, `512M`, `2GB`, `1.5 GiB`. K, M, G, T and P are powers of 1024, as for Docker and systemd.

    Raises:
        UsageError: it is no size, or none that a limit can be.
    """
    match = _SIZE.fullmatch(str(text))
    if not match:
        raise UsageError(f"{text!r} is no size; write bytes like 1000, 512M, 2GB or 1.5GiB.")
    power = _PREFIXES.index(match[2].lower()) + 1 if match[2] else 0
    whole, _, fraction = match[1].partition(".")
    number: int = (int(whole + fraction) << 10 * power) // 10 ** len(fraction)
    if not 0 < number <= _MOST:
        raise UsageError(f"{text!r} is no size for a limit: it is {'too large' if number else 'nothing'}.")
    return number


def duration(text: str | float) -> float:
    """Read seconds: `90`, `90s`, `1.5h`, `1h30m`, `30d`, `2w`.

    Raises:
        UsageError: it is no duration, or none that a limit can be.
    """
    words = str(text).strip()
    parts = _PARTS.findall(words)
    if _NUMBER.fullmatch(words):
        seconds = float(words)
    elif parts and not _PARTS.sub("", words).strip() and _is_falling([unit.lower() for _, unit in parts]):
        seconds = sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts)
    else:
        raise UsageError(f"{text!r} is no duration; write seconds like 90, or 90s, 5m, 1h30m or 30d.")
    if not 0 < seconds <= _MOST:
        raise UsageError(f"{text!r} is no duration for a limit: it is {'too long' if seconds else 'nothing'}.")
    return seconds


def _is_falling(units: list[str]) -> bool:
    """Return whether each unit is smaller than the one before it: 30m1h is a mistake, as is 1h2h."""
    sizes = [_SECONDS[unit] for unit in units]
    return all(one > other for one, other in itertools.pairwise(sizes))
