"""How sending can go wrong: for now, for good, or so that nobody knows."""

from __future__ import annotations

from scrapdb.errors import ScrapdbError


class NotSentError(ScrapdbError):
    """It did not arrive, and will not: the address is wrong, or who has it refuses."""


class NotNowError(ScrapdbError):
    """It did not arrive, but may the next time; `seconds` says when, if the other side does."""

    def __init__(self, sentence: str, seconds: float | None = None) -> None:
        super().__init__(sentence)
        self.seconds = seconds


class UnsureError(ScrapdbError):
    """It was handed over, and the connection was lost before the other side said that it has it."""
