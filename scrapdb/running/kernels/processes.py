"""Processes of kernels, as jupyter_client expects them of `subprocess.Popen`, and what is known when one has ended."""

from __future__ import annotations

import json
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

from scrapdb.running.kernels.walls.place import is_launcher

_TOLD = 1000  # bytes, and more than are ever told
BETWEEN = {"bwrap", "setpriv"}  # processes between the one that was started and the kernel


class Ended(NamedTuple):
    """How a kernel ended: by a signal or with a code; bytes of its largest process, seconds of processor time.

    It is `lost` if who kept it is gone, so that nobody knows.
    """

    signal: str | None = None
    code: int | None = None
    peak_memory: int | None = None
    cpu_seconds: float | None = None
    lost: bool = False

    @classmethod
    def told(cls, code: int, peak: int, cpu: float) -> Ended:
        """Make it of what `inside.keeping` tells."""
        return cls.of(code)._replace(peak_memory=peak, cpu_seconds=cpu)

    @classmethod
    def of(cls, code: int) -> Ended:
        """Make it of the code that Python gives: negative for a signal."""
        name = signal.Signals(-code).name if -code in set(signal.Signals) else None
        return cls(name, None if name else code)


class Kernel(Protocol):
    """A process of a kernel: what `Popen` has of it, and how it ended."""

    pid: int
    ended: Ended | None

    def poll(self) -> int | None:
        """Return its exit code if it has ended."""

    def terminate(self) -> None:
        """Ask the kernel to end."""

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
        handed: descriptors that it has, too.
    """

    stdin = stdout = stderr = None

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        directory: str,
        log: IO[bytes],
        handed: Sequence[int] = (),
    ) -> None:
        self._told, report = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the kernel that the user asked for
                command,
                env=env,
                cwd=directory,
                stdin=report,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=handed,
            )
        except BaseException:
            os.close(self._told)
            raise
        finally:
            os.close(report)
        self._lock = threading.Lock()
        self.pid = self._process.pid
        self.ended: Ended | None = None

    def poll(self) -> int | None:
        """Return its exit code if it has ended, and take down what it used."""
        with self._lock:
            if self._process.returncode is None:
                code = self._process.poll()
                if code is not None:
                    self.ended = self._read() or Ended.of(code)._replace(lost=True)
            return self._process.returncode

    def _read(self) -> Ended | None:
        """Return what its keeper has told, unless that was ended itself."""
        os.set_blocking(self._told, False)
        try:
            return Ended.told(**json.loads(os.read(self._told, _TOLD)))
        except (OSError, ValueError, TypeError):
            return None
        finally:
            os.close(self._told)

    def wait(self, timeout: float | None = None) -> int | None:
        """Return its exit code, which `poll` has given before."""
        del timeout
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel, or end everything if that is meant."""
        import psutil

        if number == signal.SIGKILL:
            self.kill()
        else:
            with suppress(psutil.Error):  # it has ended just now
                _signal_below(self.pid, number)

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


def _signal_below(pid: int, number: int) -> None:
    """Send a signal to what is below a process, past walls and what keeps a kernel in them."""
    import psutil

    for process in psutil.Process(pid).children():
        if process.name() in BETWEEN or is_launcher(process.cmdline()):
            _signal_below(process.pid, number)
        else:
            process.send_signal(number)
