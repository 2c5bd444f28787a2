"""What a kernel uses that somebody else has started: looked at now and then, since nobody tells when it has ended."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

import psutil

from scrapdb.running.guard import memory_below

_LOOK = 0.25  # seconds
_HIGHEST = re.compile(r"^VmHWM:\s*(\d+) kB", re.MULTILINE)


class Meter:
    """Knows how much memory the processes of a kernel had at once, and their processor time, as far as it was seen."""

    def __init__(self) -> None:
        self.peak_memory: int | None = None
        self.cpu_seconds: float | None = None
        self.process: Popen[bytes] | None = None
        self._over = threading.Event()

    def begin(self, process: object) -> None:
        """Take the process of a kernel; one that runs elsewhere has none."""
        if isinstance(process, Popen):
            self.process = process
            threading.Thread(target=self._watch, name="scrapdb-meter", daemon=True).start()

    def end(self) -> None:
        """Look no more."""
        self._over.set()

    def look(self) -> None:
        """Look at what is used, if there is a kernel."""
        if self.process is None or self.process.returncode is not None:
            return
        pid = self.process.pid
        self.peak_memory = max(self.peak_memory or 0, memory_below([pid]), _highest(pid)) or None
        self.cpu_seconds = max(self.cpu_seconds or 0.0, _cpu_below(pid))

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            self.look()


def _highest(pid: int) -> int:
    """Return the bytes of memory that a process had at most, where the system keeps them (proc(5)); else 0."""
    with suppress(OSError):
        if found := _HIGHEST.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")):
            return int(found[1]) * 1024
    return 0


def _cpu_below(pid: int) -> float:
    """Return the processor time of a process, of those below it and of those that were."""
    total = 0.0
    with suppress(psutil.Error):
        above = psutil.Process(pid)
        for process in (above, *above.children(recursive=True)):
            with suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
                total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total
