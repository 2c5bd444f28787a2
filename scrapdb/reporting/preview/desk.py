"""The desk on which a report is made again and again: one thing at a time, always the newest, until it is closed."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from threading import Thread
from typing import Any
from typing import Protocol

import msgspec

from scrapdb.reporting.preview.shown import Choice
from scrapdb.reporting.preview.shown import Shown

_PATIENCE = 10.0  # seconds in which a run ends that is told to
_KEPT = frozenset({"version", "title", "languages", "choice", "fields"})  # which are told as soon as they are known


class Making(Protocol):
    """Makes what is shown of a bundle as it is now. It is called by one thread, its other methods by any."""

    def __call__(self, choice: Choice | None, tell: Callable[..., None]) -> Shown:
        """Make it.

        Args:
            choice: of whoever looks at it, None before they have chosen.
            tell: takes what is known of it before it is done, by the names of `Shown`.
        """

    def changed(self) -> None:
        """Hear that the bundle has changed."""

    def chosen(self) -> None:
        """Hear that something else is wanted."""

    def close(self) -> None:
        """End what is being made, and begin nothing any more."""


class Desk:
    """Makes a report whenever something has changed, in a thread of its own, and tells all who wait for it."""

    def __init__(self, making: Making) -> None:
        self._making = making
        self._news = Condition()
        self._shown = Shown()
        self._choice: Choice | None = None
        self._due = True
        self._closed = False
        self._thread = Thread(target=self._work, daemon=True)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Work until the end of the block, and then leave nothing behind."""
        self._thread.start()
        try:
            yield
        finally:
            with self._news:
                self._closed = True
                self._news.notify_all()
            self._making.close()
            self._thread.join(_PATIENCE)

    @property
    def shown(self) -> Shown:
        """What is to be seen now."""
        return self._shown

    def after(self, version: int, seconds: float) -> Shown | None:
        """Wait for something newer than a version, and no longer than so many seconds; None if it is over."""
        with self._news:
            self._news.wait_for(lambda: self._closed or self._shown.version != version, seconds)
            return None if self._closed else self._shown

    def changed(self) -> None:
        """Have it made again, since the bundle has changed."""
        with self._news:
            self._due = True
            self._news.notify_all()
        self._making.changed()

    def choose(self, choice: Choice) -> None:
        """Have it made again as somebody wants it."""
        with self._news:
            self._choice = choice
            self._due = True
            self._making.chosen()  # before the next begins, which is none to be ended
            self._news.notify_all()

    def _work(self) -> None:
        while self._is_due():
            made = self._making(self._choice, self._tell)
            if not self._due:  # else somebody has something newer in mind
                self._tell(**{name: getattr(made, name) for name in made.__struct_fields__ if name not in _KEPT})

    def _is_due(self) -> bool:
        with self._news:
            self._news.wait_for(lambda: self._closed or self._due)
            self._due = False
            return not self._closed

    def _tell(self, **told: Any) -> None:
        with self._news:
            self._shown = msgspec.structs.replace(self._shown, version=self._shown.version + 1, **told)
            self._news.notify_all()
