"""Whoever wants to know how a batch goes."""

from __future__ import annotations

from collections.abc import Sequence

from scrapdb.running.batches.runs import Run
from scrapdb.running.events import Event
from scrapdb.running.task import Task


class Audience:
    """Is told how a batch goes, always by the same thread, and says nothing. Others override what they want to hear."""

    def began(self, tasks: Sequence[Task], expected_seconds: float | None, jobs: int) -> None:
        """Hear what is queued, how long such a run took before, and how many are executed at once."""

    def heard(self, event: Event) -> None:
        """Hear of a run under way."""

    def ended(self, run: Run, again_in: float | None) -> None:
        """Hear how an attempt ended, and in how many seconds there is another."""

    def warned(self, sentence: str) -> None:
        """Hear what went wrong beside the runs."""

    def ticked(self) -> None:
        """Hear that the batch goes on, at least twice a second."""
