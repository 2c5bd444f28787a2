"""Ctrl-C, SIGTERM, and the end of the terminal, while a batch is under way."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals(tell: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Tell of signals, in place of what they did before. Threads other than the main one get none.

    Those that are ignored stay so, as in the background of a shell and below `nohup`.

    Args:
        tell: is called between any two instructions, so that it must take no lock: `queue.SimpleQueue.put` does not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: Any) -> None:
        del frame
        tell(signal.Signals(number))

    heard = [each for each in _SIGNALS if signal.getsignal(each) != signal.SIG_IGN]
    before = {each: signal.signal(each, handle) for each in heard}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler if handler is not None else signal.SIG_DFL)
