"""log.txt: every cell with its index and time, what it printed, and the end; written while the run goes on."""

from __future__ import annotations

from collections import deque
from datetime import UTC
from datetime import datetime
from io import TextIOBase
from pathlib import Path
from types import TracebackType
from typing import Self

from scrapdb.formats.values import escaped_but_lines
from scrapdb.running.events import Event

_OF_CELL, _IN_ALL = 2**16, 2**21  # characters
_LAST = 20  # lines, for whoever looks for the error


class Log:
    """The log of a report.

    Args:
        path: the file.
        head: of what it is the log; without one it goes on.
    """

    def __init__(self, path: Path, head: str = "") -> None:
        self._file: TextIOBase = path.open("w" if head else "a", encoding="utf-8", errors="backslashreplace")
        self._last: deque[str] = deque(maxlen=_LAST)
        self._left, self._of_cell = _IN_ALL, _OF_CELL
        self._line = ""
        if head:
            self.say(head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def last(self) -> str:
        """The last lines."""
        return "\n".join(self._last)

    def heard(self, event: Event) -> None:
        """Write what a run tells."""
        if event.kind == "started":
            self.say(f"The run begins: {event.cells} cell{'' if event.cells == 1 else 's'}")
        elif event.kind == "cell":
            self._of_cell = _OF_CELL
            self.say(f"Cell {event.place} ({event.cell} of {event.cells})")
        else:
            self._print(event.text)

    def say(self, sentence: str) -> None:
        """Write a sentence of ours, and when."""
        self._flush()
        now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        self._write(f"{now}Z {sentence}".replace("\n", "\n  "))  # no line of a stranger looks like one of ours
        self._file.flush()

    def _print(self, text: str) -> None:
        room = min(self._of_cell, self._left)
        if room <= 0:
            return
        self._of_cell -= len(text)
        self._left -= len(text)
        *lines, self._line = (self._line + text[:room]).split("\n")
        for line in lines:
            self._write(f"  {line}")
        if len(text) > room:
            self._flush()
            self._write("  … what it printed further is left out here.")
        self._file.flush()

    def _flush(self) -> None:
        if self._line:
            self._write(f"  {self._line}")
            self._line = ""

    def _write(self, line: str) -> None:
        plain = escaped_but_lines(line)
        self._last.append(plain)
        self._file.write(f"{plain}\n")
