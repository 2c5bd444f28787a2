"""How a batch of runs is told on a terminal: a line a run as it ends, and one live line of what runs."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from scrapdb.formats.values import escaped
from scrapdb.formats.values import escaped_but_lines
from scrapdb.running.batches.audience import Audience

if TYPE_CHECKING:
    from scrapdb.running.batches.runs import Run
    from scrapdb.running.events import Event
    from scrapdb.running.task import Task

_CLEAR = "\r\x1b[K"
_NAMED = 3  # runs in the live line
_WIDTH = 12  # of a state, so that seconds stand below each other


class Teller(Audience):
    """Tells on standard error how a batch goes.

    Args:
        directory: where the outputs go, and from which they are named.
        follow: whether to print what runs show, too.
        live: whether there is a line that changes; only on a terminal.
    """

    def __init__(self, directory: str, *, follow: bool = False, live: bool | None = None) -> None:
        self._directory = directory
        self._follow = follow
        self._live = sys.stderr.isatty() if live is None else live
        self._under_way: dict[str, tuple[Event, float]] = {}
        self._seconds: list[float] = []
        self._left = 0
        self._jobs = 1
        self._width = 0
        self._drawn = ""
        self._told: set[str] = set()

    def began(self, tasks: Sequence[Task], expected_seconds: float | None, jobs: int) -> None:
        """Remember how much there is to do."""
        self._left, self._jobs = len(tasks), jobs
        self._seconds = [expected_seconds] if expected_seconds else []
        self._width = max((len(self._name(task.output)) for task in tasks), default=0)

    def heard(self, event: Event) -> None:
        """Remember where a run is, and print what it shows."""
        id_ = event.task.id
        if event.kind == "output":
            if self._follow:
                self._print_output(event)
        else:
            self._under_way[id_] = event, self._under_way.get(id_, (event, time.monotonic()))[1]

    def ended(self, run: Run, again_in: float | None) -> None:
        """Print the line of a run."""
        self._under_way.pop(run.id, None)
        self._left -= again_in is None
        if run.seconds is not None and run.ended_well:
            self._seconds.append(run.seconds)
        self._print(f"{self._name(run.path):<{self._width}}  {run.state:<{_WIDTH}}{_ending(run, again_in)}".rstrip())
        for warning in run.warnings:
            if warning not in self._told:  # many runs of a notebook have the same
                self._told.add(warning)
                self.warned(f"{self._name(run.path)}: {warning}")

    def warned(self, sentence: str) -> None:
        """Print a warning."""
        self._print(f"Warning: {sentence}")

    def ticked(self) -> None:
        """Draw the live line."""
        line = escaped(self.live_line())[: shutil.get_terminal_size().columns - 1] if self._live else ""
        if line != self._drawn:
            _write(f"{_CLEAR}{line}")
            self._drawn = line

    def closed(self) -> None:
        """Take the live line away."""
        if self._drawn:
            _write(_CLEAR)
            self._drawn = ""

    def live_line(self) -> str:
        """Say what is left, what runs, and about how long it takes."""
        under_way = [event for event, _ in self._under_way.values()]
        named = [f"{self._name(event.task.output)}{_cell(event)}" for event in under_way[:_NAMED]]
        more = f" and {len(under_way) - _NAMED} more" if under_way[_NAMED:] else ""
        return f"{self._left:,} left{self._time_left()}: {', '.join(named)}{more}" if self._left else ""

    def _name(self, output: str) -> str:
        below = output.removeprefix(self._directory.rstrip("/") + "/")
        return below.removesuffix(".ipynb")

    def _time_left(self) -> str:
        if not self._seconds:
            return ""
        usual = sum(self._seconds) / len(self._seconds)
        passed = sum(min(time.monotonic() - since, usual) for _, since in self._under_way.values())
        seconds = max(self._left * usual - passed, 0) / min(self._jobs, max(self._left, 1))
        return f", about {_duration(seconds)}"

    def _print_output(self, event: Event) -> None:
        mark = f"{self._name(event.task.output)} [{event.cell}] "
        self._print("\n".join(f"{mark}{line}" for line in event.text.rstrip("\n").split("\n")))

    def _print(self, text: str) -> None:
        self.closed()
        _write(f"{escaped_but_lines(text)}\n")


def _write(text: str) -> None:
    """Write on standard error; that nobody is there any more to read it is no reason to end a batch."""
    with suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _ending(run: Run, again_in: float | None) -> str:
    seconds = "" if run.seconds is None else f"{run.seconds:.1f} s"
    again = "" if again_in is None else f"again in {again_in:.0f} s"
    return "  ".join(part for part in (f"{seconds:>8}", run.reason or "", again) if part)


def _cell(event: Event) -> str:
    return f" (cell {event.cell} of {event.cells})" if event.kind == "cell" else ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
