"""What a proof is given: a place, a length, and chance; and how it says that something does not hold, or cannot be."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

Counts = Counter[str]


class DisprovedError(AssertionError):
    """Something that should hold does not: the sentence says what; what proofs share with tests asserts it."""


class NotRunError(Exception):
    """A proof cannot be had here: the words say why, and what it needs."""


class Trial:
    """One run of a proof.

    Args:
        directory: an empty one, for whatever the proof needs.
        seconds: how long it goes on.
        rounds: how often it goes on instead, or None.
        seed: of its chance; the same seed does the same harm, as far as processes let it.
    """

    def __init__(self, directory: Path, seconds: float, rounds: int | None, seed: int) -> None:
        self.directory = directory
        self.random = random.Random(seed)  # noqa: S311 (harm by chance needs no secrets)
        self.seconds = seconds
        self._rounds = rounds

    def rounds(self) -> Iterator[int]:
        """Count the rounds, one at least, until the time or the number is over."""
        deadline = time.monotonic() + self.seconds
        number = 0
        while number == 0 or (time.monotonic() < deadline if self._rounds is None else number < self._rounds):
            yield number
            number += 1

    def part(self, name: str) -> Path:
        """Make a directory of its own."""
        made = self.directory / name
        made.mkdir()
        return made


def claim(holds: object, otherwise: str) -> None:
    """Go on if something holds.

    Raises:
        DisprovedError: it does not.
    """
    if not holds:
        raise DisprovedError(otherwise)
