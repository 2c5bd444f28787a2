"""Workers as processes beside the one that serves: started, started again when they are gone, and ended with it."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress

_log = logging.getLogger("scrapdb.service")
_LONGEST = 30.0  # seconds before a worker is started again that ends at once, which double each time
_WELL = 60.0  # seconds after which one is thought to have begun well
_GRACE = 20.0  # seconds in which it has to end
_TICK = 0.2


@contextmanager
def running(words: Sequence[str]) -> Iterator[None]:
    """Keep a worker running, a `scrapdb` of these arguments. It ends with this process, however that ends."""
    over = threading.Event()
    thread = threading.Thread(target=_keep, args=([sys.executable, "-m", "scrapdb", *words], over), name="scrapdb-keep")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _keep(command: Sequence[str], over: threading.Event) -> None:
    wait = 1.0
    while not over.is_set():
        began = time.monotonic()
        # It sees by the end of its input that this process is gone. Signals of the terminal are for this one only.
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603 - our own command
        while worker.poll() is None and not over.wait(_TICK):
            pass
        if over.is_set():
            _end(worker)
            return
        wait = 1.0 if time.monotonic() - began > _WELL else min(2 * wait, _LONGEST)
        _log.error("the worker ended with %s; another begins in %.0f s", worker.returncode, wait)
        over.wait(wait)


def _end(worker: subprocess.Popen[bytes]) -> None:
    if worker.stdin:
        with suppress(OSError):
            worker.stdin.close()
    try:
        worker.wait(_GRACE)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
