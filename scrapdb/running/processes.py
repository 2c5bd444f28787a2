"""Processes of kernels, as jupyter_client expects them of `subprocess.Popen`, and what is known when one has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import suppress
from typing import IO
from typing import NamedTuple
from typing import Protocol

from scrapdb.running.inside.confine import RSS_UNIT
from scrapdb.running.walls.place import is_launcher

_SIGNALS = 128  # added by a shell, and by bwrap, to the number of the signal that ended what they ran
BETWEEN = {"bwrap", "setpriv"}  # processes between the one that was started and the kernel


class Ended(NamedTuple):
    """How a kernel ended: by a signal or with a code; bytes of its largest process, seconds of processor time."""

    signal: str | None = None
    code: int | None = None
    peak_memory: int | None = None
    cpu_seconds: float | None = None

    @classmethod
    def of(cls, code: int, peak_memory: int | None = None, cpu_seconds: float | None = None) -> Ended:
        """Make it of the code that Python gives: negative, or beyond 128, for a signal."""
        number = -code if code < 0 else code - _SIGNALS
        name = signal.Signals(number).name if number in set(signal.Signals) else None
        return cls(name, None if name else code, peak_memory, cpu_seconds)


class Kernel(Protocol):
    """A process of a kernel: what `Popen` has of it, and how it ended."""

    pid: int
    ended: Ended | None

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""

    def kill(self) -> None:
        """End the kernel and all that it has started."""

    def roots(self) -> list[int]:
        """Return the processes below which all of its processes are."""


class FreshKernel:
    """A kernel that was started here, perhaps behind a wall.

    Args:
        command: what runs; it ends when this process does.
        env: its environment.
        directory: where it begins.
        log: takes what it writes to its standard streams.
    """

    stdin = stdout = stderr = None

    def __init__(self, command: Sequence[str], env: Mapping[str, str], directory: str, log: IO[bytes]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the kernel that the user asked for
            command, env=env, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        self._lock = threading.Lock()
        self.pid = self._process.pid
        self.ended: Ended | None = None

    def poll(self) -> int | None:
        """Return its exit code if it has ended, and take down what it used."""
        with self._lock:
            if self._process.returncode is None:
                pid, status, usage = os.wait4(self.pid, os.WNOHANG)
                if pid:
                    self._process.returncode = code = os.waitstatus_to_exitcode(status)
                    self.ended = Ended.of(code, usage.ru_maxrss * RSS_UNIT, usage.ru_utime + usage.ru_stime)
            return self._process.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Return its exit code, which `poll` has given before."""
        del timeout
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, or end everything if that is meant."""
        if number == signal.SIGKILL:
            self.kill()
        elif kernel := _kernel_below(self.pid):
            with suppress(ProcessLookupError):
                os.kill(kernel, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel and all that it has started: who keeps it sees to that, and a wall ends with who made it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def roots(self) -> list[int]:
        """Return the process that was started, which has all others below it."""
        return [self.pid]


def _kernel_below(pid: int) -> int | None:
    """Return the first process below one that is neither a wall nor what limits it."""
    import psutil

    try:
        process = psutil.Process(pid)
        while process.name() in BETWEEN or is_launcher(process.cmdline()):
            process = process.children()[0]
    except (psutil.Error, IndexError):
        return None
    return int(process.pid)
