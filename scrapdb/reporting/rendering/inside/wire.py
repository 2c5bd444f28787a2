"""The end of the conversation that is in the process that renders."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any
from typing import NoReturn

from jinja2 import Undefined

from scrapdb.reporting.rendering import frames
from scrapdb.reporting.rendering.errors import TemplateError
from scrapdb.reporting.rendering.given import Run
from scrapdb.reporting.rendering.inside.row import Row

if TYPE_CHECKING:
    import msgspec


class TooLongError(BaseException):
    """The time is up; nothing on the way catches it."""


class Wire:
    """What this process says, and hears, by a descriptor: the one that its first argument names."""

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = int(sys.argv[1]) if descriptor is None else descriptor

        def row(run: Run) -> Row:
            return Row(run, self.ask)

        self.read_task: Callable[[bytes], frames.Task] = frames.decoder(frames.Task, row)
        self._answered: Callable[[bytes], frames.Answer] = frames.decoder(frames.Answer, row)

    def receive(self) -> bytes:
        """Read a message."""
        (size,) = frames.HEAD.unpack(self._exactly(frames.HEAD.size))
        return self._exactly(size)

    def send(self, message: msgspec.Struct) -> None:
        """Write a message."""
        content = frames.encoded(message)
        view = memoryview(frames.HEAD.pack(len(content)) + content)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Ask for something by name, while the clock stands still.

        Raises:
            TemplateError: it is refused.
        """
        left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
        self.send(frames.Ask(name, frames.packed(_plain(args)), frames.packed(_plain(kwargs))))
        answer = self._answered(self.receive())
        signal.setitimer(signal.ITIMER_REAL, left)
        if answer.error is not None:
            raise TemplateError(answer.error)
        return answer.value

    def _exactly(self, size: int) -> bytes:
        content = bytearray()
        while len(content) < size:
            chunk = os.read(self._descriptor, min(size - len(content), 2**20))
            if not chunk:
                sys.exit("nobody is there any more")
            content += chunk
        return bytes(content)


def _plain(value: Any) -> Any:
    """Write rows of the store as their notebooks, and undo what only templates know."""
    if isinstance(value, Row):
        return value.notebook
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Undefined):
        return str(value)  # which raises
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def start_clock(seconds: float) -> None:
    """Raise TooLongError in so many seconds."""

    def stop(*_: Any) -> NoReturn:
        raise TooLongError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
