"""What passes between a run and whoever started it: events on the way out, the wish to stop on the way in."""

from __future__ import annotations

from threading import Event as Flag
from typing import Literal
from typing import NamedTuple

from scrapdb.running.task import Task

Kind = Literal["started", "cell", "output"]


class Event(NamedTuple):
    """Something that a run tells while it is under way.

    Args:
        task: whose run it is.
        kind: `started` when its kernel is asked for, `cell` when a code cell begins, `output` when one shows something.
        cell: which of its code cells, from 1.
        cells: how many code cells it has.
        text: what was shown, as text.
        place: that cell's index in the notebook, from 0.
    """

    task: Task
    kind: Kind
    cell: int = 0
    cells: int = 0
    text: str = ""
    place: int | None = None


class Stop:
    """The wish that runs end before they are through. It is said once or twice, and never taken back."""

    def __init__(self) -> None:
        self._wanted = Flag()
        self._killed = Flag()

    def interrupt(self) -> None:
        """Have runs end: no further ones begin, those under way are interrupted and have their grace."""
        self._wanted.set()

    def kill(self) -> None:
        """Have runs end at once."""
        self._killed.set()
        self._wanted.set()

    @property
    def interrupted(self) -> bool:
        """Tell whether runs should end."""
        return self._wanted.is_set()

    @property
    def killed(self) -> bool:
        """Tell whether runs should end at once."""
        return self._killed.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until runs should end, at most so many seconds; tell whether they should."""
        return self._wanted.wait(seconds)
