"""Ctrl-C and SIGTERM while a batch is under way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals(tell: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Tell of signals, in place of what they did before. Threads other than the main one get none.

    Args:
        tell: is called between any two instructions, so that it must take no lock: `queue.SimpleQueue.put` does not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: Any) -> None:
        del frame
        tell(signal.Signals(number))

    before = {each: signal.signal(each, handle) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler if handler is not None else signal.SIG_DFL)
